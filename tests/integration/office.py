"""An operator's notifier with runs of notify.yml that are played, a real store, and time as a test says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from integration.keeping import HOSTS, RETRY, ended, push, record
from integration.keeping import end as end_run
from registry_docker_updater.activities.context import Context
from registry_docker_updater.activities.notify import NotificationPolicy, Notifier
from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.notifications.receivers import Receivers
from registry_docker_updater.core.notifications.schedule import SendingPolicy
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.core.schedules.registries import RegistryStanding
from registry_docker_updater.edges.runs.port import FinishedRun, Playbook
from registry_docker_updater.storage import actions
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from unit.builders import NEW, NOON, OLD, at, container

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
    channels_left: bool = True

    def run(self, playbook: Playbook, folder: Path, *_: object) -> FinishedRun:
        assert playbook.name == "notify"
        self.variables.append(playbook.variables)
        self.messages.append(playbook.variables["notification_message"])
        self.channels.append(list(playbook.variables.get("notification_channels", ["email", "slack"])))
        if not self.channels_left:
            said = {"notification_results": {}, "notification_nobody": "no channel is set"}
            return FinishedRun("successful", (), said, folder / "notify-1")
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
