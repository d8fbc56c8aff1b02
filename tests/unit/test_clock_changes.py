"""What becomes of kept times when the clock that dated them is set."""

from datetime import timedelta

from registry_docker_updater.core.schedules.clock_changes import put_due_right, put_right
from unit.builders import at

DAY = timedelta(days=1)


def test_kept_times_keep_their_order_and_their_distance() -> None:
    long_ago, before, tomorrow, later = at(-DAY.total_seconds()), at(-60), at(86400), at(86460)
    back = put_right([long_ago, before, tomorrow, later], -DAY, at(120), since=at(119))
    assert back == {long_ago: at(-2 * 86400), before: at(-86460), tomorrow: at(0), later: at(60)}
    unknown = put_right([long_ago, before, tomorrow, later], timedelta(), at(120), since=at(120))
    assert (unknown[long_ago], unknown[before]) == (long_ago, before)
    assert before < unknown[tomorrow] < unknown[later] == at(120)


def test_what_was_dated_since_the_clock_was_set_is_right_already() -> None:
    assert put_right([at(119.5)], -DAY, at(120), since=at(119)) == {at(119.5): at(119.5)}


def test_nothing_is_due_later_than_the_longest_time_to_wait() -> None:
    minute = timedelta(minutes=1)
    assert put_due_right(at(30), timedelta(), at(0), minute) == at(30)
    assert put_due_right(at(86430), -DAY, at(0), minute) == at(30)
    assert put_due_right(at(86430), timedelta(), at(0), minute) == at(0)
