# SPDX-License-Identifier: Apache-2.0
"""Tell from what a swarm shows of a service how its update is going, and when that has come to its end. Pure.

Swarm's own word is not enough: ``completed`` is also said of tasks that failed after the monitor period, with
the failure action ``continue``, and after a change of leaders; and nothing is said at all where no task had to
change (swarmkit, manager/orchestrator/update/updater.go). So the tasks are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions import (
    spec as swarm_spec,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.times import nanoseconds

# How a watch stands. All but WAITING are its end.
WAITING = "waiting"
CONVERGED = "converged"  # every task that counts runs the image, and did for the monitor period
PAUSED = "paused"  # swarm gave up and left the service half old, half new
LATE = "late"  # the time limit is over, or swarm says it has finished and tasks do not come up
ROLLED_BACK = "rolled back"  # swarm itself goes, or went, back to the image before
SUPERSEDED = "superseded"  # somebody else changed or removed the service

_ACTIVE = ("updating", "rollback_started")
_STOPPED = ("paused", "rollback_paused")
_ENDING = ("shutdown", "remove")
_FAILED = ("failed", "rejected")
_OVER = (*_FAILED, "complete", "shutdown", "remove", "orphaned")
_LONGEST_REASON = 300

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Sight:
    """A service, its tasks and the swarm's nodes as the engine showed them at one moment.

    ``service`` is None when there is none any more; ``up_to_date`` are the ids of the tasks that swarm itself
    takes to be of the service's current spec.
    """

    service: Optional[Json]
    tasks: Tuple[Json, ...] = ()
    up_to_date: FrozenSet[str] = frozenset()
    nodes: Mapping[str, Json] = field(default_factory=dict)

    @property
    def spec(self) -> Json:
        """The service's spec."""
        return (self.service or {}).get("Spec") or {}

    @property
    def update_state(self) -> str:
        """What swarm says of the latest update: ``updating``, ``completed``, … or nothing."""
        return str(((self.service or {}).get("UpdateStatus") or {}).get("State") or "")


@dataclass(frozen=True)
class Goal:
    """What is watched for: a spec with ``image``, and its tasks up.

    ``instead`` is the image to which swarm may go back on its own; ``enough`` is how many tasks are enough
    where not all of them were up before either (going back); limits are seconds.
    """

    image: str
    time_limit: float
    instead: str = ""
    enough: Optional[int] = None
    config: str = "UpdateConfig"


@dataclass(frozen=True)
class Verdict:
    """How the watch stands, and a text for people: the progress, or the reason of the end."""

    state: str
    text: str
    warnings: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Count:
    """The tasks that count. ``current`` are the ids of those that are up."""

    current: FrozenSet[str]
    wanted: Optional[int]
    not_up: Tuple[str, ...]
    old: int
    warnings: Tuple[str, ...]

    def all_up(self, enough: Optional[int] = None) -> bool:
        """Tell whether every task that counts is of the current spec, and all of them, or ``enough``, are up."""
        if self.old:
            return False
        if enough is not None:
            return len(self.current) >= enough
        return not self.not_up and (self.wanted is None or len(self.current) >= self.wanted)


class Watch:
    """Follows one service to a :class:`Goal`. ``now`` is seconds of any clock that only goes forward."""

    def __init__(self, goal: Goal, now: float) -> None:
        self._goal = goal
        self._began = now
        self._up: Optional[FrozenSet[str]] = None
        self._up_since = now
        self._quiet_since: Optional[float] = None

    def see(self, sight: Sight, now: float) -> Verdict:
        """Take in what was seen at ``now``, and judge."""
        goal = self._goal
        if sight.service is None:
            return Verdict(SUPERSEDED, "the service was removed in the meantime")
        image = swarm_spec.image_of(sight.spec)
        if image != goal.image:
            return self._see_other_image(sight, image)
        if sight.update_state in _STOPPED:
            return self._end(PAUSED, _said(sight) or "swarm paused the update", sight)
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
        return self._end(ROLLED_BACK, _said(sight) or "swarm rolled the update back", sight)

    def _see_tasks(self, sight: Sight, now: float) -> Verdict:
        enough, count = self._goal.enough, _count(sight)
        up = count.all_up(enough)
        active = sight.update_state in _ACTIVE
        watched, text = self._watched(count.current if up else None, sight, now), _progress(sight, count)
        # Swarm never ends a rollback to tasks that could not all come up before either.
        if up and watched == 0 and (enough is not None or not active):
            return Verdict(CONVERGED, text, count.warnings)
        if up and watched:
            text += f"; {watched:.0f} s more to watch"
        return self._unless_late(sight, now, text, active=active)

    def _see_job(self, sight: Sight, now: float) -> Verdict:
        complete, wanted, going_on = _job_count(sight)
        text = f"{len(complete)} of {wanted} runs of the job complete"
        ended = len(complete) >= wanted and not going_on
        # The runs of a global job are counted from its tasks, so these must have had time to appear.
        if self._watched(complete if ended else None, sight, now) == 0:
            return Verdict(CONVERGED, text, _count(sight).warnings)
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
        why = ""
        if now - self._began >= self._goal.time_limit:
            why = f"not done within {self._goal.time_limit:.0f} s"
        elif self._quiet_since is not None:
            settle = swarm_spec.settling_time(sight.spec, self._goal.config)
            if now - self._quiet_since >= settle:
                why = f"swarm ended the update {settle:.0f} s ago and not every task is up"
        return self._end(LATE, f"{why}: {text}", sight) if why else Verdict(WAITING, text)

    def _end(self, state: str, why: str, sight: Sight) -> Verdict:
        reason = failures(sight, self._goal.image)
        return Verdict(state, f"{why} ({reason})" if reason else why, _count(sight).warnings)


def is_up(sight: Sight) -> bool:
    """Tell whether nothing is going on and every task that counts runs the current spec, at this moment."""
    return sight.update_state not in _ACTIVE + _STOPPED and _count(sight).all_up()


def is_proven(sight: Sight, image: str) -> bool:
    """Tell whether the service is up and no task of ``image`` is known to have failed.

    A task that fails again and again is up at some moments, too.
    """
    return is_up(sight) and not failures(sight, image)


def is_active(sight: Sight) -> bool:
    """Tell whether swarm says that an update or a rollback is going on, or that it was left half done."""
    return sight.update_state in _ACTIVE + _STOPPED


def tasks_up(sight: Sight) -> int:
    """Return how many tasks run, whatever their version."""
    return sum(1 for task in sight.tasks if _runs(task) and not _is_on(task, sight, _down))


def failures(sight: Sight, image: str) -> str:
    """Return what nodes said of the newest tasks of ``image`` that are not up, each sentence once, or nothing."""
    said: List[str] = []
    tasks = [task for task in sight.tasks if swarm_spec.image_of_task(task) == image and not _runs(task)]
    for task in sorted(tasks, key=_created, reverse=True):
        error = str((task.get("Status") or {}).get("Err") or "")[:_LONGEST_REASON]
        # One that is stopped because its health check fails, and stops in good order, is called complete.
        if not error and _state(task) == "complete":
            error = "task ended, by itself or because it was unhealthy"
        name = _node_name(task, sight)
        sentence = f"{error} on {name}" if name else error
        if error and sentence not in said:
            said.append(sentence)
    return "; ".join(said[:3])


def _count(sight: Sight) -> Count:
    """Judge one task of each slot (replicated) or node (global), as docker's own client selects it."""
    follows_nodes = swarm_spec.mode_of(sight.spec) == swarm_spec.GLOBAL
    old = [
        task
        for task in sight.tasks
        if task["ID"] not in sight.up_to_date and not _ends(task) and not _is_on(task, sight, _down)
    ]
    # Swarm does not touch what a global service runs on a paused node.
    left = [task for task in old if follows_nodes and _is_on(task, sight, _paused)]
    chosen: Dict[Any, Json] = {}
    for task in sight.tasks:
        key = task.get("NodeID") if follows_nodes else task.get("Slot")
        if task["ID"] in sight.up_to_date and not (follows_nodes and _is_on(task, sight, _down)):
            chosen[key] = max(chosen.get(key, task), task, key=_preference)
    up = {task["ID"] for task in chosen.values() if _is_fine(task, sight)}
    not_up = [
        task
        for task in chosen.values()
        if task["ID"] not in up and (not _ends(task) or _state(task) in (*_FAILED, "complete"))
    ]
    warnings = [
        f"node {_node_name(task, sight)} is paused: its task stays as it was until the node is active"
        for task in left
    ]
    if follows_nodes and not chosen and not old:
        warnings.append("no node is eligible for this global service, so no task proves the image")
    return Count(
        current=frozenset(up),
        wanted=swarm_spec.wanted_tasks(sight.spec),
        not_up=tuple(sorted(_where(task, sight) for task in not_up)),
        old=len(old) - len(left),
        warnings=tuple(sorted(set(warnings))),
    )


def _job_count(sight: Sight) -> Tuple[FrozenSet[str], int, int]:
    """Return the tasks of the current iteration that are complete, how many are wanted, and how many go on."""
    iteration = (((sight.service or {}).get("JobStatus") or {}).get("JobIteration") or {}).get("Index", 0)
    tasks = [task for task in sight.tasks if (task.get("JobIteration") or {}).get("Index", 0) == iteration]
    wanted = swarm_spec.wanted_tasks(sight.spec)
    if wanted is None:
        wanted = len({task.get("NodeID") for task in tasks})
    complete = frozenset(task["ID"] for task in tasks if _state(task) == "complete")
    going_on = sum(1 for task in tasks if _state(task) not in _OVER and not _is_on(task, sight, _down))
    return complete, wanted, going_on


def _created(task: Json) -> int:
    return nanoseconds(task.get("CreatedAt")) or 0


def _preference(task: Json) -> Tuple[bool, bool, int]:
    """Of the tasks of one slot, one that is not yet up says more than its predecessor that is still there."""
    return (not _ends(task), not _runs(task), _created(task))


def _is_fine(task: Json, sight: Sight) -> bool:
    if _state(task) == "complete":
        return not swarm_spec.restarts_finished_tasks(sight.spec)
    return _runs(task) and not _is_on(task, sight, _down)


def _ends(task: Json) -> bool:
    return task.get("DesiredState") in _ENDING


def _runs(task: Json) -> bool:
    return task.get("DesiredState") == "running" and _state(task) == "running"


def _state(task: Json) -> str:
    return str((task.get("Status") or {}).get("State") or "")


def _is_on(task: Json, sight: Sight, what: Callable[[Json], bool]) -> bool:
    node = sight.nodes.get(str(task.get("NodeID") or ""))
    return node is not None and what(node)


def _down(node: Json) -> bool:
    return (node.get("Status") or {}).get("State") == "down"


def _paused(node: Json) -> bool:
    return (node.get("Spec") or {}).get("Availability") == "pause"


def _node_name(task: Json, sight: Sight) -> str:
    node = sight.nodes.get(str(task.get("NodeID") or "")) or {}
    return str((node.get("Description") or {}).get("Hostname") or task.get("NodeID") or "")


def _where(task: Json, sight: Sight) -> str:
    name = _node_name(task, sight)
    return f"{_state(task)} on {name}" if name else _state(task)


def _progress(sight: Sight, count: Count) -> str:
    total = len(count.current) + len(count.not_up) if count.wanted is None else count.wanted
    parts = [f"{len(count.current)} of {total} tasks up"]
    if count.not_up:
        parts.append(", ".join(sorted(set(count.not_up))))
    if count.old:
        parts.append(f"{count.old} still to be replaced")
    if sight.update_state:
        parts.append("swarm says " + sight.update_state.replace("_", " "))
    return "; ".join(parts)


def _said(sight: Sight) -> str:
    return str(((sight.service or {}).get("UpdateStatus") or {}).get("Message") or "")
