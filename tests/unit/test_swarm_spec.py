# SPDX-License-Identifier: Apache-2.0
"""The spec of a service: two fields change, whatever else it holds."""

import copy
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions import (
    spec as swarm_spec,
)
from hypothesis import given
from hypothesis import strategies as st

_AMD64 = {"Architecture": "amd64", "OS": "linux"}
_SECOND = 10**9

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def _spec(**fields: Any) -> dict[str, Any]:
    return {"TaskTemplate": {"ContainerSpec": {"Image": "host/app:1@sha256:old"}}, **fields}


@given(st.dictionaries(st.text(), _json, max_size=4), st.dictionaries(st.text(), _json, max_size=4))
def test_fields_this_code_has_never_heard_of_stay(
    of_spec: dict[str, Any], of_template: dict[str, Any]
) -> None:
    spec = {**of_spec, "TaskTemplate": {**of_template, "ContainerSpec": {"Image": "old", "Future": [1]}}}
    spec["TaskTemplate"].pop("Placement", None)
    before = copy.deepcopy(spec)

    new = swarm_spec.with_image(spec, "new", [_AMD64])

    assert spec == before
    assert new["TaskTemplate"].pop("Placement") == {"Platforms": [_AMD64]}
    assert new["TaskTemplate"]["ContainerSpec"].pop("Image") == "new"
    assert before["TaskTemplate"]["ContainerSpec"].pop("Image") == "old"
    assert new == before


def test_platforms_that_mean_the_same_stay_as_they_are_written() -> None:
    placement = {"Platforms": [{"OS": "linux", "Architecture": "s390x"}, _AMD64], "MaxReplicas": 1}
    spec = _spec()
    spec["TaskTemplate"]["Placement"] = placement

    new = swarm_spec.with_image(spec, "new", [_AMD64, {"OS": "linux", "Architecture": "s390x"}])

    assert new["TaskTemplate"]["Placement"] == placement


def test_going_back_to_a_spec_without_platforms_removes_only_them() -> None:
    spec = _spec()
    spec["TaskTemplate"]["Placement"] = {"Platforms": [_AMD64], "Constraints": ["node.role==worker"]}

    new = swarm_spec.with_image(spec, "old", [])

    assert new["TaskTemplate"]["Placement"] == {"Constraints": ["node.role==worker"]}


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ([{"os": "linux", "architecture": "amd64"}], [_AMD64]),
        ([{"os": "linux", "architecture": "amd64"}, {"os": "unknown", "architecture": "unknown"}], [_AMD64]),
        (
            [{"os": "linux", "architecture": "arm", "variant": "v7"}] * 2,
            [{"Architecture": "", "OS": "linux"}],
        ),
        ([{}], []),
        (None, []),
    ],
)
def test_platforms_are_read_from_a_registrys_answer_as_dockers_client_does(
    answered: Any, expected: Any
) -> None:
    assert swarm_spec.platforms_answered({"Platforms": answered}) == expected


def test_specs_differ_only_in_the_image_or_in_more() -> None:
    one = _spec(Labels={"a": "b"})
    other = swarm_spec.with_image(one, "other", [_AMD64])

    assert swarm_spec.differ_only_in_image(one, other)
    assert not swarm_spec.differ_only_in_image(one, {**other, "Labels": {}})
    assert not swarm_spec.differ_only_in_image(one, {})


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ({"Replicated": {"Replicas": 3}}, 3),
        ({"Replicated": {"Replicas": 0}}, 0),
        ({"Replicated": {}}, 1),
        ({"Global": {}}, None),
        ({"ReplicatedJob": {"MaxConcurrent": 2, "TotalCompletions": 5}}, 5),
        ({"ReplicatedJob": {"MaxConcurrent": 2}}, 2),
        ({"GlobalJob": {}}, None),
    ],
)
def test_the_tasks_wanted_depend_on_the_mode(mode: Any, expected: int | None) -> None:
    assert swarm_spec.wanted_tasks(_spec(Mode=mode)) == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [(None, 5), ({}, 5), ({"Monitor": 0}, 5), ({"Monitor": 20 * _SECOND}, 20)],
)
def test_the_monitor_period_is_swarms_default_where_none_is_set(config: Any, expected: float) -> None:
    assert swarm_spec.monitor_of(_spec(UpdateConfig=config)) == expected
    assert swarm_spec.monitor_of(_spec(UpdateConfig=config), "RollbackConfig") == 5


def test_the_time_limit_grows_with_batches_delay_grace_and_health_check() -> None:
    spec = _spec(Mode={"Replicated": {"Replicas": 4}}, UpdateConfig={"Parallelism": 2})
    plain = swarm_spec.time_limit(spec, 1)
    one_by_one = {**spec, "UpdateConfig": {"Parallelism": 1}}
    at_once = {**spec, "UpdateConfig": {"Parallelism": 0}}
    delayed = {**spec, "UpdateConfig": {"Parallelism": 2, "Delay": 60 * _SECOND}}
    slow = copy.deepcopy(spec)
    slow["TaskTemplate"]["ContainerSpec"]["Healthcheck"] = {
        "Test": ["CMD", "x"],
        "StartPeriod": 600 * _SECOND,
    }
    patient = copy.deepcopy(spec)
    patient["TaskTemplate"]["ContainerSpec"]["StopGracePeriod"] = 110 * _SECOND

    assert swarm_spec.time_limit(at_once, 1) < plain < swarm_spec.time_limit(one_by_one, 1)
    assert swarm_spec.time_limit(delayed, 1) == plain + 2 * 60
    assert swarm_spec.time_limit(patient, 1) == plain + 2 * 100
    assert swarm_spec.time_limit(slow, 1) > plain + 2 * 600
    assert swarm_spec.time_limit(_spec(Mode={"Global": {}}), 9) > swarm_spec.time_limit(
        _spec(Mode={"Global": {}}), 1
    )


def test_a_diff_shows_the_two_things_that_may_change() -> None:
    spec = swarm_spec.with_image(_spec(Name="web"), "new", [_AMD64])
    assert swarm_spec.summary(spec) == {"image": "new", "platforms": ["linux/amd64"]}


@pytest.mark.parametrize(
    ("check", "seconds"),
    [
        ({"Test": ["NONE"], "Interval": 1000 * _SECOND}, 60),
        ({"Interval": 0}, 60),
        ({"Test": ["CMD", "true"]}, 240),
        ({"Retries": 1, "Interval": 100 * _SECOND, "Timeout": 50 * _SECOND, "StartPeriod": _SECOND}, 301),
    ],
)
def test_a_task_has_the_time_that_its_health_check_takes_to_fail(
    check: dict[str, Any], seconds: float
) -> None:
    def settling(spec: dict[str, Any]) -> float:
        return swarm_spec.settling_time(spec)

    spec = _spec(TaskTemplate={"ContainerSpec": {"Image": "app", "Healthcheck": check}})
    plain = settling(_spec())
    assert settling(spec) - plain == seconds - 60


def test_specs_that_differ_elsewhere_in_their_placement_differ() -> None:
    def placed(**placement: Any) -> dict[str, Any]:
        return {"TaskTemplate": {"ContainerSpec": {"Image": "app"}, "Placement": placement}}

    assert swarm_spec.differ_only_in_image(placed(Platforms=[_AMD64]), placed())
    assert not swarm_spec.differ_only_in_image(placed(Constraints=["a"]), placed())
