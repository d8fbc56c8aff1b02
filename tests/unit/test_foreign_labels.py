"""Labels of other tools: which mean nothing here although somebody wished for something, and how to say it."""

import re

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.foreign_labels import (
    FOREIGN_LABELS,
    notes,
)
from hypothesis import given
from hypothesis import strategies as st

from registry_docker_updater.core.policy.reading import read_labels

WATCHTOWER = "com.centurylinklabs.watchtower"
PREFIX = "registry-docker-updater."


@pytest.mark.parametrize(
    ("name", "value", "option", "here"),
    [
        (f"{WATCHTOWER}.enable", "false", "enable", "false"),
        (f"{WATCHTOWER}.monitor-only", "true", "monitor-only", "true"),
        (f"{WATCHTOWER}.no-pull", "true", "enable", "false"),
        (f"{WATCHTOWER}.cooldown-delay", "48h", "minimum-age", "48h"),
        ("gantry.services.excluded", "true", "enable", "false"),
        ("gantry.update.jobs", "true", "jobs", "true"),
        ("shepherd.enable", "false", "enable", "false"),
        ("shepherd.autodeploy", "false", "enable", "false"),
        ("keel.sh/policy", "never", "enable", "false"),
        ("keel.sh/policy", "all", "follow", "semver *"),
        ("keel.sh/policy", "glob:build-*", "follow", "glob build-*"),
        ("keel.sh/policy", "regexp:^v[0-9]+$", "follow", "regex ^v[0-9]+$"),
        ("keel.sh/approvals", "2", "approval", "2"),
        ("keel.sh/approvalDeadline", "24", "approval-deadline", "24h"),
        ("wud.watch", "false", "enable", "false"),
        ("wud.tag.include", r"^\d+\.\d+$", "follow", r"regex ^\d+\.\d+$"),
    ],
)
def test_a_wish_for_another_tool_is_told_with_how_to_say_it_here(
    name: str, value: str, option: str, here: str
) -> None:
    (note,) = notes({name: value, "registry-docker-updater": "true"})
    assert note == f"{name}={value}, which means nothing here; say {PREFIX}{option}: {here}"
    # What it proposes can be read.
    assert read_labels(((option, here),)).problems == ()
    assert notes({name: value, PREFIX + option: here}) == []


def test_versions_and_receivers_are_for_the_owner_to_fill_in() -> None:
    labels = {"keel.sh/policy": "minor", "keel.sh/notify": "#releases"}
    assert [note.partition("; ")[2] for note in notes(labels)] == [
        f"say {PREFIX}notify: RECEIVER",
        f"say {PREFIX}follow: semver ^VERSION",
    ]


def test_hooks_in_a_container_are_told_to_be_tasks_of_the_inventory() -> None:
    (note,) = notes({f"{WATCHTOWER}.lifecycle.pre-update": "/dump.sh"})
    assert note == (
        f"{WATCHTOWER}.lifecycle.pre-update=/dump.sh, which means nothing here;"
        " name files of tasks in docker_update_before and docker_update_after of the inventory"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (f"{WATCHTOWER}.enable", "true"),
        (f"{WATCHTOWER}.enable", ""),
        (f"{WATCHTOWER}.monitor-only", "false"),
        (f"{WATCHTOWER}.cooldown-delay", "0"),
        (f"{WATCHTOWER}.cooldown-delay", "0h0s"),
        (f"{WATCHTOWER}.scope", "a"),
        ("gantry.services.excluded", "false"),
        ("keel.sh/policy", "force"),
        ("keel.sh/policy", "glob:"),
        ("keel.sh/approvals", "0"),
        ("wud.watch", "true"),
        ("wud.display.icon", "mdi:docker"),
        ("com.example.team", "a"),
    ],
)
def test_what_wishes_for_nothing_special_is_not_told(name: str, value: str) -> None:
    assert notes({name: value}) == []


@pytest.mark.parametrize(
    ("name", "value", "instead"),
    [
        (f"{WATCHTOWER}.cooldown-delay", "1h30m", "minimum-age: DURATION, such as 90m, 12h or 3d"),
        ("keel.sh/approvals", "25", "approval: PEOPLE, how many are to approve, at most 20"),
        ("keel.sh/approvalDeadline", "72h", "approval-deadline: DURATION, such as 90m, 12h or 3d"),
        ("keel.sh/policy", "glob:a b", "follow: glob PATTERN, such as 22.04-*"),
        (
            "keel.sh/policy",
            "regexp:^(?!rc)",
            "follow: regex EXPRESSION, one that RE2 can read and that is not long",
        ),
        (
            "wud.tag.include",
            r"^(?=v)\d+$",
            "follow: regex EXPRESSION, one that RE2 can read and that is not long",
        ),
    ],
)
def test_a_value_that_could_not_be_read_here_is_not_proposed_but_its_form(
    name: str, value: str, instead: str
) -> None:
    (note,) = notes({name: value})
    assert note == f"{name}={value}, which means nothing here; say {PREFIX}{instead}"


REGEXES = st.text(st.sampled_from(r"av1.*+?^$|()[]{}\d-:!"), max_size=12)
VALUES = st.one_of(st.text(max_size=12), REGEXES, st.from_regex(r"[0-9]{0,5}[smhd]?", fullmatch=True))


@given(
    st.sampled_from(sorted(FOREIGN_LABELS)),
    st.sampled_from(["", "glob:", "regexp:"]),
    VALUES,
)
def test_whatever_is_proposed_can_be_read_or_says_in_capitals_what_is_to_be_filled_in(
    name: str, kind: str, value: str
) -> None:
    for note in notes({name: kind + value}):
        option, _, said = note.rpartition(f"say {PREFIX}")[2].partition(": ")
        if not re.search("[A-Z]{6,}", said):
            assert read_labels(((option, said),)).problems == ()


def test_a_long_value_is_told_in_part() -> None:
    (note,) = notes({"wud.tag.include": "x" * 5000})
    assert len(note) < 400
