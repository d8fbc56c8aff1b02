"""Several containers of one engine at the same time: who waits for whom, and what they share."""

import threading
from typing import Any, cast

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.container.side_by_side import (
    Shared,
    at_once,
    update_side_by_side,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference

from unit.builders import HOST, NEW

IMAGE = Reference.parse(f"{HOST}/test/app:1")


class Engine:
    """An engine with these containers; ``tags`` says what a name means."""

    def __init__(self, *containers: dict[str, Any], **tags: str) -> None:
        self._containers, self.tags = containers, tags

    def all(self) -> tuple[list[dict[str, Any]], list[str]]:
        return list(self._containers), []

    def image(self, _: str) -> dict[str, str]:
        return {"Id": self.tags["app"]}


def container(name: str, **host: Any) -> dict[str, Any]:
    return {
        "Id": f"id-{name}",
        "Name": f"/{name}",
        "Config": {"Labels": {}},
        "HostConfig": host,
        "NetworkSettings": {},
    }


def requests(*names: str) -> list[Request]:
    return [Request(name, IMAGE, NEW) for name in names]


def containers(engine: Engine) -> Containers:
    return cast("Containers", engine)


def test_independent_ones_are_under_way_at_the_same_time_and_answered_in_their_order() -> None:
    engine = Engine(*map(container, "abc"))
    # Nobody passes before all three are there.
    meet = threading.Barrier(3, timeout=10)

    def update(request: Request) -> dict[str, Any]:
        meet.wait()
        return {"name": request.name}

    ends = update_side_by_side(containers(engine), requests("c", "a", "b"), update)

    assert [one["name"] for one in ends] == ["c", "a", "b"]


def test_no_more_are_under_way_than_was_said() -> None:
    engine, now, most = Engine(*map(container, "abcdefgh")), 0, 0
    lock, meet = threading.Lock(), threading.Barrier(2, timeout=10)

    def update(_: Request) -> dict[str, Any]:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        meet.wait()
        with lock:
            now -= 1
        return {}

    update_side_by_side(containers(engine), requests(*"abcdefgh"), update, parallel=2)

    assert most == 2


def test_one_that_leans_on_another_is_begun_when_that_has_ended() -> None:
    engine = Engine(container("a", VolumesFrom=["b"]), container("b"), container("c"))
    said: list[str] = []
    begun = threading.Event()

    def update(request: Request) -> dict[str, Any]:
        if request.name == "b":
            assert begun.wait(10), "c does not wait for b"
        if request.name == "c":
            begun.set()
        said.append(request.name)
        return {}

    update_side_by_side(containers(engine), requests("a", "b", "c"), update)

    assert said.index("b") < said.index("a")


def test_one_that_is_not_there_is_asked_for_all_the_same() -> None:
    ends = update_side_by_side(
        containers(Engine(container("a"))), requests("a", "gone"), lambda request: {"name": request.name}
    )

    assert [one["name"] for one in ends] == ["a", "gone"]


def test_what_breaks_is_raised() -> None:
    def fail(_: Request) -> dict[str, Any]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        update_side_by_side(containers(Engine(*map(container, "ab"))), requests("a", "b"), fail)


def test_a_limit_of_nothing_is_one() -> None:
    assert at_once(str, [1, 2], 0) == ["1", "2"]


def test_what_a_tag_meant_before_any_of_them_moved_it_is_known_to_all() -> None:
    engine, shared = Engine(app="sha256:old"), Shared()

    assert shared.tag_before(containers(engine), str(IMAGE)) == "sha256:old"
    engine.tags["app"] = "sha256:new"
    assert shared.tag_before(containers(engine), str(IMAGE)) == "sha256:old"
