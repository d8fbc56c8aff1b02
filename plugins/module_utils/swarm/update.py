# SPDX-License-Identifier: Apache-2.0
"""Bring one swarm service to a digest, follow that to its true end, and go back where it does not come up.

Holds no state of its own: what is going on is read from the swarm each time, so that another manager, or the
next run, goes on where this one was cut off. Every write names the version of the service that it was decided
on, so it cannot undo what somebody else did in between.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Callable, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils import labels
from ansible_collections.registry.docker_updater.plugins.module_utils.moves import concerns, moved, with_tag
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import (
    FAILED,
    ROLLBACK_FAILED,
    ROLLED_BACK,
    SKIPPED,
    SUPERSEDED,
    UNCHANGED,
    UPDATED,
    has_log,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.references import (
    InvalidReference,
    Reference,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.stages import LOOKED, PROVEN, SENT
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions import (
    spec as swarm_spec,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions import (
    watch as swarm_watch,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions.changes import (
    Auth,
    Move,
    Platforms,
    Service,
    Superseded,
    backward,
    forward,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions.sight import (
    Sight,
    tasks_up,
    telling,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.engine import (
    Lost,
    Refused,
    SwarmEngine,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.request import Report, Request

_NOT_UP = (swarm_watch.PAUSED, swarm_watch.LATE, swarm_watch.ROLLED_BACK)

# An outcome and its message.
Ending = Tuple[str, str]


class ServiceUpdate:
    """One update of one service.

    ``say`` is told the progress; ``credentials`` finds those of a registry host, and may raise :class:`Refused`.
    """

    def __init__(
        self,
        swarm: SwarmEngine,
        request: Request,
        credentials: Callable[[str], Auth],
        say: Callable[[str], None],
    ) -> None:
        self._swarm, self._request, self._credentials, self._say = swarm, request, credentials, say
        self._report = Report()
        self._wanted = ""
        self._auth: Auth = None
        # The spec's platforms before, and how many tasks are enough after going back; None asks for all.
        self._platforms_before: Platforms = []
        self._enough: Optional[int] = None

    def run(self) -> Report:
        """Do it, or only look. Raises nothing that an engine or a person causes."""
        report = self._report
        try:
            report.outcome, report.message = self._run()
        except Superseded as reason:
            report.outcome, report.message = SUPERSEDED, f"{reason}. That was respected"
        except Refused as reason:
            left = "" if report.changed else ". The service was left as it is"
            report.outcome, report.message = FAILED, f"{reason}{left}"
        except Lost as reason:
            report.outcome, report.lost = FAILED, True
            report.message = (
                f"{reason}. What becomes of the service cannot be seen from here; look again later"
            )
        if not has_log(report.outcome):
            report.log = []
        return report

    def _run(self) -> Ending:
        service = self._swarm.service()
        spec, report = service["Spec"], self._report
        report.stages[LOOKED] = time.monotonic()
        report.id, report.name = service["ID"], spec.get("Name", "")
        report.image = report.before = report.after = image = swarm_spec.image_of(spec)
        self._platforms_before = swarm_spec.platforms_of(spec)
        if swarm_spec.is_job(service["Spec"]) and not labels.says_yes(
            (spec.get("Labels") or {}).get(labels.JOBS, "")
        ):
            return SKIPPED, f"updating a job runs it again, which needs the label {labels.JOBS}: true"
        reference = self._reference(image)
        tag = self._request.pushed.tag
        self._wanted = f"{with_tag(image, reference, tag)}@{self._request.digest}"
        if image == self._wanted:
            return self._go_on(service)
        if self._request.found_image not in ("", image):
            raise Superseded(f"somebody changed the image from {self._request.found_image} to {image}")
        if self._went_back(service):
            if self._request.check_only:
                return "", "the service is being rolled back"
            self._keep_log(self._swarm.look())
            return self._await_rollback("the update did not come up and was rolled back")
        return self._update(service, reference)

    def _update(self, service: Service, reference: Reference) -> Ending:
        self._auth = self._credentials(reference.host)
        platforms = self._platforms(reference)
        report, spec = self._report, service["Spec"]
        new = swarm_spec.with_image(spec, self._wanted, platforms or self._platforms_before)
        report.diff = {"before": swarm_spec.summary(spec), "after": swarm_spec.summary(new)}
        report.changed = True
        if self._request.check_only:
            return "", f"would be updated to {self._wanted}"
        if reference.digest is None:
            report.warnings.append(
                f"{report.before} had no digest, so to go back is to whatever the tag names then"
            )
        sight = self._swarm.look()
        self._enough = None if swarm_watch.is_up(sight) else tasks_up(sight)
        self._say(f"updating to {self._wanted}")
        report.changed = False
        move = self._move(platforms)
        report.warnings += self._swarm.send(lambda now: forward(now, move))
        report.changed = True
        report.stages[SENT] = time.monotonic()
        return self._await(service, go_back_to=report.before)

    def _go_on(self, service: Service) -> Ending:
        """Do what is left where the spec has the digest: nothing, or to follow an update that was cut off."""
        found = self._request.found_image
        begun_in_this_run = found not in ("", self._wanted)
        sight = self._swarm.look()
        proven = swarm_watch.is_proven(sight, self._wanted)
        if not begun_in_this_run and (proven or swarm_spec.is_job(service["Spec"])):
            return UNCHANGED, "the service has the digest, and nothing is left to do"
        previous = service.get("PreviousSpec") or {}
        cut_off = swarm_watch.is_active(sight) and swarm_spec.differ_only_in_image(service["Spec"], previous)
        if self._request.check_only:
            return "", "the service has the digest, and is not up yet"
        if not (begun_in_this_run or cut_off):
            return self._await(service, go_back_to="")
        self._report.before = found if begun_in_this_run else swarm_spec.image_of(previous)
        self._platforms_before = swarm_spec.platforms_of(previous) or self._platforms_before
        self._report.changed = True
        self._auth = self._credentials(Reference.parse(self._wanted).host)
        self._say(f"going on with the update to {self._wanted} that was begun before")
        return self._await(service, go_back_to=self._report.before)

    def _await(self, service: Service, go_back_to: str) -> Ending:
        """Follow the update, and roll it back to ``go_back_to`` when it fails; empty for one that is not ours."""
        verdict = self._follow(self._wanted, "UpdateConfig", go_back_to)
        why = verdict.text
        if verdict.state == swarm_watch.CONVERGED:
            self._report.stages[PROVEN] = time.monotonic()
            if go_back_to:
                return UPDATED, why + moved(go_back_to, self._wanted)
            return UNCHANGED, f"the service had the digest before this run, and is up now: {why}"
        if verdict.state == swarm_watch.SUPERSEDED:
            raise Superseded(why)
        if verdict.state == swarm_watch.ROLLED_BACK:
            return self._await_rollback(why)
        if swarm_spec.is_job(service["Spec"]):
            return FAILED, f"{why}. A job is not rolled back, because that would run it once more"
        if not go_back_to:
            return FAILED, f"{why}. The service had the digest before this run, so it was not rolled back"
        return self._roll_back(why)

    def _roll_back(self, why: str) -> Ending:
        self._say(f"rolling back: {why}")
        move = self._move()
        try:
            self._report.warnings += self._swarm.send(lambda now: backward(now, move))
        except Superseded as reason:
            raise Superseded(f"the update failed ({why}) and was not rolled back, because {reason}") from None
        except Refused as reason:
            return ROLLBACK_FAILED, f"{why}. It could not be rolled back, so somebody has to look: {reason}"
        return self._await_rollback(why)

    def _await_rollback(self, why: str) -> Ending:
        before = self._report.before
        self._report.changed = True
        verdict = self._follow(before, "RollbackConfig", enough=self._enough)
        if verdict.state == swarm_watch.SUPERSEDED:
            raise Superseded(f"the update failed ({why}), and while it was rolled back {verdict.text}")
        if verdict.state == swarm_watch.CONVERGED:
            return ROLLED_BACK, f"{why}. The service runs {before} again"
        return (
            ROLLBACK_FAILED,
            f"{why}. Going back to {before} failed too, so somebody has to look: {verdict.text}",
        )

    def _follow(
        self, image: str, config: str, instead: str = "", enough: Optional[int] = None
    ) -> swarm_watch.Verdict:
        watch: Optional[swarm_watch.Watch] = None
        while True:
            sight = self._swarm.look()
            now = time.monotonic()
            if watch is None:
                limit = swarm_spec.time_limit(sight.spec, len(sight.nodes), config)
                goal = swarm_watch.Goal(image, limit, instead, enough, config)
                # Who is in a hurry to go forward is not to be left half-way on the way back.
                if config == "UpdateConfig":
                    goal = replace(
                        goal,
                        time_limit=self._request.time_limit or limit,
                        placement_limit=self._request.placement_limit,
                    )
                watch = swarm_watch.Watch(goal, now)
            verdict = watch.see(sight, now)
            self._say(verdict.text)
            if verdict.state != swarm_watch.WAITING:
                self._report.warnings += verdict.warnings
                if verdict.state in _NOT_UP and config == "UpdateConfig":
                    self._keep_log(sight)
                self._report.after = swarm_spec.image_of(sight.spec)
                return verdict
            time.sleep(verdict.again_in)

    def _move(self, platforms: Platforms = ()) -> Move:
        return Move(self._report.before, self._wanted, self._platforms_before, platforms, self._auth)

    def _keep_log(self, sight: Sight) -> None:
        """Keep the last lines of what did not come up; swarm soon forgets its tasks."""
        task = telling(sight, self._wanted)
        if task:
            self._report.log = self._swarm.log(task)

    def _reference(self, image: str) -> Reference:
        """Return the service's name for what was pushed, under its own host."""
        pushed = self._request.pushed
        try:
            reference = Reference.parse(image)
        except InvalidReference as error:
            raise Superseded(str(error)) from None
        if not concerns(reference, pushed, self._request.aliases, self._request.moves_from):
            raise Superseded(f"the service runs {image or 'no image'}, which is not {pushed}")
        return reference

    def _went_back(self, service: Service) -> bool:
        """Tell whether swarm rolls, or rolled, the very update back: that of this run, which was cut off, or one of which nobody heard.

        The latter left tasks of the image. An operator that is a service itself does not live to hear of its own; it is not to begin
        it anew each time that it is back.
        """
        request = self._request
        if request.found_at and swarm_watch.went_back_since(service, request.found_at):
            return True
        was_begun = request.unheard and swarm_watch.is_going_back(service)
        return was_begun and swarm_watch.has_tasks_of(self._swarm.look(), self._wanted)

    def _platforms(self, reference: Reference) -> Platforms:
        """Return the platforms of the digest; raise :class:`Refused` when it cannot be pulled with our credentials."""
        name = reference.familiar_repository
        platforms = self._swarm.platforms_of(name, self._request.digest, self._auth)
        if not platforms:
            self._report.warnings.append(
                f"the registry names no platforms of {name}@{self._request.digest}, so placement stays as it is"
            )
        return platforms
