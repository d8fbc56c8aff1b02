"""Which task's log tells why a service did not come up, and when it is told."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions.sight import (
    Sight,
    has_terminal,
    telling,
)

_OLD, _NEW = "host/app:1@old", "host/app:1@new"


def _task(identity: str, state: str, created: int = 0, *, image: str = _NEW, **status: Any) -> dict[str, Any]:
    return {
        "ID": identity,
        "CreatedAt": f"2026-01-01T00:00:{created:02d}Z",
        "DesiredState": "running" if state == "running" else "shutdown",
        "Status": {"State": state, "ContainerStatus": {"ContainerID": "c"}, **status},
        "Spec": {"ContainerSpec": {"Image": image}},
    }


def _telling(*tasks: dict[str, Any]) -> Any:
    found = telling(Sight(None, tasks), _NEW)
    return found and found["ID"]


def test_the_newest_task_that_ended_tells_why() -> None:
    tasks = (_task("first", "failed", 1), _task("second", "complete", 5), _task("next", "starting", 9))
    assert _telling(*tasks) == "second"


def test_where_none_ended_yet_one_that_does_not_get_healthy_does() -> None:
    assert _telling(_task("one", "starting", 1), _task("newer", "starting", 2)) == "newer"


@pytest.mark.parametrize(
    "task",
    [
        _task("t", "running"),
        _task("t", "failed", image=_OLD),
        _task("t", "rejected"),
        _task("t", "pending", ContainerStatus=None),
        _task("t", "failed", ContainerStatus={"ContainerID": ""}),
        {**_task("t", "failed"), "Status": None},
    ],
)
def test_a_task_that_is_up_or_never_had_a_container_tells_nothing(task: dict[str, Any]) -> None:
    assert _telling(task) is None


def test_whether_a_task_has_a_terminal_is_of_its_spec() -> None:
    task = _task("t", "failed")
    assert not has_terminal(task)
    assert not has_terminal({})
    assert has_terminal({"Spec": {"ContainerSpec": {"TTY": True}}})
