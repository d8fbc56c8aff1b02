"""What the inventory says of when, and whether, targets are updated, on its way to the operator."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.labels import LONGEST_LABEL, TOO_MANY
from ansible_collections.registry.docker_updater.plugins.module_utils.policy import policy_of

from registry_docker_updater.core.policy.reading import read_rules


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"minimum_age": "2h", "longest-wait": "1d"}, {"minimum-age": "2h", "longest-wait": "1d"}),
        ({"enable": False, "four_eyes": True}, {"enable": "false", "four-eyes": "true"}),
        ({"approval": 2}, {"approval": "2"}),
        ({"approvers": ["eve", "ops-*"]}, {"approvers": "eve, ops-*"}),
        (
            {"window": ["mon,wed 22:00-04:00", "cron 0 9 * * sat for 6h"]},
            {"window": "mon,wed 22:00-04:00; cron 0 9 * * sat for 6h"},
        ),
        ({"soak": None}, {"soak": "null"}),
        ({"follow": {"semver": "^1"}}, {"follow": "{'semver': '^1'}"}),
        ("enable: false", {"docker_update_policy": "enable: false"}),
        ([{"enable": False}], {"docker_update_policy": "{'enable': False}"}),
        (False, {"docker_update_policy": "false"}),
    ],
)
def test_it_is_told_as_text_by_the_names_of_the_labels(said: Any, expected: dict[str, str]) -> None:
    assert policy_of(said) == expected


@pytest.mark.parametrize(("order", "expected"), [(10, {"order": "10"}), ("first", {"order": "first"})])
def test_the_order_of_steps_is_told_with_it_for_it_says_what_comes_before(
    order: Any, expected: dict[str, str]
) -> None:
    assert policy_of(None, order) == expected
    assert policy_of({"soak": "1d"}, order) == {"soak": "1d", **expected}


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"four_eyes": True, "four-eyes": False}, {"four-eyes", "four-eyes (said twice)"}),
        ({"order": 10}, {"order (which docker_update_order says)", "order"}),
    ],
)
def test_what_could_be_taken_for_two_things_is_told_so_that_nobody_can_read_it(
    said: Any, names: set[str]
) -> None:
    found = policy_of(said, 20)
    assert found.keys() == names | {"order"}
    assert found["order"] == "20"
    (problem,) = read_rules(tuple(sorted(found.items())), "").problems
    assert "is not known" in problem


def test_what_is_too_much_is_told_so_that_nobody_can_read_it() -> None:
    assert policy_of({"window": ["x" * LONGEST_LABEL] * 2})["window"].endswith("x…")
    assert TOO_MANY in policy_of({f"x{number}": 1 for number in range(100)})
