"""Events that name no digest, and those that stand for more tags than they name: the registry is asked at once."""

import threading

import pytest

from integration.conftest import until
from integration.sweep.conftest import HOSTS, Hand, Told, events
from registry_docker_updater.core.events.pushes import SWEEP, Push, UnresolvedPush
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, NEWER, OLD, container, fleet


@pytest.fixture
def client() -> Told:
    return Told()


@pytest.fixture
def hand(store: Storage, client: Told) -> Hand:
    made = Hand(store, client)
    images = (f"{HOST}/test/app:1", f"{HOST}/test/app:stable", f"{HOST}/test/other:1")
    made.fleet = fleet(*(container(f"c{number}", image=image) for number, image in enumerate(images)))
    made.pass_time(120)
    client.asked.clear()
    return made


def unresolved(hand: Hand, tag: str = "1", key: str = "") -> None:
    push = UnresolvedPush("production", "test/app", tag, hand.now, key, "alice")
    hand.store.events.record("production", [push], hand.clock())


def test_the_registry_is_asked_at_once_for_what_an_event_does_not_say(
    hand: Hand, client: Told, store: Storage
) -> None:
    client.digest = NEWER
    unresolved(hand)
    hand.pass_time(1)
    assert "test/app:1" in client.asked
    assert {
        one.digest for one in store.events.desired(HOSTS) if one.tag == "1" and one.repository == "test/app"
    } == {NEWER}
    pushes = [row for row in events(store) if row["kind"] == "push" and row["digest"] == NEWER]
    assert "alice" in {row["actor"] for row in pushes}


def test_it_is_asked_again_for_some_tell_before_the_tag_is_to_be_seen(
    hand: Hand, client: Told, store: Storage
) -> None:
    unresolved(hand)
    hand.pass_time(3)
    assert client.asked.count("test/app:1") == 2
    client.digest = NEWER
    hand.pass_time(5)
    assert client.asked.count("test/app:1") == 3
    assert NEWER in {one.digest for one in store.events.desired(HOSTS)}


def test_every_other_tag_of_the_repository_is_asked_for_and_no_other_repository(
    hand: Hand, client: Told
) -> None:
    push = Push("production", "test/app", "1", NEWER, hand.now, "copied")
    hand.store.events.record("production", [push], hand.clock())
    hand.pass_time(5)
    assert client.asked == ["test/app:stable"]


def test_an_event_of_a_tag_that_nobody_runs_has_the_others_of_its_repository_asked_for(
    hand: Hand, client: Told
) -> None:
    unresolved(hand, "nobody-runs-this")
    hand.pass_time(5)
    assert sorted(client.asked) == ["test/app:1", "test/app:stable"]


def test_two_events_that_nothing_tells_apart_are_two_and_those_with_one_key_are_one(
    hand: Hand, store: Storage
) -> None:
    for key in ("", "", "a", "a"):
        unresolved(hand, key=key)
    kinds = [row["kind"] for row in events(store)]
    assert kinds.count("unresolved") == 3


def test_a_poller_that_waits_is_woken_by_news(
    hand: Hand, client: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry_docker_updater.activities.poller.LOOK_SECONDS", 3600.0)
    working = threading.Thread(target=hand.poller.run, daemon=True)
    working.start()
    until(lambda: hand.poller._news._waiters)  # type: ignore[attr-defined]
    unresolved(hand)
    hand.poller.news()
    until(lambda: "test/app:1" in client.asked)
    hand.poller.stop()
    working.join(20)
    assert not working.is_alive()


def desired_digest(store: Storage, repository: str = "test/app", tag: str = "1") -> str:
    (one,) = (one for one in store.events.desired(HOSTS) if (one.repository, one.tag) == (repository, tag))
    return one.digest


def test_a_push_without_digest_that_follows_one_by_hand_is_found(
    hand: Hand, client: Told, store: Storage
) -> None:
    hand.event(OLD, hand.now, by_hand=True)
    hand.pass_time(5)
    client.digest = NEWER
    unresolved(hand)
    hand.pass_time(30)
    assert desired_digest(store) == OLD
    hand.pass_time(60)
    assert desired_digest(store) == NEWER


def test_what_a_person_knew_is_no_push_though_an_event_came_before(
    hand: Hand, client: Told, store: Storage
) -> None:
    unresolved(hand)
    hand.pass_time(1)
    hand.event(OLD, hand.now, by_hand=True)
    hand.pass_time(3 * 3600)
    assert desired_digest(store) == OLD
    assert client.asked.count("test/app:1") >= 3


def test_who_pushed_is_known_also_when_the_second_answer_tells_of_it_and_not_a_day_later(
    hand: Hand, client: Told, store: Storage
) -> None:
    unresolved(hand)
    hand.pass_time(5)
    client.digest = NEWER
    hand.pass_time(62)
    (found,) = [
        row
        for row in events(store)
        if row["digest"] == NEWER and row["tag"] == "1" and row["repository"] == "test/app"
    ]
    assert found["actor"] == "alice"
    unresolved(hand)
    hand.pass_time(24 * 3600)
    client.digest = OLD
    hand.pass_time(2 * 3600)
    (found,) = [
        row
        for row in events(store)
        if row["digest"] == OLD and row["tag"] == "1" and row["repository"] == "test/app"
    ]
    assert found["actor"] == SWEEP


def test_what_an_event_names_is_asked_for_before_the_others_of_its_repository(
    hand: Hand, client: Told
) -> None:
    hand.fleet = fleet(*(container(f"c{n}", image=f"{HOST}/test/app:{n}") for n in range(40)))
    hand.pass_time(600)
    client.asked.clear()
    unresolved(hand, "39")
    hand.pass_time(1)
    assert client.asked[0] == "test/app:39"


def test_the_events_of_others_are_looked_at_once(hand: Hand, store: Storage) -> None:
    push = Push("other", "test/app", "1", NEWER, hand.now, "elsewhere")
    store.events.record("other", [push], hand.now)
    hand.poller.step()
    assert hand.questions._event == store.events.last_event()
