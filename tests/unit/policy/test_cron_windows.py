"""Windows that open when cron would begin a job."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry_docker_updater.core.policy.rules import BadRule
from registry_docker_updater.core.policy.windows import read_windows
from unit.policy.zones import BERLIN, berlin, near_changes

NIGHTS = "cron 0 22 * * mon-fri for 6h Europe/Berlin"


@pytest.mark.parametrize(
    ("now", "closes_at", "opens_at"),
    [
        (berlin(23, 21, 59), None, berlin(23, 22)),
        (berlin(23, 22), berlin(24, 4), berlin(23, 22)),
        (berlin(24, 3, 59), berlin(24, 4), berlin(24, 3, 59)),
        (berlin(28, 4), None, berlin(30, 22)),
    ],
)
def test_it_is_open_for_so_long_from_each_time(
    now: datetime, closes_at: datetime | None, opens_at: datetime
) -> None:
    windows = read_windows(NIGHTS)
    assert windows.closes_at(now) == closes_at
    assert windows.opens_at(now) == opens_at


def test_it_lasts_as_long_in_the_night_in_which_clocks_are_changed() -> None:
    windows = read_windows(f"cron 0 22 * * * for 6h {BERLIN}")
    assert windows.closes_at(berlin(28, 23, month=3)) == berlin(29, 5, month=3)
    assert windows.closes_at(berlin(24, 23, month=10)) == berlin(25, 3, month=10)


def test_a_time_that_clocks_leave_out_is_when_they_have_gone_forward() -> None:
    windows = read_windows(f"cron 30 2 * * * for 1h {BERLIN}")
    assert windows.opens_at(berlin(28, 12, month=3)) == berlin(29, 3, month=3)
    assert windows.closes_at(berlin(29, 3, 59, month=3)) == berlin(29, 4, month=3)
    assert windows.closes_at(berlin(29, 4, month=3)) is None


def test_where_clocks_show_a_time_twice_it_opens_at_both() -> None:
    windows = read_windows(f"cron 30 2 * * * for 10m {BERLIN}")
    first, last = berlin(25, 2, 30, month=10), berlin(25, 2, 30, month=10, fold=1)
    assert windows.opens_at(berlin(24, 12, month=10)) == first
    assert windows.closes_at(berlin(25, 2, 35, month=10)) == first + timedelta(minutes=10)
    assert windows.opens_at(berlin(25, 2, 45, month=10)) == last
    assert windows.opens_at(berlin(25, 2, 15, month=10, fold=1)) == last
    assert windows.closes_at(last) == last + timedelta(minutes=10)


def test_an_opening_that_began_before_clocks_went_back_goes_on() -> None:
    windows = read_windows(f"cron 45 2 * * * for 30m {BERLIN}")
    assert windows.closes_at(berlin(25, 2, 5, month=10, fold=1)) == berlin(25, 2, 15, month=10, fold=1)


def test_it_stands_beside_windows_by_the_day_and_the_zone_is_utc_without_a_word() -> None:
    windows = read_windows("mon 10:00-12:00; cron 0 12 * * mon for 1h")
    assert windows.closes_at(datetime(2026, 11, 23, 11, tzinfo=UTC)) == datetime(2026, 11, 23, 13, tzinfo=UTC)


def test_how_long_it_is_open_is_written_as_durations_are_everywhere() -> None:
    monday = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert read_windows("CRON 0 12 * * MON FOR 1.5 h UTC").closes_at(monday) == monday + timedelta(minutes=90)


def test_one_that_is_always_open_is_told_to_close_soon_for_nobody_looks_further() -> None:
    windows = read_windows("cron * * * * * for 90s")
    now = datetime(2026, 11, 23, 11, tzinfo=UTC)
    closes_at = windows.closes_at(now)
    assert closes_at is not None
    assert windows.closes_at(closes_at) is not None


_TIMES = st.tuples(
    st.sampled_from(("*", "0", "30", "*/20", "15,45")),
    st.sampled_from(("*", "0", "2", "23", "1-3", "*/6")),
    st.just("*"),
    st.just("*"),
    st.sampled_from(("*", "sun", "mon-fri")),
).map(" ".join)


@settings(deadline=None)
@given(
    _TIMES,
    st.sampled_from(("5m", "90m", "6h", "3d")),
    near_changes(),
)
def test_it_is_open_until_it_closes_and_closed_until_it_opens(
    times: str, length: str, place: tuple[str, datetime]
) -> None:
    zone, now = place
    windows = read_windows(f"cron {times} for {length} {zone}")
    opens_at = windows.opens_at(now)
    assert opens_at is not None
    assert opens_at >= now
    if opens_at > now:
        assert windows.closes_at(now) is None
        assert windows.closes_at(opens_at - timedelta(microseconds=1)) is None
        assert windows.opens_at(opens_at - timedelta(microseconds=1)) == opens_at
    closes_at = windows.closes_at(opens_at)
    assert closes_at is not None
    assert closes_at > opens_at
    # Every minute between both, by the definition itself.
    step = max(timedelta(minutes=1), (closes_at - opens_at) / 50)
    moment = opens_at
    while moment < closes_at:
        assert windows.closes_at(moment) is not None
        moment += step


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cron 0 22 * * mon-fri", "is not a window such as cron 0 22 * * mon-fri for 6h Europe/Berlin"),
        ("cron 0 22 * * for 6h", "is not a window such as cron"),
        ("cron 0 0 22 * * mon for 6h", "is not a window such as cron"),
        ("cron 0 22 * * mon-fri for 6h Europe/Berln", "'Europe/Berln' is not a time zone"),
        ("cron 0 22 * * mon-fri for 6", "'6' is not a duration such as 10s, 15m or 1h"),
        ("cron 0 22 * * mon-fri for 6 Europe/Berlin", "'6' is not a duration such as 10s, 15m or 1h"),
        ("cron 0 22 */30 2 mon#5 for 6h", "'0 22 */30 2 mon#5' is a time that never comes"),
        ("cron 0 22 * * mon-fri for 0h", "is open for no time at all"),
        ("cron 0 25 * * mon-fri for 6h", "'0 25 * * mon-fri' is not five fields as cron has them: bad hour"),
        ("cron 0 22 31 6 * for 6h", "is not five fields as cron has them: bad day-of-month"),
        ("cron 0 22 * 2 mon#5,wed#6 for 6h", "is not five fields as cron has them: bad day-of-week"),
    ],
)
def test_what_cron_would_not_take_is_told(text: str, problem: str) -> None:
    with pytest.raises(BadRule) as caught:
        read_windows(text)
    assert problem in str(caught.value)
