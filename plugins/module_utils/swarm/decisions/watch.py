# SPDX-License-Identifier: Apache-2.0
"""Tell from what a swarm shows of a service how its update is going, and when that has come to its end. Pure.

Swarm's own word is not enough: ``completed`` is also said of tasks that failed after the monitor period, with
the failure action ``continue``, and after a change of leaders; and nothing is said at all where no task had to
change (swarmkit, manager/orchestrator/update/updater.go). So the tasks are counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, FrozenSet, Mapping, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions import (
    spec as swarm_spec,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions.sight import (
    Sight,
    failures,
    message_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions.tasks import (
    count_runs,
    count_tasks,
    progress,
    unplaceable,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.times import nanoseconds

# How a watch stands. All but WAITING are its end.
WAITING = "waiting"
CONVERGED = "converged"  # every task that counts runs the image, and did for the monitor period
PAUSED = "paused"  # swarm gave up and left the service half old, half new
LATE = "late"  # the time limit is over, or tasks do not come up: swarm says it has finished, or that no node can take them
ROLLED_BACK = "rolled back"  # swarm itself goes, or went, back to the image before
SUPERSEDED = "superseded"  # somebody else changed or removed the service

# Seconds between two looks: a service with many tasks is many answers of the engine.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.3, 2.0
_ACTIVE = ("updating", "rollback_started")
_STOPPED = ("paused", "rollback_paused")


@dataclass(frozen=True)
class Goal:
    """What is watched for: a spec with ``image``, and its tasks up.

    ``instead`` is the image to which swarm may go back on its own; ``enough`` is how many tasks are enough
    where not all of them were up before either (going back); limits are seconds. ``placement_limit`` is for how long a
    task may wait that no node can take.
    """

    image: str
    time_limit: float
    instead: str = ""
    enough: Optional[int] = None
    config: str = "UpdateConfig"
    placement_limit: float = math.inf


@dataclass(frozen=True)
class Verdict:
    """How the watch stands, and a text for people: the progress, or the reason of the end.

    ``again_in`` is in how many seconds to look again, where nothing happens.
    """

    state: str
    text: str
    warnings: Tuple[str, ...] = ()
    again_in: float = 0.0


class Watch:
    """Follows one service to a :class:`Goal`. ``now`` is seconds of any clock that only goes forward."""

    def __init__(self, goal: Goal, now: float) -> None:
        self._goal = goal
        self._began = now
        self._up: Optional[FrozenSet[str]] = None
        self._up_since = now
        self._quiet_since: Optional[float] = None
        self._unplaceable: FrozenSet[str] = frozenset()
        self._unplaceable_since = now

    def see(self, sight: Sight, now: float) -> Verdict:
        """Take in what was seen at ``now``, and judge."""
        goal = self._goal
        if sight.service is None:
            return Verdict(SUPERSEDED, "the service was removed in the meantime")
        image = swarm_spec.image_of(sight.spec)
        if image != goal.image:
            return self._see_other_image(sight, image)
        if sight.update_state in _STOPPED:
            return self._end(PAUSED, message_of(sight) or "swarm paused the update", sight)
        if swarm_spec.mode_of(sight.spec) in swarm_spec.JOBS:
            return self._see_job(sight, now)
        return self._see_tasks(sight, now)

    def _see_other_image(self, sight: Sight, image: str) -> Verdict:
        if image != self._goal.instead or not sight.update_state.startswith("rollback_"):
            return Verdict(SUPERSEDED, f"somebody changed the image to {image} in the meantime")
        # Swarm forgets the spec that it gives up by itself, and keeps the one that somebody told it to give up
        # (swarmkit, updater.go and controlapi/service.go).
        if swarm_spec.image_of((sight.service or {}).get("PreviousSpec") or {}) == self._goal.image:
            return Verdict(SUPERSEDED, "somebody rolled the service back by hand in the meantime")
        return self._end(ROLLED_BACK, message_of(sight) or "swarm rolled the update back", sight)

    def _see_tasks(self, sight: Sight, now: float) -> Verdict:
        enough, count = self._goal.enough, count_tasks(sight)
        up = count.all_up(enough)
        active = sight.update_state in _ACTIVE
        watched, text = self._watched(count.current if up else None, sight, now), progress(sight, count)
        # Swarm never ends a rollback to tasks that could not all come up before either.
        if up and watched == 0 and (enough is not None or not active):
            return Verdict(CONVERGED, text, count.warnings)
        if up and watched:
            text += f"; {watched:.0f} s more to watch"
        verdict = self._unless_late(sight, now, text, active=active)
        return replace(verdict, again_in=min(verdict.again_in, watched or _LONGEST_PAUSE)) if up else verdict

    def _see_job(self, sight: Sight, now: float) -> Verdict:
        complete, wanted, going_on = count_runs(sight)
        text = f"{len(complete)} of {wanted} runs of the job complete"
        ended = len(complete) >= wanted and not going_on
        # The runs of a global job are counted from its tasks, so these must have had time to appear.
        if self._watched(complete if ended else None, sight, now) == 0:
            return Verdict(CONVERGED, text, count_tasks(sight).warnings)
        return self._unless_late(sight, now, text, active=going_on > 0)

    def _watched(self, up: Optional[FrozenSet[str]], sight: Sight, now: float) -> float:
        """Return the seconds for which the tasks that are ``up`` have yet to stay so; None for not all of them."""
        if up is None or up != self._up:
            self._up, self._up_since = up, now
        monitor = swarm_spec.monitor_of(sight.spec, self._goal.config)
        return monitor if up is None else max(0.0, monitor - (now - self._up_since))

    def _unless_late(self, sight: Sight, now: float, text: str, *, active: bool) -> Verdict:
        if active:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now
        nowhere = unplaceable(sight)
        if not nowhere or nowhere != self._unplaceable:
            self._unplaceable, self._unplaceable_since = nowhere, now
        why = ""
        if now - self._began >= self._goal.time_limit:
            why = f"not done within {self._goal.time_limit:.0f} s"
        elif nowhere and now - self._unplaceable_since >= self._goal.placement_limit:
            why = f"no node can take it, and that for {self._goal.placement_limit:.0f} s"
        elif self._quiet_since is not None:
            settle = swarm_spec.settling_time(sight.spec, self._goal.config)
            if now - self._quiet_since >= settle:
                why = f"swarm ended the update {settle:.0f} s ago and not every task is up"
        # What goes on for long is looked at less often.
        pause = min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, (now - self._began) / 10))
        return self._end(LATE, f"{why}: {text}", sight) if why else Verdict(WAITING, text, again_in=pause)

    def _end(self, state: str, why: str, sight: Sight) -> Verdict:
        reason = failures(sight, self._goal.image)
        return Verdict(state, f"{why} ({reason})" if reason else why, count_tasks(sight).warnings)


def is_up(sight: Sight) -> bool:
    """Tell whether nothing is going on and every task that counts runs the current spec, at this moment."""
    return sight.update_state not in _ACTIVE + _STOPPED and count_tasks(sight).all_up()


def is_proven(sight: Sight, image: str) -> bool:
    """Tell whether the service is up and no task of ``image`` is known to have failed.

    A task that fails again and again is up at some moments, too.
    """
    return is_up(sight) and not failures(sight, image)


def is_active(sight: Sight) -> bool:
    """Tell whether swarm says that an update or a rollback is going on, or that it was left half done."""
    return sight.update_state in _ACTIVE + _STOPPED


def went_back_since(service: Mapping[str, Any], when: str) -> bool:
    """Tell whether swarm began to roll the service back after ``when``, a time of the engine."""
    status = service.get("UpdateStatus") or {}
    return is_going_back(service) and (nanoseconds(status.get("StartedAt")) or 0) > (nanoseconds(when) or 0)


def is_going_back(service: Mapping[str, Any]) -> bool:
    """Tell whether swarm rolls the service back, or did so last."""
    return str((service.get("UpdateStatus") or {}).get("State") or "").startswith("rollback_")


def has_tasks_of(sight: Sight, image: str) -> bool:
    """Tell whether a task of ``image`` is left, whatever became of it."""
    return any(swarm_spec.image_of_task(task) == image for task in sight.tasks)
