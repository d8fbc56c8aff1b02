"""Which kept runs are to go."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from registry_docker_updater.core.audit.retention import AgedRun, KeepPolicy, runs_to_remove, spans
from unit.builders import NOON, at

DAY = timedelta(days=1)
ROOMY = KeepPolicy(90 * DAY, 10**9, None)
RUNS = [
    AgedRun("1/update-1", NOON - 100 * DAY, 100),
    AgedRun("2/update-1", NOON - 91 * DAY, 100),
    AgedRun("3/update-1", NOON - 90 * DAY, 100),
    AgedRun("repairs/repair-1", NOON - 95 * DAY, 100),
    AgedRun("repairs/repair-2", NOON - 92 * DAY, 0),
    AgedRun("4/notify-1", NOON, 100),
]


def test_what_is_too_old_goes_the_oldest_first() -> None:
    assert runs_to_remove(RUNS, (), ROOMY, NOON) == ("1/update-1", "repairs/repair-1", "2/update-1")


def test_what_a_rollout_needs_stays_however_old_and_large() -> None:
    assert runs_to_remove(RUNS, {1, 2}, ROOMY, NOON) == ("repairs/repair-1",)
    assert runs_to_remove(RUNS, {1, 2, 3, 4}, KeepPolicy(timedelta(), 0, None), at(1)) == (
        "repairs/repair-1",
    )


def test_the_newest_that_is_of_no_rollout_stays_so_that_its_name_is_not_given_again() -> None:
    assert runs_to_remove(RUNS[3:5], (), KeepPolicy(timedelta(), 0, None), NOON) == ("repairs/repair-1",)


def test_what_there_is_no_room_for_goes_the_oldest_first_and_no_more_than_that() -> None:
    assert runs_to_remove(RUNS, (), KeepPolicy(None, 300, None), NOON) == ("1/update-1", "repairs/repair-1")
    assert runs_to_remove(RUNS, (), KeepPolicy(None, 500, None), NOON) == ()


def test_what_is_kept_for_ever_goes_for_want_of_room_only() -> None:
    assert runs_to_remove(RUNS, (), KeepPolicy(None, 10**9, None), NOON) == ()


@given(st.sets(st.integers(0, 60)))
def test_numbers_are_the_same_as_spans(numbers: set[int]) -> None:
    found = spans(sorted(numbers))
    assert {number for first, last in found for number in range(first, last + 1)} == numbers
    assert all(last + 1 < following for (_, last), (following, _) in pairwise(found))
