"""What is removed, what stays, and that the trail holds all the same."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from integration.audit.lived import flaws, live, rows, sql
from integration.keeping import ANN, ONCE, WEB, begin, end, ended, push, record, send_all
from registry_docker_updater.activities.context import Context
from registry_docker_updater.activities.evidence import verify_all
from registry_docker_updater.activities.freezing import FreezeWish, freeze, thaw
from registry_docker_updater.activities.retention import Retention
from registry_docker_updater.activities.silencing import Wish, silence
from registry_docker_updater.core.audit.retention import KeepPolicy
from registry_docker_updater.core.events.pushes import Unreadable, UnresolvedPush
from registry_docker_updater.core.policy.freezes import Scope
from registry_docker_updater.core.rollouts.desired import PushedName
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.silences import Subject
from registry_docker_updater.edges.runs.packing import ProcessEnd, pack
from registry_docker_updater.storage.actions import (
    decide,
    judged_up_to,
    keep_leftovers,
    keep_matches,
    retry_rollout,
)
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.evidence import verify
from registry_docker_updater.storage.storage import Storage
from unit.builders import NEW, NEWER, NOON, at

FOREVER = KeepPolicy(None, 2**40, None)
LATER = at(10**6)


class Bare:
    """Of a context, what removing needs."""

    def __init__(self, storage: Storage, runs: Path) -> None:
        self.storage, self.runs = storage, runs

    def steady(self) -> object:
        return NOON


def remove(storage: Storage, runs: Path, policy: KeepPolicy) -> None:
    Retention(cast("Context", Bare(storage, runs)), policy, lambda: True).remove(LATER)


EVENTS = KeepPolicy(None, 2**40, timedelta(seconds=10))


def test_events_that_are_too_old_go_but_for_the_newest_of_each_tag_and_those_that_wait(
    storage: Storage, path: Path, tmp_path: Path
) -> None:
    for number in range(3):
        record(storage, push(NEW, at(number), key=f"{number}"), now=at(number))
    waiting = UnresolvedPush("production", "test/app", "2", at(4), "claimed", "bob", NEW)
    storage.events.record("production", [waiting], at(4))
    record(storage, push(NEWER, LATER, key="now", tag="3"), now=LATER)
    before = len(rows(path, "trail"))
    remove(storage, tmp_path, EVENTS)
    assert [row["id"] for row in rows(path, "events")] == [3, 4, 5]
    entries = rows(path, "trail")
    assert [
        row["event"] for row in entries if row["kind"] == "event.received" and row["content"] is None
    ] == [1, 2]
    assert len(entries) == before + 2
    assert flaws(path) == []


def test_a_rollout_goes_with_all_that_belongs_to_it_once_it_is_not_the_last_of_a_target(
    storage: Storage, path: Path, tmp_path: Path
) -> None:
    record(storage, now=at(1))
    begin(storage, at(2))
    end(storage, at(3), ended(Outcome.FAILED, after=None), retry=ONCE)
    remove(storage, tmp_path, EVENTS)
    assert len(rows(path, "rollouts")) == 1
    record(storage, push(NEWER, at(20)), now=at(20))
    begin(storage, at(21))
    end(storage, at(22), ended(Outcome.UPDATED, after=NEWER), rollout=2, digest=NEWER)
    send_all(storage, at(30))
    remove(storage, tmp_path, EVENTS)
    assert [row["id"] for row in rows(path, "rollouts")] == [2]
    assert {row["rollout"] for table in ("outcomes", "news") for row in rows(path, table)} == {2}
    assert {row["message"] for row in rows(path, "message_items")} == {
        row["id"] for row in rows(path, "messages")
    }
    assert [row["id"] for row in rows(path, "events")] == [2]
    assert {
        row["content"]
        for row in rows(path, "trail")
        if row["rollout"] == 1 and row["kind"] not in ("news.routed", "team.told")
    } == {None}
    assert flaws(path) == []


def test_what_was_decided_on_a_push_goes_with_it(storage: Storage, path: Path, tmp_path: Path) -> None:
    for number, digest in ((1, NEW), (2, NEWER)):
        now = 10 * number
        record(storage, push(digest, at(now)), now=at(now))
        begin(storage, at(now + 1))
        decide(storage, number, [WEB], ANN, at(now + 2), is_approval=True)
        end(storage, at(now + 3), ended(Outcome.UPDATED, after=digest), rollout=number, digest=digest)
    send_all(storage, at(30))
    remove(storage, tmp_path, EVENTS)
    assert [row["id"] for row in rows(path, "rollouts")] == [2]
    assert [row["push"] for row in rows(path, "decisions")] == [2]
    assert [row["id"] for row in rows(path, "events")] == [2]
    assert flaws(path) == []


def test_the_last_decision_stays_with_its_push_for_its_number_would_be_given_again(
    storage: Storage, path: Path, tmp_path: Path
) -> None:
    record(storage, push(NEW, at(1), key="1"), now=at(1))
    rollout, _, _ = begin(storage, at(2))
    decide(storage, rollout, [WEB], ANN, at(3), is_approval=True)
    end(storage, at(4), ended(Outcome.UPDATED))
    record(storage, push(NEWER, at(5), key="2"), now=at(5))
    begin(storage, at(6))
    end(storage, at(7), ended(Outcome.UPDATED, after=NEWER), rollout=2, digest=NEWER)
    send_all(storage, at(8))
    remove(storage, tmp_path, EVENTS)
    assert [row["id"] for row in rows(path, "rollouts")] == [2]
    assert [row["push"] for row in rows(path, "decisions")] == [1]
    assert [row["id"] for row in rows(path, "events")] == [1, 2]
    assert flaws(path) == []


@pytest.fixture
def lived(path: Path) -> Iterator[Storage]:
    live(path)
    database = Database(path)
    yield Storage(database)
    database.close()


def test_what_still_counts_stays_whatever_its_age(lived: Storage, path: Path, tmp_path: Path) -> None:
    """A rollout that a person asked for again, what waits for its registry, refusals, the last attempts."""
    before = {
        table: rows(path, table)
        for table in ("rollouts", "outcomes", "claims", "refusals", "last_attempts", "newest")
    }
    remove(lived, tmp_path, EVENTS)
    assert {table: rows(path, table) for table in before} == before
    assert flaws(path) == []
    assert retry_rollout(lived, 1, {}, ANN, LATER)


def kept_run(runs: Path, where: str, age: timedelta, storage: Storage) -> Path:
    """A packed run that ended so long before :data:`LATER`, with its entry."""
    directory = runs / where
    directory.mkdir(parents=True)
    (directory / "events.jsonl").write_text('{"stdout": "said"}\n')
    ended_at = LATER - age
    manifest = pack(directory, {"playbook": "update"}, ProcessEnd("successful", 0, ended_at))
    os.utime(directory / "manifest.json", (ended_at.timestamp(),) * 2)
    keep_leftovers(storage, [(where, manifest)], ended_at)
    return directory


def there(runs: Path) -> list[str]:
    return sorted(str(path.parent.relative_to(runs)) for path in runs.glob("*/*/manifest.json"))


def test_runs_that_are_too_old_go_and_the_trail_says_so(storage: Storage, path: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for where, days in (
        ("7/update-1", 100),
        ("7/notify-1", 100),
        ("8/update-1", 10),
        ("repairs/repair-1", 92),
        ("repairs/repair-2", 91),
    ):
        kept_run(runs, where, timedelta(days=days), storage)
    remove(storage, runs, KeepPolicy(timedelta(days=90), 2**40, None))
    assert there(runs) == ["8/update-1", "repairs/repair-2"]
    assert not (runs / "7").exists()
    assert list(verify_all(storage, runs, LATER)) == []
    assert flaws(path) == []


def test_the_oldest_runs_go_until_there_is_room(storage: Storage, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    sizes = [
        sum(
            file.stat().st_size
            for file in kept_run(runs, f"{number}/update-1", timedelta(days=number), storage).iterdir()
        )
        for number in range(1, 5)
    ]
    remove(storage, runs, KeepPolicy(None, sum(sizes[:2]), None))
    assert there(runs) == ["1/update-1", "2/update-1"]
    assert list(verify_all(storage, runs, LATER)) == []


def test_the_runs_of_the_last_attempt_on_a_target_stay(storage: Storage, tmp_path: Path) -> None:
    record(storage, now=at(1))
    begin(storage, at(2))
    end(storage, at(3), ended(Outcome.UPDATED))
    runs = tmp_path / "runs"
    kept_run(runs, "1/update-1", timedelta(days=100), storage)
    kept_run(runs, "9/update-1", timedelta(days=100), storage)
    remove(storage, runs, KeepPolicy(timedelta(days=90), 0, None))
    assert there(runs) == ["1/update-1"]


def test_a_run_that_was_to_go_when_the_operator_was_killed_goes_the_next_time(
    storage: Storage, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    directory = kept_run(runs, "7/update-1", timedelta(days=100), storage)
    storage.retention.note_runs(["7/update-1"], LATER)
    assert list(verify_all(storage, runs, LATER)) == []
    directory.rename(directory.with_name(".update-1.removed"))
    remove(storage, runs, KeepPolicy(timedelta(days=90), 2**40, None))
    assert not list((runs / "7").iterdir())
    assert list(verify_all(storage, runs, LATER)) == []


def test_what_is_kept_for_ever_stays(lived: Storage, path: Path, tmp_path: Path) -> None:
    before = rows(path, "trail")
    remove(lived, tmp_path, FOREVER)
    assert rows(path, "trail") == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET received_at = '2000-01-01 00:00:00.000000' WHERE id = 1",
        "UPDATE rollouts SET ended_at = '2000-01-01 00:00:00.000000', state = 'finished'",
    ],
)
def test_what_somebody_dates_back_is_not_removed_for_that(
    lived: Storage, path: Path, tmp_path: Path, change: str
) -> None:
    before = {table: len(rows(path, table)) for table in ("events", "rollouts", "outcomes")}
    with sql(path) as connection:
        connection.execute("DELETE FROM last_attempts")
        connection.execute(change)
    found = len(flaws(path))
    remove(lived, tmp_path, KeepPolicy(None, 2**40, LATER - NOON + timedelta(days=1)))
    assert {table: len(rows(path, table)) for table in before} == before
    assert len(flaws(path)) == found > 0


def test_a_run_whose_file_somebody_dates_back_is_not_removed_for_that(
    storage: Storage, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    for number in (1, 2):
        directory = kept_run(runs, f"{number}/update-1", timedelta(days=1), storage)
        os.utime(directory / "manifest.json", (0, 0))
    remove(storage, runs, KeepPolicy(timedelta(days=90), 2**40, None))
    assert there(runs) == ["1/update-1", "2/update-1"]


def test_a_row_that_somebody_set_back_is_found_also_when_what_told_of_it_since_is_old(
    storage: Storage, path: Path, tmp_path: Path
) -> None:
    def tag() -> dict[str, object]:
        (row,) = rows(path, "newest")
        return row

    record(storage, push(NEW, at(1), key="1"), now=at(1))
    before = tag()
    record(storage, push(NEWER, at(2), key="2"), now=at(2))
    with sql(path) as connection:
        names = [name for name in before if name != "its_place"]
        setting = ", ".join(f"{name} = ?" for name in names)
        connection.execute(f"UPDATE newest SET {setting}", [before[name] for name in names])
    assert flaws(path)
    remove(storage, tmp_path, EVENTS)
    assert flaws(path)
    with sql(path) as connection:
        connection.execute(f"UPDATE newest SET {setting}", [before[name] for name in names])
        connection.execute("UPDATE newest SET push = 2, change = 2")
        connection.execute("UPDATE newest SET occurred_at = ?, received_at = ?", (moment(2), moment(2)))
        connection.execute("UPDATE newest SET registry_digest = ?", (NEWER,))


def moment(seconds: int) -> str:
    return f"2026-11-22 12:00:0{seconds}.000000"


def test_no_number_and_no_name_is_given_twice(storage: Storage, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    record(storage, push(NEW, at(1), key="1"), now=at(1))
    storage.events.record("production", [Unreadable("why", "what")], at(2))
    kept_run(runs, "repairs/repair-1", timedelta(days=100), storage)
    remove(storage, runs, KeepPolicy(timedelta(days=90), 0, timedelta(seconds=10)))
    assert there(runs) == ["repairs/repair-1"]
    assert record(storage, push(NEWER, LATER, key="3"), now=LATER) == 3


def test_what_was_pushed_is_judged_once_though_the_entry_of_it_is_gone(
    storage: Storage, path: Path, tmp_path: Path
) -> None:
    for number in (1, 2):
        record(storage, push(NEW, at(number), key=f"{number}", tag=f"{number}"), now=at(number))
    keep_matches(storage, {}, [1, 2], 2, at(3))
    remove(storage, tmp_path, EVENTS)
    assert [row["content"] for row in rows(path, "trail") if row["kind"] == "pushes.matched"] == [None]
    assert judged_up_to(storage) == 2


def test_an_event_that_waited_before_the_trail_began_may_be_settled_and_forgotten(
    path: Path, tmp_path: Path
) -> None:
    """As after an upgrade."""
    live(path)
    with sql(path) as connection:
        connection.execute("DROP TABLE trail")
        connection.execute("DELETE FROM migrations WHERE name LIKE '0006%'")
    database = Database(path, clock=lambda: NOON)
    storage = Storage(database)
    assert list(verify(storage)) == []
    (claim,) = storage.claims.of([PushedName("production", "test/app", "2")])
    assert storage.claims.reject(claim, "no", at(20))
    record(storage, push(NEW, at(21), key="21", tag="2"), now=at(21))
    remove(storage, tmp_path, EVENTS)
    assert list(verify(storage)) == []
    database.close()


def test_what_is_removed_while_all_is_checked_is_not_missed(storage: Storage, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for number in (1, 2, 3):
        kept_run(runs, f"{number}/update-1", timedelta(days=100 * number), storage)
    policy = KeepPolicy(timedelta(days=150), 2**40, None)
    is_removed: list[bool] = []

    def progress(what: str, _count: int) -> None:
        if what == "entries" and not is_removed:
            is_removed.append(True)
            remove(storage, runs, policy)

    assert list(verify_all(storage, runs, LATER, progress=progress)) == []
    assert there(runs) == ["1/update-1"]


def test_silences_go_when_they_have_been_over_for_long_enough_but_for_the_last(
    storage: Storage, path: Path, tmp_path: Path
) -> None:
    for until in (at(5), LATER, at(7), at(8)):
        silence(storage, Wish(Subject.HOST, "solo", until, "it moves"), ANN, NOON)
    remove(storage, tmp_path, EVENTS)
    assert [row["id"] for row in rows(path, "silences")] == [2, 4]
    assert flaws(path) == []


def test_freezes_go_when_they_have_been_over_for_long_enough_and_never_while_they_count(
    storage: Storage, path: Path, tmp_path: Path
) -> None:
    for until in (at(5), None, LATER, LATER, at(8)):
        freeze(storage, FreezeWish(Scope.EVERYTHING, "", until, "it moves"), ANN, NOON)
    thaw(storage, 3, ANN, at(7))
    remove(storage, tmp_path, EVENTS)
    assert [row["id"] for row in rows(path, "freezes")] == [2, 4, 5]
    assert flaws(path) == []
