"""Which targets a run touches: what was planned as it was planned, and by hand what no label speaks against."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.filter.as_planned import as_planned

from unit.builders import HOST, OLD, seen

WINDOW = {"window": "22:00-04:00"}
WEB = seen("container", "web", labels=WINDOW)
API = seen("service", "api", labels={})
PLANNED = {"container/solo/web": {"labels": WINDOW}, "service/id-of-api": {"labels": {}}}


def labelled(**labels: str) -> dict[str, Any]:
    return seen("container", "web", labels={name.replace("_", "-"): value for name, value in labels.items()})


def test_what_was_planned_is_touched_as_long_as_its_labels_are_those_that_were_weighed() -> None:
    assert as_planned([WEB, API], PLANNED, "solo") == {"targets": [WEB, API], "skipped": []}


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
