"""Claims when something goes wrong: the registry, the database, clocks, or people in between. None is lost, none forged is believed."""

from datetime import timedelta
from typing import Any

import pytest

from integration.sweep.conftest import Hand, Troubled, claims, desired, events
from registry_docker_updater.core.events.pushes import UnresolvedPush
from registry_docker_updater.errors import RegistryUnavailable, RepositoryUnavailable, StoreUnavailable
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, NEW, NEWER, OLD, at, fleet


def fails_once(monkeypatch: pytest.MonkeyPatch, store: Storage, name: str) -> None:
    """Have a statement about claims fail the next time, as where the disk is full for a moment."""
    does = getattr(store.claims, name)
    failed: list[str] = []

    def once(*given: Any) -> Any:
        if not failed:
            failed.append(name)
            raise StoreUnavailable("the disk is full")
        return does(*given)

    monkeypatch.setattr(store.claims, name, once)


def stumbles(hand: Hand) -> None:
    with pytest.raises(StoreUnavailable):
        hand.pass_time(200)


def test_a_claim_that_could_not_be_kept_as_believed_is_believed_later(
    settled: Hand, client: Troubled, store: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.trouble = RegistryUnavailable("away")
    claims(settled, NEWER)
    fails_once(monkeypatch, store, "believe")
    stumbles(settled)
    assert desired(store) == {HOST: NEW}
    settled.pass_time(10)
    assert desired(store) == {HOST: NEWER}


def test_a_claim_that_could_not_be_closed_is_closed_later(
    settled: Hand, store: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims(settled, OLD)
    fails_once(monkeypatch, store, "reject")
    stumbles(settled)
    settled.pass_time(3600)
    assert not events(store)[0]["waits"]
    assert desired(store) == {HOST: NEW}


@pytest.mark.parametrize("is_new", [True, False])
def test_a_claim_that_could_not_be_read_is_read_later(
    settled: Hand, client: Troubled, store: Storage, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    asking = settled
    if not is_new:
        asking = Hand(store, client)
        asking.now = settled.now
    claims(settled, NEWER)
    client.digest = NEWER
    fails_once(monkeypatch, store, "of")
    stumbles(asking)
    asking.pass_time(10)
    assert desired(store) == {HOST: NEWER}
    assert not events(store)[0]["waits"]


def test_an_answer_that_could_not_be_kept_is_no_silence_of_the_registry(
    settled: Hand, store: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims(settled, OLD)
    fails_once(monkeypatch, store, "record")
    stumbles(settled)
    settled.pass_time(200)
    assert desired(store) == {HOST: NEW}


def test_a_forged_claim_is_not_believed_when_the_registry_is_back_after_long(
    settled: Hand, client: Troubled, store: Storage
) -> None:
    client.trouble = RegistryUnavailable("away")
    settled.pass_time(2 * 3600)
    client.trouble = None
    claims(settled, OLD)
    settled.pass_time(200)
    assert desired(store) == {HOST: NEW}
    assert not events(store)[0]["waits"]


def test_a_forged_claim_is_not_believed_where_only_one_question_failed(
    settled: Hand, client: Troubled, store: Storage
) -> None:
    client.trouble = RepositoryUnavailable("502")
    claims(settled, OLD)
    settled.pass_time(0.5)
    client.trouble = None
    settled.pass_time(200)
    assert desired(store) == {HOST: NEW}


def test_what_was_open_when_the_operator_ended_is_given_a_minute_at_the_next_start(
    settled: Hand, client: Troubled, store: Storage
) -> None:
    """It may have been contradicted before."""
    claims(settled, OLD)
    again = Hand(store, client)
    again.now = settled.now
    client.trouble = RegistryUnavailable("a moment")
    again.pass_time(5)
    client.trouble = None
    again.pass_time(200)
    assert desired(store) == {HOST: NEW}


def test_where_all_is_hidden_behind_404_events_are_believed(
    hand: Hand, client: Troubled, store: Storage
) -> None:
    """As some registries answer whoever may not see a repository, and as a wrong address answers."""
    client.digest = None
    hand.pass_time(10)
    claims(hand, NEWER)
    hand.pass_time(1)
    assert desired(store) == {HOST: NEWER}


def test_events_that_come_one_after_the_other_prolong_no_waiting(
    settled: Hand, client: Troubled, store: Storage
) -> None:
    client.trouble = RegistryUnavailable("away")
    for number in range(10):
        claims(settled, NEWER, key=str(number))
        settled.pass_time(30)
    assert desired(store) == {HOST: NEWER}


def test_a_late_event_does_not_undo_a_push_by_hand(settled: Hand, client: Troubled, store: Storage) -> None:
    """Of what the sweep had found before that person pushed."""
    pushed_at = settled.now
    client.digest = NEWER
    settled.pass_time(3600)
    assert desired(store) == {HOST: NEWER}
    settled.event(OLD, settled.now, by_hand=True)
    settled.pass_time(5)
    late = UnresolvedPush("production", "test/app", "1", pushed_at, "late", "alice", claimed=NEWER)
    store.events.record("production", [late], settled.clock())
    settled.pass_time(3 * 3600)
    assert desired(store) == {HOST: OLD}


def test_a_claim_that_the_registry_contradicts_does_not_undo_a_push_by_hand(
    settled: Hand, store: Storage
) -> None:
    settled.event(OLD, settled.now, by_hand=True)
    settled.pass_time(5)
    claims(settled, NEWER)
    settled.pass_time(3 * 3600)
    assert desired(store) == {HOST: OLD}


def test_a_push_after_one_by_hand_is_one(settled: Hand, client: Troubled, store: Storage) -> None:
    settled.event(OLD, settled.now, by_hand=True)
    settled.pass_time(5)
    client.digest = NEWER
    claims(settled, NEWER)
    settled.pass_time(1)
    assert desired(store) == {HOST: NEWER}


def test_a_claim_dated_by_a_clock_that_was_ahead_keeps_no_later_one_out(
    hand: Hand, client: Troubled, store: Storage
) -> None:
    client.trouble = RegistryUnavailable("away")
    running, hand.fleet = hand.fleet, fleet()
    hand.pass_time(1)
    for digest, when in ((OLD, at(86400)), (NEWER, at(10))):
        push = UnresolvedPush("production", "test/app", "1", when, digest, "alice", claimed=digest)
        store.events.record("production", [push], when)
    hand.fleet = running
    hand.pass_time(10)
    assert desired(store) == {HOST: NEWER}


def test_what_the_sweep_itself_found_arms_no_claim_again(settled: Hand, client: Troubled) -> None:
    """As where two copies of a registry say different things in turn."""

    def other_copy() -> None:
        client.digest = NEWER if client.digest == NEW else NEW

    client.meanwhile = other_copy
    claims(settled, OLD)
    settled.pass_time(30)
    assert client.asked == ["test/app:1"] * 3


def test_one_failure_after_contradictions_has_nothing_believed(
    settled: Hand, client: Troubled, store: Storage
) -> None:
    claims(settled, OLD)
    settled.pass_time(60)
    client.trouble = RepositoryUnavailable("500")
    settled.pass_time(10)
    client.trouble = None
    settled.pass_time(200)
    assert desired(store) == {HOST: NEW}


def test_a_registry_whose_first_question_failed_is_asked_about_the_next_event(
    hand: Hand, client: Troubled, store: Storage
) -> None:
    client.trouble = RegistryUnavailable("a moment")
    hand.pass_time(1)
    client.trouble = None
    hand.pass_time(8)
    claims(hand, OLD)
    hand.pass_time(200)
    assert desired(store) == {HOST: NEW}


def test_after_a_push_by_hand_an_answer_that_came_too_early_rejects_nothing(
    settled: Hand, client: Troubled, store: Storage
) -> None:
    """Clocks that are set meanwhile make it early for longer than usual."""
    settled.event(OLD, settled.now, by_hand=True)
    settled.pass_time(5)
    client.digest = NEWER
    push = UnresolvedPush("production", "test/app", "1", settled.now, "", "alice")
    store.events.record("production", [push], settled.clock())
    settled.pass_time(2)
    settled.set_by = timedelta(seconds=-10)
    settled.pass_time(3600)
    assert desired(store) == {HOST: NEWER}


def test_what_was_believed_meanwhile_is_not_rejected_afterwards(
    settled: Hand, store: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    claims(settled, OLD)
    settled.pass_time(1)
    store.claims.close_all("production", settled.now, believes=True, reason=None)
    settled.pass_time(200)
    (row,) = (row for row in events(store) if row["digest"] == OLD)
    assert (row["waits"], row["reason"]) == (False, None)
    assert "is not believed" not in caplog.text


def test_claims_of_a_registry_that_is_not_asked_are_closed_many_at_a_time(hand: Hand, store: Storage) -> None:
    some = [
        UnresolvedPush(
            "production", "test/app", str(number), hand.now, "", None, claimed=(number % 2 and NEWER) or None
        )
        for number in range(1100)
    ]
    store.events.record("production", some, hand.now)
    store.claims.close_all("production", hand.now, believes=True, reason=None)
    assert len(store.events.desired({"production": (HOST,)})) == 550
    store.claims.close_all("production", hand.now, believes=False, reason="it is not asked")
    assert store.claims.newest_at() is None
    reasons = [row["reason"] for row in events(store)]
    assert set(reasons) == {None, "it is not asked"}
