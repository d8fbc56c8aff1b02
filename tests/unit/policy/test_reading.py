"""What owners say, read from text: each rule, and a problem for all that nobody can read."""

from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.labels import PREFIX
from ansible_collections.registry.docker_updater.plugins.module_utils.labels import RULES as LABELS_OF_RULES
from ansible_collections.registry.docker_updater.plugins.module_utils.policy import policy_of

from registry_docker_updater.core.policy.following import read_follow
from registry_docker_updater.core.policy.reading import READERS, read_labels, read_rules
from registry_docker_updater.core.policy.rules import NO_RULES, AgeRule, ApprovalRule, Rules
from registry_docker_updater.core.policy.windows import read_windows

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NIGHTS = "mon-fri 22:00-04:00 Europe/Berlin"


def said(**rules: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name.replace("_", "-"), text) for name, text in rules.items()))


@pytest.mark.parametrize(
    ("rules", "read"),
    [
        ({}, NO_RULES),
        ({"enable": "False"}, Rules(is_enabled=False)),
        ({"enable": "yes"}, NO_RULES),
        ({"monitor_only": "true"}, Rules(is_watched=True)),
        ({"approval": "required"}, Rules(approval=ApprovalRule())),
        ({"approval": "Yes"}, Rules(approval=ApprovalRule())),
        ({"approval": " 3 "}, Rules(approval=ApprovalRule(3))),
        ({"approval": "no"}, Rules(approval=ApprovalRule(0))),
        ({"approval": "0"}, Rules(approval=ApprovalRule(0))),
        (
            {"approvers": "eve@example.com, ops-*,", "four_eyes": "true", "approval_deadline": "3d"},
            Rules(approval=ApprovalRule(0, (frozenset(("eve@example.com", "ops-*")),), True, 3 * DAY)),
        ),
        ({"window": NIGHTS}, Rules(windows=(read_windows(NIGHTS),))),
        ({"minimum_age": "2h"}, Rules(ages=(AgeRule(2 * HOUR, 20 * HOUR),))),
        ({"minimum_age": "2h", "longest_wait": "3h"}, Rules(ages=(AgeRule(2 * HOUR, 3 * HOUR),))),
        ({"minimum_age": "0s"}, NO_RULES),
        ({"longest_wait": "3h"}, NO_RULES),
        ({"soak": "1d"}, Rules(soak=DAY)),
        ({"follow": "semver ^1.4"}, Rules(follows=(read_follow("semver ^1.4"),))),
        ({"order": "10"}, NO_RULES),
    ],
)
def test_each_rule_is_read_from_text(rules: dict[str, str], read: Rules) -> None:
    assert read_rules(said(**rules), "x: ") == read


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("enable", "maybe", "enable: 'maybe' is neither true nor false"),
        ("monitor-only", "", "monitor-only: '' is neither true nor false"),
        ("approval", "two", "approval: 'two' is neither `required` nor a number of people, at most 20"),
        ("approval", "21", "approval: '21' is neither `required` nor a number of people, at most 20"),
        ("approval", "", "approval: '' is neither `required`"),
        ("approvers", " , ", "approvers: it names 0 people, and is to name 1 to 50"),
        ("approvers", ",".join(map(str, range(51))), "approvers: it names 51 people"),
        ("approval-deadline", "0s", "approval-deadline: '0s' leaves no time to approve anything"),
        (
            "window",
            "at night",
            "window: 'at night' is not a window such as mon-fri 22:00-04:00 Europe/Berlin",
        ),
        ("minimum-age", "2", "minimum-age: '2' is not a duration such as 10s, 15m or 1h"),
        ("soak", "2w", "soak: '2w' is not a duration"),
        ("follow", "latest", "follow: begins with `semver`, `glob`, `date` or `regex`"),
        ("order", "first", "docker_update_order: 'first' is no whole number"),
        ("windows", NIGHTS, "windows is not known: did you mean window? Nothing is updated"),
        ("jobs", "true", "jobs is not known: nothing is updated until it is right or gone"),
    ],
)
def test_what_nobody_can_read_is_a_problem_that_names_place_rule_and_value(
    name: str, text: str, problem: str
) -> None:
    (found,) = read_rules(((name, text),), "docker_update_policy of host web1: ").problems
    assert found.startswith(f"docker_update_policy of host web1: {problem}")


def test_a_longest_wait_that_is_shorter_than_the_minimum_age_is_a_problem() -> None:
    rules = read_rules(said(minimum_age="2h", longest_wait="90m"), "")
    assert rules.problems == (
        "longest-wait: 1:30:00 is shorter than minimum-age, 2:00:00, which would never be waited for",
    )


def test_what_can_be_read_counts_beside_what_cannot() -> None:
    rules = read_rules(said(soak="1d", window="at night"), "")
    assert rules.soak == DAY
    assert len(rules.problems) == 1


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (
            {"approvers": ["eve", "ops-*"], "approval": 2},
            Rules(approval=ApprovalRule(2, (frozenset(("eve", "ops-*")),))),
        ),
        (
            {"window": ["mon,wed 22:00-23:00", NIGHTS]},
            Rules(windows=(read_windows(f"mon,wed 22:00-23:00; {NIGHTS}"),)),
        ),
        ({"enable": False, "four_eyes": True}, Rules(False, approval=ApprovalRule(0, is_by_others=True))),
    ],
)
def test_what_the_inventory_says_is_read_as_its_module_tells_it(value: Any, read: Rules) -> None:
    assert read_rules(tuple(sorted(policy_of(value).items())), "") == read


def test_a_variable_of_the_inventory_that_is_no_mapping_is_a_problem() -> None:
    (problem,) = read_rules(
        tuple(policy_of("strict").items()), "docker_update_policy of host web1: "
    ).problems
    assert problem == (
        "docker_update_policy of host web1: it says 'strict', and is to be a mapping such as minimum_age: 2h"
    )


def test_labels_of_other_kinds_are_no_rules_and_no_problem_where_they_can_be_read() -> None:
    labels = said(jobs="true", keep_env="A", one_shot="true", serial="1", max_failures="1", notify="team-a")
    assert read_labels((*labels, ("order", "1"), ("soak", "1d"))) == Rules(soak=DAY)


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        (said(soak="long"), f"label {PREFIX}soak: 'long' is not a duration such as 10s, 15m or 1h"),
        (said(order="first"), f"label {PREFIX}order: 'first' is no whole number"),
        (said(notify="team a"), f"label {PREFIX}notify: 'team a' is no name of a receiver"),
        (
            said(minimum_agee="1h"),
            f"label {PREFIX}minimum-agee is not known: did you mean minimum-age?",
        ),
    ],
)
def test_a_label_of_any_kind_that_nobody_can_read_is_a_problem(
    labels: tuple[tuple[str, str], ...], problem: str
) -> None:
    (found,) = read_labels(labels).problems
    assert found.startswith(problem)


def test_each_rule_that_is_read_can_be_a_label_and_no_other() -> None:
    assert {PREFIX + name for name in READERS} == set(LABELS_OF_RULES)
