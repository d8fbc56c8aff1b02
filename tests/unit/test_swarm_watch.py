# SPDX-License-Identifier: Apache-2.0
"""The judge of an update: what it says of each thing that a swarm can show."""

import itertools
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions import (
    watch as swarm_watch,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions.sight import (
    Sight,
    failures,
    tasks_up,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions.watch import (
    Goal,
    Verdict,
    Watch,
)

_OLD, _NEW, _OTHER = "host/app:1@old", "host/app:1@new", "host/app:2@other"
_SECOND = 10**9
_ids = itertools.count()


def _service(image: str = _NEW, state: str = "", message: str = "", **fields: Any) -> dict[str, Any]:
    spec = {
        "TaskTemplate": {"ContainerSpec": {"Image": image}},
        "Mode": fields.pop("mode", {"Replicated": {"Replicas": 2}}),
        "UpdateConfig": {"Monitor": 5 * _SECOND},
    }
    spec["TaskTemplate"].update(fields.pop("template", {}))
    status = {"UpdateStatus": {"State": state, "Message": message}} if state else {}
    return {"ID": "s", "Spec": spec, **status, **fields}


def _task(state: str = "running", desired: str = "running", slot: int = 1, **fields: Any) -> dict[str, Any]:
    status = {"State": state, "Err": fields.pop("error", "")}
    return {
        "ID": f"t{next(_ids)}",
        "CreatedAt": fields.pop("created", "2026-01-01"),
        "Slot": slot,
        "NodeID": fields.pop("node", f"n{slot}"),
        "DesiredState": desired,
        "Status": status,
        "Spec": {"ContainerSpec": {"Image": fields.pop("image", _NEW)}},
        **fields,
    }


def _sight(service: dict[str, Any] | None, *tasks: dict[str, Any], nodes: Any = (), old: Any = ()) -> Sight:
    return Sight(
        service,
        (*tasks, *old),
        frozenset(task["ID"] for task in tasks),
        {f"n{number}": _node(number, *what) for number, what in dict(nodes).items()},
    )


def _node(number: int, state: str = "ready", availability: str = "active") -> dict[str, Any]:
    return {
        "Status": {"State": state},
        "Spec": {"Availability": availability},
        "Description": {"Hostname": f"host{number}"},
    }


def _watch(**fields: Any) -> Watch:
    return Watch(Goal(_NEW, time_limit=1000, instead=_OLD, **fields), 0)


def _after_monitor(sight: Sight, **fields: Any) -> Verdict:
    """What a watch says that sees nothing else for the monitor period."""
    watch = _watch(**fields)
    watch.see(sight, 0)
    return watch.see(sight, 5)


_BOTH = (_task(slot=1), _task(slot=2))


@pytest.mark.parametrize("state", ["completed", ""])
def test_tasks_must_be_up_for_the_monitor_period(state: str) -> None:
    sight, watch = _sight(_service(state=state), *_BOTH), _watch()

    assert watch.see(sight, 0).state == swarm_watch.WAITING
    assert watch.see(sight, 4.9).state == swarm_watch.WAITING
    assert watch.see(sight, 5).state == swarm_watch.CONVERGED


def test_a_task_that_is_replaced_starts_the_monitor_period_anew() -> None:
    watch = _watch()
    watch.see(_sight(_service(), *_BOTH), 0)
    watch.see(_sight(_service(), _BOTH[0], _task(slot=2)), 4)

    assert watch.see(_sight(_service(), _BOTH[0], _task(slot=2)), 6).state == swarm_watch.WAITING


def test_swarm_must_have_ended_the_update() -> None:
    assert _after_monitor(_sight(_service(state="updating"), *_BOTH)).state == swarm_watch.WAITING


def test_completed_alone_is_no_proof() -> None:
    failed = _task("failed", "shutdown", slot=2, error="task: non-zero exit (1)")
    sight, watch = _sight(_service(state="completed"), _BOTH[0], failed, nodes={2: ()}), _watch()

    assert watch.see(sight, 0).state == swarm_watch.WAITING
    verdict = watch.see(sight, 900)
    assert verdict.state == swarm_watch.LATE
    assert "non-zero exit (1) on host2" in verdict.text


@pytest.mark.parametrize(
    "task",
    [
        _task("starting", slot=2),
        _task("running", "ready", slot=2),
        _task("complete", "shutdown", slot=2),
        _task("pending", slot=2, node=""),
    ],
)
def test_a_task_that_is_not_up_is_waited_for(task: dict[str, Any]) -> None:
    assert _after_monitor(_sight(_service(), _BOTH[0], task)).state == swarm_watch.WAITING


def test_a_task_of_the_old_version_is_waited_for() -> None:
    old = _task(slot=2, image=_OLD)

    assert _after_monitor(_sight(_service(), *_BOTH, old=[old])).state == swarm_watch.WAITING
    gone = {**old, "DesiredState": "shutdown"}
    assert _after_monitor(_sight(_service(), *_BOTH, old=[gone])).state == swarm_watch.CONVERGED


def test_a_slot_is_judged_by_the_task_that_is_not_up_yet() -> None:
    replaced = _task("failed", "shutdown", slot=2, created="2025")

    assert _after_monitor(_sight(_service(), *_BOTH, replaced)).state == swarm_watch.CONVERGED
    assert _after_monitor(_sight(_service(), *_BOTH, _task("starting", slot=2))).state == swarm_watch.WAITING


def test_a_task_on_a_node_that_is_down_does_not_count_as_up() -> None:
    assert _after_monitor(_sight(_service(), *_BOTH, nodes={2: ("down",)})).state == swarm_watch.WAITING


def test_a_task_that_ended_well_is_fine_where_it_is_not_started_again() -> None:
    ended = _task("complete", "shutdown", slot=2)
    template = {"RestartPolicy": {"Condition": "on-failure"}}

    assert _after_monitor(_sight(_service(template=template), _BOTH[0], ended)).state == swarm_watch.CONVERGED


def test_zero_replicas_are_up_at_once() -> None:
    assert (
        _after_monitor(_sight(_service(mode={"Replicated": {"Replicas": 0}}))).state == swarm_watch.CONVERGED
    )


_GLOBAL: dict[str, Any] = {"Global": {}}


def test_a_global_service_counts_the_nodes_that_run_it() -> None:
    service = _service(mode=_GLOBAL)

    assert _after_monitor(_sight(service, *_BOTH)).state == swarm_watch.CONVERGED
    assert _after_monitor(_sight(service, _BOTH[0], _task("preparing", slot=2))).state == swarm_watch.WAITING
    failed = _task("failed", "shutdown", slot=2)
    assert _after_monitor(_sight(service, _BOTH[0], failed)).state == swarm_watch.WAITING


def test_a_global_service_does_not_wait_for_nodes_that_are_down_drained_or_paused() -> None:
    service = _service(mode=_GLOBAL)
    nodes = {1: (), 2: ("down",), 3: ("ready", "drain"), 4: ("ready", "pause")}
    down, drained = _task("starting", slot=2), _task("shutdown", "shutdown", slot=3)
    paused = _task(slot=4, image=_OLD)

    verdict = _after_monitor(_sight(service, _BOTH[0], down, drained, nodes=nodes, old=[paused]))

    assert verdict.state == swarm_watch.CONVERGED
    assert verdict.warnings == ("node host4 is paused: its task stays as it was until the node is active",)


def test_a_global_service_without_an_eligible_node_converges_with_a_warning() -> None:
    verdict = _after_monitor(_sight(_service(mode=_GLOBAL)))

    assert verdict.state == swarm_watch.CONVERGED
    assert "no node is eligible" in verdict.warnings[0]


@pytest.mark.parametrize("state", ["paused", "rollback_paused"])
def test_a_paused_update_has_ended(state: str) -> None:
    failed = _task("failed", "shutdown", slot=2, error="task: non-zero exit (1)")
    verdict = _watch().see(_sight(_service(state=state, message="it failed"), failed, nodes={2: ()}), 0)

    assert verdict == Verdict(swarm_watch.PAUSED, "it failed (task: non-zero exit (1) on host2)")


@pytest.mark.parametrize("state", ["rollback_started", "rollback_paused", "rollback_completed"])
def test_the_old_image_and_a_rollback_that_swarm_began_are_a_rollback(state: str) -> None:
    verdict = _watch().see(_sight(_service(_OLD, state, "it failed")), 0)

    assert verdict == Verdict(swarm_watch.ROLLED_BACK, "it failed")


@pytest.mark.parametrize("state", ["rollback_started", "rollback_completed"])
def test_a_rollback_by_hand_is_told_by_the_spec_that_swarm_keeps(state: str) -> None:
    previous = _service()["Spec"]

    verdict = _watch().see(_sight(_service(_OLD, state, PreviousSpec=previous)), 0)

    assert verdict.state == swarm_watch.SUPERSEDED
    assert "by hand" in verdict.text


@pytest.mark.parametrize(
    ("image", "state"), [(_OTHER, "updating"), (_OTHER, "rollback_started"), (_OLD, "updating"), (_OLD, "")]
)
def test_any_other_image_is_somebody_elses_change(image: str, state: str) -> None:
    assert _watch().see(_sight(_service(image, state)), 0).state == swarm_watch.SUPERSEDED


def test_a_service_that_is_gone_is_superseded() -> None:
    assert _watch().see(_sight(None), 0).state == swarm_watch.SUPERSEDED


def test_nothing_is_waited_for_beyond_the_time_limit() -> None:
    sight = _sight(
        _service(state="updating"), _BOTH[0], _task("pending", slot=2, node="", error="no suitable node")
    )
    watch = Watch(Goal(_NEW, time_limit=30), 100)

    assert watch.see(sight, 129).state == swarm_watch.WAITING
    verdict = watch.see(sight, 130)
    assert verdict.state == swarm_watch.LATE
    assert verdict.text.startswith("not done within 30 s: ")
    assert verdict.text.endswith("(no suitable node)")


_NOWHERE = "no suitable node (host-mode port already in use on 1 node)"
_WAITING_FOR_A_NODE = _task("pending", slot=2, node="", error=_NOWHERE)


def _placement(*tasks: dict[str, Any], nodes: Any = ((1, ()), (2, ())), old: Any = ()) -> Verdict:
    """What a watch says that sees nothing else for as long as a task may wait for a node."""
    watch = Watch(Goal(_NEW, time_limit=1000, placement_limit=30), 100)
    sight = _sight(_service(state="updating"), *tasks, nodes=nodes, old=old)
    assert watch.see(sight, 110).state == swarm_watch.WAITING
    assert watch.see(sight, 139).state == swarm_watch.WAITING
    return watch.see(sight, 140)


@pytest.mark.parametrize("words", [_NOWHERE, "host-mode port already in use on 1 node"])
def test_a_task_that_no_node_can_take_is_waited_for_no_longer_than_its_own_limit(words: str) -> None:
    """A global service's task, for which there is one node only, is told of in fewer words."""
    waiting = _task("pending", slot=2, error=words)
    verdict = _placement(_BOTH[0], waiting, old=[_task(slot=2, image=_OLD)])

    assert verdict.state == swarm_watch.LATE
    assert verdict.text.startswith("no node can take it, and that for 30 s: 1 of 2 tasks up")
    assert words in verdict.text


@pytest.mark.parametrize("state", ["down", "unknown", "disconnected"])
def test_a_node_that_is_to_come_back_may_take_it(state: str) -> None:
    nodes = {1: (), 2: (state,)}

    assert _placement(_BOTH[0], _WAITING_FOR_A_NODE, nodes=nodes).state == swarm_watch.WAITING


def test_a_node_that_takes_no_tasks_is_none_to_wait_for() -> None:
    nodes = {1: (), 2: ("down", "drain")}

    assert _placement(_BOTH[0], _WAITING_FOR_A_NODE, nodes=nodes).state == swarm_watch.LATE


def test_a_task_of_the_service_that_still_stops_may_make_room() -> None:
    stopping = _task("running", "shutdown", slot=2, image=_OLD)

    assert _placement(_BOTH[0], _WAITING_FOR_A_NODE, old=[stopping]).state == swarm_watch.WAITING


@pytest.mark.parametrize(
    "task",
    [
        _task("pending", slot=2, node=""),
        _task("preparing", slot=2),
        _task("pending", "shutdown", slot=2, error=_NOWHERE),
    ],
)
def test_a_task_that_waits_for_something_else_has_the_time_that_an_update_has(task: dict[str, Any]) -> None:
    assert _placement(_BOTH[0], task).state == swarm_watch.WAITING


def test_another_task_that_no_node_can_take_has_its_own_time() -> None:
    watch = Watch(Goal(_NEW, time_limit=1000, placement_limit=30), 100)
    service = _service(state="updating")
    watch.see(_sight(service, _BOTH[0], _WAITING_FOR_A_NODE), 110)
    other = _task("pending", slot=2, node="", error=_NOWHERE)

    assert watch.see(_sight(service, _BOTH[0], other), 139).state == swarm_watch.WAITING
    assert watch.see(_sight(service, _BOTH[0], other), 168).state == swarm_watch.WAITING
    assert watch.see(_sight(service, _BOTH[0], other), 169).state == swarm_watch.LATE


def test_going_back_is_done_when_as_many_tasks_are_up_as_before() -> None:
    pending = _task("pending", slot=2, node="")
    sight = _sight(_service(state="rollback_started"), _BOTH[0], pending)

    assert _after_monitor(sight, enough=1).state == swarm_watch.CONVERGED
    assert _after_monitor(sight, enough=2).state == swarm_watch.WAITING
    assert _after_monitor(sight).state == swarm_watch.WAITING


def _job(mode: dict[str, Any], *tasks: dict[str, Any]) -> Sight:
    service = _service(mode=mode, JobStatus={"JobIteration": {"Index": 7}})
    for task in tasks:
        task.setdefault("JobIteration", {"Index": 7})
    return _sight(service, *tasks)


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([_task("complete"), _task("complete")], swarm_watch.CONVERGED),
        ([_task("complete"), _task("running")], swarm_watch.WAITING),
        ([_task("complete"), _task("complete", JobIteration={"Index": 6})], swarm_watch.WAITING),
        ([_task("complete"), _task("complete"), _task("running")], swarm_watch.WAITING),
    ],
)
def test_a_job_is_done_when_all_runs_of_this_iteration_are_complete(tasks: Any, expected: str) -> None:
    assert _after_monitor(_job({"ReplicatedJob": {"TotalCompletions": 2}}, *tasks)).state == expected


def test_a_global_job_has_one_run_a_node_and_time_for_them_to_appear() -> None:
    watch = _watch()

    assert watch.see(_job({"GlobalJob": {}}), 0).state == swarm_watch.WAITING
    assert watch.see(_job({"GlobalJob": {}}, _task("running")), 5).state == swarm_watch.WAITING
    done = _job({"GlobalJob": {}}, _task("complete"))
    assert watch.see(done, 6).state == swarm_watch.WAITING
    assert watch.see(done, 11).state == swarm_watch.CONVERGED


def test_a_job_whose_runs_failed_ends_late() -> None:
    sight, watch = _job({"ReplicatedJob": {"TotalCompletions": 1}}, _task("failed", error="exit 1")), _watch()

    assert watch.see(sight, 0).state == swarm_watch.WAITING
    assert watch.see(sight, 500).state == swarm_watch.LATE


def test_the_progress_says_how_many_are_up_and_what_the_others_do() -> None:
    sight = _sight(
        _service(state="updating"),
        _BOTH[0],
        _task("starting", slot=2),
        nodes={1: (), 2: ()},
        old=[_task(slot=3)],
    )

    text = _watch().see(sight, 0).text

    assert text == "1 of 2 tasks up; starting on host2; 1 still to be replaced; swarm says updating"


def test_a_service_whose_tasks_fail_again_and_again_has_not_proven_itself_while_they_are_up() -> None:
    """At some moments all of them run."""
    failed = _task("failed", "shutdown", slot=1, error="task: non-zero exit (1)")
    of_the_old_image = _task("failed", "shutdown", slot=1, error="task: non-zero exit (1)", image=_OLD)

    assert swarm_watch.is_up(_sight(_service(), *_BOTH, failed))
    assert not swarm_watch.is_proven(_sight(_service(), *_BOTH, failed), _NEW)
    assert swarm_watch.is_proven(_sight(_service(), *_BOTH, old=(of_the_old_image,)), _NEW)
    assert swarm_watch.is_proven(_sight(_service(), *_BOTH), _NEW)


@pytest.mark.parametrize(
    ("state", "active"), [("updating", True), ("rollback_paused", True), ("completed", False), ("", False)]
)
def test_what_goes_on_or_was_left_half_done_is_active(state: str, active: bool) -> None:
    assert swarm_watch.is_active(_sight(_service(state=state))) is active


def test_tasks_that_run_are_counted_whatever_their_version() -> None:
    seen = _sight(_service(), _task(), _task("failed"), old=[_task(), _task(node="n9")], nodes={9: ("down",)})
    assert tasks_up(seen) == 2


def test_a_reason_is_said_once_and_with_the_node_that_is_known() -> None:
    nameless = _task("failed", error="boom", node="")
    assert failures(_sight(_service(), nameless, _task("failed", error="boom", node="")), _NEW) == "boom"
    assert failures(_sight(_service(), _task("complete", node="")), _NEW) == (
        "task ended, by itself or because it was unhealthy"
    )
    assert failures(_sight(_service(), _task("preparing")), _NEW) == ""


@pytest.mark.parametrize(("seconds", "again_in"), [(0, 0.3), (3, 0.3), (10, 1.0), (20, 2.0), (500, 2.0)])
def test_what_goes_on_for_long_is_looked_at_less_often(seconds: float, again_in: float) -> None:
    going_on = _sight(_service(state="updating"), _task(slot=1))
    watch = _watch()
    watch.see(going_on, 0)
    assert watch.see(going_on, seconds).again_in == again_in


def test_tasks_that_are_up_are_looked_at_when_they_have_been_for_long_enough() -> None:
    watch = _watch()
    assert watch.see(_sight(_service(), *_BOTH), 100).again_in == 2.0
    assert watch.see(_sight(_service(), *_BOTH), 104.5).again_in == 0.5
