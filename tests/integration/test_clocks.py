"""The clock is set a day ahead, or back, and set right again: everything goes on within its ordinary intervals."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from integration.world import Thing, World, calm, digest, states, unsettled
from registry_docker_updater import clock
from registry_docker_updater.activities import reconcile
from registry_docker_updater.core.fleet.targets import container_key
from registry_docker_updater.core.runs.results import ModuleResult
from registry_docker_updater.edges.runs.port import Playbook
from registry_docker_updater.views.rollouts import rollouts
from unit.builders import at

DAY = timedelta(days=1)
Wrong = Callable[[World], None]


def pass_time(world: World, seconds: int, step: int = 5) -> None:
    for _ in range(0, seconds, step):
        world.tick(step)
        world.look_and_work()


@pytest.fixture(
    params=["in one process", "with a restart while it is wrong", "with a restart when it is right"]
)
def wrong(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Have the clock be wrong for a while, in which something happens."""

    def be_wrong(world: World, meanwhile: Callable[[], object], by: timedelta = DAY) -> None:
        world.set_by = by
        if "while" in request.param:
            world.start()
        world.look_and_work()
        meanwhile()
        world.set_by = timedelta()
        if "when" in request.param:
            world.start()
        world.look_and_work()

    return be_wrong


BeWrong = Callable[..., None]
AHEAD_OR_BACK = pytest.mark.parametrize("by", [DAY, -DAY], ids=["ahead", "back"])


@AHEAD_OR_BACK
def test_hosts_are_asked_every_interval_after_the_clock_was_wrong(
    tmp_path: Path, wrong: BeWrong, by: timedelta
) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    wrong(world, lambda: pass_time(world, 120), by)
    for _ in range(3):
        before = world.clock()
        pass_time(world, 70)
        assert all(host.asked_at > before for host in world.scanner.fleet.hosts.values())
    assert all(host.asked_at <= world.clock() for host in world.store.fleet.load().hosts.values())


@AHEAD_OR_BACK
@pytest.mark.parametrize("is_rolled_out", [True, False])
def test_pushes_after_one_that_came_while_the_clock_was_wrong_are_rolled_out(
    tmp_path: Path, wrong: BeWrong, by: timedelta, is_rolled_out: bool
) -> None:
    world = calm(World(lambda _: 0, tmp_path))

    def push() -> None:
        world.push("1")
        if is_rolled_out:
            pass_time(world, 15)

    wrong(world, push, by)
    pass_time(world, 15)
    assert [*unsettled(world)] == []
    world.push("1")
    pass_time(world, 15)
    assert [*unsettled(world)] == []
    assert {thing.digest for thing in world.things if thing.tag == "1"} == {digest(2)}


def test_a_push_that_is_recorded_before_anybody_saw_that_the_clock_was_set_counts(tmp_path: Path) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.set_by = DAY
    world.push("1")
    pass_time(world, 15)
    world.things.append(Thing("container", "late", ("far",), changed_at=world.now))
    world.tick(20)
    world.set_by = timedelta()
    world.push("1")
    pass_time(world, 90)
    assert [*unsettled(world)] == []


@AHEAD_OR_BACK
def test_a_rollout_that_failed_while_the_clock_was_wrong_is_tried_again_when_its_time_comes(
    tmp_path: Path, wrong: BeWrong, by: timedelta
) -> None:
    class Unlucky(World):
        fails = True

        def fate(self, thing: Thing) -> str:
            return "failed" if self.fails else super().fate(thing)

    world = Unlucky(lambda _: 0, tmp_path)
    calm(world)

    def fail() -> None:
        world.push("2")
        pass_time(world, 10)
        assert states(world) == ["waiting"]

    wrong(world, fail, by)
    world.fails = False
    pass_time(world, 81)
    assert states(world) == ["finished"]
    assert [*unsettled(world)] == []


@AHEAD_OR_BACK
def test_a_message_that_failed_while_the_clock_was_wrong_is_sent_when_its_time_comes(
    tmp_path: Path, wrong: BeWrong, by: timedelta
) -> None:
    class Mute(World):
        is_mute = True

        def notify(self, *given: Any) -> None:
            if self.is_mute:
                raise OSError("no room")
            super().notify(*given)

    world = Mute(lambda _: 0, tmp_path)
    calm(world)

    def fail() -> None:
        world.push("2")
        pass_time(world, 10)
        assert len(world.store.notifications.due()) == 1

    wrong(world, fail, by)
    world.is_mute = False
    pass_time(world, 81)
    assert (len(world.messages), world.store.notifications.due()) == (1, ())


def test_a_message_during_which_the_clock_was_set_is_not_sent_twice(tmp_path: Path) -> None:
    class Setting(World):
        def notify(self, *given: Any) -> None:
            super().notify(*given)
            self.set_by = timedelta()
            self.look()

    world = Setting(lambda _: 0, tmp_path)
    calm(world)
    world.set_by = DAY
    world.push("2")
    pass_time(world, 120)
    assert len(world.messages) == 1


@AHEAD_OR_BACK
def test_a_host_that_came_back_while_the_clock_was_wrong_gets_its_update(
    tmp_path: Path, wrong: BeWrong, by: timedelta
) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.down.add("far")

    def miss_and_come_back() -> None:
        world.push("1")
        pass_time(world, 30)
        world.down.clear()

    wrong(world, miss_and_come_back, by)
    pass_time(world, 70)
    assert [*unsettled(world)] == []


@AHEAD_OR_BACK
def test_a_target_deployed_before_a_push_is_for_it_though_it_was_first_seen_while_the_clock_was_wrong(
    tmp_path: Path, wrong: BeWrong, by: timedelta, request: pytest.FixtureRequest
) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.tick(10)
    world.things.append(Thing("container", "new", ("far",), changed_at=world.now))
    world.tick(10)
    world.push("1")
    wrong(world, lambda: pass_time(world, 70), by)
    pass_time(world, 70)
    assert container_key("far", "new") in world.scanner.fleet.targets
    if by == DAY and "while" in request.node.callspec.params["wrong"]:
        # Nobody who starts then knows that the clock is ahead: it seems to be of after the push, and waits for the next.
        assert len([*unsettled(world)]) == 1
        world.push("1")
        pass_time(world, 15)
    assert [*unsettled(world)] == []


@AHEAD_OR_BACK
def test_what_a_person_changed_after_a_push_is_left_alone_though_the_clock_was_wrong(
    tmp_path: Path, by: timedelta
) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.push("3")
    world.set_by = by
    pass_time(world, 10)
    mine = Thing("container", "mine", ("far",), tag="3", changed_at=world.now, by_person_at=world.now)
    world.things.append(mine)
    pass_time(world, 70)
    world.set_by = timedelta()
    pass_time(world, 140)
    assert mine.key in world.scanner.fleet.targets
    assert mine.digest == digest(0)


def test_an_answer_that_was_under_way_when_the_clock_was_set_back_does_not_undo_an_update(
    tmp_path: Path,
) -> None:
    class Setting(World):
        """The clock is set back, and an update ends, between the answers of one scan."""

        is_ready = False

        def discover(self, playbook: Playbook, tell: Callable[[ModuleResult], None]) -> None:
            old = self.answer("solo", None)
            if not self.is_ready:
                super().discover(playbook, tell)
                return
            self.is_ready, self.set_by = False, timedelta()
            self.push("1")
            self.look()
            self.tasks.pop()()
            tell(old)

    world = Setting(lambda _: 0, tmp_path)
    calm(world)
    world.set_by = DAY
    world.look_and_work()
    world.is_ready = True
    world.tick(61)
    world.look_and_work()
    assert world.scanner.fleet.targets[container_key("solo", "web")].runs(digest(1))
    world.look_and_work()
    assert [row["runs"] for row in rollouts(world.store, 10)] == [1]


def test_a_reconciler_that_sleeps_until_something_is_due_looks_again_when_the_clock_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sleep is measured by the steady clock, which stands still here: nothing else could end it."""
    monkeypatch.setattr(reconcile, "_LOOK_SECONDS", 0.001)
    world = calm(World(lambda _: 0, tmp_path))
    world.reconciler._alarm.wait(0)
    looks = 0

    def counted() -> int:
        nonlocal looks
        looks += 1
        if looks == 3:
            world.set_by = -DAY
        return 0

    monkeypatch.setattr(world.store, "change_counter", counted)
    world.reconciler._sleep(timedelta(hours=1), seen=0)
    assert looks == 3


def test_the_steady_clock_shows_the_time_and_does_not_follow_when_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "utc_now", lambda: at(0))
    steady = clock.steady_clock()
    monkeypatch.setattr(clock, "utc_now", lambda: at(86400))
    assert at(0) <= steady() <= steady() < at(3600)
