"""A small world of hosts in which the operator works: its real store and all its activities; only playbooks are played.

Their runs can be lost, fail, be rolled back, or end with the operator, and during them pushes, people, scans and further
runs go on. Threads run one inside the other, in an order that the test chooses, so every finding can be repeated.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

from registry_docker_updater.activities.context import Context
from registry_docker_updater.activities.notify import NotificationPolicy
from registry_docker_updater.activities.progress import Progress
from registry_docker_updater.activities.roll_out import RolloutPolicy
from registry_docker_updater.activities.workers import Alarm, do
from registry_docker_updater.composition import Policy, reconciling
from registry_docker_updater.core.audit.retention import KeepPolicy
from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.core.fleet.targets import container_key, service_key
from registry_docker_updater.core.notifications.receivers import Receivers
from registry_docker_updater.core.notifications.schedule import SendingPolicy
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.rollout import RetryPolicy
from registry_docker_updater.core.runs.results import ModuleResult, TaskStart
from registry_docker_updater.core.schedules.scans import Pace
from registry_docker_updater.edges.engine.port import Followed
from registry_docker_updater.edges.runs.port import FinishedRun, InventoryListing, Playbook
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.storage import actions
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.evidence import verify
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.rollouts import rollouts
from unit.builders import HOST, NOON

SCAN = "registry.docker_updater.targets_info"
UPDATE = {
    "service": "registry.docker_updater.swarm_service",
    "container": "registry.docker_updater.standalone_container",
}
POLICY = Policy(
    registry_hosts={"production": (HOST,)},
    hosts="all",
    pace=Pace(timedelta(seconds=60), 0.2),
    rollouts=RolloutPolicy(
        workers=2,
        timeout=timedelta(minutes=30),
        retry=RetryPolicy(Backoff(timedelta(seconds=10), timedelta(seconds=80)), 1000),
    ),
    notification=NotificationPolicy(
        Receivers(),
        SendingPolicy(
            timedelta(seconds=30), Backoff(timedelta(seconds=10), timedelta(seconds=80)), timedelta(days=1)
        ),
        timedelta(minutes=1),
        {},
    ),
    keep=KeepPolicy(None, 2**40, None),
)


_THERE = (Outcome.UPDATED, Outcome.UNCHANGED)


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


class Killed(BaseException):
    """The operator was killed; nothing of it goes on."""


@dataclass
class Thing:
    """A service or container as it really is."""

    kind: str
    name: str
    hosts: tuple[str, ...]
    tag: str = "1"
    digest: str = digest(0)
    changed_at: datetime = NOON - timedelta(days=1)
    by_person_at: datetime | None = None
    in_work: bool = False
    refused: set[str] = field(default_factory=set)
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return service_key(self.name) if self.kind == "service" else container_key(self.hosts[0], self.name)


class NoEvents:
    """No engine is followed."""

    def __init__(self, followed: Followed) -> None:
        self.followed = followed

    def follow(self, host: str, how: Any) -> None:
        assert how is None, host

    def stop(self) -> None:
        """Nothing is followed."""


class World:
    """Hosts, what they run, the clock, and the playbooks that look at and change them."""

    policy = POLICY

    def __init__(self, choose: Callable[[int], int], runs: Path) -> None:
        self.choose = choose
        self.now = NOON
        self.set_by = timedelta()
        self.cost = 1.0
        self.inventory = {"solo", "far", "m1", "m2"}
        self.down: set[str] = set()
        self.things = [
            Thing("container", "web", ("solo",)),
            Thing("container", "db", ("solo",), tag="2"),
            Thing("container", "web", ("far",)),
            Thing("service", "api", ("m1", "m2")),
        ]
        self.newest: dict[str, tuple[str, datetime]] = {}
        self.database = Database(Path(":memory:"))
        self.store = Storage(self.database)
        self.runs = runs
        self.is_calm = False
        self.depth = 0
        self.numbers = 0
        self.wrongs: list[str] = []
        self.messages: list[Any] = []
        self.start()

    def start(self) -> None:
        """Start the operator, again when one was killed."""
        for thing in self.things:
            thing.in_work = False
        self.tasks: list[Callable[[], None]] = []
        alarm = Alarm()
        self.context = context = Context(
            storage=self.store,
            health=self.database,
            playbooks=self,
            runs=self.runs,
            submit=lambda work: self.tasks.append(partial(do, work, alarm.ring)),
            clock=self.clock,
            steady=lambda: self.now,
        )
        self.progress = Progress()
        self.scanner, self.reconciler, _ = reconciling(
            context, self.policy, alarm, NoEvents, alarm.ring, progress=self.progress
        )
        self.depth = 0
        actions.interrupt_runs(self.store, self.clock())

    def stop(self) -> None:
        """Nothing goes on beside the operator."""

    def clock(self) -> datetime:
        """The time of day, on a clock that somebody may have set."""
        return self.now + self.set_by

    # What happens.

    def tick(self, seconds: int = 1) -> None:
        self.now += timedelta(seconds=seconds)

    def push(self, tag: str) -> None:
        self.tick()
        self.numbers += 1
        made = Push(
            "production", "test/app", tag, digest(self.numbers), self.clock(), f"event {self.numbers}"
        )
        self.store.events.record("production", [made], self.clock())
        self.newest[tag] = (made.digest, self.now)
        self.tick()

    def person_changes(self, thing: Thing) -> None:
        if thing.in_work:
            return
        self.tick()
        self.numbers += 1
        thing.digest, thing.changed_at, thing.by_person_at = digest(self.numbers), self.now, self.now
        self.tick()

    def look(self) -> None:
        self.reconciler.reconcile(self.clock())

    def work(self) -> None:
        if self.tasks:
            self.tasks.pop(self.choose(len(self.tasks)))()

    def look_and_work(self) -> None:
        self.look()
        while self.tasks:
            self.work()

    def kill(self) -> None:
        raise Killed

    def step(self) -> None:
        """One thing happens, or a few seconds go by."""
        acts: list[Callable[[], object]] = [
            *[self.look] * 6,
            *[self.work] * 8,
            *[lambda: self.push("1")] * 3,
            lambda: self.push("2"),
            lambda: self.person_changes(self.things[self.choose(len(self.things))]),
            lambda: self.down.add(("solo", "far", "m1", "m2")[self.choose(4)]),
            self.down.clear,
            lambda: self.tick(30),
            self.kill,
        ]
        acts[self.choose(len(acts))]()

    def meanwhile(self) -> None:
        """What goes on beside a run."""
        if self.is_calm or self.depth > 3:
            return
        self.depth += 1
        try:
            for _ in range(self.choose(3)):
                self.step()
        finally:
            self.depth -= 1

    # The playbooks.

    def run(
        self,
        playbook: Playbook,
        folder: Path,
        timeout: timedelta,
        on_result: Callable[[ModuleResult], None] = lambda _: None,
        on_task: Callable[[TaskStart], None] | None = None,
    ) -> FinishedRun:
        assert timeout
        assert (on_task is not None) == (playbook.name == "update")
        if playbook.name == "update":
            kept = self.store.rollouts.kept(int(folder.name))
            assert kept
            assert playbook.number == kept.rollout.runs
        folder.mkdir(parents=True, exist_ok=True)
        results: list[ModuleResult] = []

        def tell(result: ModuleResult) -> None:
            results.append(result)
            on_result(result)

        if on_task:
            self.update(playbook, tell, on_task)
        else:
            {"discover": self.discover, "notify": self.notify}[playbook.name](playbook, tell)
        sent = {"notification_results": {"slack": "ok"}} if playbook.name == "notify" else {}
        return FinishedRun("successful", tuple(results), sent, folder, cost=self.cost)

    def inputs(self) -> Mapping[str, Any]:
        return {}

    def hosts(self, pattern: str) -> InventoryListing:
        assert pattern == "all"
        if not self.inventory:
            raise UpdaterError("the inventory cannot be read")
        return InventoryListing(frozenset(self.inventory), 0.5)

    def discover(self, playbook: Playbook, tell: Callable[[ModuleResult], None]) -> None:
        for host in playbook.limit or ():
            tell(self.answer(host, None))
            self.meanwhile()

    def notify(self, playbook: Playbook, _tell: Callable[[ModuleResult], None]) -> None:
        self.messages.append(playbook.variables["notification_message"])
        self.meanwhile()

    def update(
        self,
        playbook: Playbook,
        tell: Callable[[ModuleResult], None],
        begins: Callable[[TaskStart], None],
    ) -> None:
        tag = str(playbook.variables["docker_update_image"]).rpartition(":")[2]
        desired = str(playbook.variables["docker_update_digest"])
        planned = cast("dict[str, object]", playbook.variables["docker_update_planned"])
        hosts = [host for host in playbook.limit or () if host not in self.down]
        for host in playbook.limit or ():
            begins(TaskStart(host, "look"))
            tell(self.answer(host, tag))
        for thing in self.things:
            through = next((host for host in thing.hosts if host in hosts), None)
            if through and thing.tag == tag and thing.key in planned:
                self.meanwhile()
                self.change(thing, through, desired, tell)

    def change(self, thing: Thing, host: str, desired: str, tell: Callable[[ModuleResult], None]) -> None:
        if thing.in_work:
            self.wrongs.append(f"two runs change {thing.key} at once")
        if desired in thing.refused:
            self.wrongs.append(f"a digest that was rolled back is tried again on {thing.key}")
        before = thing.digest
        if host in self.down:
            tell(ModuleResult(host, "runner_on_unreachable", UPDATE[thing.kind], {"msg": "timed out"}))
            return
        end = self.fate(thing)
        if before == desired:
            end = "unchanged"
        thing.in_work = True
        self.meanwhile()
        if end in ("updated", "lost"):
            thing.digest, thing.changed_at, thing.by_person_at = desired, self.now, None
        self.tick()
        if end == "rolled_back":
            thing.changed_at = self.now
        self.meanwhile()
        thing.in_work = False
        if end == "lost":
            tell(ModuleResult(host, "runner_on_unreachable", UPDATE[thing.kind], {"msg": "timed out"}))
            return
        if end == "rolled_back":
            thing.refused.add(desired)
        said = {
            "kind": thing.kind,
            "id": thing.name,
            "name": thing.name,
            "outcome": end,
            "before": {"digest": before},
            "after": {"digest": thing.digest},
        }
        tell(
            ModuleResult(
                host,
                "runner_on_failed" if end in ("failed", "rolled_back") else "runner_on_ok",
                UPDATE[thing.kind],
                said,
            )
        )

    def fate(self, _thing: Thing) -> str:
        ends = ("updated", "updated", "failed", "rolled_back", "lost")
        return "updated" if self.is_calm else ends[self.choose(len(ends))]

    def answer(self, host: str, tag: str | None) -> ModuleResult:
        if host in self.down:
            return ModuleResult(host, "runner_on_unreachable", SCAN, {"msg": "no route"})
        targets = [
            {
                "kind": thing.kind,
                "id": thing.name,
                "name": thing.name,
                "image": f"{HOST}/test/app:{thing.tag}",
                "reference": f"{HOST}/test/app:{thing.tag}",
                "digests": [thing.digest],
                "state": "running",
                "age": (self.now - thing.changed_at).total_seconds(),
                "labels": thing.labels,
            }
            for thing in self.things
            if host in thing.hosts and tag in (None, thing.tag)
        ]
        swarm = {"id": "alpha", "manager": True} if host.startswith("m") else None
        found = {"engine": {}, "swarm": swarm, "targets": targets, "warnings": [], "at_once": True}
        return ModuleResult(host, "runner_on_ok", SCAN, {"scan": found})

    # The end.

    def live(self, steps: int) -> None:
        for _ in range(steps):
            try:
                self.step()
                self.tick()
            except Killed:
                self.start()

    def calm_down(self) -> None:
        """Nothing happens any more but that the operator works and hosts do as they are told."""
        self.is_calm = True
        self.down.clear()
        for _ in range(8):
            for _ in range(30):
                self.look()
                if not self.tasks:
                    break
                while self.tasks:
                    self.work()
            else:
                self.wrongs.append("the loop goes round and round")
            self.tick(60)
        self.wrongs += [flaw.sentence for flaw in verify(self.store)]


def unsettled(world: World) -> Iterable[str]:
    for thing in world.things:
        desired, pushed_at = world.newest.get(thing.tag, (None, None))
        left_alone = thing.by_person_at and pushed_at and thing.by_person_at > pushed_at
        if desired and thing.digest != desired and desired not in thing.refused and not left_alone:
            yield f"{thing.key} runs {thing.digest[-2:]} and not {desired[-2:]}"


def without_outcome(world: World) -> Iterable[str]:
    """Targets that runs brought to the newest push, of which the rollout of that does not say so."""
    for thing in world.things:
        desired, _ = world.newest.get(thing.tag, (None, None))
        if thing.digest != desired or thing.by_person_at:
            continue
        said = (one.said.result for one in world.store.rollouts.of_target([thing.key], 1000))
        if not any(one.outcome in _THERE and one.after == desired for one in said):
            yield f"of {thing.key} nobody hears that it runs {desired[-2:]}"


def calm(world: World) -> World:
    """A world in which nothing happens by chance, of which the first scan is known."""
    world.is_calm = True
    world.look_and_work()
    world.look_and_work()
    return world


def states(world: World) -> list[str]:
    return [row["state"] for row in rollouts(world.store, 10)]
