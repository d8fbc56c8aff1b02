"""Which targets a run touches: what was planned as it was planned, and by hand what no label speaks against."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.filter.as_planned import as_planned

from unit.builders import HOST, OLD, seen

WINDOW = {"window": "22:00-04:00"}
WEB = seen("container", "web", labels=WINDOW)
API = seen("service", "api", labels={})
_KEYS = {"container/solo/web": WEB, "service/id-of-api": API}
PLANNED = {key: {"labels": target["labels"]} for key, target in _KEYS.items()}


def labelled(**labels: str) -> dict[str, Any]:
    return seen("container", "web", labels={name.replace("_", "-"): value for name, value in labels.items()})


def test_what_was_planned_is_touched_as_long_as_its_labels_are_those_that_were_weighed() -> None:
    assert as_planned([WEB, API], PLANNED, "solo") == {"targets": [WEB, API], "skipped": []}


def test_of_what_an_interrupted_run_began_it_is_said_that_nobody_heard_of_its_end() -> None:
    planned = {**PLANNED, "service/id-of-api": {"labels": {}, "unheard": True}}
    assert as_planned([WEB, API], planned, "solo")["targets"] == [WEB, {**API, "unheard": True}]


def test_what_nobody_planned_is_left_out_without_a_word() -> None:
    for planned in ({}, {"container/far/web": {"labels": WINDOW}}):
        assert as_planned([WEB], planned, "solo") == {"targets": [], "skipped": []}


@pytest.mark.parametrize("labels", [{}, {**WINDOW, "soak": "1d"}, {"window": "22:00-05:00"}])
def test_what_has_other_labels_by_now_is_held_for_other_rules_may_be_its_own(labels: Any) -> None:
    assert as_planned([{**WEB, "labels": labels}, API], PLANNED, "solo") == {
        "targets": [API],
        "skipped": [
            {
                "kind": "container",
                "id": "id-of-web",
                "name": "web",
                "before": {"image": f"{HOST}/test/app:1", "digest": OLD},
                "message": "its labels changed after this was planned",
                "held": True,
            }
        ],
    }


def of_policies(**said: dict[str, str]) -> dict[str, Any]:
    """Variables of hosts of which the inventory says this."""
    return {host: {"fleet_scan_policy": policy} for host, policy in said.items()}


def weighed(**said: dict[str, str]) -> dict[str, Any]:
    return {key: {"labels": target["labels"], "policy": said} for key, target in _KEYS.items()}


def test_what_the_inventory_says_the_same_of_is_touched() -> None:
    same = of_policies(solo={"soak": "1d"}, m2={})
    for planned in (
        PLANNED,
        weighed(solo={"soak": "1d"}),
        weighed(solo={"soak": "1d"}, m2={}, gone={"a": "b"}),
    ):
        assert as_planned([WEB, API], planned, "solo", same)["targets"] == [WEB, API]
    assert as_planned([WEB], weighed(), "solo", of_policies(solo={}))["targets"] == [WEB]
    # What it says now is not known.
    assert as_planned([WEB], weighed(solo={"soak": "1d"}), "solo", {"solo": {}})["targets"] == [WEB]


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({}, {"solo": {"soak": "1d"}}),
        ({"solo": {"soak": "1d"}}, {"solo": {}}),
        ({"solo": {"soak": "1d"}}, {"solo": {"soak": "1d", "order": "2"}}),
        ({"m2": {"enable": "true"}}, {"solo": {}, "m2": {"enable": "false"}}),
    ],
    ids=["new", "gone", "more", "another manager"],
)
def test_what_the_inventory_says_something_else_of_by_now_is_held(then: Any, now: Any) -> None:
    found = as_planned([API], weighed(**then), "solo", of_policies(**now))
    assert found["targets"] == []
    (skipped,) = found["skipped"]
    assert skipped["held"]
    assert skipped["message"] == "the inventory says something else of it since this was planned"


@pytest.mark.parametrize("planned", [None, ""], ids=["none", "as older templates have none"])
@pytest.mark.parametrize(
    ("target", "words"),
    [
        (labelled(enable="false"), "its label registry-docker-updater.enable is 'false': it is not updated"),
        (labelled(enable="flase"), "its label registry-docker-updater.enable is 'flase'"),
        (
            labelled(enable="yes", monitor_only="1"),
            "registry-docker-updater.monitor-only is '1': it would be",
        ),
        (labelled(monitor_only="sometimes"), "its label registry-docker-updater.monitor-only is 'sometimes'"),
        (labelled(monitor_only=""), "its label registry-docker-updater.monitor-only is ''"),
        (labelled(monitor_only=" "), "its label registry-docker-updater.monitor-only is ' '"),
        (labelled(enable=""), "its label registry-docker-updater.enable is ''"),
    ],
)
def test_by_hand_what_its_labels_say_is_not_updated_is_told_and_not_held(
    target: dict[str, Any], words: str, planned: Any
) -> None:
    found = as_planned([target, API], planned, "solo")
    assert found["targets"] == [API]
    ((message, held),) = [(one["message"], one["held"]) for one in found["skipped"]]
    assert words in message
    assert not held


@pytest.mark.parametrize(
    "target",
    [
        seen("container", "web"),
        labelled(enable="true", monitor_only="no"),
        labelled(approval="required", window="never", follow="?"),
    ],
    ids=["no labels", "consent", "rules of the operator"],
)
def test_by_hand_everything_else_is_touched(target: dict[str, Any]) -> None:
    assert as_planned([target], None, "solo") == {"targets": [target], "skipped": []}
