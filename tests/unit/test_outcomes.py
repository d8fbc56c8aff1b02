"""What became of each target: read from results of modules, completed for the silent, applied to the fleet."""

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import is_good

from registry_docker_updater.core.fleet.index import FleetChange
from registry_docker_updater.core.fleet.merging import change_after_updates
from registry_docker_updater.core.fleet.targets import Kind, Target
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.runs.conclusion import by_every_key
from registry_docker_updater.core.runs.reading import (
    EngineAccess,
    HostFailure,
    Scanned,
    UnreadableResult,
    read,
)
from registry_docker_updater.core.runs.results import ModuleResult
from unit.builders import NEW, OLD, at, conclude, container, fleet, outcome_of, seen, service

UPDATE = "registry.docker_updater.swarm_service"


def said(host: str, kind: str = "service", name: str = "api", **more: Any) -> ModuleResult:
    result = {
        "kind": kind,
        "id": f"id-of-{name}",
        "name": name,
        "outcome": "updated",
        "before": {"image": "app", "digest": OLD},
        "after": {"image": "app", "digest": NEW},
        "message": "",
        **more,
    }
    return ModuleResult(host, "runner_on_ok", UPDATE, result)


def listed(host: str, *targets: dict[str, Any], manager: bool = True) -> ModuleResult:
    swarm = {"id": "alpha", "manager": manager}
    return ModuleResult(
        host,
        "runner_on_ok",
        "registry.docker_updater.targets_info",
        {"scan": {"engine": {}, "targets": list(targets), "swarm": swarm}},
    )


def unreachable(host: str) -> ModuleResult:
    return ModuleResult(host, "runner_on_unreachable", "ping", {"msg": "timed out\n"})


def failed(host: str, **result: Any) -> ModuleResult:
    return ModuleResult(host, "runner_on_failed", "ansible.builtin.tempfile", result)


def only(target: Target, *results: ModuleResult, ended: str | None = None) -> TargetOutcome:
    (one,) = conclude([target], {}, results, ended)
    return one


def test_what_a_module_says_is_the_outcome_of_the_target_it_names() -> None:
    api = service()
    one = outcome_of(said("m2"), {api.key: api})
    assert one == TargetOutcome(api.key, Kind.SERVICE, "api", "swarm of m1", Outcome.UPDATED, OLD, NEW, None)


def test_a_container_is_told_apart_by_the_host_that_speaks() -> None:
    web = container(on="b")
    one = outcome_of(said("b", "container", "web", outcome="failed", message="no space"), {web.key: web})
    assert one
    assert (one.key, one.outcome, one.message) == ("container/b/web", Outcome.FAILED, "no space")
    other = outcome_of(said("a", "container", "web"), {web.key: web})
    assert other
    assert (other.key, other.place) == ("container/a/web", "host a")


def test_the_last_lines_of_what_did_not_come_up_are_told_and_bounded_again() -> None:
    lines = [f"{number}\x1b[31m" for number in range(12)]
    one = outcome_of(said("m2", outcome="rolled_back", log=lines), {})
    assert one
    assert one.log == tuple(str(number) for number in range(2, 12))


@pytest.mark.parametrize(
    ("outcome", "log"),
    [
        ("updated", ["all is well"]),
        ("unreachable", ["x"]),
        ("failed", "x"),
        ("failed", [{}]),
        ("failed", None),
    ],
)
def test_what_ended_well_has_no_log_nor_has_what_is_no_list_of_texts(outcome: str, log: Any) -> None:
    one = outcome_of(said("m2", outcome=outcome, log=log), {})
    assert one
    assert (one.outcome, one.log) == (outcome, ())


def test_the_groups_of_a_host_come_with_what_it_runs() -> None:
    result = listed("m1")
    (one,) = read(replace(result, result={**result.result, "groups": ["shops", "swarm_alpha"]}))
    assert isinstance(one, Scanned)
    assert one.groups == ("shops", "swarm_alpha")


@pytest.mark.parametrize(
    ("result", "is_held"), [({"held": True}, True), ({"held": "true"}, False), ({}, False)]
)
def test_what_was_held_is_told_apart_from_what_was_left_alone(
    result: dict[str, Any], *, is_held: bool
) -> None:
    one = outcome_of(said("m1", outcome="skipped", **result), {})
    assert one is not None
    assert (one.held, one.left_alone) == (is_held, False)


def test_a_target_nobody_expected_is_told_too() -> None:
    one = outcome_of(said("m2"), {})
    assert one
    assert (one.key, one.place) == ("service/id-of-api", "swarm of m2")
    assert conclude([], {one.key: one}, [], None) == (one,)


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"outcome": "updated"},
        {"kind": "service"},
    ],
)
def test_a_result_that_speaks_of_no_target_is_no_outcome(result: dict[str, Any]) -> None:
    assert list(read(ModuleResult("m1", "runner_on_ok", UPDATE, result))) == []


@pytest.mark.parametrize(
    "result",
    [
        {"outcome": "splendid", "kind": "service"},
        {"outcome": "updated", "kind": "pod"},
        {"outcome": [], "kind": {}},
        {"scan": {"targets": []}},
        {"scan": None},
        {"repairs": 5},
    ],
)
def test_what_a_module_of_ours_would_never_say_is_unreadable_and_costs_its_host(
    result: dict[str, Any],
) -> None:
    (one,) = read(ModuleResult("solo", "runner_on_ok", UPDATE, result))
    assert isinstance(one, UnreadableResult)
    (end,) = conclude(
        [container(on="solo")], {}, [ModuleResult("solo", "runner_on_ok", UPDATE, result)], None
    )
    assert end.outcome is Outcome.FAILED
    assert end.message == f"solo: {one.reason}"


@pytest.mark.parametrize("action", ["shop.own.deploy", "update", "ansible.builtin.async_status"])
def test_what_a_module_of_a_shop_returns_is_none_of_ours(action: str) -> None:
    """Whatever it calls its fields: a hook may well speak of a kind and an outcome."""
    ours = said("m1").result
    assert list(read(ModuleResult("m1", "runner_on_ok", action, ours))) == []
    assert (
        list(read(ModuleResult("m1", "runner_on_ok", action, ours, "registry.docker_updater.target_hook")))
        == []
    )
    assert list(read(ModuleResult("m1", "runner_on_ok", action, {"scan": {}}))) == []


@pytest.mark.parametrize("side", [None, {}, {"digest": None}, {"digest": 7}, "sha256:x", []])
def test_a_digest_that_is_not_told_is_not_known(side: Any) -> None:
    one = outcome_of(said("m1", before=side, after=side), {})
    assert one
    assert (one.before, one.after) == (None, None)


def test_a_target_of_an_unreachable_host_is_unreachable() -> None:
    one = only(container(on="solo"), unreachable("solo"))
    assert (one.outcome, one.message, one.before) == (Outcome.UNREACHABLE, "solo: timed out", OLD)


def test_a_host_whose_engine_cannot_be_asked_is_as_good_as_down() -> None:
    look = ModuleResult(
        "solo", "runner_on_failed", "registry.docker_updater.targets_info", {"msg": "no engine"}
    )
    one = only(container(on="solo"), look)
    assert (one.outcome, one.message) == (Outcome.UNREACHABLE, "solo: no engine")


def test_a_target_whose_host_failed_before_it_is_failed_with_the_first_cause() -> None:
    one = only(container(on="solo"), failed("solo", msg="no disk"), failed("solo", msg="later"))
    assert (one.outcome, one.message) == (Outcome.FAILED, "solo: no disk")
    assert only(container(on="solo"), failed("solo")).message == "solo: no reason given"


def test_a_failure_that_names_an_outcome_is_of_another_target() -> None:
    here = seen("container", "web")
    another = ModuleResult("solo", "runner_on_failed", UPDATE, {**said("solo").result, "outcome": "failed"})
    one = only(container(on="solo"), listed("solo", here), another)
    assert one.message == "the playbook ended without a word about it"


def test_a_target_that_its_host_does_not_list_any_more_is_skipped() -> None:
    one = only(container(on="solo"), listed("solo", seen("container", "another")))
    assert one.outcome is Outcome.SKIPPED
    assert only(service(), listed("m1"), unreachable("m2"), listed("m3")).outcome is Outcome.SKIPPED


def test_a_manager_without_quorum_does_not_know_that_a_service_is_gone() -> None:
    one = only(service(), listed("m1", manager=False), unreachable("m2"), listed("m3", manager=False))
    assert not one.outcome.is_final


def test_a_run_cut_short_says_why() -> None:
    here = seen("container", "web")
    one = only(container(on="solo"), listed("solo", here), ended="took too long")
    assert (one.outcome, one.message) == (Outcome.FAILED, "took too long")
    assert only(container(on="solo"), ended="the process died").message == "the process died"


def test_a_manager_that_took_over_has_the_last_word() -> None:
    api = service()
    known = outcome_of(said("m2"), {api.key: api})
    assert known
    (one,) = conclude([api], {api.key: known}, [unreachable("m1"), said("m2")], None)
    assert (one.outcome, one.after) == (Outcome.UPDATED, NEW)


def test_a_service_is_unreachable_only_when_no_manager_failed_otherwise() -> None:
    both = only(service(), unreachable("m1"), unreachable("m2"))
    assert both.outcome is Outcome.UNREACHABLE
    assert both.message == "m1: timed out; m2: timed out"
    assert only(service(), unreachable("m1"), failed("m2", msg="no quorum")).outcome is Outcome.FAILED


def test_a_host_lost_after_it_listed_the_target_leaves_it_unreachable() -> None:
    one = only(container(on="solo"), listed("solo", seen("container", "web")), unreachable("solo"))
    assert one.outcome is Outcome.UNREACHABLE


def test_every_expected_target_has_an_outcome_and_they_are_in_order() -> None:
    targets = [container("b"), container("a"), service()]
    assert [one.key for one in conclude(targets, {}, [], None)] == sorted(target.key for target in targets)


def test_only_failures_are_tried_again_and_rollbacks_are_not_good() -> None:
    assert [one.value for one in Outcome if not one.is_final] == ["failed", "unreachable"]
    assert [one.value for one in Outcome if not is_good(one)] == [
        "rolled_back",
        "rollback_failed",
        "failed",
        "unreachable",
    ]


def test_the_fleet_runs_what_an_update_left() -> None:
    api, web = service(), container()
    known = fleet(api, web)
    after = known.changed(change_after_updates(known, {api.key: NEW}, at(9)))
    assert (after.targets[api.key].digests, after.targets[api.key].since) == (frozenset((NEW,)), at(9))
    assert after.targets[web.key] == web
    assert after.hosts == known.hosts


def test_what_a_scan_saw_in_the_middle_of_an_update_is_not_unfinished_when_that_has_ended() -> None:
    web = replace(container(), digests=frozenset(), state="unfinished")
    known = fleet(web)
    after = known.changed(change_after_updates(known, {web.key: NEW}, at(9))).targets[web.key]
    assert (after.runs(NEW), after.is_unfinished) == (True, False)


def test_an_update_that_changed_nothing_leaves_since_alone() -> None:
    api = service()
    assert change_after_updates(fleet(api), {api.key: OLD, "service/stranger": NEW}, at(9)) == FleetChange()


@pytest.mark.parametrize(
    "msg", ["no disk", " no disk\n", "Task failed: no disk", "Task failed: Module failed: no disk"]
)
def test_the_reason_of_a_failure_is_told_in_the_modules_words(msg: str) -> None:
    assert list(read(failed("solo", msg=msg))) == [HostFailure("solo", "no disk")]


def test_a_reason_that_is_a_vaults_password_comes_with_its_remedy() -> None:
    one = only(container(on="solo"), failed("solo", msg="Attempting to decrypt but no vault secrets found."))
    assert one.message is not None
    assert one.message.startswith("solo: Attempting to decrypt but no vault secrets found (name the file")
    assert "vault_password_file" in one.message


def test_a_target_in_whose_name_ansible_blotted_out_a_password_is_known_again() -> None:
    expected = {
        one.key: one for one in (container("shop-web"), container("db"), container("shop-api", on="far"))
    }
    one = outcome_of(said("solo", "container", "********-web"), expected)
    assert one is not None
    assert (one.key, one.name) == (container("shop-web").key, "shop-web")
    two = {**expected, **{one.key: one for one in [container("shop-web-2"), container("my-web")]}}
    doubtful = outcome_of(said("solo", "container", "********-web"), two)
    assert doubtful is not None
    assert doubtful.name == "********-web", "it could be either"


def test_how_an_engine_may_be_opened_is_believed_of_the_role_that_scans_and_nobody_else() -> None:
    how = {"live": "unix:///run/docker.sock"}
    ours = ModuleResult("solo", "runner_on_ok", "set_fact", how, "registry.docker_updater.fleet_scan")
    assert list(read(ours)) == [EngineAccess("solo", "unix:///run/docker.sock")]
    assert list(read(ModuleResult("solo", "runner_on_ok", "set_fact", how, "shop.own"))) == []


def test_a_target_under_two_names_of_its_engine_is_found_by_either() -> None:
    both = replace(container(on="a"), hosts=("a", "b"))
    assert by_every_key([both, service()]) == {
        "container/a/web": both,
        "container/b/web": both,
        "service/id-of-api": service(),
    }
