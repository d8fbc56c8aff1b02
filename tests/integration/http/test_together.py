"""Deliveries that come at the same time are committed together, and each is told what became of it."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from integration.conftest import until
from integration.http.conftest import PUSH, Listener, counts, listening
from integration.keeping import push
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.storage.arrivals import Arrived, Recorded
from registry_docker_updater.storage.storage import Storage
from unit.builders import NOON

Answered = tuple[int, Any]


class Disk:
    """Keeps what it is given when it is let, and remembers how much came together."""

    def __init__(self, keep: Callable[[Sequence[Arrived]], Sequence[Recorded]]) -> None:
        self.keep = keep
        self.may_go_on = threading.Event()
        self.together: list[int] = []
        self.fails: Exception | None = None
        self.hates = ""

    def record_all(self, some: Sequence[Arrived]) -> Sequence[Recorded]:
        self.together.append(len(some))
        assert self.may_go_on.wait(20)
        if self.fails and (not self.hates or any(self.hates in one.ignored for one in some)):
            raise self.fails
        return self.keep(some)


@pytest.fixture
def disk() -> Disk:
    return Disk(lambda _: [])


@pytest.fixture
def listener(tmp_path: Path, disk: Disk) -> Iterator[Listener]:
    with listening(tmp_path) as made:
        disk.keep = made.store.events.record_all
        object.__setattr__(made.server._together, "keep", disk.record_all)
        yield made


def delivery(key: str, action: str = "push") -> bytes:
    content = json.loads(PUSH)
    content["events"][0].update(id=key, action=action)
    return json.dumps(content).encode()


def sent_during_a_commit(
    listener: Listener, disk: Disk, threads: ThreadPoolExecutor, some: Sequence[bytes]
) -> list["Future[Answered]"]:
    """What comes while one other delivery is being committed."""
    first = threads.submit(listener.send, delivery("first"))
    until(lambda: disk.together)
    rest = [threads.submit(listener.send, one) for one in some]
    until(lambda: len(listener.server._deliveries) == len(some))
    disk.may_go_on.set()
    return [first, *rest]


def test_what_comes_during_a_commit_is_committed_together_with_the_next(
    listener: Listener, disk: Disk
) -> None:
    with ThreadPoolExecutor(20) as threads:
        some = [delivery(f"event {n % 9}") for n in range(18)]
        found = [one.result() for one in sent_during_a_commit(listener, disk, threads, some)]
    assert disk.together == [1, 18]
    assert {status for status, _ in found} == {202}
    assert sum(content["accepted"] for _, content in found) == 10
    assert sum(content["duplicates"] for _, content in found) == 9


def test_what_cannot_be_kept_is_said_to_all_and_the_next_is_tried_again(
    listener: Listener, disk: Disk
) -> None:
    with ThreadPoolExecutor(20) as threads:
        disk.fails = StoreUnavailable("the disk is full")
        found = [
            one.result()
            for one in sent_during_a_commit(listener, disk, threads, [delivery("a"), delivery("b")])
        ]
    assert found == [(503, {"error": "not stored; send it again"})] * 3
    assert listener.outages == ["production"] * 3
    disk.fails = None
    assert listener.send(delivery("a")) == (202, counts(accepted=1))


def test_a_bug_that_one_of_them_meets_does_not_concern_the_others(
    listener: Listener, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    disk.fails, disk.hates = ValueError("a bug"), "strange"
    with ThreadPoolExecutor(20) as threads:
        some = [delivery("a"), delivery("b", "strange"), delivery("c")]
        _, *found = [one.result() for one in sent_during_a_commit(listener, disk, threads, some)]
    assert found == [(202, counts(accepted=1)), (500, {"error": "internal error"}), (202, counts(accepted=1))]
    assert disk.together == [1, 3, 1, 1, 1]
    assert [one.getMessage() for one in caplog.records] == ["cannot keep a delivery of production"]


def test_what_cannot_be_read_is_refused_beside_what_is_kept(listener: Listener, disk: Disk) -> None:
    disk.may_go_on.set()
    with ThreadPoolExecutor(20) as threads:
        found = list(
            threads.map(
                lambda n: listener.send(b"{}", "harbor") if n % 2 else listener.send(delivery(f"{n}")),
                range(40),
            )
        )
    assert [status for status, _ in found] == [202, 400] * 20
    assert len(listener.store.events.newest_events(100, 10)) == 20


# What people want and what they delay is read whole: what is over is not among it, or is soon forgotten.
READ_WHOLE = ("overrides", "freezes", "delays")


def test_the_cost_of_a_delivery_does_not_grow_with_what_is_known(storage: Storage) -> None:
    """Every statement finds its rows by an index: none looks at all rows of a table."""
    said: list[tuple[str, Any]] = []
    engine = storage._connections._reader  # type: ignore[attr-defined]
    event.listen(engine, "before_cursor_execute", lambda *given: said.append((given[2], given[3])))
    some = [Arrived("production", [push(key=key)], NOON, ["pull"]) for key in "ab"]
    storage.events.record_all(some)
    storage.events.desired({"production": ("h",)}, after=1)
    storage.events.pushed_after("production", 1)
    storage.history(["production"], ["a key"])
    statements = [one for one in said if one[0].split()[0] in ("SELECT", "UPDATE", "DELETE")]
    assert len(statements) >= 4
    with storage._connections.reading() as connection:
        for statement, given in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).fetchall()
            steps = [step[3] for step in plan]
            assert not [
                one for one in steps if one.startswith("SCAN") and one.split()[1] not in READ_WHOLE
            ], (
                statement,
                steps,
            )
            # All events of a registry, or all names: what an index leads to must be few.
            assert not [one for one in steps if one.endswith("(registry=?)") and "ignored" not in one], steps
