# SPDX-License-Identifier: Apache-2.0
"""Count the tasks of a service that matter, as docker's own client selects them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions import (
    spec as swarm_spec,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions.sight import (
    Json,
    Sight,
    created,
    ends,
    error_of,
    is_down,
    is_on,
    is_paused,
    is_ready,
    node_name,
    runs,
    state_of,
    takes_tasks,
    where,
)

_FAILED = ("failed", "rejected")
_OVER = (*_FAILED, "complete", "shutdown", "remove", "orphaned")


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


def count_tasks(sight: Sight) -> Count:
    """Judge one task of each slot (replicated) or node (global), as docker's own client selects it."""
    follows_nodes = swarm_spec.mode_of(sight.spec) == swarm_spec.GLOBAL
    old = [
        task
        for task in sight.tasks
        if task["ID"] not in sight.up_to_date and not ends(task) and not is_on(task, sight, is_down)
    ]
    # Swarm does not touch what a global service runs on a paused node.
    left = [task for task in old if follows_nodes and is_on(task, sight, is_paused)]
    chosen: Dict[Any, Json] = {}
    for task in sight.tasks:
        key = task.get("NodeID") if follows_nodes else task.get("Slot")
        if task["ID"] in sight.up_to_date and not (follows_nodes and is_on(task, sight, is_down)):
            chosen[key] = max(chosen.get(key, task), task, key=_preference)
    up = {task["ID"] for task in chosen.values() if _is_fine(task, sight)}
    not_up = [
        task
        for task in chosen.values()
        if task["ID"] not in up and (not ends(task) or state_of(task) in (*_FAILED, "complete"))
    ]
    warnings = [
        f"node {node_name(task, sight)} is paused: its task stays as it was until the node is active"
        for task in left
    ]
    if follows_nodes and not chosen and not old:
        warnings.append("no node is eligible for this global service, so no task proves the image")
    return Count(
        current=frozenset(up),
        wanted=swarm_spec.wanted_tasks(sight.spec),
        not_up=tuple(sorted(where(task, sight) for task in not_up)),
        old=len(old) - len(left),
        warnings=tuple(sorted(set(warnings))),
    )


def unplaceable(sight: Sight) -> FrozenSet[str]:
    """Return the ids of the tasks that no node can take, as long as nothing is on its way that could change that.

    Swarm tries again whenever something changes, and gives the reason each time: "no suitable node (…)", or only what stands
    in the parentheses where the task can be on one node only (swarmkit, manager/scheduler/scheduler.go). A node that is to
    come back, and a task of this service that is still stopping, may make room.
    """
    for node in sight.nodes.values():
        if takes_tasks(node) and not is_ready(node):
            return frozenset()
    if any(
        ends(task) and state_of(task) not in _OVER and not is_on(task, sight, is_down) for task in sight.tasks
    ):
        return frozenset()
    return frozenset(
        task["ID"]
        for task in sight.tasks
        if task["ID"] in sight.up_to_date
        and not ends(task)
        and state_of(task) == "pending"
        and error_of(task)
    )


def count_runs(sight: Sight) -> Tuple[FrozenSet[str], int, int]:
    """Return the tasks of the current iteration that are complete, how many are wanted, and how many go on."""
    iteration = (((sight.service or {}).get("JobStatus") or {}).get("JobIteration") or {}).get("Index", 0)
    tasks = [task for task in sight.tasks if (task.get("JobIteration") or {}).get("Index", 0) == iteration]
    wanted = swarm_spec.wanted_tasks(sight.spec)
    if wanted is None:
        wanted = len({task.get("NodeID") for task in tasks})
    complete = frozenset(task["ID"] for task in tasks if state_of(task) == "complete")
    going_on = sum(1 for task in tasks if state_of(task) not in _OVER and not is_on(task, sight, is_down))
    return complete, wanted, going_on


def _preference(task: Json) -> Tuple[bool, bool, int]:
    """Of the tasks of one slot, one that is not yet up says more than its predecessor that is still there."""
    return (not ends(task), not runs(task), created(task))


def _is_fine(task: Json, sight: Sight) -> bool:
    if state_of(task) == "complete":
        return not swarm_spec.restarts_finished_tasks(sight.spec)
    return runs(task) and not is_on(task, sight, is_down)


def progress(sight: Sight, count: Count) -> str:
    """Say for people how far an update is."""
    total = len(count.current) + len(count.not_up) if count.wanted is None else count.wanted
    parts = [f"{len(count.current)} of {total} tasks up"]
    if count.not_up:
        parts.append(", ".join(sorted(set(count.not_up))))
    if count.old:
        parts.append(f"{count.old} still to be replaced")
    if sight.update_state:
        parts.append("swarm says " + sight.update_state.replace("_", " "))
    return "; ".join(parts)
