"""The loop with its real store, in a world where anything happens at any time.

Only the playbooks are played: by a small world of hosts whose runs can be lost, fail, be rolled back, or end with
the operator, and during which pushes, people, scans and further runs go on. Threads run one inside the other, in
an order that hypothesis chooses, so every finding can be repeated.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry_docker_updater.activities.reconcile import Policy, Reconciler
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.core.fleet.index import container_key, service_key
from registry_docker_updater.core.rollouts.history import RetryPolicy
from registry_docker_updater.core.rollouts.outcomes import HostResult, Outcome
from registry_docker_updater.core.schedules.scans import Pace
from registry_docker_updater.edges.runs.playbooks import (
    FinishedRun,
    InventoryListing,
    Playbook,
)
from registry_docker_updater.errors import StoreUnavailable, UpdaterError
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.rollouts import Store
from registry_docker_updater.views.listings import Listings
from unit.builders import HOST, NOON

SCAN = "registry.docker_updater.targets_info"
POLICY = Policy(
    registry_hosts={"production": (HOST,)},
    hosts="all",
    pace=Pace(timedelta(seconds=60), 0.2),
    workers=2,
    timeout=timedelta(minutes=30),
    retry=RetryPolicy(timedelta(seconds=10), timedelta(seconds=80), 1000),
)


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

    @property
    def key(self) -> str:
        return service_key(self.name) if self.kind == "service" else container_key(self.hosts[0], self.name)


class World:
    """Hosts, what they run, the clock, and the playbooks that look at and change them."""

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
        self.store = Store(Database(Path(":memory:")))
        self.runs = runs
        self.is_calm = False
        self.depth = 0
        self.numbers = 0
        self.wrongs: list[str] = []
        self.told: list[Any] = []
        self.loop = self.start()

    def start(self) -> Reconciler:
        for thing in self.things:
            thing.in_work = False
        self.tasks: list[Callable[[], None]] = []
        world = self

        class Threads:
            def submit(self, work: Callable[[], None]) -> None:
                world.tasks.append(work)

        listings = Listings(self.store._database)
        loop = Reconciler(
            self.store,
            listings,
            cast("PlaybookRunner", self),
            self.runs,
            POLICY,
            clock=self.clock,
            steady=lambda: self.now,
        )
        loop._workers = cast("Any", Threads())
        self.store.interrupt_runs(self.clock())
        return loop

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
        self.store.record("production", [made], self.clock())
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
        self.loop._look(self.clock())

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
        _timeout: timedelta,
        on_result: Callable[[HostResult], None] = lambda _: None,
    ) -> FinishedRun:
        folder.mkdir(parents=True, exist_ok=True)
        results: list[HostResult] = []

        def tell(result: HostResult) -> None:
            results.append(result)
            on_result(result)

        {"discover": self.discover, "update": self.update, "notify": self.notify}[playbook.name](
            playbook, tell
        )
        told = {"notification_results": {"slack": "ok"}} if playbook.name == "notify" else {}
        return FinishedRun("successful", tuple(results), told, folder, cost=self.cost)

    def hosts(self, _pattern: str) -> InventoryListing:
        if not self.inventory:
            raise UpdaterError("the inventory cannot be read")
        return InventoryListing(frozenset(self.inventory), 0.5)

    def discover(self, playbook: Playbook, tell: Callable[[HostResult], None]) -> None:
        for host in playbook.limit or ():
            tell(self.answer(host, None))
            self.meanwhile()

    def notify(self, playbook: Playbook, _tell: Callable[[HostResult], None]) -> None:
        self.told.append(playbook.variables["notification_rollout"])
        self.meanwhile()

    def update(self, playbook: Playbook, tell: Callable[[HostResult], None]) -> None:
        tag = str(playbook.variables["docker_update_image"]).rpartition(":")[2]
        desired = str(playbook.variables["docker_update_digest"])
        skip = cast("list[str]", playbook.variables["docker_update_skip"])
        hosts = [host for host in playbook.limit or () if host not in self.down]
        for host in playbook.limit or ():
            tell(self.answer(host, tag))
        for thing in self.things:
            through = next((host for host in thing.hosts if host in hosts), None)
            if through and thing.tag == tag and thing.key not in skip:
                self.meanwhile()
                self.change(thing, through, desired, tell)

    def change(self, thing: Thing, host: str, desired: str, tell: Callable[[HostResult], None]) -> None:
        if thing.in_work:
            self.wrongs.append(f"two runs change {thing.key} at once")
        if desired in thing.refused:
            self.wrongs.append(f"a digest that was rolled back is tried again on {thing.key}")
        before = thing.digest
        if host in self.down:
            tell(HostResult(host, "runner_on_unreachable", "update", {"msg": "timed out"}))
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
            tell(HostResult(host, "runner_on_unreachable", "update", {"msg": "timed out"}))
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
            HostResult(
                host,
                "runner_on_failed" if end in ("failed", "rolled_back") else "runner_on_ok",
                "update",
                said,
            )
        )

    def fate(self, _thing: Thing) -> str:
        ends = ("updated", "updated", "failed", "rolled_back", "lost")
        return "updated" if self.is_calm else ends[self.choose(len(ends))]

    def answer(self, host: str, tag: str | None) -> HostResult:
        if host in self.down:
            return HostResult(host, "runner_on_unreachable", SCAN, {"msg": "no route"})
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
            }
            for thing in self.things
            if host in thing.hosts and tag in (None, thing.tag)
        ]
        swarm = {"id": "alpha", "manager": True} if host.startswith("m") else None
        found = {"engine": {}, "swarm": swarm, "targets": targets, "warnings": []}
        return HostResult(host, "runner_on_ok", SCAN, {"scan": found})

    # The end.

    def live(self, steps: int) -> None:
        for _ in range(steps):
            try:
                self.step()
                self.tick()
            except Killed:
                self.depth = 0
                self.loop = self.start()

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


def unsettled(world: World) -> Iterable[str]:
    for thing in world.things:
        desired, pushed_at = world.newest.get(thing.tag, (None, None))
        left_alone = thing.by_person_at and pushed_at and thing.by_person_at > pushed_at
        if desired and thing.digest != desired and desired not in thing.refused and not left_alone:
            yield f"{thing.key} runs {thing.digest[-2:]} and not {desired[-2:]}"


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_happens_every_target_ends_on_the_newest_digest_it_may_have(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Failures, lost hosts, rollbacks, people, newer pushes and kills of the operator, at any moment."""

    def choose(below: int) -> int:
        return data.draw(st.integers(0, below - 1))

    world = World(choose, tmp_path_factory.mktemp("runs"))
    world.live(40)
    world.calm_down()
    assert not world.wrongs
    assert not list(unsettled(world))
    assert {row["state"] for row in world.loop._listings.rollouts(1000)} <= {"finished", "superseded"}
    assert world.store.notifications() == ()


def calm(world: World) -> World:
    """A world in which nothing happens by chance, of which the first scan is known."""
    world.is_calm = True
    world.look_and_work()
    world.look_and_work()
    return world


def states(world: World) -> list[str]:
    return [row["state"] for row in world.loop._listings.rollouts(10)]


def test_a_target_that_failed_waits_on_though_a_later_run_was_for_others(tmp_path: Path) -> None:
    """One fails; another host is down and comes back long before the retry is due."""

    class Unlucky(World):
        fails = 1

        def fate(self, thing: Thing) -> str:
            self.fails -= thing is self.things[0]
            return "failed" if thing is self.things[0] and self.fails >= 0 else "updated"

    world = calm(Unlucky(lambda _: 0, tmp_path))
    world.loop._policy = replace(POLICY, retry=RetryPolicy(timedelta(seconds=100), timedelta(seconds=100), 9))
    world.push("1")
    world.down.add("far")
    world.look_and_work()
    assert len(list(unsettled(world))) == 2
    for _ in range(2):  # it is asked for at the first look, and asked at the second
        world.tick(6)
        world.look_and_work()
    world.down.clear()
    world.tick(61)
    world.look_and_work()
    world.look_and_work()
    assert [*unsettled(world)] == [f"{world.things[0].key} runs 00 and not 01"]
    world.calm_down()
    assert not list(unsettled(world))
    assert states(world) == ["finished"]


def test_a_run_killed_after_its_last_word_is_settled_and_the_team_is_told(tmp_path: Path) -> None:
    class Fragile(World):
        def change(self, *given: Any) -> None:
            super().change(*given)
            raise Killed

    world = calm(Fragile(lambda _: 0, tmp_path))
    world.push("2")
    world.look()
    with pytest.raises(Killed):
        world.work()
    assert world.told == []
    world.loop = world.start()
    world.calm_down()
    assert states(world) == ["finished"]
    assert [[one["outcome"] for one in told["outcomes"]] for told in world.told] == [["updated"]]


@contextmanager
def away(monkeypatch: pytest.MonkeyPatch, store: Store, *methods: str) -> Iterator[None]:
    """The database answers no call of these methods."""

    def fail(*_: object) -> None:
        raise StoreUnavailable("disk full")

    with monkeypatch.context() as broken:
        for method in methods:
            broken.setattr(store, method, fail)
        yield


def test_a_rollout_whose_target_is_gone_waits_no_more(tmp_path: Path) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.push("2")
    world.down.add("solo")
    world.look_and_work()
    assert states(world) == ["waiting"]
    del world.things[1]
    world.calm_down()
    assert states(world) == ["finished"]


def test_a_run_whose_end_could_not_be_kept_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.push("2")
    world.look()

    with away(monkeypatch, world.store, "end_run", "keep_outcome"):
        world.work()
    assert states(world) == ["running"]
    world.calm_down()
    assert states(world) == ["finished"]
    assert world.loop._listings.rollout(1)["runs"] == 2
    assert [one.outcome for one in world.store.outcomes(1)] == [Outcome.UNCHANGED]


def test_a_run_that_could_not_begin_because_the_database_was_away_begins_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.push("2")
    world.look()

    with away(monkeypatch, world.store, "outcomes"):
        world.work()
    assert states(world) == ["running"]
    world.calm_down()
    assert states(world) == ["finished"]
    assert not list(unsettled(world))


def test_a_target_deployed_just_before_its_push_is_found_without_waiting_for_the_next_scan(
    tmp_path: Path,
) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.tick(10)
    world.things.append(Thing("container", "new", ("far",), tag="3", changed_at=world.now))
    world.push("3")
    world.look_and_work()
    assert [*unsettled(world)]
    world.tick(1)
    world.look_and_work()
    world.look_and_work()
    assert not [*unsettled(world)]
    assert world.now < NOON + timedelta(seconds=30)


def test_a_host_is_asked_at_once_when_something_happened_on_it_and_no_other_is(tmp_path: Path) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.tick(10)
    world.things.append(Thing("container", "new", ("far",), tag="3", changed_at=world.now))
    world.loop._scanner.need(["far"], world.now)
    world.tick(1)
    world.look_and_work()
    fleet = world.loop._scanner.fleet
    assert container_key("far", "new") in fleet.targets
    assert {name for name, host in fleet.hosts.items() if host.asked_at == world.now} == {"far"}


def test_a_host_that_left_the_inventory_leaves_the_fleet_and_a_broken_inventory_takes_none(
    tmp_path: Path,
) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    whole = world.inventory
    for left, expected in ((set(), whole), (whole - {"far"}, whole - {"far"})):
        world.inventory = left
        world.tick(61)
        world.look_and_work()
        assert set(world.loop._scanner.fleet.hosts) == expected
        assert set(world.store.fleet().hosts) == expected
    assert container_key("far", "web") not in world.store.fleet().targets


def test_scans_that_cost_more_than_their_share_are_made_less_often(tmp_path: Path) -> None:
    """A fifth of a processor may be used: what costs 60 seconds of one comes back after five minutes, not after one."""
    world = calm(World(lambda _: 0, tmp_path))
    world.cost = 60.0
    asked_at = []
    for _ in range(60):
        world.tick(60)
        world.look_and_work()
        asked_at.append(world.loop._scanner.fleet.hosts["solo"].asked_at)
    assert 10 <= len(set(asked_at)) <= 13


def test_answers_that_are_old_because_the_operator_was_away_are_not_blamed_on_the_share(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.tick(600)
    world.loop = world.start()
    world.look_and_work()
    assert "give scans a larger fleet.scan_share" not in caplog.text


def test_what_an_update_left_is_kept_and_known_after_a_restart(tmp_path: Path) -> None:
    """Nothing differs from it in the next scan, so nothing else would write it."""
    world = calm(World(lambda _: 0, tmp_path))
    world.push("2")
    world.look_and_work()
    assert world.store.fleet() == world.loop._scanner.fleet
    assert world.store.fleet().targets[container_key("solo", "db")].runs(digest(1))


def test_an_answer_that_could_not_be_kept_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.tick(60)
    world.things.append(Thing("container", "new", ("far",), tag="3", changed_at=world.now))
    with away(monkeypatch, world.store, "keep_change"):
        world.look_and_work()
    assert container_key("far", "new") not in world.loop._scanner.fleet.targets
    world.tick(6)
    world.look_and_work()
    assert container_key("far", "new") in world.loop._scanner.fleet.targets


def test_a_message_that_cannot_be_sent_is_tried_again_later_and_does_not_go_round(tmp_path: Path) -> None:
    class Mute(World):
        tries = 0

        def notify(self, *given: Any) -> None:
            self.tries += 1
            if self.tries < 3:
                raise OSError("no room")
            super().notify(*given)

    world = Mute(lambda _: 0, tmp_path)
    calm(world)
    world.push("2")
    world.calm_down()
    assert (world.tries, len(world.told), world.wrongs) == (3, 1, [])
    assert world.store.notifications() == ()
