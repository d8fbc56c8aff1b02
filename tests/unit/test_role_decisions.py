"""What roles and playbooks decide by filters: who acts for a swarm, who was lost, what ended badly, what people are told."""

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.registry.docker_updater.plugins.filter.changed_manually import changed_manually
from ansible_collections.registry.docker_updater.plugins.filter.ended_badly import ended_badly
from ansible_collections.registry.docker_updater.plugins.filter.finished_services import finished_services
from ansible_collections.registry.docker_updater.plugins.filter.hosts_to_correct import hosts_to_correct
from ansible_collections.registry.docker_updater.plugins.filter.image_before import image_before
from ansible_collections.registry.docker_updater.plugins.filter.lost_managers import lost_managers
from ansible_collections.registry.docker_updater.plugins.filter.notification_topic import notification_topic
from ansible_collections.registry.docker_updater.plugins.filter.other_name import other_name
from ansible_collections.registry.docker_updater.plugins.filter.swarm_managers import swarm_managers
from ansible_collections.registry.docker_updater.plugins.filter.target_outcomes import target_outcomes
from ansible_collections.registry.docker_updater.plugins.filter.targets_of import targets_of
from ansible_collections.registry.docker_updater.plugins.filter.unfinished_hosts import unfinished_hosts
from ansible_collections.registry.docker_updater.plugins.filter.unreported import unreported
from ansible_collections.registry.docker_updater.plugins.test.good_outcome import good_outcome

from unit.builders import NEW, NEWER, OLD

WEB = {"kind": "service", "id": "s1", "name": "web", "image": "app:1", "digests": [OLD]}
APP = {"kind": "container", "id": "c1", "name": "app", "image": "app:1", "digests": [NEW, OLD]}


def manager(
    swarm: str | None = "a", *, manages: bool = True, leads: bool = False, **more: Any
) -> dict[str, Any]:
    return {"fleet_scan_result": {"swarm": {"id": swarm, "manager": manages, "leader": leads}}, **more}


FLEET: dict[str, dict[str, Any]] = {
    "b": manager(),
    "c": manager(leads=True),
    "A": manager(),
    "gone": manager(swarm_service_lost=True),
    "without quorum": manager(manages=False),
    "other": manager("b", leads=True),
    "worker": manager(None, manages=False),
    "alone": {"fleet_scan_result": {"swarm": None}},
    "silent": {},
}


def test_the_leader_acts_for_its_swarm_and_then_the_others_by_name() -> None:
    assert swarm_managers(FLEET, list(FLEET), "b") == ["c", "A", "b"]
    assert swarm_managers(FLEET, ["b", "A", "silent"], "c") == ["A", "b"]
    assert swarm_managers(FLEET, list(FLEET), "other") == ["other"]


@pytest.mark.parametrize("host", ["worker", "alone", "silent"])
def test_who_knows_of_no_swarm_has_nobody_to_act_or_to_lose(host: str) -> None:
    assert swarm_managers(FLEET, list(FLEET), host) == []
    assert lost_managers(FLEET, list(FLEET), [], host) == []


def test_a_manager_is_lost_that_lost_sight_of_its_swarm_or_that_the_run_lost() -> None:
    assert lost_managers(FLEET, list(FLEET), [name for name in FLEET if name != "c"], "b") == ["c", "gone"]
    assert lost_managers(FLEET, list(FLEET), list(FLEET), "other") == []


def test_a_service_is_finished_that_some_manager_saw_end_with_the_digest_of_this_run() -> None:
    ended = {"id": "s1", "outcome": "rolled_back", "digest": NEW}
    variables = {
        "a": {
            "swarm_service_results": [ended, {**ended, "id": "s2", "lost": True}, {"id": "s3", "digest": NEW}]
        },
        "b": {
            "swarm_service_results": [
                {**ended, "id": "s4", "digest": OLD},
                {**ended, "id": "s5", "lost": False},
            ]
        },
        "c": {},
    }
    assert finished_services(variables, ["a", "b", "c"], NEW) == ["service/s1", "service/s5"]


def test_targets_of_one_kind_are_updated_but_those_to_skip() -> None:
    assert targets_of([WEB, APP], "service", "h") == [WEB]
    assert targets_of([WEB, APP], "container", "h", ["container/other/app"]) == [APP]
    assert targets_of([WEB, APP], "container", "h", ["container/h/app"]) == []


def test_a_result_without_an_outcome_says_nothing_about_its_target() -> None:
    results: list[dict[str, Any]] = [
        {"kind": "container", "id": "c2", "name": "app", "outcome": "failed"},
        {"item": "web", "failed": True},
    ]
    assert unreported([WEB, APP], results, "h") == [WEB]
    assert unreported([APP], [{"kind": "container", "id": "c1", "name": "app"}], "h") == [APP]


def test_what_ended_badly_is_what_is_not_good_or_failed_without_an_end() -> None:
    good, bad = {"outcome": "superseded", "failed": True}, {"outcome": "of another version"}
    silent, broken = {"changed": False}, {"failed": True}
    assert ended_badly([good, bad, silent, broken]) == [broken, bad]
    assert ended_badly([good, bad, silent, broken], True) == [silent, broken, bad]


@pytest.mark.parametrize(
    ("outcomes", "topic"),
    [
        (["updated", "rolled_back"], "update failed"),
        (["updated", "skipped"], "image updated"),
        (["unchanged", "superseded"], "nothing to tell"),
        ([], "nothing to tell"),
        ([None], "update failed"),
    ],
)
def test_one_target_that_is_not_good_makes_it_a_failure(outcomes: list[Any], topic: str) -> None:
    assert notification_topic([{"outcome": one} for one in outcomes]) == topic


def test_small_questions_of_templates() -> None:
    assert image_before(APP) == {"image": "app:1", "digest": min(NEW, OLD)}
    assert good_outcome("updated")
    assert not good_outcome("rolled_back")


def test_a_target_that_runs_something_nobody_knows_since_the_push_was_changed_by_a_person() -> None:
    scan: dict[str, Any] = {"asked_at": 100.0, "targets": [{**WEB, "age": 5.0}, {**APP, "age": 5.0}]}
    known = {"service/s1": [NEWER], "container/other/app": [NEWER]}
    assert changed_manually(scan, known, "h", 50.0) == [scan["targets"][0]]
    assert changed_manually(scan, known, "h", 99.0) == []


PLUGINS = Path(__file__).parents[2] / "plugins"


@pytest.mark.parametrize(
    "file", sorted((*PLUGINS.glob("filter/*.py"), *PLUGINS.glob("test/*.py"))), ids=lambda file: file.stem
)
def test_ansible_finds_each_filter_and_test_by_the_name_of_its_file(file: Path) -> None:
    kind = file.parent.name
    module = importlib.import_module(
        f"ansible_collections.registry.docker_updater.plugins.{kind}.{file.stem}"
    )
    found = module.FilterModule().filters() if kind == "filter" else module.TestModule().tests()
    assert found == {file.stem: getattr(module, file.stem)}
    assert yaml.safe_load(module.DOCUMENTATION)["name"] == file.stem


def test_hosts_to_correct_are_those_with_another_name_and_those_where_not_all_is_as_planned_or_as_people_left_it() -> (
    None
):
    target = {"kind": "container", "id": "1", "name": "app", "digests": ["sha256:other"], "age": 10.0}
    target |= {"image": "app:1", "labels": {"soak": "1d"}}
    scan = {"engine": {"id": "E", "name": "e"}, "targets": [target], "asked_at": 100.0}
    alone = {"engine": {"id": "F", "name": "f"}, "targets": [], "asked_at": 100.0}
    fleet: dict[str, Any] = {
        "a": {"fleet_scan_result": scan},
        "b": {"fleet_scan_result": scan},
        "c": {"fleet_scan_result": alone},
        "silent": {},
    }
    known = {"container/a/app": ["sha256:old"]}
    assert hosts_to_correct(fleet, list(fleet)) == ["b"]
    assert hosts_to_correct(fleet, list(fleet), known, 50.0) == ["a", "b"]
    assert hosts_to_correct(fleet, list(fleet), known, 99.0) == ["b"]
    planned = {f"container/{host}/app": {"labels": {"soak": "1d"}} for host in "ab"}
    assert hosts_to_correct(fleet, list(fleet), planned=planned) == ["b"]
    for other in ({}, {**planned, "container/a/app": {"labels": {"soak": "2d"}}}):
        assert hosts_to_correct(fleet, list(fleet), planned=other) == ["a", "b"]


def test_unfinished_hosts_are_those_where_nobody_works_on_what_was_begun() -> None:
    def host(*is_worked_on: bool) -> dict[str, Any]:
        return {"fleet_scan_result": {"unfinished": [{"is_worked_on": one} for one in is_worked_on]}}

    fleet: dict[str, Any] = {
        "none": host(),
        "worked on": host(True),
        "left": host(True, False),
        "old": {"fleet_scan_result": {}},
        "silent": {},
    }
    assert unfinished_hosts(fleet, list(fleet)) == ["left"]


def test_an_engine_has_no_other_name_where_it_runs_no_container_or_the_first_name_is_its_own() -> None:
    scan = {"engine": {"id": "x", "name": "n"}, "targets": [APP]}
    fleet: dict[str, Any] = {"a": {}, "b": {"fleet_scan_result": scan}, "c": {"fleet_scan_result": scan}}
    assert [other_name(fleet, ["c", "b", "a"], host) for host in fleet] == ["", "", "b"]
    assert other_name(fleet, ["a", "b"], "c") == "b"
    assert other_name(fleet, [], "c") == ""


def test_of_a_service_that_two_managers_handled_the_one_counts_that_knew_its_end() -> None:
    def ended(outcome: str, *, lost: bool) -> dict[str, Any]:
        result = {"kind": "service", "id": "s1", "name": "web", "outcome": outcome, "lost": lost}
        return {"fleet_scan_result": {}, "swarm_service_results": [result, {"kind": "service", "id": "s2"}]}

    known, unknown = ended("updated", lost=False), ended("unreachable", lost=True)
    for hosts in ({"a": known, "b": unknown}, {"b": unknown, "a": known}):
        (outcome,) = target_outcomes(hosts, list(hosts))
        assert (outcome["outcome"], outcome["where"]) == ("updated", "swarm of a")
