"""What is updated without a look at all hosts first, where nothing is to be agreed on with others."""

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.filter.as_found_first import as_found_first
from ansible_collections.registry.docker_updater.plugins.filter.at_once_ends import at_once_ends
from ansible_collections.registry.docker_updater.plugins.filter.digests_after import digests_after
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.at_once import those_at_once

from registry_docker_updater.core.fleet.merging import change_after_report
from registry_docker_updater.core.fleet.reports import HostReport, read_report
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.at_once import at_once
from registry_docker_updater.core.rollouts.history import History
from registry_docker_updater.core.rollouts.planner import plan
from unit.builders import NEW, OLD, at, container, desired, fleet, host, seen, service


def silent(name: str, **more: Any) -> Any:
    """A host for which the inventory says nothing of steps."""
    return host(name, at_once=True, **more)


def plain(target: Target, **more: Any) -> Target:
    """A target whose labels say nothing of steps."""
    return replace(target, at_once=True, **more)


MANAGERS = tuple(silent(name, is_manager=True) for name in ("m1", "m2", "m3"))


def test_containers_are_updated_at_once_on_their_hosts_and_services_through_one_manager() -> None:
    targets = [plain(container("web")), plain(container("db")), plain(service("api"))]
    known = fleet(*targets, hosts=(silent("solo"), *MANAGERS))
    assert at_once(targets, known) == {
        "solo": ("container/solo/db", "container/solo/web"),
        "m1": ("service/id-of-api",),
    }


def test_a_manager_that_did_not_answer_is_not_the_one() -> None:
    down = silent("m1", is_manager=True, error="timed out")
    targets = [plain(service("api"))]
    assert at_once(targets, fleet(*targets, hosts=(down, *MANAGERS[1:]))) == {"m2": ("service/id-of-api",)}
    assert at_once(targets, fleet(*targets, hosts=(silent("m1"), silent("m2"), silent("m3")))) == {}


@pytest.mark.parametrize(
    ("other", "known_host"),
    [
        (container("db", on="other"), silent("other")),
        (plain(container("db", on="other")), host("other")),
        (plain(service("api", managers=("m1", "other"))), host("other")),
    ],
    ids=["a label", "a variable of its host", "a variable of another manager"],
)
def test_where_one_target_comes_in_steps_all_hosts_are_looked_at_first(
    other: Target, known_host: Any
) -> None:
    targets = [plain(container("web")), other]
    assert at_once(targets, fleet(*targets, hosts=(silent("solo"), *MANAGERS, known_host))) == {}


def test_an_engine_with_two_names_is_looked_at_under_both_first() -> None:
    targets = [plain(container("web")), plain(container("db"), hosts=("solo", "solo-too"))]
    known = fleet(*targets, hosts=(silent("solo"), silent("solo-too")))
    assert at_once(targets, known) == {}


def test_a_start_says_what_of_it_is_for_at_once_and_that_is_only_what_is_due() -> None:
    targets = [plain(container("web")), plain(container("new", digest=NEW))]
    found = plan([desired()], fleet(*targets, hosts=(silent("solo"),)), History(), at(70))
    assert found.start[0].at_once == {"solo": ("container/solo/web",)}


@pytest.mark.parametrize(
    ("said", "options", "expected"),
    [
        (True, {}, (True, True)),
        (None, {}, (False, True)),
        ("yes", {"order": "2"}, (False, False)),
    ],
)
def test_only_a_host_that_says_so_is_taken_to_have_nothing_to_agree_on(
    said: Any, options: Any, expected: Any
) -> None:
    """Also one of a version before, which says nothing."""
    answer = {
        "engine": {},
        "swarm": None,
        "targets": [seen("container", "web", options=options)],
        "at_once": said,
    }
    known = fleet()
    known = known.changed(change_after_report(known, HostReport("solo", read_report(answer)), at(0)))
    (target,) = known.targets.values()
    assert (known.hosts["solo"].at_once, target.at_once) == expected


ASKED: dict[str, Any] = {
    "host": "solo",
    "targets": {"container/solo/web": [OLD]},
    "pushed_at": 1000.0,
    "strategy": {"serial": None, "order": None},
    "hooked": False,
}
WEB = seen("container", "web", options={}, age=500)


def test_on_the_host_only_what_was_asked_for_is_updated_at_once() -> None:
    assert those_at_once([WEB, seen("container", "db", options={})], ASKED, 1010.0) == [WEB]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"hooked": True}, {}),
        ({"strategy": {"serial": "1"}}, {}),
        ({}, {"options": {"order": "1"}}),
        ({}, {"digests": [NEW], "age": 3}),
        ({}, {"labels": {"enable": "false"}}),
        ({"planned": {}}, {}),
        ({"planned": {"container/solo/web": {"labels": {}}}}, {"labels": {"window": "22:00-04:00"}}),
        (
            {
                "planned": {"container/solo/web": {"labels": {}, "policy": {}}},
                "policies": {"solo": {"soak": "1d"}},
            },
            {},
        ),
    ],
    ids=[
        "tasks of the shop",
        "the inventory",
        "a label",
        "a person",
        "a label that says no",
        "a plan without it",
        "a label since it was planned",
        "a policy since it was planned",
    ],
)
def test_what_anything_else_is_said_of_by_now_is_left_to_a_run_that_looks_first(
    asked: dict[str, Any], found: dict[str, Any]
) -> None:
    assert those_at_once([{**WEB, **found}], {**ASKED, **asked}, 1010.0) == []


def test_what_is_as_it_was_planned_is_updated_at_once() -> None:
    web = {**WEB, "labels": {"window": "22:00-04:00"}}
    planned = {"container/solo/web": {"labels": {"window": "22:00-04:00"}}}
    assert those_at_once([web], {**ASKED, "planned": planned}, 1010.0) == [web]


def test_what_is_not_known_to_run_anything_is_a_change_of_nobody() -> None:
    changed = {**WEB, "digests": [NEW], "age": 3}
    assert those_at_once([changed], {**ASKED, "targets": {"container/solo/web": None}}, 1010.0) == [changed]


SOLO, M1 = ["container/solo/web"], ["service/id-of-api"]


def left_by(*results: dict[str, Any], found: tuple[dict[str, Any], ...] = (), **scan: Any) -> dict[str, Any]:
    return {
        "standalone_container_at_once": {"containers": results, "scan": {"targets": found, **scan}},
        "swarm_service_at_once": {"services": results, "scan": {"targets": found, **scan}},
    }


def ended(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "id": f"id-of-{name}", "name": name, "outcome": "updated", **more}


def test_where_nothing_was_asked_for_at_once_all_is_left() -> None:
    assert at_once_ends({}, {}) == {"ended": [], "is_left": True}


def test_nothing_is_left_when_all_came_to_an_end_badly_or_well() -> None:
    known = {"solo": left_by(ended("container", "web", outcome="rolled_back"), found=(WEB,))}
    assert not at_once_ends(known, {"solo": SOLO})["is_left"]
    assert set(at_once_ends(known, {"solo": SOLO})["ended"]) == set(SOLO)


@pytest.mark.parametrize(
    "known", [{"solo": {}}, {"solo": left_by()}, {"solo": {"standalone_container_at_once": {}}}]
)
def test_nothing_is_left_on_a_host_that_did_not_answer_or_has_no_such_container_any_more(known: Any) -> None:
    assert at_once_ends(known, {"solo": SOLO}) == {"ended": [], "is_left": False}


def test_a_container_that_was_found_and_not_updated_is_left() -> None:
    known = {"solo": left_by(ended("container", "web"), found=(WEB, seen("container", "appeared")))}
    assert at_once_ends(known, {"solo": SOLO})["is_left"]
    planned: dict[str, Any] = {"container/solo/web": {"labels": {}}}
    assert not at_once_ends(known, {"solo": SOLO}, planned)["is_left"]
    assert at_once_ends(known, {"solo": SOLO}, {**planned, "container/solo/appeared": {}})["is_left"]


@pytest.mark.parametrize(
    ("known", "is_left"),
    [
        ({}, True),
        (
            left_by(
                ended("service", "api", lost=True), found=(seen("service", "api"),), swarm={"manager": True}
            ),
            True,
        ),
        (left_by(swarm={"manager": False}), True),
        (left_by(ended("service", "api"), found=(seen("service", "api"),), swarm={"manager": True}), False),
        (left_by(swarm={"manager": True}), False),
    ],
    ids=["manager silent", "manager lost sight", "quorum lost", "ended", "gone"],
)
def test_a_service_is_left_to_another_manager_until_one_knows_its_end(known: Any, is_left: bool) -> None:
    assert at_once_ends({"m1": known}, {"m1": M1})["is_left"] is is_left


def test_a_manager_says_nothing_of_the_services_of_another_swarm() -> None:
    asked = {"a1": ["service/id-of-web"], "b1": M1}
    web = left_by(ended("service", "web"), found=(seen("service", "web"),), swarm={"manager": True})
    assert at_once_ends({"a1": web, "b1": {}}, asked)["is_left"]


def test_a_result_that_is_about_nothing_is_no_end() -> None:
    odd = left_by({"outcome": "failed", "message": "a bug"}, found=(WEB,))
    assert at_once_ends({"solo": odd}, {"solo": SOLO, "gone": ["container/gone/web"]}) == {
        "ended": [],
        "is_left": True,
    }


def test_what_may_have_been_updated_at_once_may_run_the_new_digest_now() -> None:
    known = {"container/solo/web": [OLD], "container/far/web": [OLD]}
    after = digests_after(known, {"solo": {"container/solo/web": [OLD]}}, NEW)
    assert after == {"container/solo/web": [OLD, NEW], "container/far/web": [OLD]}


def test_who_takes_over_a_service_knows_what_it_ran_when_the_run_began() -> None:
    before = seen("service", "api", image="app:1@old", changed_at="then")
    now = seen("service", "api", image="app:1@new", changed_at="now")
    lost = {"swarm_service_at_once": {"scan": {"targets": [before, WEB]}}}
    (found,) = as_found_first([now], {"m1": lost, "m2": {}}, ["m1", "m2"])
    assert (found["image"], found["changed_at"], found["id"]) == ("app:1@old", "then", now["id"])
    assert as_found_first([now], {}, []) == [now]
