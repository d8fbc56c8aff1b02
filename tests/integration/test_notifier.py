"""Who is told what, when, by runs of notify.yml that are played: with a real store, and time as the test says."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from integration.keeping import HOSTS, RETRY, ended, push, record
from integration.keeping import end as end_run
from registry_docker_updater.activities.context import Context
from registry_docker_updater.activities.notify import NotificationPolicy, Notifier
from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.notifications.hours import Daily, QuietHours
from registry_docker_updater.core.notifications.news import USUAL_TOPICS, Topic
from registry_docker_updater.core.notifications.receivers import Gets, Receiver, Receivers
from registry_docker_updater.core.notifications.schedule import MessageState, SendingPolicy
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.planner import Start
from registry_docker_updater.core.schedules.registries import Heard, KnownRegistry, RegistryStanding
from registry_docker_updater.edges.runs.port import FinishedRun, Playbook
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.storage import actions
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.messages import receivers as receiver_rows
from registry_docker_updater.views.rollouts import rollout as view
from unit.builders import NEW, NOON, OLD, at, container, fleet

POLICY = SendingPolicy(
    timedelta(seconds=30), Backoff(timedelta(seconds=10), timedelta(minutes=15)), timedelta(hours=24)
)
HOUR = 3600
Answer = Callable[[str], str]


@dataclass
class Team:
    """Plays notify.yml: keeps what it was given, and has each of two channels answer as the test says."""

    answer: Answer = lambda _: "ok"
    asked_to_wait: Mapping[str, int] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    channels: list[list[str]] = field(default_factory=list)
    variables: list[Mapping[str, Any]] = field(default_factory=list)

    def run(self, playbook: Playbook, folder: Path, *_: object) -> FinishedRun:
        assert playbook.name == "notify"
        self.variables.append(playbook.variables)
        self.messages.append(playbook.variables["notification_message"])
        self.channels.append(list(playbook.variables.get("notification_channels", ["email", "slack"])))
        statistics = {
            "notification_results": {name: self.answer(name) for name in self.channels[-1]},
            "notification_nobody": "",
            "notification_retry_after": self.asked_to_wait,
        }
        return FinishedRun("successful", (), statistics, folder / "notify-1")

    @property
    def rollouts(self) -> list[list[int]]:
        """Of which rollouts each message told."""
        return [[item["id"] for item in one["items"]] for one in self.messages]


@dataclass
class Office:
    """An operator's notifier, and the pushes of which it tells."""

    store: Storage
    folder: Path
    known: Receivers = field(default_factory=Receivers)
    fleet: Fleet = field(default_factory=Fleet)
    team: Team = field(default_factory=Team)
    now: datetime = NOON
    running: set[int] = field(default_factory=set)
    standings: list[RegistryStanding] = field(default_factory=list)
    tasks: list[Callable[[], None]] = field(default_factory=list)
    pushes: int = 0

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the operator, again when there was one."""
        self.tasks.clear()
        context = Context(
            storage=self.store,
            health=Database(Path(":memory:")),
            playbooks=self.team,  # type: ignore[arg-type]
            runs=self.folder,
            submit=self.tasks.append,
            clock=lambda: self.now,
            steady=lambda: self.now,
        )
        policy = NotificationPolicy(
            self.known, POLICY, timedelta(minutes=1), {"notification_templates": "/t"}
        )
        self.notifier = Notifier(context, policy, lambda: self.fleet, lambda: self.standings)

    def look(self, seconds: float = 0) -> timedelta:
        self.now += timedelta(seconds=seconds)
        wait = self.notifier.reconcile(self.now, self.running)
        while self.tasks:
            self.tasks.pop(0)()
        return wait

    def roll_out(self, outcome: Outcome, *, key: str = container().key, rollout: int | None = None) -> int:
        """Have a run of a new push end, or of a ``rollout`` that waits; return the rollout's number."""
        if rollout is None:
            self.pushes += 1
            record(self.store, push(tag=f"{self.pushes}", when=self.now), now=self.now)
        desired = next(
            one
            for one in self.store.events.desired(HOSTS)
            if one.tag == f"{rollout if rollout is not None else self.pushes}"
        )
        begun = actions.begin_run(self.store, Start(desired, (container(),), ()), self.now)
        after = NEW if outcome is Outcome.UPDATED else OLD
        end_run(self.store, self.now, ended(outcome, key, after), retry=RETRY, rollout=begun.id)
        return begun.id

    def keep_looking(self, until: float) -> None:
        """Look whenever something is due, until so many seconds have gone by."""
        while self.now < at(until):
            wait = self.look()
            self.now = min(at(until), self.now + max(wait, timedelta(seconds=1)))


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


TEAMS = fleet(container("web"), container("db", "far"))


def labelled(known: Fleet, **teams: str) -> Fleet:
    return Fleet(
        known.hosts,
        {
            key: replace(one, notify=(teams[one.name],) if one.name in teams else ())
            for key, one in known.targets.items()
        },
    )


def test_each_team_gets_a_message_of_its_own_and_one_that_hangs_holds_up_no_other(
    storage: Storage, tmp_path: Path
) -> None:
    known = labelled(TEAMS, web="team-a", db="team-b")
    office = Office(storage, tmp_path, Receivers({"default": Receiver("default", Gets.THE_REST)}), known)
    office.roll_out(Outcome.UPDATED, key=container("web").key)
    office.roll_out(Outcome.UPDATED, key=container("db", "far").key)
    office.notifier.reconcile(office.now, ())
    assert len(office.tasks) == 2, "side by side"
    office.tasks.pop()()
    assert [one["receiver"] for one in office.team.messages] == ["team-b"]
    office.roll_out(Outcome.UPDATED, key=container("web").key)
    office.notifier.reconcile(office.now, ())
    assert len(office.tasks) == 1, "team-a is still being told"


def test_in_quiet_hours_a_failure_is_told_and_the_rest_at_their_end_in_one_message(
    storage: Storage, tmp_path: Path
) -> None:
    quiet = Receiver("default", Gets.EVERYTHING, quiet=QuietHours(time(11), time(13)))
    office = Office(storage, tmp_path, Receivers({"default": quiet}))
    office.roll_out(Outcome.UPDATED)
    office.roll_out(Outcome.FAILED)
    office.roll_out(Outcome.UPDATED)
    office.look()
    assert office.team.rollouts == [[2]]
    office.start()
    office.keep_looking(HOUR + 1)
    assert office.team.rollouts == [[2], [1, 3]]


def test_a_digest_is_one_message_a_day(storage: Storage, tmp_path: Path) -> None:
    daily = Receiver("default", Gets.EVERYTHING, digest=Daily(time(14)))
    office = Office(storage, tmp_path, Receivers({"default": daily}))
    for hour in range(4):
        office.roll_out(Outcome.UPDATED)
        office.keep_looking((hour + 1) * HOUR - 1)
    office.keep_looking(30 * HOUR)
    assert office.team.rollouts == [[1, 2, 3], [4]]
    assert {one["sent_for"] for one in office.team.messages} == {"digest"}


def test_that_a_run_begins_is_told_to_those_who_want_it_and_kept_for_nobody_else(
    storage: Storage, tmp_path: Path
) -> None:
    eager = Receiver("eager", Gets.EVERYTHING, (*USUAL_TOPICS, Topic.STARTED))
    office = Office(storage, tmp_path, Receivers({"eager": eager}))
    record(storage)
    (desired,) = storage.events.desired(HOSTS)
    start = Start(desired, (container(),), ())
    begun = actions.begin_run(storage, start, at(1))
    office.notifier.began(begun, start, at(1))
    office.look(1)
    assert [(one["receiver"], one["items"][0]["topic"]) for one in office.team.messages] == [
        ("eager", "started")
    ]
    end_run(storage, at(5), ended(Outcome.UPDATED))
    office.look(4)
    assert sorted((one["receiver"], one["items"][0]["topic"]) for one in office.team.messages[1:]) == [
        ("default", "image updated"),
        ("eager", "image updated"),
    ]
    office.known = Receivers()
    office.start()
    office.notifier.began(begun, start, at(6))
    assert storage.news.unrouted(1) == ()


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
        with pytest.raises(StoreUnavailable):
            office.look()
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
