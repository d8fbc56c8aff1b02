"""The labels by which targets opt in."""

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.labels import (
    KNOWN_OPTIONS,
    LONGEST_LABEL,
    MOST_LABELS,
    NOTIFY,
    RULES,
    TOO_MANY,
    opted_in,
    problems,
    receivers,
    under_prefix,
)

LABEL = "registry-docker-updater"


@pytest.mark.parametrize("value", ["true", "True", "TRUE", "yes", "Yes", "on", "1", " true "])
def test_yes_in_any_way_opts_in(value: str) -> None:
    assert opted_in({LABEL: value})
    assert problems({LABEL: value}) == []


@pytest.mark.parametrize("value", ["false", "no", "OFF", "0", ""])
def test_no_in_any_way_does_not_and_is_nothing_to_complain_about(value: str) -> None:
    assert not opted_in({LABEL: value})
    assert problems({LABEL: value}) == []


@pytest.mark.parametrize("value", ["ture", "enabled", "2", "yes please", "\u0131"])
def test_a_value_that_is_neither_does_not_opt_in_and_is_complained_about(value: str) -> None:
    assert not opted_in({LABEL: value})
    (complaint,) = problems({LABEL: value})
    assert repr(value) in complaint


def test_without_the_label_nothing_is_opted_in() -> None:
    assert not opted_in({})
    assert not opted_in({"registry-docker-updater-like": "true", f"{LABEL}.enabled": "true"})
    assert problems({"com.example.team": "a"}) == []


def test_an_unknown_label_under_the_prefix_is_named() -> None:
    labels = {LABEL: "true", f"{LABEL}.interval": "5m", **dict.fromkeys(KNOWN_OPTIONS, "1")}
    assert problems(labels) == [
        f"label {LABEL}.interval is not known: nothing is updated until it is right or gone"
    ]


def test_an_unknown_label_that_is_like_a_known_one_is_told_so() -> None:
    assert problems({LABEL: "true", f"{LABEL}.minimum_age": "2h"}) == [
        f"label {LABEL}.minimum_age is not known: did you mean minimum-age? Nothing is updated until it is right or gone"
    ]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("serial", "1,lots", "no list of these, such as 1,25%,100%"),
        ("max-failures", "-1", "neither a number nor a percentage"),
        ("order", "first", "no whole number"),
    ],
)
def test_an_option_of_rolling_that_nobody_can_read_is_complained_about(
    option: str, value: str, words: str
) -> None:
    (complaint,) = problems({LABEL: "true", f"{LABEL}.{option}": value})
    assert complaint.startswith(f"label {LABEL}.{option}: {value!r}")
    assert words in complaint


def test_receivers_are_named_each_once_in_their_order() -> None:
    labels = {LABEL: "true", NOTIFY: " team-b, team_a.2,team-b "}
    assert receivers(labels) == ["team-b", "team_a.2"]
    assert problems(labels) == []
    assert receivers({LABEL: "true"}) == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("team a", "'team a' is no name of a receiver"),
        ("team-a,{{ x }}", "'{{ x }}' is no name of a receiver"),
        ("x" * 65, "is no name of a receiver"),
        ("équipe", "is no name of a receiver"),
        ("team\n", ""),
        ("", "names 0 receivers, and is to name 1 to 10"),
        (" , ", "names 0 receivers"),
        (",".join(f"team-{number}" for number in range(11)), "names 11 receivers"),
    ],
)
def test_receivers_that_nobody_can_read_are_complained_about_and_none(value: str, words: str) -> None:
    labels = {LABEL: "true", NOTIFY: value}
    found = problems(labels)
    assert [one.startswith(f"label {NOTIFY}: ") and words in one for one in found] == [True] * bool(words)
    assert receivers(labels) == ([] if words else ["team"])


def test_what_rules_say_is_not_for_a_module_to_read() -> None:
    assert problems({LABEL: "true", **dict.fromkeys(RULES, "{{ nobody knows }}")}) == []


def test_the_operator_is_told_of_every_label_under_the_prefix_but_of_no_other() -> None:
    labels = {LABEL: "true", "com.example.team": "a", f"{LABEL}.window": "22:00-04:00", f"{LABEL}.x": ""}
    assert under_prefix(labels) == {"window": "22:00-04:00", "x": ""}


def test_a_label_that_is_too_long_is_told_so_that_nobody_can_read_it() -> None:
    longest = "1" * LONGEST_LABEL
    assert under_prefix({f"{LABEL}.soak": longest}) == {"soak": longest}
    assert under_prefix({f"{LABEL}.soak": longest + "d"}) == {"soak": "1" * (LONGEST_LABEL - 1) + "…"}
    (name,) = under_prefix({f"{LABEL}.{longest}2": "x"})
    assert (len(name), name[-1]) == (LONGEST_LABEL, "…")


def test_of_too_many_labels_the_first_are_told_and_one_that_nobody_knows() -> None:
    names = [f"x{number:03}" for number in range(MOST_LABELS)]
    assert list(under_prefix({f"{LABEL}.{name}": "" for name in names})) == names
    found = under_prefix({f"{LABEL}.{name}": "" for name in (*reversed(names), "y")})
    assert list(found) == [*names[:-1], TOO_MANY]
    assert found[TOO_MANY] == str(MOST_LABELS + 1)
    assert f"{LABEL}.{TOO_MANY}" not in KNOWN_OPTIONS
