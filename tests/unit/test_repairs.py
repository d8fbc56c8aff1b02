"""What was begun on a host is finished: who is to repair, when, and what becomes of pushes meanwhile."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from registry_docker_updater.core.fleet.hosts import Host, UnfinishedUpdate
from registry_docker_updater.core.fleet.index import Fleet, FleetChange
from registry_docker_updater.core.fleet.merging import merge
from registry_docker_updater.core.rollouts.history import History, LastAttempt
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.planner import judge, plan
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.verdicts import CHANGED, UNFINISHED
from registry_docker_updater.core.runs.reading import HostFailure, Repaired, UnreadableResult, read
from registry_docker_updater.core.runs.results import ModuleResult
from registry_docker_updater.core.schedules.repairs import RepairAttempts, due_repairs, unfinished_notes
from unit.builders import HOST, NEW, OLD, at, container, desired, fleet, host, rollout, scan, seen

MODULE = "registry.docker_updater.standalone_container"
IMAGE = f"{HOST}/test/app:1"
LEFT = UnfinishedUpdate("web", IMAGE, NEW, 12.0, is_worked_on=False)
GOING = replace(LEFT, is_worked_on=True)
ON_ITS_WAY = replace(container(), digests=frozenset(), state="unfinished")


def with_left(*left: UnfinishedUpdate, name: str = "solo", **more: Any) -> Fleet:
    return Fleet({name: host(name, unfinished=left, **more)})


def test_a_host_with_an_update_that_nobody_works_on_repairs_at_once_whether_or_not_it_has_a_target() -> None:
    assert due_repairs(with_left(LEFT), {}, (), at(1), at(1)).hosts == {"solo"}
    assert due_repairs(with_left(GOING, LEFT), {}, (), at(1), at(1)).hosts == {"solo"}
    assert due_repairs(with_left(), {}, (), at(1), at(1)).hosts == set()


def test_one_that_repairs_or_cannot_be_reached_is_left_alone() -> None:
    assert not due_repairs(with_left(LEFT), {}, ("solo",), at(1), at(1)).hosts
    assert not due_repairs(with_left(LEFT, error="no route"), {}, (), at(1), at(1)).hosts


def test_an_update_that_is_worked_on_is_looked_at_again_the_less_often_the_longer_it_takes() -> None:
    known = with_left(GOING)
    early = due_repairs(known, {}, (), at(2), at(2))
    assert (early.hosts, early.ask, early.wait) == (frozenset(), frozenset(), timedelta(seconds=3))
    assert due_repairs(known, {}, (), at(5), at(5)).ask == {"solo"}
    old = with_left(replace(GOING, age=120.0))
    assert due_repairs(old, {}, (), at(5), at(5)).wait == timedelta(seconds=25)
    assert due_repairs(known, {}, (), at(-86400), at(2)).wait == timedelta(seconds=5), "a clock put back"


def test_a_repair_that_did_not_end_it_is_tried_again_with_growing_pauses() -> None:
    known = with_left(LEFT)
    for count, pause in ((1, 5), (2, 10), (5, 80), (50, 300)):
        attempts = {"solo": RepairAttempts(count, at(0))}
        assert due_repairs(known, attempts, (), at(0), at(pause - 1)).wait == timedelta(seconds=1)
        assert due_repairs(known, attempts, (), at(0), at(pause)).hosts == {"solo"}


def test_a_scan_tells_what_is_unfinished_and_a_host_that_falls_silent_keeps_it() -> None:
    found = scan("solo", seen("container", "web", None, state="unfinished"))
    assert found.seen is not None
    known = merge(Fleet(), [replace(found, seen=replace(found.seen, unfinished=(LEFT,)))], at(0))
    assert known.hosts["solo"].unfinished == (LEFT,)
    assert known.unfinished == {"solo"}
    silent = known.changed(FleetChange({"solo": replace(known.hosts["solo"], error="no route")}))
    assert silent.unfinished == {"solo"}
    assert merge(known, [scan("solo")], at(1)).unfinished == frozenset()
    assert known.changed(FleetChange({"solo": None})).unfinished == frozenset()


@pytest.mark.parametrize("state", [RolloutState.WAITING, RolloutState.FINISHED])
def test_a_target_on_its_way_is_neither_current_nor_gone_nor_touched(state: RolloutState) -> None:
    last_attempt = {ON_ITS_WAY.key: LastAttempt(1, Outcome.FAILED, frozenset((NEW,)), at(100))}
    history = History({1: rollout(state, at(110))}, last_attempt)
    known = fleet(ON_ITS_WAY)
    assert judge(ON_ITS_WAY, desired(), history, known, at(120)) is UNFINISHED
    planned = plan([desired()], known, history, at(120))
    assert (planned.start, planned.settle) == ((), ()), "its rollout goes on"


def test_what_a_repair_ended_is_told_and_what_it_undid_or_could_not_end_is_begun_again() -> None:
    def repair(outcome: str) -> dict[str, Any]:
        return {
            "kind": "container",
            "name": "web",
            "id": "x",
            "outcome": outcome,
            "digest": NEW,
            "message": "",
        }

    ends = ("updated", "rolled_back", "rollback_failed", "superseded", "unchanged", "failed")
    repairs = {"repairs": [repair(outcome) for outcome in ends]}
    (said,) = read(ModuleResult("solo", "runner_on_ok", MODULE, repairs))
    assert isinstance(said, Repaired)
    assert [(one.digest, str(one.outcome)) for one in said.outcomes] == [(NEW, end) for end in ends[:4]]
    assert list(read(ModuleResult("solo", "runner_on_ok", MODULE, {}))) == []


def test_a_repair_that_failed_says_what_it_ended_all_the_same() -> None:
    repairs = {"repairs": [], "msg": "web does not start"}
    said = list(read(ModuleResult("solo", "runner_on_failed", MODULE, repairs)))
    assert said == [Repaired("solo", ()), HostFailure("solo", "web does not start")]


def test_people_are_told_what_is_unfinished_on_a_host() -> None:
    (left,) = unfinished_notes(Host("solo", at(0), unfinished=(LEFT,)))
    assert "an update of web to" in left
    assert "was interrupted" in left
    (going,) = unfinished_notes(Host("solo", at(0), unfinished=(GOING,)))
    assert going.endswith("and goes on")


def test_what_runs_is_known_again_once_the_repair_has_ended() -> None:
    back = merge(fleet(ON_ITS_WAY), [scan("solo", seen("container", "web", OLD, age=1000))], at(200))
    history = History({}, {ON_ITS_WAY.key: LastAttempt(1, Outcome.FAILED, frozenset((NEW, OLD)), at(100))})
    (target,) = back.targets.values()
    assert judge(target, desired(), history, back, at(200)) is not CHANGED


@pytest.mark.parametrize("nonsense", [5, [5], ["outcome kind"], {"a": 1}, None])
def test_nonsense_that_a_host_tells_of_its_repairs_is_unreadable(nonsense: Any) -> None:
    (said,) = read(ModuleResult("solo", "runner_on_ok", MODULE, {"repairs": nonsense}))
    assert isinstance(said, UnreadableResult)
