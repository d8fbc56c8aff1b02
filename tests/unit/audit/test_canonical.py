"""The form in which things are hashed."""

import json
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_docker_updater.core.audit.canonical import brief, canonical, sha256, without_fractions
from unit.builders import NOON

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), JSON))
def test_what_is_hashed_says_what_was_given_and_can_always_be_written(content: dict[str, Any]) -> None:
    text = canonical(content)
    assert json.loads(text.encode()) == content
    assert canonical(json.loads(text)) == text
    assert len(sha256(text)) == 64


def test_names_are_sorted_nothing_is_spaced_and_no_letter_is_escaped() -> None:
    assert canonical({"b": [1, True, None], "a": "é\n"}) == '{"a":"é\\n","b":[1,true,null]}'


def test_half_a_surrogate_pair_which_json_can_hold_is_no_hindrance() -> None:
    assert canonical({"a": "\ud800x"}) == '{"a":"\ufffdx"}'


def test_a_moment_is_written_in_utc_with_microseconds() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=-3)))
    assert canonical({"at": there}) == '{"at":"2026-11-22T12:00:00.000000Z"}'


def test_what_has_no_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError, match="has no canonical form"):
        canonical({"a": object()})


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, None), (True, True), (7, 7), (1.5, {"number": "1.5"}), ("text", "text"), (NOON, NOON)],
)
def test_a_short_value_is_told_as_it_is_and_no_other_number_than_a_whole_one(value: Any, said: Any) -> None:
    assert brief(value) == said


@pytest.mark.parametrize("value", ["x" * 501, "\ud800" * 600])
def test_a_long_text_is_told_by_its_hash(value: str) -> None:
    said = brief(value)
    assert said == {"length": len(value), "sha256": said["sha256"]}
    assert brief(value[:-1] + "y") != said


def test_fractions_are_told_as_text_wherever_they_stand() -> None:
    assert without_fractions({"a": {"b": 0.1}, "c": (1, 2.5), 3: "x"}) == {
        "a": {"b": "0.1"},
        "c": [1, "2.5"],
        "3": "x",
    }
