"""Who is told what, when, by runs of notify.yml that are played: with a real store, and time as the test says."""

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from integration.office import HOUR, POLICY, Office
from registry_docker_updater.activities.notify import NotificationPolicy
from registry_docker_updater.core.notifications.receivers import Gets, Receiver, Receivers
from registry_docker_updater.core.notifications.schedule import MessageState
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.schedules.registries import Heard, KnownRegistry, RegistryStanding
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.messages import receivers as receiver_rows
from registry_docker_updater.views.rollouts import rollout as view
from unit.builders import at

pytestmark = pytest.mark.slow


@pytest.fixture
def office(storage: Storage, tmp_path: Path) -> Office:
    return Office(storage, tmp_path)


def test_news_are_told_at_once_where_nothing_else_runs(office: Office) -> None:
    office.roll_out(Outcome.UPDATED)
    office.look()
    assert office.team.rollouts == [[1]]
    assert office.team.variables[0]["notification_templates"] == "/t"
    message = view(office.store, 1)["message"]
    assert message is not None
    assert (message["state"], message["results"], message["receiver"]) == (
        "sent",
        {"email": "ok", "slack": "ok"},
        "default",
    )


def test_what_a_push_to_a_base_image_sets_going_is_one_message(office: Office) -> None:
    office.running = {1, 2, 3, 4, 5}
    for number in range(1, 6):
        office.roll_out(Outcome.UPDATED if number != 3 else Outcome.ROLLED_BACK)
        office.look(3)
        office.running.discard(number)
    office.look(1)
    assert office.team.rollouts == [[1, 2, 3, 4, 5]]
    assert office.team.messages[0]["sent_for"] == "bundle"


def test_a_rollout_that_runs_long_does_not_hold_up_what_there_is_to_tell(office: Office) -> None:
    office.running = {9}
    office.roll_out(Outcome.FAILED)
    assert office.look() == timedelta(seconds=30)
    assert office.team.messages == []
    office.look(30)
    assert office.team.rollouts == [[1]]


def test_a_failure_is_told_once_and_its_end_and_not_every_retry(office: Office) -> None:
    office.roll_out(Outcome.UNREACHABLE)
    office.look()
    for _ in range(5):
        office.roll_out(Outcome.UNREACHABLE, rollout=1)
        office.look(60)
    assert len(office.team.messages) == 1
    office.roll_out(Outcome.UNCHANGED, rollout=1)
    office.look(60)
    assert [item["items"][0]["recovered"] for item in office.team.messages] == [False, True]


def test_a_channel_that_is_dead_for_an_hour_is_told_all_in_one_message_when_it_comes_back(
    office: Office,
) -> None:
    office.team.answer = lambda name: "ok" if name == "email" else "failed: HTTP 503"
    for number in range(4):
        office.roll_out(Outcome.UPDATED)
        office.keep_looking(number * 600 + 599)
    by_email = [
        one
        for one, channels in zip(office.team.rollouts, office.team.channels, strict=True)
        if "email" in channels
    ]
    assert by_email == [[1], [2], [3], [4]], "nobody else waits for the channel that is dead"
    (waiting,) = office.store.notifications.due()
    assert waiting.channels == ("slack",)
    (default,) = receiver_rows(office.store, Receivers())
    assert [(one["name"], one["is_working"]) for one in default["channels"]] == [
        ("email", True),
        ("slack", False),
    ]
    office.keep_looking(HOUR)
    office.team.answer = lambda _: "ok"
    office.team.messages.clear()
    office.keep_looking(HOUR + 16 * 60)
    assert office.team.rollouts == [[1, 2, 3, 4]]
    assert office.store.notifications.due() == ()
    office.roll_out(Outcome.UPDATED)
    office.look()
    assert [one["is_working"] for one in receiver_rows(office.store, Receivers())[0]["channels"]] == [
        True,
        True,
    ]


def test_a_message_is_tried_again_after_a_restart_with_the_same_id(office: Office) -> None:
    office.team.answer = lambda _: "failed: refused"
    office.roll_out(Outcome.UPDATED)
    office.look()
    office.start()
    office.look(9)
    assert len(office.team.messages) == 1, "its time has not come"
    office.look(1)
    first, second = office.team.messages
    assert first == second
    assert first["id"]


def test_a_message_during_which_the_operator_was_killed_is_sent_again(office: Office) -> None:
    office.roll_out(Outcome.UPDATED)
    office.notifier.reconcile(office.now, ())
    # It may have been sent: that it was is not known.
    office.tasks.clear()
    office.start()
    office.look()
    assert office.team.rollouts == [[1]]


def test_a_channel_that_asks_to_be_left_alone_for_an_hour_is(office: Office) -> None:
    office.team.answer = lambda name: "ok" if name == "email" else "failed: HTTP 429"
    office.team.asked_to_wait = {"slack": HOUR}
    office.roll_out(Outcome.UPDATED)
    office.keep_looking(HOUR - 1)
    assert office.team.channels == [["email", "slack"]]
    office.keep_looking(HOUR + 2)
    assert office.team.channels[1] == ["slack"]


def test_a_message_that_nobody_takes_is_given_up_and_shown_for_a_day(office: Office) -> None:
    office.team.answer = lambda _: "failed: refused"
    office.roll_out(Outcome.UPDATED)
    office.keep_looking(25 * HOUR)
    message = view(office.store, 1)["message"]
    assert message is not None
    assert (message["state"], message["error"]) == (
        "given up",
        "email: failed: refused; slack: failed: refused",
    )
    assert [one.id for one, _, _ in office.store.notifications.untold(at(0))] == [1]


def silent(*, is_silent: bool, now: datetime) -> RegistryStanding:
    heard = Heard(missed=1, missed_since=at(-HOUR)) if is_silent else Heard()
    return RegistryStanding("production", KnownRegistry("harbor", ("r.example.com",)), heard, None, now)


def test_a_registry_that_goes_silent_is_told_once_also_over_restarts_and_when_it_speaks_again(
    office: Office,
) -> None:
    office.standings = [silent(is_silent=True, now=at(0))]
    office.keep_looking(300)
    office.start()
    office.keep_looking(600)
    assert [one["items"][0]["title"] for one in office.team.messages] == ["Registry production is silent"]
    office.standings = [silent(is_silent=False, now=at(601))]
    office.keep_looking(700)
    assert office.team.messages[1]["items"][0]["recovered"] is True
    assert len(office.team.messages) == 2


def test_who_is_told_changes_with_the_settings_while_the_operator_works(office: Office) -> None:
    nobody = Receivers({"default": Receiver("default", Gets.LABELLED)})
    office.notifier.change(NotificationPolicy(nobody, POLICY, timedelta(minutes=1), {}))
    office.roll_out(Outcome.UPDATED)
    office.look()
    message = view(office.store, 1)["message"]
    assert message is not None
    assert (office.team.messages, message["state"]) == ([], "nobody told")
    assert message["error"] == 'no receiver is to be told of "image updated"'


def test_what_was_due_before_there_were_receivers_is_told(office: Office, path: Path) -> None:
    office.roll_out(Outcome.UPDATED)
    office.look()
    item = '{"image": "r/app:1", "id": 1, "attempt": 1, "outcomes": [{"name": "web", "outcome": "updated"}]}'
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO notifications (rollout, run, content, state, attempts, due_at)"
            " VALUES (1, 1, ?, 'due', 0, '2026-11-22 12:00:00.000000')",
            (item,),
        )
    office.team.messages.clear()
    office.start()
    office.look(5)
    office.start()
    office.look(5)
    assert office.team.rollouts == [[1]]


def test_a_database_that_fails_for_once_loses_no_message(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.roll_out(Outcome.UPDATED)
    with monkeypatch.context() as patched:

        def fails(*_: object) -> None:
            raise StoreUnavailable("locked")

        patched.setattr(office.store.notifications, "news_of", fails)
        office.look()
        assert office.team.messages == []
    office.look(10)
    assert office.team.rollouts == [[1]]
    assert office.store.notifications.due() == ()


def test_nothing_of_a_message_in_the_store_has_an_end_without_an_entry_in_the_trail(office: Office) -> None:
    office.team.answer = lambda name: "ok" if name == "email" else "failed: no"
    office.roll_out(Outcome.UPDATED)
    office.look()
    kinds = [one.kind for one in office.store.trail.entries(0)]
    assert kinds[-2:] == ["news.routed", "team.not_told"]
    (due,) = office.store.notifications.due()
    assert due.state is MessageState.DUE
