"""What an event says is deployed once the registry said the same; and where nobody can ask it, as events are all there is."""

import logging

import pytest

from integration.sweep.conftest import HOSTS, Hand, Told, Troubled, claims, desired, events
from registry_docker_updater.core.events.pushes import UnresolvedPush
from registry_docker_updater.errors import RegistryUnavailable, RepositoryUnavailable
from registry_docker_updater.log_context import now_about
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, NEW, NEWER, OLD, at, container, fleet


def test_a_push_is_one_once_the_registry_said_the_same(settled: Hand, client: Told, store: Storage) -> None:
    told_at = settled.now
    claims(settled, NEWER)
    (row, *others) = events(store)
    assert (row["kind"], row["digest"], row["waits"]) == ("push", NEWER, True)
    assert desired(store) == {HOST: NEW}
    client.digest = NEWER
    settled.pass_time(0.1)
    assert desired(store) == {HOST: NEWER}
    assert events(store) == [{**row, "waits": False}, *others]
    (newest,) = store.events.desired(HOSTS)
    assert (newest.push, newest.received_at) == (row["id"], told_at)
    settled.pass_time(50)
    assert client.asked == ["test/app:1"], "and nothing more is expected"


def test_what_the_registry_said_of_a_claim_is_logged_with_the_number_of_its_event(
    settled: Hand, client: Told, store: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    about_what: list[object] = []

    def note(_: logging.LogRecord) -> bool:
        about_what.append(now_about().get("event"))
        return True

    caplog.handler.addFilter(note)
    claims(settled, NEWER)
    client.digest = NEWER
    settled.pass_time(0.1)
    (line,) = caplog.messages
    assert line.endswith(f"test/app:1 is {NEWER}, as was told")
    assert about_what == [events(store)[0]["id"]]


def test_what_the_registry_says_and_no_event_said_is_not_logged_as_of_the_event_that_said_otherwise(
    settled: Hand, client: Told, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    about_what: list[object] = []

    def note(_: logging.LogRecord) -> bool:
        about_what.append(now_about().get("event"))
        return True

    caplog.handler.addFilter(note)
    claims(settled, OLD)
    client.digest = NEWER
    settled.pass_time(90)
    said = dict(zip(caplog.messages, about_what, strict=True))
    found = next(line for line in said if line.endswith(f"test/app:1 is {NEWER}, and no event said so"))
    assert said[found] is None


def test_a_forged_push_is_none_and_is_said_to_be_none(
    settled: Hand, client: Told, store: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    claims(settled, OLD)
    with caplog.at_level(logging.WARNING):
        settled.pass_time(59)
        assert not caplog.records
        assert events(store)[0]["waits"]
        settled.pass_time(30)
    assert desired(store) == {HOST: NEW}
    row = events(store)[0]
    assert (row["kind"], row["digest"], row["waits"]) == ("push", OLD, False)
    assert row["reason"] == f"the registry says that test/app:1 is {NEW}"
    (line,) = caplog.messages
    assert OLD in line
    assert NEW in line
    assert client.asked == ["test/app:1"] * 4


def test_a_push_of_a_tag_that_the_registry_does_not_have_is_none(
    settled: Hand, client: Told, store: Storage
) -> None:
    client.digest = None
    claims(settled, OLD)
    settled.pass_time(90)
    assert desired(store) == {HOST: NEW}
    assert events(store)[0]["reason"] == "the registry says that there is no test/app:1"


def test_what_is_told_a_moment_before_its_tag_is_to_be_seen_is_a_push_of_who_told_it(
    settled: Hand, client: Told, store: Storage
) -> None:
    claims(settled, NEWER)
    settled.pass_time(0.5)
    client.digest = NEWER
    settled.pass_time(1)
    assert desired(store) == {HOST: NEWER}
    row = events(store)[0]
    assert (row["actor"], row["waits"]) == ("alice", False)


def test_a_push_of_a_tag_that_changed_again_meanwhile_is_that_of_what_it_is_now(
    settled: Hand, client: Told, store: Storage
) -> None:
    claims(settled, OLD)
    client.digest = NEWER
    settled.pass_time(0.1)
    assert desired(store) == {HOST: NEWER}
    claims(settled, NEWER)
    settled.pass_time(90)
    assert desired(store) == {HOST: NEWER}
    assert [row["waits"] for row in events(store)] == [False] * 4


@pytest.mark.parametrize("trouble", [RegistryUnavailable("away"), RepositoryUnavailable("no login")])
def test_where_the_registry_never_could_be_asked_its_events_are_believed_at_once(
    hand: Hand, client: Troubled, store: Storage, trouble: Exception
) -> None:
    client.trouble = trouble
    hand.pass_time(10)
    claims(hand, NEWER)
    hand.pass_time(1.5)
    assert desired(store) == {HOST: NEWER}
    (row,) = events(store)
    assert not row["waits"]


def test_the_first_event_is_believed_when_the_question_about_it_fails(
    hand: Hand, client: Troubled, store: Storage
) -> None:
    running, hand.fleet = hand.fleet, fleet()
    hand.poller.step()
    client.trouble, hand.fleet = RegistryUnavailable("away"), running
    claims(hand, NEWER)
    hand.poller.step()
    assert desired(store) == {HOST: NEWER}


@pytest.mark.parametrize("trouble", [RegistryUnavailable("away"), RepositoryUnavailable("no login")])
def test_one_that_could_be_asked_before_is_given_a_minute_and_then_its_events_are_believed(
    settled: Hand, client: Troubled, store: Storage, trouble: Exception
) -> None:
    client.trouble = trouble
    claims(settled, NEWER)
    settled.pass_time(59)
    assert desired(store) == {HOST: NEW}
    settled.pass_time(70)
    assert desired(store) == {HOST: NEWER}
    claims(settled, OLD)
    settled.pass_time(2)
    assert desired(store) == {HOST: OLD}, "the next need not wait again"


def test_one_that_comes_back_within_a_minute_is_asked(
    settled: Hand, client: Troubled, store: Storage
) -> None:
    client.trouble = RegistryUnavailable("away")
    claims(settled, OLD)
    settled.pass_time(20)
    client.trouble = None
    settled.pass_time(120)
    assert desired(store) == {HOST: NEW}


def test_where_it_is_to_be_verified_nothing_is_believed_however_long_the_registry_is_away(
    store: Storage, client: Troubled
) -> None:
    hand = Hand(store, client, believes_events=False)
    client.trouble = RegistryUnavailable("away")
    claims(hand, NEWER)
    hand.pass_time(3600)
    assert desired(store) == {}
    assert events(store)[0]["waits"]
    client.trouble, client.digest = None, NEWER
    hand.pass_time(1000)
    assert desired(store) == {HOST: NEWER}


def test_a_claim_outlives_the_operator(settled: Hand, client: Told, store: Storage) -> None:
    claims(settled, NEWER)
    client.digest = NEWER
    again = Hand(store, client)
    again.now = settled.now
    again.pass_time(1)
    assert desired(store) == {HOST: NEWER}
    assert events(store)[0]["actor"] == "alice"


def test_a_claim_of_a_tag_that_nobody_runs_waits_for_who_does_and_is_as_old_as_it_is(
    settled: Hand, client: Told, store: Storage
) -> None:
    told_at = settled.now
    claims(settled, NEWER, tag="2")
    client.digest = NEWER
    settled.pass_time(60)
    assert "test/app:2" not in client.asked
    assert store.claims.newest_at() == told_at
    settled.fleet = fleet(container(image=f"{HOST}/test/app:2"))
    settled.poller.fleet_changed()
    assert settled.poller._has_news
    settled.pass_time(0.1)
    (found,) = (one for one in store.events.desired(HOSTS) if one.tag == "2")
    assert (found.digest, found.received_at) == (NEWER, told_at)
    assert store.claims.newest_at() is None


def test_a_change_of_the_fleet_is_looked_at_at_once_only_where_somebody_may_have_been_waited_for(
    settled: Hand,
) -> None:
    settled.poller.fleet_changed()
    assert not settled.poller._has_news
    claims(settled, NEWER, tag="2")
    settled.pass_time(200)
    settled.poller.fleet_changed()
    assert not settled.poller._has_news


def test_of_several_claims_of_one_tag_the_newest_counts_in_whatever_order_they_come(
    hand: Hand, client: Troubled, store: Storage
) -> None:
    client.trouble = RegistryUnavailable("away")
    hand.pass_time(1)
    for digest, when in ((NEWER, at(2)), (OLD, at(1))):
        push = UnresolvedPush("production", "test/app", "1", when, digest, "alice", claimed=digest)
        store.events.record("production", [push], at(3))
    hand.now = at(3)
    hand.pass_time(2)
    assert desired(store) == {HOST: NEWER}
    assert store.claims.newest_at() is None


def test_a_push_by_hand_stays_though_an_older_claim_is_believed(
    hand: Hand, client: Troubled, store: Storage
) -> None:
    claims(hand, NEWER)
    hand.now = at(10)
    hand.event(OLD, at(10), by_hand=True)
    client.digest = NEWER
    hand.pass_time(200)
    assert desired(store) == {HOST: OLD}


def test_many_pushes_at_once_are_asked_for_one_after_the_other_without_a_pause(
    hand: Hand, client: Told, store: Storage
) -> None:
    hand.fleet = fleet(*(container(f"c{n}", image=f"{HOST}/test/app:{n}") for n in range(60)))
    hand.pass_time(600)
    client.digest = NEWER
    for number in range(60):
        claims(hand, NEWER, tag=str(number))
    hand.pass_time(0.1)
    assert {one.digest for one in store.events.desired(HOSTS)} == {NEWER}


def test_the_same_event_again_is_a_duplicate_and_asks_nothing(
    settled: Hand, client: Told, store: Storage
) -> None:
    claims(settled, NEWER, key="one")
    client.digest = NEWER
    settled.pass_time(1)
    client.asked.clear()
    claims(settled, NEWER, key="one")
    settled.pass_time(40)
    assert client.asked == []
    assert len(events(store)) == 2
