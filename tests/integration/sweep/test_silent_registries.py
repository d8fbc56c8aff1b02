"""A registry goes silent when the sweep finds pushes of which no event told, and is no more when one does."""

from datetime import datetime
from typing import Any

import pytest

from integration.sweep.conftest import HOSTS, Hand, Told, Troubled
from registry_docker_updater.core.events.pushes import BY_HAND, Push, Unreadable
from registry_docker_updater.core.schedules.registries import KnownRegistry, RegistryStanding
from registry_docker_updater.errors import RegistryUnavailable
from registry_docker_updater.storage.arrivals import Arrived
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.registries import CurrentRegistries, registries
from unit.builders import NEW, NEWER, OLD, container, fleet

KNOWN = {name: KnownRegistry("distribution", hosts) for name, hosts in HOSTS.items()}
HOUR = 3600


class Watching:
    """Somebody who looks at registries while time goes by."""

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        self.current = CurrentRegistries(
            hand.store, KNOWN, lambda: {"production": hand.questions.last_poll}, hand.clock
        )

    @property
    def standing(self) -> RegistryStanding:
        by_name = {one.name: one for one in self.current()}
        assert set(by_name) == set(KNOWN)
        return by_name["production"]

    @property
    def silent_since(self) -> datetime | None:
        return self.standing.silent_since


@pytest.fixture
def watching(hand: Hand) -> Watching:
    """After the sweep has found what there is, of which nobody told: it was there before the operator was."""
    hand.pass_time(HOUR)
    watching = Watching(hand)
    assert watching.silent_since is None
    return watching


def test_a_push_that_the_sweep_finds_and_no_event_tells_of_makes_its_registry_silent(
    watching: Watching, client: Troubled
) -> None:
    client.digest = NEWER
    watching.hand.pass_time(2 * HOUR)
    found = watching.standing
    assert (found.heard.missed, found.heard.told_at) == (1, None)
    assert found.silent_since is not None
    assert found.silent_since < found.at


def test_the_next_event_of_a_push_ends_the_silence(watching: Watching, client: Troubled) -> None:
    client.digest = NEWER
    watching.hand.pass_time(2 * HOUR)
    assert watching.silent_since
    watching.hand.event(OLD, watching.hand.now)
    found = watching.standing
    assert (found.silent_since, found.heard.missed, found.heard.told_at) == (None, 0, watching.hand.now)


def test_what_a_person_pushes_by_hand_or_nobody_can_read_ends_no_silence(
    watching: Watching, client: Troubled
) -> None:
    client.digest = NEWER
    hand = watching.hand
    hand.pass_time(2 * HOUR)
    since = watching.silent_since
    made = Push("production", "test/app", "1", OLD, hand.now, f"{BY_HAND}x", by_hand=True)
    arrived = Arrived("production", [Unreadable("no tag", {"x": 1})], hand.now, ["a pull"])
    hand.store.events.record_all([Arrived("production", [made], hand.now), arrived])
    found = watching.standing
    assert (found.silent_since, found.heard.heard_at) == (since, hand.now)
    assert "it sends other events" in found.sentence


def test_one_event_can_stand_for_several_tags_of_its_repository(hand: Hand, client: Told) -> None:
    """As that of Harbor's copy of an artifact does."""
    other = container("db", image=container().image.replace(":1", ":2"))
    hand.fleet = fleet(container(), other)
    hand.pass_time(HOUR)
    client.digest = NEWER
    hand.event(NEWER, hand.now)
    hand.pass_time(2 * HOUR)
    found = Watching(hand).standing
    assert {one.digest for one in hand.store.events.newest_events(9, 0)} == {NEW, NEWER}
    assert (found.silent_since, found.heard.missed) == (None, 0)


def test_what_came_while_events_could_not_be_taken_is_no_silence(hand: Hand, client: Told) -> None:
    hand.pass_time(HOUR)
    client.digest = NEWER
    hand.poller.outage()
    hand.pass_time(2 * HOUR)
    assert [one.digest for one in hand.store.events.newest_events(9, 0)] == [NEWER, NEW]
    assert Watching(hand).silent_since is None


def test_a_digest_that_an_event_told_and_the_registry_does_not_confirm_is_no_silence(hand: Hand) -> None:
    hand.pass_time(HOUR)
    hand.event(NEWER, hand.now)
    hand.pass_time(2 * HOUR)
    assert hand.store.events.newest_events(1, 0)[0].digest == NEW
    assert Watching(hand).silent_since is None


def test_people_see_when_a_registry_was_asked_last_and_why_it_cannot_be(
    watching: Watching, client: Troubled
) -> None:
    client.trouble = RegistryUnavailable("registry production cannot be asked: no route to host")
    watching.hand.pass_time(2 * HOUR)
    row: Any = {one["name"]: one for one in registries(watching.current())}
    assert row["production"]["last_poll_error"] == "registry production cannot be asked: no route to host"
    assert row["production"]["says"] == row["production"]["last_poll_error"]
    assert row["production"]["last_poll_at"] is not None
    assert (row["other"]["is_asked"], row["other"]["last_poll_at"]) == (False, None)
    client.trouble = None
    watching.hand.pass_time(HOUR)
    assert watching.standing.poll is not None
    assert watching.standing.poll.error is None


def test_who_has_looked_before_reads_only_what_is_new(watching: Watching, store: Storage) -> None:
    watching.hand.event(NEWER, watching.hand.now)
    assert watching.standing.heard.event == 2
    store.events.record("other", [Push("other", "a", "1", NEW, watching.hand.now, "x")], watching.hand.now)
    assert [one.heard.event for one in watching.current()] == [3, 2]
