"""The operator, whatever happens at whatever moment: failures, lost hosts, people, newer pushes, kills, a database away."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.ruled import Ruled
from integration.world import (
    POLICY,
    UPDATE,
    Killed,
    Thing,
    World,
    calm,
    digest,
    states,
    unsettled,
    without_outcome,
)
from registry_docker_updater.activities import roll_out
from registry_docker_updater.activities.retention import Retention
from registry_docker_updater.core.audit.retention import KeepPolicy
from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.fleet.targets import container_key
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.rollout import RetryPolicy
from registry_docker_updater.core.runs.results import ModuleResult
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.views.rollouts import rollout, rollouts
from unit.builders import NOON

pytestmark = pytest.mark.slow

AFTER_100_S = RetryPolicy(Backoff(timedelta(seconds=100), timedelta(seconds=100)), 9)


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
    assert not list(without_outcome(world))
    assert {row["state"] for row in rollouts(world.store, 1000)} <= {"finished", "superseded"}
    assert world.store.notifications.due() == ()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_happens_and_whenever_no_target_is_updated_against_a_rule_and_none_stays_behind(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same with approvals, windows, ages, freezes, and clocks that are set."""

    def choose(below: int) -> int:
        return data.draw(st.integers(0, below - 1))

    world = Ruled(choose, tmp_path_factory.mktemp("runs"))
    world.live(40)
    world.settle()
    assert not world.wrongs
    assert not list(unsettled(world))
    assert {row["state"] for row in rollouts(world.store, 1000)} <= {"finished", "superseded"}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_removed_changes_nothing_of_what_becomes_of_targets(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever ended more than half a minute ago is removed, at any moment."""

    def choose(below: int) -> int:
        return data.draw(st.integers(0, below - 1))

    class Forgetful(World):
        def forget(self) -> None:
            keep = KeepPolicy(timedelta(), 0, timedelta(seconds=30))
            Retention(self.context, keep, lambda: True).remove(self.clock())

        def step(self) -> None:
            super().step()
            if self.choose(3) == 0:
                self.forget()

    world = Forgetful(choose, tmp_path_factory.mktemp("runs"))
    world.live(40)
    world.calm_down()
    world.tick(3600)
    world.forget()
    world.calm_down()
    assert not world.wrongs
    assert not list(unsettled(world))
    entries = list(world.store.trail.entries())
    needed = world.store.retention.needed_rollouts()
    assert {row["id"] for row in rollouts(world.store, 1000)} <= needed
    left = [one.id for one in world.store.notifications.newest(1000)]
    # The last stays, whose number would be given again, and what tells of a rollout that is needed.
    of = world.store.notifications.rollouts_of(left)
    assert all(of.get(one, frozenset()) & needed for one in left[1:])
    assert not [
        one
        for one in entries
        if one.kind == "team.told"
        and one.content
        and one.rollout not in needed
        and json.loads(one.content)["facts"]["message"] not in left
    ]


def test_a_target_that_failed_waits_on_though_a_later_run_was_for_others(tmp_path: Path) -> None:
    """One fails; another host is down and comes back long before the retry is due."""

    class Unlucky(World):
        fails = 1
        policy = replace(POLICY, rollouts=replace(POLICY.rollouts, retry=AFTER_100_S))

        def fate(self, thing: Thing) -> str:
            self.fails -= thing is self.things[0]
            return "failed" if thing is self.things[0] and self.fails >= 0 else "updated"

    world = calm(Unlucky(lambda _: 0, tmp_path))
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
    assert world.messages == []
    world.start()
    world.calm_down()
    assert states(world) == ["finished"]
    assert [[one["outcome"] for one in message["items"][0]["outcomes"]] for message in world.messages] == [
        ["updated"]
    ]


@pytest.mark.parametrize("is_seen_before", [True, False], ids=["seen before", "seen by the next run"])
def test_of_an_update_that_ends_while_the_operator_is_killed_the_team_is_told(
    tmp_path: Path, *, is_seen_before: bool
) -> None:
    class Fragile(World):
        kills = 0

        def meanwhile(self) -> None:
            (thing,) = (one for one in self.things if one.tag == "2")
            if thing.in_work and thing.digest == digest(1) and not self.kills:
                self.kills += 1
                raise Killed

    world = calm(Fragile(lambda _: 0, tmp_path))
    world.push("2")
    world.look()
    with pytest.raises(Killed):
        world.work()
    world.start()
    if is_seen_before:
        world.scanner.need(["solo"])
        world.look_and_work()
    world.calm_down()
    assert states(world) == ["finished"]
    (message,) = world.messages
    (one,) = message["items"][0]["outcomes"]
    assert (one["outcome"], one["after"]["digest"]) == ("updated", digest(1))
    assert world.wrongs == []


@contextmanager
def away(monkeypatch: pytest.MonkeyPatch, of: object, *names: str) -> Iterator[None]:
    """The database answers no call of these functions."""

    def fail(*_: object) -> None:
        raise StoreUnavailable("disk full")

    with monkeypatch.context() as broken:
        for name in names:
            broken.setattr(of, name, fail)
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

    with away(monkeypatch, roll_out, "end_run", "keep_outcome"):
        world.work()
    assert states(world) == ["running"]
    world.calm_down()
    assert states(world) == ["finished"]
    assert rollout(world.store, 1)["runs"] == 2
    assert [one.result.outcome for one in world.store.rollouts.outcomes(1)] == [Outcome.UPDATED]


def test_a_run_that_could_not_begin_because_the_database_was_away_begins_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.push("2")
    world.look()

    with away(monkeypatch, world.store.rollouts, "outcomes"):
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
    world.scanner.need(["far"])
    world.tick(1)
    world.look_and_work()
    fleet = world.scanner.fleet
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
        assert set(world.scanner.fleet.hosts) == expected
        assert set(world.store.fleet.load().hosts) == expected
    assert container_key("far", "web") not in world.store.fleet.load().targets


def test_scans_that_cost_more_than_their_share_are_made_less_often(tmp_path: Path) -> None:
    """A fifth of a processor may be used: what costs 60 seconds of one comes back after five minutes, not after one."""
    world = calm(World(lambda _: 0, tmp_path))
    world.cost = 60.0
    asked_at = []
    for _ in range(60):
        world.tick(60)
        world.look_and_work()
        asked_at.append(world.scanner.fleet.hosts["solo"].asked_at)
    assert 10 <= len(set(asked_at)) <= 13


def test_answers_that_are_old_because_the_operator_was_away_are_not_blamed_on_the_share(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.tick(600)
    world.start()
    world.look_and_work()
    assert "give scans a larger fleet.scan_share" not in caplog.text


def test_a_service_whose_manager_was_lost_is_told_as_updated_though_who_took_over_found_nothing_to_do(
    tmp_path: Path,
) -> None:
    """The manager was lost before it could say what it found, and swarm was done before another looked."""

    class Losing(World):
        def change(self, thing: Thing, host: str, desired: str, tell: Callable[[ModuleResult], None]) -> None:
            if thing.kind == "service":
                tell(ModuleResult("m1", "runner_on_unreachable", UPDATE[thing.kind], {"msg": "timed out"}))
                thing.digest, thing.changed_at = desired, self.now
            super().change(thing, host, desired, tell)

    world = calm(Losing(lambda _: 0, tmp_path))
    world.push("1")
    world.look_and_work()
    of_service = world.store.rollouts.of_target([world.things[3].key], 10)
    said = [(one.said.run, one.said.result) for one in of_service]
    assert [(run, one.outcome, one.before, one.after) for run, one in said] == [
        (1, Outcome.UPDATED, digest(0), digest(1))
    ]


def test_what_an_update_left_is_kept_and_known_after_a_restart(tmp_path: Path) -> None:
    """Nothing differs from it in the next scan, so nothing else would write it."""
    world = calm(World(lambda _: 0, tmp_path))
    world.push("2")
    world.look_and_work()
    assert world.store.fleet.load() == world.scanner.fleet
    assert world.store.fleet.load().targets[container_key("solo", "db")].runs(digest(1))


def test_an_answer_that_could_not_be_kept_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.tick(60)
    world.things.append(Thing("container", "new", ("far",), tag="3", changed_at=world.now))
    with away(monkeypatch, world.store.fleet, "apply"):
        world.look_and_work()
    assert container_key("far", "new") not in world.scanner.fleet.targets
    world.tick(6)
    world.look_and_work()
    assert container_key("far", "new") in world.scanner.fleet.targets


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
    assert (world.tries, len(world.messages), world.wrongs) == (3, 1, [])
    assert world.store.notifications.due() == ()
