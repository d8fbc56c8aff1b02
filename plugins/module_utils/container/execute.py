# SPDX-License-Identifier: Apache-2.0
"""Carry a swap out: look, decide (decisions), act, and again, until it is over one way or the other.

Every change of mind is in the journal before it is acted upon. The engine may go away at any moment, and a
request without an answer may have been carried out: both only mean to look again.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Mapping, Optional, Set

from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import (
    Containers,
    Inspect,
    as_seen,
    reference_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.health import (
    BAD,
    GOOD,
    Start,
    judge,
    missing_ports,
    patience,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.recreate import (
    follow,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.relations import (
    labels_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    ALWAYS,
    BACK,
    NO_POLICY,
    Pair,
    Seen,
    Step,
    Swap,
    View,
    doubted,
    next_step,
    resumed,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import (
    EngineError,
    EngineUnreachable,
    NoAnswer,
    NotFound,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.labels import ONE_SHOT, says_yes
from ansible_collections.registry.docker_updater.plugins.module_utils.times import SECOND, nanoseconds

UPDATED, RESTORED, GAVE_WAY = "updated", "restored", "give_way"

_ENDS = (UPDATED, RESTORED, GAVE_WAY)
_TRIES = 5
_FINAL = ("create", "start_new")  # trying these again can do harm, or takes time while nothing runs
_LOOK_AGAIN = 0.2
_NEW_IMAGE_IS_BAD = re.compile(
    r"exec:|exec format error|executable file not found|unable to find user|no matching entries in"
    r"|chdir to cwd|no command specified",
    re.IGNORECASE,
)


class Stuck(Exception):
    """The swap cannot go on now; its journal is kept, and the next run goes on with it."""


@dataclass(frozen=True)
class Options:
    """``settle`` and ``health_timeout`` are the gate's, ``outage`` how long the engine may be away; all seconds."""

    settle: float = 10.0
    health_timeout: Optional[float] = None
    outage: float = 300.0


class CarryOut:
    """One swap on its way. ``suspect`` says that containers may have ended because something else did."""

    def __init__(
        self, containers: Containers, journal: Journal, swap: Swap, options: Options, *, suspect: bool = False
    ) -> None:
        self.swap = swap
        self.downtime: Optional[float] = None
        self._containers, self._journal, self._options = containers, journal, options
        self._suspect = suspect
        self._was_away = False
        self._failures: Dict[Step, int] = {}
        self._trouble_since: Optional[float] = None
        self._stopped_at: Optional[float] = None
        self._stopped: Set[str] = set()
        self._starts = 0

    def run(self) -> str:
        """Go on to the end and return it: UPDATED, RESTORED or GAVE_WAY. Raises :class:`Stuck`."""
        while True:
            step = Step("look")
            try:
                view = self.view()
                if self._was_away:
                    view = self._doubt(view)
                    self._remember(doubted(self.swap, view))
                    self._was_away = False
                step = next_step(self.swap, view)
                if step.verb in _ENDS:
                    self._end(step.verb)
                    return step.verb
                self._do(step, view)
            except (EngineUnreachable, NoAnswer) as error:
                self._suspect = self._was_away = True
                self._look_again(str(error))
            except EngineError as error:
                self._failed(step, error)
            else:
                if step.verb != "wait":
                    self._trouble_since = None

    def view(self) -> View:
        """Look at everything that the decision needs."""
        pairs = []
        for index, member in enumerate(self.swap.members):
            old = self._containers.see(member.old_id, self.swap.aside(member, "old"))
            if old and old.id != member.old_id:
                # It was created again by a process that was killed before it could write down its id.
                self._remember(self.swap.with_member(index, old_id=old.id))
            new = self._containers.see(member.new_id, self.swap.aside(member, "new"))
            holder = next((seen.id for seen in (old, new) if seen and seen.name == member.name), "")
            if not holder:
                found = self._containers.look(member.name)
                if found and as_seen(found).name == member.name:
                    holder = found["Id"]
            pairs.append(Pair(old, new, holder))
        return View(pairs, [self._containers.see(identity) for identity in self.swap.restarts])

    def resume(self) -> None:
        """Take up a swap that was found in the journal."""
        view = self._doubt(self.view())
        self._remember(resumed(self.swap, view))

    def _doubt(self, view: View) -> View:
        """Remove new containers whose start failed: not for their own fault, perhaps, but with who asked for it.

        They are made anew: a second start of the same one can bring it up without its ports (moby issue 51758).
        """
        if self.swap.direction == BACK:
            return view
        for index, pair in enumerate(view.pairs):
            if pair.new and not pair.new.started and pair.new.error:
                self._containers.remove(pair.new.id)
                self._remember(self.swap.with_member(index, new_id=""))
        return self.view()

    def _remember(self, swap: Swap) -> None:
        if swap != self.swap:
            self._journal.keep(swap.wanted["name"], swap.as_json())
            self.swap = swap

    def _look_again(self, why: str) -> None:
        now = time.monotonic()
        if self._trouble_since is None:
            self._trouble_since = now
        if now - self._trouble_since > self._options.outage:
            raise Stuck(why)
        time.sleep(_LOOK_AGAIN)

    def _failed(self, step: Step, error: EngineError) -> None:
        """Look again after a refusal by the engine; after some, turn back, or stop where that is no way."""
        self._failures[step] = self._failures.get(step, 0) + 1
        turning = self.swap.direction != BACK and not self.swap.proven
        if turning and (step.verb in _FINAL or self._failures[step] >= _TRIES):
            blamed = step.verb == "start_new" and bool(_NEW_IMAGE_IS_BAD.search(error.message))
            self._remember(self.swap.turned_back(_sentence(step, self.swap, error.message), blamed=blamed))
        elif self._failures[step] >= _TRIES:
            raise Stuck(_sentence(step, self.swap, error.message))
        else:
            time.sleep(_LOOK_AGAIN * self._failures[step])

    def _do(self, step: Step, view: View) -> None:
        index = step.index
        if step.verb == "wait":
            self._look_again(
                f"the engine does not come to an end with removing {self.swap.members[index].name}"
            )
        elif step.verb == "turn_back":
            self._remember(self.swap.turned_back(step.reason))
        elif step.verb == "prove":
            self._remember(replace(self.swap, proven=True))
        elif step.verb in ("stop_restart", "start_restart"):
            self._restart_dependent(step)
        else:
            action: Callable[[int, Pair], None] = getattr(self, "_" + step.verb)
            action(index, view.pairs[index])

    def _restart_dependent(self, step: Step) -> None:
        identity = self.swap.restarts[step.index]
        container = self._containers.look(identity)
        if container is None:
            return
        self._remember(replace(self.swap, touched=True))
        if as_seen(container).alive:
            self._containers.stop(container)
        if step.verb == "start_restart":
            self._containers.start(identity)

    def _create(self, index: int, pair: Pair) -> None:
        """Create the new container, with files and tag; a half-made one of an earlier try goes first."""
        member = self.swap.members[index]
        if pair.new:
            self._containers.remove(pair.new.id)
        wanted = _without_policy(member.create) if member.guarded else member.create
        renewed = {}
        for done in self.swap.members[:index]:
            renewed.update({done.old_id: done.new_id, done.name: done.new_id})
        identity = self._make(self.swap.aside(member, "new"), wanted, renewed, keep_tag=index == 0)
        self._containers.copy_files(member.old_id, identity, list(member.files))
        self._remember(self.swap.with_member(index, new_id=identity))

    def _make(self, name: str, wanted: Any, renewed: Dict[str, str], *, keep_tag: bool) -> str:
        """Create from exactly the wanted image, although the request only names ``repo:tag``."""
        reference = reference_of(wanted["reference"])
        tagged = reference if reference and not reference.digest else None
        before = self._containers.image(str(tagged)) if tagged else None
        if tagged and (before is None or before["Id"] != wanted["image"]):
            self._containers.tag(wanted["image"], tagged)
        try:
            identity = self._containers.create(name, {**wanted, "body": follow(wanted["body"], renewed)})
        finally:
            if tagged and before and before["Id"] != wanted["image"] and not keep_tag:
                self._containers.tag(before["Id"], tagged)
        made = self._containers.look(identity)
        if made is None or made["Image"] != wanted["image"]:
            raise EngineError(
                409, f"{wanted['reference']} was moved to another image meanwhile", f"create {name}"
            )
        return identity

    def _stop_old(self, index: int, pair: Pair) -> None:
        self._remember(replace(self.swap, touched=True))
        container = self._containers.look(pair.old.id) if pair.old else None
        if container:
            # It came up again: the engine was restarted, unseen by us, and has ended the new one then.
            self._suspect = self._suspect or container["Id"] in self._stopped
            self._stopped.add(container["Id"])
            if index == 0 and self._stopped_at is None:
                self._stopped_at = time.monotonic()
            self._containers.stop(container)

    def _stop_new(self, _: int, pair: Pair) -> None:
        container = self._containers.look(pair.new.id) if pair.new else None
        if container:
            self._containers.stop(container)

    def _set_aside_old(self, index: int, pair: Pair) -> None:
        self._rename(pair.old, self.swap.aside(self.swap.members[index], "old"))

    def _set_aside_new(self, index: int, pair: Pair) -> None:
        self._rename(pair.new, self.swap.aside(self.swap.members[index], "new"))

    def _name_new(self, index: int, pair: Pair) -> None:
        self._rename(pair.new, self.swap.members[index].name)

    def _name_old(self, index: int, pair: Pair) -> None:
        self._rename(pair.old, self.swap.members[index].name)

    def _rename(self, seen: Optional[Seen], name: str) -> None:
        if seen:
            self._containers.rename(seen.id, name)

    def _arm_old(self, _: int, pair: Pair) -> None:
        self._set_policy(pair.old, {"Name": ALWAYS})

    def _disarm_old(self, _: int, pair: Pair) -> None:
        self._set_policy(pair.old, {"Name": NO_POLICY})

    def _rearm_old(self, index: int, pair: Pair) -> None:
        self._set_policy(pair.old, self.swap.members[index].policy)

    def _arm_new(self, index: int, pair: Pair) -> None:
        self._set_policy(pair.new, self.swap.members[index].policy)

    def _set_policy(self, seen: Optional[Seen], policy: Mapping[str, Any]) -> None:
        if seen:
            self._containers.set_policy(seen.id, policy or {"Name": NO_POLICY})

    def _start_new(self, index: int, pair: Pair) -> None:
        if pair.new:
            self._containers.start(pair.new.id)
            if index == 0 and self._stopped_at is not None:
                self.downtime = round(time.monotonic() - self._stopped_at, 3)

    def _start_old(self, index: int, pair: Pair) -> None:
        self._starts += 1
        if self._starts > _TRIES * len(self.swap.members):
            raise Stuck(f"{self.swap.members[index].name}: its old container does not stay up, either")
        if pair.old:
            self._containers.start(pair.old.id)

    def _pause_new(self, _: int, pair: Pair) -> None:
        if pair.new:
            self._containers.pause(pair.new.id)

    def _pause_old(self, _: int, pair: Pair) -> None:
        if pair.old:
            self._containers.pause(pair.old.id)

    def _remove_old(self, _: int, pair: Pair) -> None:
        if pair.old:
            self._containers.remove(pair.old.id)

    def _remove_new(self, _: int, pair: Pair) -> None:
        """Remove what did not prove itself, and the volumes that were made for it alone."""
        container = self._containers.look(pair.new.id) if pair.new else None
        if container is None:
            return
        self._containers.remove(container["Id"])
        old = pair.old and self._containers.look(pair.old.id)
        kept = {mount.get("Name") for mount in (old or {}).get("Mounts") or ()}
        for mount in container.get("Mounts") or ():
            name = mount.get("Name") or ""
            if old and mount["Type"] == "volume" and re.fullmatch("[0-9a-f]{64}", name) and name not in kept:
                self._remove_volume(name, container)

    def _remove_volume(self, name: str, container: Inspect) -> None:
        try:
            volume = self._containers.engine.get(f"/volumes/{name}")
            # Volumes are dated to the second, and in the zone of the daemon. One without a date stays.
            made, created = nanoseconds(volume.get("CreatedAt")), nanoseconds(container.get("Created"))
            if made is not None and created is not None and made > created - SECOND:
                self._containers.engine.delete(f"/volumes/{name}")
        except EngineError:
            pass  # somebody uses it

    def _restore_old(self, index: int, pair: Pair) -> None:
        """Create the old one again: it was started with --rm, or somebody removed it."""
        member = self.swap.members[index]
        identity = self._make(self.swap.aside(member, "old"), member.restore, {}, keep_tag=True)
        if pair.new:
            self._containers.copy_files(pair.new.id, identity, list(member.files))
        self._remember(
            replace(
                self.swap.with_member(index, old_id=identity),
                warnings=(
                    *self.swap.warnings,
                    f"{member.name} was created again from its old image: what it had written outside of volumes is gone",
                ),
            )
        )

    def _gate(self, index: int, pair: Pair) -> None:
        """Watch the new container until it is good or bad; an outage of the engine ends the watch, to begin anew."""
        member = self.swap.members[index]
        container = self._containers.look(member.new_id)
        if container is None:
            return
        settle = self._options.settle
        deadline = patience(container, self._options.health_timeout, settle)
        restarts = container.get("RestartCount") or 0 if self._suspect else 0
        start = Start(container["State"].get("StartedAt", ""), restarts)
        may_finish = says_yes(labels_of(container).get(ONE_SHOT, ""))
        begun = time.monotonic()
        while True:
            verdict = judge(
                container, start, time.monotonic() - begun, settle, deadline, may_finish=may_finish
            )
            if verdict.word in (GOOD, BAD):
                break
            time.sleep(_LOOK_AGAIN)
            container = self._containers.look(member.new_id)
            if container is None:
                return
        if verdict.word == GOOD:
            lost = self._lost_ports(pair, container)
            if lost:
                self._remember(self.swap.turned_back(f"{member.name} came up without its ports {lost}"))
            else:
                self._remember(replace(self.swap, passed=(*self.swap.passed, member.name)))
        elif self._suspect and not as_seen(container).alive:
            self._suspect = False  # the engine's end, or the host's, may have been its own: once more
            self._containers.start(member.new_id)
        else:
            self._remember(self.swap.turned_back(f"{member.name}: {verdict.reason}", blamed=True))

    def _lost_ports(self, pair: Pair, container: Inspect) -> str:
        if container["State"]["Status"] == "exited" or not pair.old:
            return ""
        published = self.swap.wanted.get("ports") or {}
        return missing_ports({"NetworkSettings": {"Ports": published}}, container)

    def _end(self, verb: str) -> None:
        wanted = self.swap.wanted
        reference = reference_of(wanted["image"])
        if verb == GAVE_WAY:
            self._leave()
        elif reference and verb == UPDATED:
            self._containers.tag(wanted["new_image"], reference)
        elif reference and wanted.get("tag_before") and not self._containers.image_users(wanted["new_image"]):
            # Otherwise the next `docker compose up` would bring the bad image.
            self._retag(wanted["tag_before"], reference)
        if verb == RESTORED and self.swap.blamed:
            self._journal.refuse(wanted["name"], wanted["digest"], self.swap.reason)
        self._journal.drop(wanted["name"])

    def _retag(self, image: str, reference: Any) -> None:
        with suppress(NotFound):  # the image is gone
            self._containers.tag(image, reference)

    def _leave(self) -> None:
        """Somebody else has the name: take away only what was made here and runs nowhere."""
        for index, pair in enumerate(self.view().pairs):
            if pair.new and not pair.new.alive and pair.new.name != self.swap.members[index].name:
                self._containers.remove(pair.new.id)


def _without_policy(create: Mapping[str, Any]) -> Dict[str, Any]:
    body = create["body"]
    host = {**body["HostConfig"], "RestartPolicy": {"Name": NO_POLICY}}
    return {**create, "body": {**body, "HostConfig": host}}


def _sentence(step: Step, swap: Swap, message: str) -> str:
    what = {
        "create": "the engine did not create its new container",
        "start_new": "its new container did not start",
        "stop_old": "it did not stop",
        "start_old": "its old container did not start again",
        **dict.fromkeys(
            ("arm_old", "disarm_old", "rearm_old", "arm_new"), "its restart policy could not be changed"
        ),
    }.get(step.verb, "the engine refused to " + step.verb.replace("_", " "))
    member = swap.members[step.index] if step.index < len(swap.members) else swap.members[0]
    return f"{member.name}: {what}: {message}"
