# SPDX-License-Identifier: Apache-2.0
"""A service, its tasks and the nodes as a manager showed them at one moment. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, FrozenSet, List, Mapping, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions import (
    spec as swarm_spec,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.times import nanoseconds

_LONGEST_REASON = 300
_ENDING = ("shutdown", "remove")
_ENDED = ("failed", "complete", "shutdown", "orphaned")
_BEGUN = ("starting", "running", *_ENDED)

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


def tasks_up(sight: Sight) -> int:
    """Return how many tasks run, whatever their version."""
    return sum(1 for task in sight.tasks if runs(task) and not is_on(task, sight, is_down))


def failures(sight: Sight, image: str) -> str:
    """Return what nodes said of the newest tasks of ``image`` that are not up, each sentence once, or nothing."""
    said: List[str] = []
    tasks = [task for task in sight.tasks if swarm_spec.image_of_task(task) == image and not runs(task)]
    for task in sorted(tasks, key=created, reverse=True):
        error = error_of(task)[:_LONGEST_REASON]
        # One that is stopped because its health check fails, and stops in good order, is called complete.
        if not error and state_of(task) == "complete":
            error = "task ended, by itself or because it was unhealthy"
        name = node_name(task, sight)
        sentence = f"{error} on {name}" if name else error
        if error and sentence not in said:
            said.append(sentence)
    return "; ".join(said[:3])


def telling(sight: Sight, image: str) -> Optional[Json]:
    """Return the task of ``image`` whose log tells best why it is not up, None where none has a log.

    That is the newest that ended; where none did, the newest that is on its way.
    """
    tasks = [task for task in sight.tasks if swarm_spec.image_of_task(task) == image and not runs(task)]
    begun = [task for task in tasks if _has_begun(task)]
    return max(begun, key=lambda task: (state_of(task) in _ENDED, created(task)), default=None)


def has_terminal(task: Json) -> bool:
    """Tell whether the container of a task has a terminal."""
    return bool(((task.get("Spec") or {}).get("ContainerSpec") or {}).get("TTY"))


def _has_begun(task: Json) -> bool:
    """Tell whether the container of a task was made, and told to start."""
    container = ((task.get("Status") or {}).get("ContainerStatus") or {}).get("ContainerID")
    return bool(container) and state_of(task) in _BEGUN


def created(task: Json) -> int:
    """Return when a task was made, in nanoseconds since 1970."""
    return nanoseconds(task.get("CreatedAt")) or 0


def ends(task: Json) -> bool:
    """Tell whether a task is to end."""
    return task.get("DesiredState") in _ENDING


def runs(task: Json) -> bool:
    """Tell whether a task is to run and does."""
    return task.get("DesiredState") == "running" and state_of(task) == "running"


def state_of(task: Json) -> str:
    """Return the state that a task is in."""
    return str((task.get("Status") or {}).get("State") or "")


def error_of(task: Json) -> str:
    """Return what swarm says of a task that does not do well."""
    return str((task.get("Status") or {}).get("Err") or "")


def is_on(task: Json, sight: Sight, what: Callable[[Json], bool]) -> bool:
    """Tell whether the node of a task is known and ``what`` is true of it."""
    node = sight.nodes.get(str(task.get("NodeID") or ""))
    return node is not None and what(node)


def is_down(node: Json) -> bool:
    """Tell whether a node is down."""
    return (node.get("Status") or {}).get("State") == "down"


def is_ready(node: Json) -> bool:
    """Tell whether a node is there."""
    return (node.get("Status") or {}).get("State") == "ready"


def takes_tasks(node: Json) -> bool:
    """Tell whether a node is to take new tasks."""
    return (node.get("Spec") or {}).get("Availability") == "active"


def is_paused(node: Json) -> bool:
    """Tell whether a node takes no new tasks."""
    return (node.get("Spec") or {}).get("Availability") == "pause"


def node_name(task: Json, sight: Sight) -> str:
    """Return the name of the node of a task, for people."""
    node = sight.nodes.get(str(task.get("NodeID") or "")) or {}
    return str((node.get("Description") or {}).get("Hostname") or task.get("NodeID") or "")


def where(task: Json, sight: Sight) -> str:
    """Say for people how a task stands, and on which node."""
    name = node_name(task, sight)
    return f"{state_of(task)} on {name}" if name else state_of(task)


def message_of(sight: Sight) -> str:
    """Return what swarm says of the latest update."""
    return str(((sight.service or {}).get("UpdateStatus") or {}).get("Message") or "")
