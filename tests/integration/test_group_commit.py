"""Deliveries that come at the same time are committed together, and each is told what became of it."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import event

from integration.conftest import until
from integration.keeping import push
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.storage.arrivals import Arrived, Recorded
from registry_docker_updater.storage.group_commit import GroupCommit
from registry_docker_updater.storage.storage import Storage
from unit.builders import NOON


def arrived(key: str) -> Arrived:
    return Arrived("production", [push(key=key)], NOON)


class Disk:
    """Keeps what it is given when it is let, and remembers what came together."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.may_go_on = threading.Event()
        self.together: list[int] = []

    def keep(self, some: Sequence[Arrived]) -> Sequence[Recorded]:
        self.together.append(len(some))
        assert self.may_go_on.wait(20)
        if any(one.registry == "broken" for one in some):
            raise ValueError("a bug")
        if any(one.registry == "full" for one in some):
            raise StoreUnavailable("the disk is full")
        return self.storage.events.record_all(some)


@pytest.fixture
def disk(storage: Storage) -> Disk:
    return Disk(storage)


def sent_during_a_commit(
    disk: Disk, threads: ThreadPoolExecutor, some: Sequence[Arrived]
) -> list["Future[Recorded]"]:
    """What comes while one other delivery is being committed."""
    group = GroupCommit(disk.keep)
    first = threads.submit(group.record, arrived("first"))
    until(lambda: disk.together)
    rest = [threads.submit(group.record, one) for one in some]
    until(lambda: len(group._waiting) == len(some))
    disk.may_go_on.set()
    return [first, *rest]


def test_what_comes_during_a_commit_is_committed_together_with_the_next(disk: Disk) -> None:
    with ThreadPoolExecutor(20) as threads:
        found = sent_during_a_commit(disk, threads, [arrived(f"event {n % 9}") for n in range(18)])
    assert disk.together == [1, 18]
    results = [one.result() for one in found]
    assert sum(one.accepted for one in results) == 10
    assert sum(one.duplicates for one in results) == 9
    assert len({number for one in results for number in one.pushes}) == 10


def test_what_cannot_be_kept_is_said_to_all_and_the_next_is_tried_again(disk: Disk) -> None:
    with ThreadPoolExecutor(20) as threads:
        first, *rest = sent_during_a_commit(disk, threads, [arrived("a"), Arrived("full", [], NOON)])
        assert first.result().accepted == 1
        for one in rest:
            with pytest.raises(StoreUnavailable, match="the disk is full"):
                one.result()
    assert GroupCommit(disk.keep).record(arrived("a")).accepted == 1


def test_a_bug_that_one_of_them_meets_does_not_concern_the_others(disk: Disk) -> None:
    with ThreadPoolExecutor(20) as threads:
        _, good, bad = sent_during_a_commit(disk, threads, [arrived("a"), Arrived("broken", [], NOON)])
        assert good.result().accepted == 1
        with pytest.raises(ValueError, match="a bug"):
            bad.result()
    assert disk.together == [1, 2, 1, 1]


def test_many_senders_are_all_kept_once(storage: Storage) -> None:
    group = GroupCommit(storage.events.record_all)
    with ThreadPoolExecutor(16) as threads:
        results = list(threads.map(lambda n: group.record(arrived(f"event {n // 2}")), range(400)))
    assert (sum(one.accepted for one in results), sum(one.duplicates for one in results)) == (200, 200)


def test_the_cost_of_a_delivery_does_not_grow_with_what_is_known(storage: Storage) -> None:
    """Every statement finds its rows by an index: none looks at all rows of a table."""
    said: list[tuple[str, object]] = []
    engine = storage._connections._reader  # type: ignore[attr-defined]
    event.listen(engine, "before_cursor_execute", lambda *given: said.append((given[2], given[3])))
    storage.events.record_all([arrived("a"), Arrived("production", [push(key="b")], NOON, ["pull"])])
    storage.events.desired({"production": ("h",)}, after=1)
    statements = [one for one in said if one[0].split()[0] in ("SELECT", "UPDATE", "DELETE")]
    assert len(statements) >= 4
    with storage._connections.reading() as connection:
        for statement, given in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).fetchall()
            assert not [step for step in plan if step[3].startswith("SCAN")], (statement, plan)
