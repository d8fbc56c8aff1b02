"""The policies in the settings: what they mean, and what is said of what nobody can mean."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from registry_docker_updater.core.policy.policies import NO_POLICIES, Policies, Policy
from registry_docker_updater.core.policy.rules import AgeRule, ApprovalRule, Rules
from registry_docker_updater.core.policy.windows import read_windows
from unit.settings.conftest import changed, content, problems, read

HOUR = timedelta(hours=1)


def test_without_a_word_there_are_none(folder: Path) -> None:
    assert read(folder, content()).policies_as_core == NO_POLICIES


def test_policies_mean_what_stands_there_as_yaml_writes_it(folder: Path) -> None:
    given = yaml.safe_load(
        """
        - registries: [prod*]
          repositories: [prod/*, base]
          approval: 2
          approvers: [eve@example.com, ops-*]
          four_eyes: yes
          window: [mon-fri 22:00-04:00 Europe/Berlin, "sat,sun 00:00-24:00"]
          minimum_age: 2h
        - monitor_only: true
          enable: no
          window: 22:00-04:00
        """
    )
    assert read(folder, changed("policies", given)).policies_as_core == Policies(
        (
            Policy(
                Rules(
                    approval=ApprovalRule(2, (frozenset(("eve@example.com", "ops-*")),), True),
                    windows=(read_windows("mon-fri 22:00-04:00 Europe/Berlin; sat,sun 00:00-24:00"),),
                    ages=(AgeRule(2 * HOUR, 20 * HOUR),),
                ),
                ("prod*",),
                ("prod/*", "base"),
            ),
            Policy(Rules(is_enabled=False, is_watched=True, windows=(read_windows("22:00-04:00"),))),
        )
    )


def test_a_policy_may_say_that_images_are_updated(folder: Path) -> None:
    assert read(folder, changed("policies", [{"enable": True}])).policies_as_core.policies == (
        Policy(Rules()),
    )


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        ({"window": "at night"}, "policies.0.window: 'at night' is not a window such as mon-fri 22:00-04:00"),
        ({"window": []}, "policies.0.window: it names 0 windows"),
        ({"minimum_age": 2}, "policies.0.minimum_age: '2' is not a duration such as 10s, 15m or 1h"),
        ({"enable": "maybe"}, "policies.0.enable: 'maybe' is neither true nor false"),
        ({"approval": None}, "policies.0.approval: 'null' is neither `required` nor a number of people"),
        ({"follow": "1.4"}, "policies.0.follow: begins with `semver`"),
        ({"windows": "22:00-04:00", "soak": "1d"}, "policies.0.windows: is not a setting"),
        ({"repositories": ["prod/*"]}, "policies.0: says nothing of these images; give it a rule"),
        (
            {"minimum_age": "2h", "longest_wait": "1h"},
            "policies.0.longest_wait: longest-wait: 1:00:00 is shorter than minimum-age",
        ),
        (
            {"registries": ["prod"], "soak": "1d"},
            "policies.0.registries.0: prod is for none of the registries, which are production",
        ),
        ({"registries": "prod", "soak": "1d"}, "policies.0.registries: is to be a list"),
    ],
)
def test_what_nobody_can_mean_is_told_with_its_path(folder: Path, policy: Any, problem: str) -> None:
    (found,) = problems(folder, changed("policies", [policy]))
    assert found.startswith(problem)


def test_all_that_is_wrong_is_told_together(folder: Path) -> None:
    given = [
        {"soak": "long", "window": "at night", "minimum_age": "2h", "longest_wait": "1h"},
        {"soak": "1w"},
    ]
    found = {problem.partition(":")[0] for problem in problems(folder, changed("policies", given))}
    assert found == {
        "policies.0.soak",
        "policies.0.window",
        "policies.0.longest_wait",
        "policies.1.soak",
    }
