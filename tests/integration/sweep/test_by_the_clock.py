"""The sweep with a clock in the hand: the races with events, with people and with other clocks."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from integration.registries import (
    played,
)
from integration.sweep.conftest import APP, HOSTS, Hand, Told, desired, events
from registry_docker_updater.core.events.newest import SETTLE
from registry_docker_updater.core.events.pushes import Push, Unreadable
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.history import History
from registry_docker_updater.core.rollouts.planner import judge
from registry_docker_updater.core.rollouts.verdicts import CHANGED
from registry_docker_updater.edges.registry.client import RegistryClient
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, NEW, NEWER, NOON, OLD, at, container, fleet


@pytest.fixture
def client() -> Told:
    return Told()


@pytest.fixture
def hand(store: Storage, client: Told) -> Hand:
    return Hand(store, client)


def test_what_an_event_told_is_not_found_again(hand: Hand, store: Storage) -> None:
    hand.event(NEW, NOON)
    hand.pass_time(7200)
    assert len(events(store)) == 1


def test_after_each_push_the_registry_is_asked_once_more_and_not_before_its_hour(
    hand: Hand, client: Told
) -> None:
    hand.event(NEW, NOON)
    hand.pass_time(3600)
    before = len(client.asked)
    hand.event(NEWER, hand.now)
    client.digest = NEWER
    hand.pass_time(59)
    assert len(client.asked) <= before + 1
    hand.pass_time(10)
    assert before + 1 <= len(client.asked) <= before + 2


def test_what_another_registry_pushes_or_nobody_can_read_asks_for_nothing(
    hand: Hand, client: Told, store: Storage
) -> None:
    hand.pass_time(3600)
    before, due = len(client.asked), hand.questions._schedule.due
    elsewhere = Push("other", "test/app", "1", NEWER, hand.now, "elsewhere")
    store.events.record("other", [elsewhere], hand.now)
    store.events.record("production", [Unreadable("why", "what")], hand.now)
    assert store.events.pushed_after("production", 1) == {}
    hand.poller.step()
    assert (len(client.asked), hand.questions._schedule.due) == (before, due)


def test_an_answer_that_a_push_overtook_is_dropped(hand: Hand, client: Told, store: Storage) -> None:
    """The tag had another digest when the registry was asked, and the event of the next push came first."""
    client.meanwhile = lambda: hand.event(NEWER, hand.now)
    hand.poller.step()
    assert desired(store) == {HOST: NEWER}
    assert len(events(store)) == 1


def test_an_event_that_comes_before_the_tag_is_named_is_not_undone(
    hand: Hand, client: Told, store: Storage
) -> None:
    """Distribution's order; the event of the push before was lost."""
    hand.event(NEWER, NOON)
    hand.pass_time(30)
    assert len(client.asked) == 1
    client.digest = NEWER
    hand.pass_time(3600)
    assert [event["digest"] for event in events(store)] == [NEWER]


def test_an_event_of_a_push_that_failed_in_the_end_is_corrected(hand: Hand, store: Storage) -> None:
    hand.event(NEWER, NOON)
    hand.pass_time(70)
    assert [event["digest"] for event in events(store)] == [NEW, NEWER]


def test_a_tag_that_was_moved_back_without_an_event_is_a_push(
    hand: Hand, client: Told, store: Storage
) -> None:
    hand.event(NEW, NOON)
    hand.pass_time(100)
    hand.event(NEWER, hand.now)
    client.digest = NEWER
    hand.pass_time(100)
    client.digest = NEW
    hand.pass_time(3600)
    assert [event["digest"] for event in events(store)] == [NEW, NEWER, NEW]


@pytest.mark.parametrize("lag", [timedelta(hours=-1), timedelta(), timedelta(hours=1)])
def test_late_events_change_nothing_about_what_was_found(
    hand: Hand, client: Told, store: Storage, lag: timedelta
) -> None:
    """A queue that is delivered after an outage; whatever clock the registry has."""
    client.lag = lag
    hand.pass_time(1)
    (found,) = store.events.desired(HOSTS)
    changed = replace(APP, digests=frozenset((OLD,)), since=at(200))
    hand.pass_time(3000)
    hand.event(OLD, at(-90) + lag)
    hand.event(NEWER, at(-60) + lag)
    hand.event(NEW, at(-30) + lag)
    assert store.events.desired(HOSTS) == (found,)
    assert judge(changed, found, History(), fleet(changed), hand.now) is CHANGED
    hand.pass_time(3600)
    assert store.events.desired(HOSTS) == (found,)


@pytest.mark.parametrize("lag", [timedelta(hours=-1), timedelta(), timedelta(hours=1)])
def test_a_push_right_after_the_sweep_is_newer(
    hand: Hand, client: Told, store: Storage, lag: timedelta
) -> None:
    client.lag = lag
    hand.now = at(0.9)
    hand.poller.step()
    assert desired(store) == {HOST: NEW}
    hand.now = at(1.1)
    hand.event(NEWER, at(0.95) + lag)
    assert desired(store) == {HOST: NEWER}


def test_an_event_that_was_taken_for_old_is_made_good_soon(hand: Hand, client: Told, store: Storage) -> None:
    """The tag was not named yet when the registry answered, though its event was dated before."""
    hand.poller.step()
    hand.event(NEWER, at(-1))
    client.digest = NEWER
    assert desired(store) == {HOST: NEW}
    hand.pass_time(SETTLE.total_seconds() + 10)
    assert desired(store) == {HOST: NEWER}


def test_a_push_by_hand_stays_until_the_registry_says_something_new(
    hand: Hand, client: Told, store: Storage
) -> None:
    hand.event(NEW, NOON)
    hand.pass_time(100)
    hand.event(OLD, hand.now, by_hand=True)
    hand.pass_time(7200)
    assert desired(store) == {HOST: OLD}
    client.digest = NEWER
    hand.pass_time(3600)
    assert desired(store) == {HOST: NEWER}


def test_a_push_by_hand_before_the_registry_was_ever_asked_stays(hand: Hand, store: Storage) -> None:
    hand.event(OLD, NOON, by_hand=True)
    hand.pass_time(7200)
    assert desired(store) == {HOST: OLD}


def test_a_new_image_of_the_fleet_is_asked_for_soon(hand: Hand, client: Told) -> None:
    hand.pass_time(100)
    hand.fleet = fleet(APP, container("db", image=f"{HOST}/test/db:1"))
    hand.pass_time(10)
    assert client.asked[-1] == "test/db:1"
    hand.fleet = Fleet()
    before = len(client.asked)
    hand.pass_time(7200)
    assert len(client.asked) == before


def test_after_an_outage_of_ours_everything_is_asked_again(hand: Hand, client: Told) -> None:
    hand.pass_time(10)
    before = len(client.asked)
    hand.poller.outage()
    hand.pass_time(1)
    assert len(client.asked) == before + 1


@pytest.mark.parametrize("digest", [NEW, NEWER])
def test_after_a_clock_was_a_day_ahead_each_tag_is_asked_for_within_its_interval_and_what_it_has_counts(
    hand: Hand, client: Told, store: Storage, digest: str
) -> None:
    hand.event(NEW, NOON)
    hand.pass_time(7200)
    hand.set_by = timedelta(days=1)
    hand.event(NEW, hand.clock())
    hand.pass_time(7200)
    hand.set_by = timedelta()
    client.digest, before = digest, len(client.asked)
    hand.pass_time(3600 + 61)
    assert before + 1 <= len(client.asked) <= before + 2
    assert desired(store) == {HOSTS["production"][0]: digest}


def test_an_answer_without_a_date_is_dated_by_when_it_was_asked_for(store: Storage, stack: ExitStack) -> None:
    def answer(*_: Any) -> tuple[int, Mapping[str, str], bytes]:
        return 200, {"Docker-Content-Digest": NEW, **dated}, b""

    dated: dict[str, str] = {}
    turns = Hand(store, RegistryClient("production", stack.enter_context(played(answer)), lambda: None))
    turns.poller.step()
    assert [one["occurred_at"] for one in events(store)] == ["2026-11-22T12:00:00.000Z"]
    dated["Date"] = format_datetime(at(-50).astimezone(UTC), usegmt=True)
    dated["Docker-Content-Digest"] = NEWER
    turns.pass_time(3700)
    assert events(store)[0]["occurred_at"] == "2026-11-22T11:59:10.000Z"
