"""What is kept: in a real database, also with two processes at it, and with one that another version wrote."""

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.core.events.delivery import read
from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.core.events.pushes import Push, Unreadable
from registry_docker_updater.core.fleet.index import Change, Fleet
from registry_docker_updater.core.notifications.schedule import Notification, NotificationState
from registry_docker_updater.core.rollouts.history import DesiredImage, RolloutState, RunEnd
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.planner import Start
from registry_docker_updater.errors import NothingKnown, StoreUnavailable
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.events import Recorded
from registry_docker_updater.storage.rollouts import StartedRun, Store
from registry_docker_updater.views.listings import Listings, fleet_rows
from unit.builders import HOST, NEW, NEWER, NOON, OLD, at, container, host, service, whole

WEB = container().key
HOSTS = {"production": (HOST, "registry.internal:5000")}
PAYLOADS = Path(__file__).parents[1] / "payloads"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "updater.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    database = Database(path)
    yield Store(database)
    database.close()


def listings(store: Store) -> Listings:
    return Listings(store._database)


def push(
    digest: str = NEW, when: datetime = NOON, key: str = "", tag: str = "1", registry: str = "production"
) -> Push:
    return Push(registry, "test/app", tag, digest, when, key or f"{digest} {when} {tag}", "alice")


def start(store: Store, *targets: Any) -> Start:
    (desired,) = store.desired(HOSTS)
    return Start(desired, targets or (container(),), ())


def attempt_ended(outcome: Outcome, key: str = WEB, after: str | None = NEW) -> TargetOutcome:
    target = container()
    return TargetOutcome(key, target.kind, target.name, target.place, outcome, OLD, after, "because")


def ended(rollout: int, run: int, desired: DesiredImage, *outcomes: TargetOutcome, **more: Any) -> RunEnd:
    given = {"state": RolloutState.FINISHED, "due_at": None, "note": None, "is_news": True, **more}
    return RunEnd(rollout, run, desired, outcomes, **given)


def test_a_push_is_wanted_under_every_name_of_its_registry(store: Store) -> None:
    assert store.record("production", [push()], at(5)) == Recorded(1, 0, 0)
    (desired,) = store.desired(HOSTS)
    assert desired == DesiredImage(1, HOSTS["production"], "test/app", "1", NEW, at(5))
    assert store.desired({}) == ()


def test_the_same_event_twice_is_one_push_also_within_one_request(store: Store) -> None:
    assert store.record("production", [push(key="a"), push(key="a")], at(1)) == Recorded(1, 1, 0)
    assert store.record("production", [push(key="a")], at(2)) == Recorded(0, 1, 0)
    assert len(listings(store).events(10)) == 1
    assert store.record("test", [push(key="a", registry="test")], at(3)) == Recorded(1, 0, 0)


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("sequence-distribution2-multiarch-push", 1),
        ("sequence-distribution2-retry", 2),
        ("sequence-harbor28-retry", 2),
    ],
)
def test_a_captured_series_gives_one_push_for_each_event(store: Store, name: str, accepted: int) -> None:
    sender = FORMATS["harbor" if "harbor" in name else "distribution"]
    total = 0
    for request in json.loads((PAYLOADS / f"{name}.json").read_text()):
        reading = read("production", sender, request["body"].encode())
        total += store.record("production", reading.kept, NOON).accepted
    assert total == accepted


def test_the_newest_push_is_the_registrys_last_whatever_arrives_last(store: Store) -> None:
    store.record("production", [push(NEWER, at(20))], at(30))
    store.record("production", [push(NEW, at(10))], at(31))
    assert [desired.digest for desired in store.desired(HOSTS)] == [NEWER]


def test_of_two_pushes_in_one_second_the_one_that_arrived_last_counts(store: Store) -> None:
    store.record("production", [push(NEW, at(10))], at(30))
    store.record("production", [push(NEWER, at(10))], at(31))
    assert [desired.digest for desired in store.desired(HOSTS)] == [NEWER]


def test_a_registry_whose_clock_is_ahead_does_not_hide_later_pushes(store: Store) -> None:
    store.record("production", [push(NEW, at(86400 * 365))], at(10))
    store.record("production", [push(NEWER, at(20))], at(20))
    assert [desired.digest for desired in store.desired(HOSTS)] == [NEWER]
    assert listings(store).events(10)[1]["occurred_at"] == "2026-11-22T12:00:10.000Z"


def test_tags_repositories_and_registries_are_kept_apart(store: Store) -> None:
    store.record("production", [push(), push(tag="2"), replace(push(key="x"), repository="test/b")], at(1))
    store.record("test", [push(registry="test")], at(2))
    hosts = {**HOSTS, "test": ("test.example.com",)}
    assert [(one.hosts[0], one.repository, one.tag) for one in store.desired(hosts)] == [
        (HOST, "test/app", "1"),
        (HOST, "test/app", "2"),
        (HOST, "test/b", "1"),
        ("test.example.com", "test/app", "1"),
    ]


def test_what_nobody_can_read_is_kept_once_and_counted_each_time(store: Store) -> None:
    one = Unreadable("why", {"events": ["\ud800", None, 1e300, "\0"]})
    assert store.record("production", [one], NOON) == Recorded(0, 0, 1)
    assert store.record("production", [one], at(1)) == Recorded(0, 0, 1)
    (row,) = listings(store).events(10)
    assert (row["kind"], row["reason"], row["content"]) == ("unreadable", "why", one.content)
    assert store.desired(HOSTS) == ()
    json.dumps(row)


def test_the_change_counter_moves_with_every_event_and_not_else(store: Store) -> None:
    before = store.change_counter()
    store.record("production", [push(key="a")], NOON)
    after = store.change_counter()
    store.record("production", [push(key="a")], NOON)
    store.keep_change(whole(Fleet()))
    assert before != after == store.change_counter()


def test_the_fleet_is_given_back_as_it_was_kept(store: Store) -> None:
    targets = (
        container(since=at(1.234567)),
        service(),
        replace(container("x"), reference=None, digests=frozenset((OLD, NEW)), state="running"),
        replace(container("y"), digests=frozenset(), image="nginx"),
    )
    hosts = (host("solo", at(3), "no route"), host("m1", swarm="alpha", is_manager=True, warnings=("a", "b")))
    fleet = Fleet({one.name: one for one in hosts}, {one.key: one for one in targets})
    store.keep_change(whole(fleet))
    assert store.fleet() == fleet
    json.dumps(fleet_rows(fleet))
    update = Change(
        hosts={"solo": host("solo", at(9), live="followed")}, targets={web.key: None for web in targets[2:]}
    )
    store.keep_change(update)
    assert store.fleet() == fleet.changed(update)
    store.keep_change(Change())
    assert store.fleet() == fleet.changed(update)


def test_keeping_what_has_changed_leaves_all_other_rows_alone(store: Store, path: Path) -> None:
    """The rows of a large fleet are not written again for the answer of one host."""
    targets = [container(f"web{number}", on=f"h{number}") for number in range(50)]
    hosts = {target.hosts[0]: host(target.hosts[0]) for target in targets}
    store.keep_change(Change(hosts, {target.key: target for target in targets}))
    store._database.close()
    with sqlite3.connect(path) as database:
        before = database.execute("SELECT rowid, name FROM targets ORDER BY rowid").fetchall()
    store.keep_change(
        Change({"h7": host("h7", at(9))}, {targets[7].key: replace(targets[7], state="running")})
    )
    with sqlite3.connect(path) as database:
        after = database.execute("SELECT rowid, name FROM targets ORDER BY rowid").fetchall()
    assert [row for row in before if row[1] != "web7"] == [row for row in after if row[1] != "web7"]
    assert store.fleet().targets[targets[7].key].state == "running"


def test_a_rollout_counts_its_runs_and_keeps_the_last_word_on_each_target(store: Store) -> None:
    store.record("production", [push()], at(5))
    begun = start(store)
    assert store.begin_run(begun, at(10)) == StartedRun(1, 1, 1)
    assert store.history(HOSTS, []).running == {1}
    failed = attempt_ended(Outcome.FAILED, after=None)
    store.end_run(
        ended(1, 1, begun.desired, failed, state=RolloutState.WAITING, due_at=at(30), note="because"), at(20)
    )
    (rollout,) = store.history(HOSTS, []).rollouts.values()
    assert (rollout.state, rollout.runs, rollout.due_at) == (RolloutState.WAITING, 1, at(30))
    assert rollout.reference == (HOST, "test/app", "1")
    assert store.begin_run(begun, at(30)) == StartedRun(1, 2, 2)
    store.end_run(ended(1, 2, begun.desired, attempt_ended(Outcome.UPDATED)), at(40))
    row = listings(store).rollout(1)
    assert (row["state"], row["runs"], row["due_at"], row["note"]) == ("finished", 2, None, None)
    assert row["outcomes"] == {"updated": 1}
    assert [(one["run"], one["outcome"]) for one in row["targets"]] == [(2, "updated")]


def test_a_rollback_makes_the_digest_refused_on_that_target_for_good(store: Store) -> None:
    store.record("production", [push()], at(5))
    begun = start(store)
    store.begin_run(begun, at(10))
    store.keep_outcome(1, 1, begun.desired, attempt_ended(Outcome.ROLLED_BACK), at(11))
    store.keep_outcome(1, 1, begun.desired, attempt_ended(Outcome.ROLLBACK_FAILED, "service/x"), at(11))
    store.keep_outcome(1, 1, begun.desired, attempt_ended(Outcome.FAILED, "service/y"), at(11))
    assert store.history(HOSTS, [WEB, "service/x", "service/y"]).refused == {(WEB, NEW), ("service/x", NEW)}


def test_an_outcome_is_known_before_its_run_ended(store: Store, path: Path) -> None:
    store.record("production", [push()], at(5))
    begun = start(store)
    store.begin_run(begun, at(10))
    store.keep_outcome(1, 1, begun.desired, attempt_ended(Outcome.UPDATED), at(11))
    other = Store(Database(path))
    assert [one.outcome for one in other.outcomes(1)] == [Outcome.UPDATED]
    assert other.history(HOSTS, [WEB]).last[WEB].possible_digests == {NEW}


def test_a_run_that_was_interrupted_is_due_again(store: Store) -> None:
    store.record("production", [push()], at(5))
    store.begin_run(start(store), at(10))
    assert store.interrupt_runs(at(20), busy={1}) == []
    assert store.interrupt_runs(at(20)) == [1]
    assert store.interrupt_runs(at(21)) == []
    (rollout,) = store.history(HOSTS, []).rollouts.values()
    assert (rollout.state, rollout.due_at) == (RolloutState.WAITING, at(20))
    assert store.notifications() == ()


def test_of_what_an_interrupted_run_did_the_team_is_told(store: Store) -> None:
    store.record("production", [push()], at(5))
    begun = start(store)
    store.begin_run(begun, at(10))
    store.keep_outcome(1, 1, begun.desired, attempt_ended(Outcome.UPDATED), at(11))
    store.interrupt_runs(at(20))
    assert [(one.rollout, one.due_at) for one in store.notifications()] == [(1, at(20))]


def test_what_a_begun_run_wants_is_remembered_should_nobody_hear_of_its_end(store: Store) -> None:
    store.record("production", [push()], at(5))
    store.begin_run(start(store), at(10))
    last_attempt = store.history(HOSTS, [WEB]).last[WEB]
    assert (last_attempt.push, last_attempt.outcome.is_final, set(last_attempt.possible_digests)) == (
        1,
        False,
        {NEW},
    )


def test_a_superseded_rollout_ends_with_what_still_waited_in_it(store: Store) -> None:
    store.record("production", [push()], at(5))
    begun = start(store)
    store.begin_run(begun, at(10))
    outcomes = (attempt_ended(Outcome.UPDATED), attempt_ended(Outcome.FAILED, "service/x", None))
    store.end_run(ended(1, 1, begun.desired, *outcomes, state=RolloutState.WAITING, due_at=at(90)), at(20))
    store.record("production", [push(NEWER, at(30))], at(30))
    store.supersede([1], at(31))
    assert [one.outcome for one in store.outcomes(1)] == [Outcome.UPDATED, Outcome.SUPERSEDED]
    row = listings(store).rollout(1)
    assert (row["state"], row["due_at"], row["note"]) == ("superseded", None, "a newer push took its place")
    assert store.history(HOSTS, []).rollouts == {}


def test_a_settled_rollout_waits_no_more(store: Store) -> None:
    store.record("production", [push()], at(5))
    store.begin_run(start(store), at(10))
    store.interrupt_runs(at(20))
    (waiting,) = store.history(HOSTS, []).rollouts.values()
    store.settle([waiting], at(21))
    row = listings(store).rollout(1)
    assert (row["state"], row["due_at"], row["note"]) == ("finished", None, "the run was interrupted")


def test_an_update_after_all_ends_the_refusal(store: Store) -> None:
    """A person said so, and it went well."""
    store.record("production", [push()], at(5))
    begun = start(store)
    store.begin_run(begun, at(10))
    store.keep_outcome(1, 1, begun.desired, attempt_ended(Outcome.ROLLED_BACK), at(11))
    store.keep_outcome(1, 2, begun.desired, attempt_ended(Outcome.UPDATED), at(12))
    assert store.history(HOSTS, [WEB]).refused == frozenset()


def test_a_rollout_that_is_asked_for_again_has_all_its_attempts_again(store: Store) -> None:
    store.record("production", [push()], at(5))
    begun = start(store)
    store.begin_run(begun, at(10))
    store.end_run(ended(1, 1, begun.desired, attempt_ended(Outcome.FAILED)), at(20))
    seen = store.change_counter()

    assert store.retry(1, [], "ann", at(30))

    assert store.change_counter() > seen
    (rollout,) = store.history(HOSTS, []).rollouts.values()
    assert (rollout.state, rollout.due_at) == (RolloutState.WAITING, at(30))
    assert listings(store).rollout(1)["note"] == "run again by hand, by ann"
    assert store.begin_run(begun, at(31)) == StartedRun(1, 2, 1)


def test_a_run_for_a_host_that_is_back_takes_no_attempt_from_the_others(store: Store) -> None:
    """Nor does one after the rollout had ended count with those before."""
    store.record("production", [push()], at(5))
    begun = start(store)
    waiting = {"state": RolloutState.WAITING, "due_at": at(100)}
    store.begin_run(begun, at(10))
    store.end_run(ended(1, 1, begun.desired, attempt_ended(Outcome.UNREACHABLE), **waiting), at(20))
    assert store.begin_run(begun, at(50)) == StartedRun(1, 2, 1)
    store.end_run(ended(1, 2, begun.desired, attempt_ended(Outcome.FAILED), **waiting), at(60))
    assert store.begin_run(begun, at(100)) == StartedRun(1, 3, 2)
    store.end_run(ended(1, 3, begun.desired, attempt_ended(Outcome.FAILED)), at(110))
    assert store.begin_run(begun, at(900)) == StartedRun(1, 4, 1)


def test_orders_end_with_the_image_that_was_spoken_against_and_when_they_are_fulfilled(store: Store) -> None:
    store.record("production", [push()], at(5))
    begun = start(store)
    store.begin_run(begun, at(10))
    store.order(1, [WEB, "service/x"], "ann", at(11))
    store.fulfil([(WEB, 1)], at(12))
    assert store.history(HOSTS, []).told == {("service/x", 1)}
    store.end_run(ended(1, 1, begun.desired, attempt_ended(Outcome.ROLLED_BACK), is_stopped=True), at(20))
    assert store.history(HOSTS, []).told == frozenset()


def test_a_rollout_that_runs_cannot_be_asked_for_again(store: Store) -> None:
    store.record("production", [push()], at(5))
    store.begin_run(start(store), at(10))
    assert not store.retry(1, [WEB], "ann", at(30))
    assert store.history(HOSTS, [WEB]).told == frozenset()


def test_what_was_asked_for_again_is_not_settled_by_who_had_not_seen_it(store: Store) -> None:
    store.record("production", [push()], at(5))
    store.begin_run(start(store), at(10))
    store.interrupt_runs(at(20))
    (seen,) = store.history(HOSTS, []).rollouts.values()
    store.retry(1, [], "ann", at(30))
    store.settle([seen], at(31))
    assert listings(store).rollout(1)["state"] == "waiting"


def test_an_order_holds_until_the_target_has_an_outcome(store: Store) -> None:
    store.record("production", [push()], at(5))
    begun = start(store)
    store.begin_run(begun, at(10))
    store.end_run(ended(1, 1, begun.desired, attempt_ended(Outcome.ROLLED_BACK)), at(20))
    store.retry(1, [WEB], "ann", at(30))
    store.begin_run(begun, at(31))
    store.keep_outcome(1, 2, begun.desired, attempt_ended(Outcome.UNREACHABLE, after=None), at(32))
    store.keep_outcome(1, 2, begun.desired, replace(attempt_ended(Outcome.SKIPPED), left_alone=True), at(32))
    assert store.history(HOSTS, [WEB]).told == {(WEB, 1)}
    assert store.history(HOSTS, [WEB]).last[WEB].left_alone
    assert [one.left_alone for one in store.outcomes(1)] == [True]
    store.keep_outcome(1, 3, begun.desired, attempt_ended(Outcome.ROLLED_BACK), at(33))
    assert store.history(HOSTS, [WEB]).told == frozenset()


def test_the_history_of_more_targets_than_a_statement_can_hold(store: Store) -> None:
    store.record("production", [push()], at(5))
    begun = start(store)
    store.begin_run(begun, at(10))
    keys = [WEB, *(f"container/solo/{number}" for number in range(2500))]
    assert set(store.history(HOSTS, keys).last) == {WEB}
    assert set(store.history(HOSTS, keys[::-1]).last) == {WEB}


def test_a_database_of_the_version_before_is_brought_to_this_one(path: Path) -> None:
    with sqlite3.connect(path) as old:
        old.executescript((Path(__file__).parent / "version_1.sql").read_text())
    old.close()

    store = Store(Database(path))

    (rollout,) = store.history(HOSTS, []).rollouts.values()
    assert (rollout.state, rollout.due_at) == (RolloutState.WAITING, at(10))
    assert store.history(HOSTS, [WEB]).last[WEB].possible_digests == {OLD}
    assert [one.message for one in store.outcomes(1)] == ["no space left"]
    assert set(store.fleet().targets) == {WEB}
    assert store.begin_run(start(store), at(30)) == StartedRun(1, 2, 2)


def test_a_database_that_an_older_operator_works_with_is_left_as_it_is(path: Path) -> None:
    with sqlite3.connect(path) as old:
        old.executescript((Path(__file__).parent / "version_1.sql").read_text())
        before = list(old.iterdump())

    with pytest.raises(StoreUnavailable, match="restart that, and it is brought up to date"):
        Database(path, may_upgrade=False)

    assert list(old.iterdump()) == before
    old.close()


def test_news_are_told_until_they_are_told(store: Store) -> None:
    store.record("production", [push()], at(5))
    begun = start(store)
    store.begin_run(begun, at(10))
    store.end_run(ended(1, 1, begun.desired, attempt_ended(Outcome.UPDATED)), at(20))
    (due,) = store.notifications()
    assert due == Notification(1, NotificationState.DUE, due_at=at(20), run=1)
    later = Notification(1, NotificationState.DUE, 1, at(40), ("mail",), "mail: refused", run=1)
    store.keep_notification(due, later)
    assert store.notifications() == (later,)
    store.keep_notification(later, Notification(1, NotificationState.TOLD, 2, run=1))
    assert store.notifications() == ()


def test_news_that_come_while_the_team_is_told_are_told_too(store: Store) -> None:
    store.record("production", [push()], at(5))
    begun = start(store)
    store.begin_run(begun, at(10))
    store.end_run(
        ended(1, 1, begun.desired, attempt_ended(Outcome.FAILED), state=RolloutState.WAITING), at(20)
    )
    (first,) = store.notifications()
    store.begin_run(begun, at(30))
    store.end_run(ended(1, 2, begun.desired, attempt_ended(Outcome.UPDATED)), at(31))
    store.keep_notification(first, Notification(1, NotificationState.TOLD, 1, run=1))
    assert [one.due_at for one in store.notifications()] == [at(31)]


def test_a_run_without_news_tells_nobody(store: Store) -> None:
    store.record("production", [push()], at(5))
    begun = start(store)
    store.begin_run(begun, at(10))
    store.end_run(ended(1, 1, begun.desired, attempt_ended(Outcome.UNCHANGED), is_news=False), at(20))
    assert store.notifications() == ()


@pytest.mark.parametrize("number", [2, 0, -1, 10**30])
def test_a_rollout_that_is_none_is_said_to_be_none(store: Store, number: int) -> None:
    with pytest.raises(NothingKnown, match=f"there is no rollout {number}"):
        listings(store).rollout(number)


def test_everything_is_there_after_the_database_was_closed(store: Store, path: Path) -> None:
    store.record("production", [push()], at(5))
    store.keep_change(whole(Fleet({"solo": host("solo")}, {})))
    store._database.close()
    again = Store(Database(path))
    assert [desired.digest for desired in again.desired(HOSTS)] == [NEW]
    assert list(again.fleet().hosts) == ["solo"]


_RECORDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from registry_docker_updater.core.pushes import Push
from registry_docker_updater.edges.database import Database
from registry_docker_updater.edges.store import Begun, Store
store = Store(Database(Path(sys.argv[1])))
now = datetime.now(UTC)
for number in range(40):
    push = Push("production", "test/app", "1", f"sha256:{number:064x}", now, f"{number}")
    print(store.record("production", [push], now).accepted)
"""


def test_processes_that_record_the_same_events_at_once_record_each_once(store: Store, path: Path) -> None:
    recorders = [
        subprocess.Popen([sys.executable, "-c", _RECORDER, str(path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outputs = [recorder.communicate(timeout=60)[0] for recorder in recorders]
    assert [recorder.returncode for recorder in recorders] == [0, 0, 0]
    assert sum(int(line) for output in outputs for line in output.split()) == 40
    assert len(listings(store).events(1000)) == 40


def test_a_transaction_that_reads_before_it_writes_is_not_broken_by_another_writer(store: Store) -> None:
    """SQLite would refuse its write at once, had the other committed in between; so the other waits."""
    other = threading.Thread(target=store.record, args=("production", [push(NEWER)], NOON))
    with store._database.writing() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM events")
        other.start()
        other.join(0.3)
        connection.exec_driver_sql("DELETE FROM events")
    other.join()
    assert len(listings(store).events(10)) == 1


def test_a_database_of_another_version_is_refused_and_left_as_it_was(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(
        StoreUnavailable, match=r"updater\.db was written by another version \(its tables are 999"
    ):
        Database(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_a_file_that_is_no_database_is_refused_and_named(path: Path) -> None:
    path.write_bytes(b"this is not a database, " * 100)
    with pytest.raises(StoreUnavailable, match=r"updater\.db does not answer: file is not a database"):
        Database(path)


def test_a_folder_that_is_not_there_is_refused_and_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"none/updater\.db does not answer: unable to open"):
        Database(tmp_path / "none" / "updater.db")
