"""Moments as engines write them, in every zone and with any number of digits."""

import itertools
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.times import nanoseconds

IN_ORDER = [
    "0001-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z",
    "2026-11-22T11:00:00Z",
    "2026-11-22T11:00:00.000000001Z",
    "2026-11-22T20:00:00.09+09:00",
    "2026-11-22T11:00:00.1Z",
    "2026-11-22T11:00:00.12Z",
    "2026-11-22T06:00:00.5-05:00",
    "2026-11-22T11:00:01.5Z",
]


def test_moments_are_in_the_order_in_which_they_came_whatever_their_zones_and_digits() -> None:
    known = [nanoseconds(moment) for moment in IN_ORDER]
    assert all(
        one is not None and other is not None and one < other for one, other in itertools.pairwise(known)
    )


def test_one_moment_is_the_same_in_every_zone() -> None:
    assert nanoseconds("2026-11-22T20:00:00.5+09:00") == nanoseconds("2026-11-22T11:00:00.500Z")
    assert nanoseconds("1970-01-01T00:00:01Z") == 10**9


@pytest.mark.parametrize("text", ["", None, "yesterday", "2026-13-22T11:00:00Z", "2026-11-22", 5, ["x"]])
def test_what_is_no_moment_is_none(text: Any) -> None:
    assert nanoseconds(text) is None
