"""In which steps a push rolls across hosts and swarms, and when what is left is left alone."""

import time
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.filter.left_alone import left_alone
from ansible_collections.registry.docker_updater.plugins.filter.rolling_plan import rolling_plan
from ansible_collections.registry.docker_updater.plugins.filter.target_outcomes import target_outcomes
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling import strategy as strategies
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.blocking import why_blocked
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.plan import Host, Plan, plan
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.steps import from_data, to_data
from hypothesis import given
from hypothesis import strategies as st

from unit.builders import OLD


def container(name: str = "app", **options: Any) -> dict[str, Any]:
    return {
        "kind": "container",
        "id": f"id-of-{name}",
        "name": name,
        "image": "app:1",
        "digests": [OLD],
        "options": options,
    }


def service(name: str = "web", **options: Any) -> dict[str, Any]:
    return {**container(name, **options), "kind": "service"}


def host(name: str, *targets: dict[str, Any], **more: Any) -> Host:
    strategy = {
        key.replace("_", "-"): more.pop(key) for key in ("serial", "max_failures", "order") if key in more
    }
    return Host(name, targets=targets or (container(),), strategy=strategy, **more)


def hosts(count: int, **strategy: Any) -> list[Host]:
    return [host(f"h{number}", **strategy) for number in range(count)]


def names(found: Plan) -> list[list[str]]:
    return [list(step.hosts) for step in found.steps]


def sizes(found: Plan) -> list[int]:
    return [len(step.units) for step in found.steps]


def test_without_any_word_everything_is_one_step() -> None:
    assert names(plan(hosts(3))) == [["h0", "h1", "h2"]]


@pytest.mark.parametrize(
    ("serial", "expected"),
    [
        (1, [1] * 10),
        ("25%", [2, 2, 2, 2, 2]),
        ([1, "25%", "100%"], [1, 2, 7]),
        ("1, 25%,100%", [1, 2, 7]),
        ([1, 5], [1, 5, 4]),
        ("1%", [1] * 10),
        (0, [10]),
        ([1, 0], [1, 9]),
        (100, [10]),
    ],
)
def test_steps_are_cut_as_ansible_cuts_them(serial: Any, expected: list[int]) -> None:
    assert sizes(plan(hosts(10, serial=serial))) == expected


def test_lower_orders_come_first_and_share_no_step_with_others() -> None:
    fleet = [host("prod", order=20), host("test", order="10"), host("other"), host("test-too", order=10)]
    assert names(plan(fleet)) == [["other"], ["test", "test-too"], ["prod"]]


def test_a_swarm_is_one_unit_with_the_containers_of_its_managers() -> None:
    managers = [host(name, service(), swarm="alpha") for name in ("m1", "m2")]
    managers.append(host("m3", service(), container(), swarm="alpha"))
    fleet = [host("solo", serial=1), *managers, host("worker")]
    assert names(plan(fleet)) == [["solo"], ["m1", "m2", "m3"], ["worker"]]
    reported = {name: len(targets) for name, targets in plan(fleet).steps[1].units[0].targets.items()}
    assert reported == {"m1": 1, "m2": 0, "m3": 1}, "each target once"


def test_managers_of_a_swarm_that_runs_nothing_of_the_image_as_a_service_are_hosts_like_others() -> None:
    fleet = [host(name, swarm="alpha", serial=1) for name in ("m1", "m2")]
    assert names(plan(fleet)) == [["m1"], ["m2"]]


def test_hosts_that_did_not_answer_or_run_nothing_are_in_no_step() -> None:
    silent = Host("silent", answered=False, targets=(container(),))
    assert names(plan([silent, Host("empty"), host("one")])) == [["one"]]


def test_a_label_comes_before_the_inventory() -> None:
    fleet = [host(f"h{n}", container(serial="1", order="-5"), serial="100%", order=7) for n in range(2)]
    assert names(plan([host("first", order=0), *fleet])) == [["h0"], ["h1"], ["first"]]


def test_where_words_differ_the_most_careful_wins_and_who_says_nothing_has_no_opinion() -> None:
    fleet = [host("a", serial="50%"), host("b", serial=[1, "100%"]), host("c"), host("d")]
    assert sizes(plan(fleet)) == [1, 3]
    several = [host("a", container("x", order="1"), container("y", order="3")), host("b", order=2)]
    assert names(plan(several)) == [["b"], ["a"]]


@pytest.mark.parametrize("bad", ["lots", "-1", "", "1,,2", [], ["1", None], True, "5.5%", 1.5])
def test_a_serial_that_nobody_can_read_means_one_at_a_time(bad: Any) -> None:
    found = plan([host("a", serial=bad), host("b")])
    assert sizes(found) == [1, 1]
    assert found.problems[0].startswith(f"host a, docker_update_serial: {bad!r} is no number")


def test_failures_of_which_nobody_can_read_how_many_are_allowed_are_not_allowed() -> None:
    found = plan(hosts(2, serial=1, max_failures="some"))
    assert why_blocked(found.steps, 1, [])[0] == "step 1 of 2 failed"
    assert len(found.problems) == 2


def test_an_order_that_nobody_can_read_holds_everything() -> None:
    found = plan([host("a"), host("b", service("web", order="first"), swarm="s")])
    for number in range(len(found.steps)):
        why, _ = why_blocked(found.steps, number, ["a", "b"])
        assert why.startswith("service web, label order: 'first' is no whole number")


def test_what_comes_after_an_order_of_which_no_host_answered_is_blocked() -> None:
    test = [Host(name, answered=False, strategy={"order": 10}) for name in ("t1", "t2")]
    found = plan([*test, host("early", order=5), host("late", order=20)])
    assert [step.blocked for step in found.steps] == ["", "no host of order 10 answered (t1, t2)"]
    assert why_blocked(found.steps, 0, []) == ("", ())
    one_answered = plan([test[0], host("t2", order=10), host("late", order=20)])
    assert [step.blocked for step in one_answered.steps] == ["", ""]


@pytest.mark.parametrize(
    ("max_failures", "failed", "goes_on"),
    [
        (None, "h0", False),
        (0, "h0", False),
        (1, "h0", True),
        (1, "h0 h1", False),
        ("50%", "h0", True),
        ("50%", "h0 h1", False),
        ("49%", "h0", False),
        ("100%", "h0 h1", True),
    ],
)
def test_the_rest_is_left_alone_when_more_failed_than_is_allowed(
    max_failures: Any, failed: str, *, goes_on: bool
) -> None:
    found = plan(hosts(4, serial=2, max_failures=max_failures))
    well = {"h0", "h1"} - set(failed.split())
    reason, blamed = why_blocked(found.steps, 1, well)
    assert (reason == "") == goes_on
    if not goes_on:
        assert [(index, unit.name) for index, unit in blamed] == [(0, f"host {n}") for n in failed.split()]


def test_a_share_is_of_the_units_begun_so_far() -> None:
    """So a canary that fails stops the rest, while later one of many does not."""
    found = plan(hosts(20, serial=[1, 9, 10], max_failures="20%"))
    assert why_blocked(found.steps, 1, [])[0] == "step 1 of 3 failed"
    begun = {f"h{n}" for n in range(10)}
    assert why_blocked(found.steps, 2, begun - {"h1", "h2"})[0] == ""
    assert why_blocked(found.steps, 2, begun - {"h1", "h2", "h3"})[0] == "step 2 of 3 failed"


def test_what_is_left_alone_names_the_step_that_failed_not_one_that_was_left_alone() -> None:
    found = plan(hosts(3, serial=1))
    assert why_blocked(found.steps, 2, []) == why_blocked(found.steps, 1, [])


def test_many_that_failed_are_counted_and_the_first_three_named() -> None:
    found = plan(hosts(14, serial=[1, 1, 1, 1, 1, 9], max_failures=4))
    assert why_blocked(found.steps, 5, [])[0] == "steps 1, 2, 3, and 2 others of 6 failed"
    variables = {f"h{n}": _variables(f"h{n}", container()) for n in range(14)}
    data = {"steps": to_data(found.steps)}
    (reported,) = left_alone(data, "h13", {}, variables)["targets"]
    blamed = "; ".join(f"host h{n} (it did not come to an end)" for n in range(3))
    assert reported["message"].endswith(f" failed: {blamed}; and 2 others")
    silent = [Host(f"t{n}", answered=False, strategy={"order": 1}) for n in range(4)]
    assert plan([*silent, host("late", order=2)]).steps[0].blocked == (
        "no host of order 1 answered (t0, t1, t2, and 1 other)"
    )


def test_whether_the_last_of_5000_steps_may_begin_is_found_at_once() -> None:
    found = plan(hosts(5000, serial=1, max_failures="100%"))
    ended = [f"h{n}" for n in range(0, 5000, 2)]
    begin = time.process_time()
    assert why_blocked(found.steps, 4999, ended)[0] == ""
    assert time.process_time() - begin < 5, "what grows faster than the fleet takes minutes"


def test_each_order_is_judged_by_what_it_allows_itself() -> None:
    fleet = [host("t1", order=1, max_failures=1), host("t2", order=1), *hosts(2, order=2, serial=1)]
    found = plan(fleet)
    assert why_blocked(found.steps, 1, ["t1"])[0] == ""
    assert why_blocked(found.steps, 2, ["t1"])[0] == "step 2 of 3 failed"


def test_what_the_inventory_says_in_vain_is_said() -> None:
    assert strategies.problems({"serial": [1, "25%"], "max-failures": None, "order": -3}) == []
    (said,) = strategies.problems({"order": "first"})
    assert said.startswith("docker_update_order: 'first' is no whole number")


_STRATEGY = st.fixed_dictionaries(
    {},
    optional={
        "serial": st.one_of(
            st.integers(0, 5),
            st.integers(0, 120).map("{}%".format),
            st.lists(st.one_of(st.integers(0, 3), st.just("30%")), min_size=1, max_size=3),
            st.just("bad"),
        ),
        "max-failures": st.one_of(st.integers(0, 3), st.just("30%"), st.just("bad")),
        "order": st.integers(-2, 2),
    },
)
_TARGETS = st.lists(
    st.one_of(st.builds(container, st.sampled_from("xyz")), st.builds(service, st.just("web"))), max_size=3
)


@st.composite
def _fleets(draw: st.DrawFn) -> list[Host]:
    return [
        Host(
            f"h{number}",
            answered=draw(st.integers(0, 4)) > 0,
            targets=tuple(draw(_TARGETS)),
            swarm=draw(st.sampled_from([None, "alpha", "beta"])),
            strategy=draw(_STRATEGY),
        )
        for number in range(draw(st.integers(0, 8)))
    ]


@given(_fleets())
def test_every_host_that_runs_something_is_in_exactly_one_step_in_order(fleet: list[Host]) -> None:
    found = plan(fleet)
    listed = [name for step in found.steps for name in step.hosts]
    assert sorted(listed) == sorted(one.name for one in fleet if one.answered and one.targets)
    orders = [unit.order for step in found.steps for unit in step.units]
    assert orders == sorted(orders)
    assert all(len({unit.order for unit in step.units}) == 1 for step in found.steps)


@given(_fleets())
def test_hosts_of_a_swarm_with_services_share_a_step(fleet: list[Host]) -> None:
    found = plan(fleet)
    for swarm in ("alpha", "beta"):
        members = {one.name for one in fleet if one.swarm == swarm and one.answered and one.targets}
        with_services = any(
            target["kind"] == "service"
            for one in fleet
            if one.swarm == swarm and one.answered
            for target in one.targets
        )
        if with_services:
            assert len([step for step in found.steps if members & set(step.hosts)]) == 1


@given(_fleets(), st.sets(st.sampled_from([f"h{n}" for n in range(8)])))
def test_once_a_step_is_left_alone_so_are_all_after_it(fleet: list[Host], well: set[str]) -> None:
    steps = plan(fleet).steps
    reasons = [why_blocked(steps, number, well)[0] for number in range(len(steps))]
    first = next((index for index, reason in enumerate(reasons) if reason), len(reasons))
    assert all(reasons[first:])
    assert why_blocked(from_data(to_data(steps)), len(steps) - 1, well)[0] == reasons[-1] if steps else True


@given(_fleets())
def test_where_all_ends_well_nothing_is_left_alone_but_what_is_blocked(fleet: list[Host]) -> None:
    steps = plan(fleet).steps
    for number, step in enumerate(steps):
        reason, _ = why_blocked(steps, number, [one.name for one in fleet])
        assert bool(reason) == any(before.blocked for before in steps[: number + 1])
        assert not step.blocked or reason


def _variables(name: str, *targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    scan = {"targets": list(targets), "swarm": more.pop("swarm", None)}
    return {"inventory_hostname": name, "fleet_scan_result": scan, "docker_update_serial": 1, **more}


def _result(name: str, outcome: str, **more: Any) -> dict[str, Any]:
    return {"kind": "container", "name": name, "outcome": outcome, **more}


def test_what_is_left_alone_is_told_with_the_reason() -> None:
    variables = {
        "a": _variables("a", container()),
        "b": _variables("b", container("app"), container("skipped")),
    }
    found = rolling_plan(variables, ["a", "b"], ["container/b/skipped"])
    assert (found["hosts"], found["sizes"]) == (["a", "b"], [1, 1])
    variables["a"]["standalone_container_results"] = [_result("app", "rolled_back")]
    may_begin = {"is_left_alone": False, "targets": []}
    assert left_alone(found, "a", {}, variables) == may_begin
    verdict = left_alone(found, "b", {}, variables)
    (reported,) = verdict["targets"]
    assert verdict["is_left_alone"]
    assert reported == {
        "kind": "container",
        "id": "id-of-app",
        "name": "app",
        "before": {"image": "app:1", "digest": OLD},
        "message": "left alone: step 1 of 2 failed: host a (app rolled_back)",
        "held": False,
    }
    assert left_alone(found, "b", {"registry_docker_updater_ended_well": ["a"]}, variables) == may_begin


def held_at(number: int, *ended_well: str, held: str, why: str = "frozen\nby eve") -> tuple[bool, list[Any]]:
    """Whether the host of the step at this index is left alone, with the reason and whether that is a hold."""
    variables = {name: _variables(name, container()) for name in ("a", "b", "c", "d")}
    found = rolling_plan(variables, list(variables))
    groups = {
        "registry_docker_updater_ended_well": ended_well,
        "registry_docker_updater_held": held.split(),
    }
    verdict = left_alone(found, list(variables)[number], groups, variables, why)
    return verdict["is_left_alone"], [(one["message"], one["held"]) for one in verdict["targets"]]


def test_a_run_is_held_from_the_step_on_that_comes_after_the_one_at_whose_end_it_was() -> None:
    assert held_at(0, held="b") == (False, [])
    assert held_at(1, "a", held="b") == (False, [])
    assert held_at(2, "a", "b", held="b") == (True, [("frozen", True)])
    # Those of the step before are not well: they were held.
    assert held_at(3, "a", "b", held="b c") == (True, [("frozen", True)])


def test_what_is_left_alone_for_a_failure_is_not_told_to_be_held() -> None:
    for number in (2, 3):
        ((message, is_held),) = held_at(number, "a", held="b c")[1]
        assert message.startswith("left alone: step 2 of 4 failed: host b")
        assert not is_held


@pytest.mark.parametrize(
    ("why", "message"),
    [
        ("", "held between two steps of its run"),
        (" \n", "held between two steps of its run"),
        ("x" * 301, "x" * 300),
    ],
)
def test_why_a_run_is_held_is_told_in_a_line(why: str, message: str) -> None:
    assert held_at(1, "a", held="a", why=why) == (True, [(message, True)])


def test_every_manager_of_a_swarm_is_left_alone_whichever_tells_of_its_services() -> None:
    """The leader would update them, and it need not be the first in the inventory."""
    variables = {"a": _variables("a", container())}
    for name in ("m1", "m2"):
        swarm = {"id": "alpha", "manager": True, "leader": name == "m2"}
        variables[name] = _variables(name, service(), swarm=swarm)
    found = rolling_plan(variables, ["a", "m1", "m2"])
    verdicts = [left_alone(found, name, {}, variables) for name in ("m1", "m2")]
    assert [one["is_left_alone"] for one in verdicts] == [True, True]
    assert [len(one["targets"]) for one in verdicts] == [1, 0]
    blocked = {**found, "steps": [{**step, "blocked": "so it is"} for step in found["steps"]]}
    assert left_alone(blocked, "m2", {"registry_docker_updater_ended_well": ["a"]}, variables)[
        "is_left_alone"
    ]


def test_a_manager_that_cannot_tell_of_its_swarm_is_no_manager() -> None:
    variables = {
        name: _variables(name, container(), swarm={"id": "alpha", "manager": name == "m1"})
        for name in ("m1", "m2")
    }
    variables["m1"]["fleet_scan_result"]["targets"].append(service())
    assert rolling_plan(variables, ["m1", "m2"])["sizes"] == [1, 1]


def test_the_team_hears_of_targets_that_were_left_alone() -> None:
    reported = {**_result("web", "skipped"), "kind": "service", "id": "1", "message": "left alone: …"}
    (found,) = target_outcomes({"m1": _variables("m1", docker_update_left_alone=[reported])}, ["m1"])
    assert (found["where"], found["outcome"], found["message"]) == ("swarm of m1", "skipped", "left alone: …")


def test_the_team_hears_the_last_lines_of_what_did_not_come_up_as_a_module_would_tell_them() -> None:
    said = ["cannot {{ work }}", 7, "x" * 301, "\x1b[31mred", "", "really"]
    reported = {**_result("web", "rolled_back"), "kind": "service", "id": "1", "log": said}
    (found,) = target_outcomes({"m1": _variables("m1", swarm_service_results=[reported])}, ["m1"])
    assert found["log"] == ["cannot {{ work }}", "really"]
    assert found["log"][0] is said[0], "as it is marked by Ansible"
    for other in ({"log": "cannot work"}, {"outcome": "updated"}):
        variables = _variables("m1", swarm_service_results=[{**reported, **other}])
        (found,) = target_outcomes({"m1": variables}, ["m1"])
        assert found["log"] == []


def test_a_target_of_which_nobody_said_a_word_is_told_as_failed() -> None:
    """A role that breaks leaves nothing behind."""
    swarm = {"id": "alpha", "manager": True}
    variables = {
        "a": _variables("a", container("app"), container("mute"), container("skipped")),
        "m1": _variables("m1", service(), service("mute"), swarm=swarm),
        "m2": _variables("m2", service(), service("mute"), swarm=swarm),
        "down": {"inventory_hostname": "down"},
    }
    found = rolling_plan(variables, list(variables), ["container/a/skipped"])
    variables["a"]["standalone_container_results"] = [_result("app", "updated")]
    variables["m2"]["swarm_service_results"] = [
        {**_result("web", "updated"), "kind": "service", "id": "id-of-web"}
    ]
    reported = target_outcomes(variables, found["asked"], found["steps"])
    assert [(one["where"], one["name"], one["outcome"]) for one in reported] == [
        ("host a", "app", "updated"),
        ("swarm of m2", "web", "updated"),
        ("host down", "down", "unreachable"),
        ("host a", "mute", "failed"),
        ("swarm of m1", "mute", "failed"),
    ]
    assert reported[-1]["message"] == "the run ended without a word about it"
    assert reported[-1]["before"] == {"image": "app:1", "digest": OLD}
    assert len(target_outcomes(variables, found["asked"])) == 3


def test_the_team_hears_of_what_a_person_changed() -> None:
    variables = {"a": _variables("a", docker_update_superseded=[_result("app", "superseded")])}
    assert [one["outcome"] for one in target_outcomes(variables, ["a"])] == ["superseded"]


def test_a_hook_that_failed_after_an_update_is_what_the_team_hears() -> None:
    results = [_result("app", "updated"), _result("app", "failed", message="updated, but …")]
    (found,) = target_outcomes({"a": _variables("a", standalone_container_results=results)}, ["a"])
    assert found["outcome"] == "failed"
