"""Windows: when updates may begin, also where clocks are changed, in every zone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from registry_docker_updater.core.policy.openings import MOST_OPENINGS
from registry_docker_updater.core.policy.rules import BadRule
from registry_docker_updater.core.policy.windows import DAYS, MOST_WINDOWS, read_windows
from unit.policy.zones import BERLIN, MOMENTS, ZONES, berlin, near_changes

MICROSECOND = timedelta(microseconds=1)


# 2026-11-23 is a Monday.
NIGHTS = "mon-fri 22:00-04:00 Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "now", "closes_at"),
    [
        (NIGHTS, berlin(23, 21, 59), None),
        (NIGHTS, berlin(23, 22), berlin(24, 4)),
        (NIGHTS, berlin(24, 3, 59), berlin(24, 4)),
        (NIGHTS, berlin(24, 4), None),
        ("22:00-04:00 Europe/Berlin", berlin(22, 23), berlin(23, 4)),
        ("22:00-00:00 Europe/Berlin", berlin(22, 23), berlin(23, 0)),
        (
            "sun 9:00-10:30",
            datetime(2026, 11, 22, 10, tzinfo=UTC),
            datetime(2026, 11, 22, 10, 30, tzinfo=UTC),
        ),
        ("Fri-Mon 10:00-12:00 Europe/Berlin", berlin(22, 11), berlin(22, 12)),
        ("Fri-Mon 10:00-12:00 Europe/Berlin", berlin(24, 11), None),
        ("tue , thu 10:00 - 12:00 Europe/Berlin", berlin(26, 11), berlin(26, 12)),
    ],
)
def test_a_window_is_open_from_its_begin_until_just_before_its_end(
    text: str, now: datetime, closes_at: datetime | None
) -> None:
    assert read_windows(text).closes_at(now) == closes_at


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    nights = read_windows(NIGHTS)
    saturday, monday = berlin(28, 3), berlin(23, 3)
    assert nights.closes_at(saturday) == berlin(28, 4)
    assert nights.closes_at(monday) is None
    assert nights.opens_at(monday) == berlin(23, 22)


@pytest.mark.parametrize(
    ("now", "opens_at"),
    [
        (berlin(23, 12), berlin(23, 22)),
        (berlin(23, 22), berlin(23, 22)),
        (berlin(24, 1), berlin(24, 1)),
        (berlin(28, 4), berlin(30, 22)),
    ],
)
def test_a_window_opens_now_or_at_its_next_begin(now: datetime, opens_at: datetime) -> None:
    assert read_windows(NIGHTS).opens_at(now) == opens_at


def test_windows_that_touch_or_overlap_are_one_opening() -> None:
    windows = read_windows("mon 08:00-12:00; mon 12:00-14:00; mon 13:00-15:00;")
    monday = datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert windows.closes_at(monday) == monday.replace(hour=15)
    assert windows.text == "mon 08:00-12:00; mon 12:00-14:00; mon 13:00-15:00"


def test_a_whole_day_closes_at_its_end_and_a_weekend_at_the_end_of_sunday() -> None:
    weekend = read_windows("sat,sun 00:00-24:00 Europe/Berlin")
    assert weekend.closes_at(berlin(28, 0)) == berlin(30, 0)


def test_windows_that_are_always_open_are_told_to_close_some_weeks_later_for_nobody_looks_further() -> None:
    always = read_windows("00:00-24:00")
    now = datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert always.closes_at(now) == now.replace(hour=0) + timedelta(days=MOST_OPENINGS)
    assert always.opens_at(now) == now


@pytest.mark.parametrize(
    ("text", "opens_at", "closes_at"),
    [
        # On 2026-03-29, clocks go from 02:00 to 03:00.
        ("sun 02:30-05:00", berlin(29, 3, month=3), berlin(29, 5, month=3)),
        ("sun 01:00-02:30", berlin(29, 1, month=3), berlin(29, 3, month=3)),
        ("sat 22:00-04:00", berlin(28, 22, month=3), berlin(29, 4, month=3)),
        # The window that clocks leave out is a week later.
        ("sun 02:15-02:45", berlin(5, 2, 15, month=4), berlin(5, 2, 45, month=4)),
    ],
)
def test_where_clocks_go_forward_a_time_that_they_leave_out_is_when_they_have_gone_forward(
    text: str, opens_at: datetime, closes_at: datetime
) -> None:
    windows = read_windows(f"{text} {BERLIN}")
    assert windows.opens_at(berlin(28, 12, month=3)) == opens_at
    assert windows.closes_at(opens_at) == closes_at


@pytest.mark.parametrize(
    ("text", "opens_at", "closes_at"),
    [
        # On 2026-10-25, clocks go from 03:00 to 02:00.
        ("sun 02:30-05:00", berlin(25, 2, 30, month=10), berlin(25, 5, month=10)),
        ("sun 01:00-02:30", berlin(25, 1, month=10), berlin(25, 2, 30, month=10, fold=1)),
        ("sun 02:15-02:45", berlin(25, 2, 15, month=10), berlin(25, 2, 45, month=10, fold=1)),
        ("sat 22:00-04:00", berlin(24, 22, month=10), berlin(25, 4, month=10)),
    ],
)
def test_where_clocks_go_back_a_window_opens_when_they_show_its_begin_first_and_closes_when_they_show_its_end_last(
    text: str, opens_at: datetime, closes_at: datetime
) -> None:
    windows = read_windows(f"{text} {BERLIN}")
    assert windows.opens_at(berlin(24, 12, month=10)) == opens_at
    assert windows.closes_at(opens_at) == closes_at


def test_a_day_that_a_zone_left_out_has_no_window_of_its_own() -> None:
    """In Samoa, the 30th of December 2011, a Friday, was none."""
    fridays = read_windows("fri 10:00-12:00 Pacific/Apia")
    thursday = datetime(2011, 12, 29, 12, tzinfo=ZoneInfo("Pacific/Apia"))
    assert fridays.opens_at(thursday) == datetime(2012, 1, 6, 10, tzinfo=ZoneInfo("Pacific/Apia"))


@st.composite
def _weekly(draw: st.DrawFn) -> str:
    days = ",".join(sorted(draw(st.sets(st.sampled_from(DAYS), min_size=1))))
    begin = draw(st.integers(0, 1439))
    end = draw(st.integers(0, 1440).filter(lambda minute: minute != begin))
    zone = draw(st.sampled_from(ZONES))
    return f"{days} {begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02} {zone}"


_TEXTS = st.lists(_weekly(), min_size=1, max_size=3).map("; ".join)


def test_every_zone_of_tzdata_can_be_named() -> None:
    for zone in ZONES:
        assert read_windows(f"22:00-04:00 {zone}").opens_at(datetime(2026, 11, 23, tzinfo=UTC)), zone


@settings(deadline=None)
@given(_TEXTS, MOMENTS)
@example("00:00-24:00 Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC))
def test_windows_are_open_until_they_close_and_closed_until_they_open(text: str, now: datetime) -> None:
    windows = read_windows(text)
    opens_at = windows.opens_at(now)
    assert opens_at is not None
    assert opens_at >= now
    if opens_at > now:
        assert windows.closes_at(now) is None
        assert windows.closes_at(opens_at - MICROSECOND) is None
        assert windows.opens_at(opens_at - MICROSECOND) == opens_at
    closes_at = windows.closes_at(opens_at)
    assert closes_at is not None
    assert closes_at > opens_at
    assert windows.closes_at(closes_at - MICROSECOND) is not None
    assert windows.closes_at(closes_at) is None or closes_at - opens_at > timedelta(days=2)


@settings(deadline=None)
@given(near_changes(), st.integers(0, 1439), st.integers(1, 1439))
def test_a_window_is_open_whenever_clocks_show_a_time_of_it(
    place: tuple[str, datetime], begin: int, length: int
) -> None:
    zone, now = place
    end = (begin + length) % 1440
    windows = read_windows(f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02} {zone}")
    shown = now.astimezone(ZoneInfo(zone)).time()
    first, last = time(begin // 60, begin % 60), time(end // 60, end % 60)
    if first <= shown < last if first < last else shown >= first or shown < last:
        assert windows.closes_at(now) is not None


@settings(deadline=None)
@given(near_changes(), st.integers(0, 1439), st.integers(1, 1439))
def test_a_window_is_open_nowhere_else_but_between_the_two_times_at_which_clocks_show_one(
    place: tuple[str, datetime], begin: int, length: int
) -> None:
    zone, now = place
    end = (begin + length) % 1440
    windows = read_windows(f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02} {zone}")
    opens_at = windows.opens_at(now)
    assert opens_at is not None
    closes_at = windows.closes_at(opens_at)
    assert closes_at is not None
    if opens_at > now:
        shown = opens_at.astimezone(ZoneInfo(zone))
        before = (opens_at - MICROSECOND).astimezone(ZoneInfo(zone))
        assert (shown.hour * 60 + shown.minute == begin) or shown.utcoffset() != before.utcoffset()
    closing = closes_at.astimezone(ZoneInfo(zone))
    before = (closes_at - MICROSECOND).astimezone(ZoneInfo(zone))
    assert (closing.hour * 60 + closing.minute == end) or closing.utcoffset() != before.utcoffset()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it names 0 windows, and is to name 1 to 20, separated by semicolons"),
        ("22:00-23:00;" * (MOST_WINDOWS + 1), "it names 21 windows"),
        ("at night", "'at night' is not a window such as mon-fri 22:00-04:00 Europe/Berlin"),
        ("mon 22-04", "'mon 22-04' is not a window"),
        ("mon 22:00-04:00 Europe/Berlin now", "is not a window"),
        ("22:00-04:00 Europe/Berln", "'Europe/Berln' is not a time zone such as Europe/Berlin"),
        ("22:00-04:00 ../passwd", "is not a window"),
        ("22:00-04:00 /etc/passwd", "'/etc/passwd' is not a time zone"),
        ("22:00-04:00 Europe", "'Europe' is not a time zone"),
        ("22:00-25:00", "'25:00' is not a time of day such as 22:00"),
        ("22:00-22:00", "'22:00-22:00' ends when it begins; write 00:00-24:00 for whole days"),
        ("24:00-02:00", "'24:00-02:00' begins when a day ends; write 00:00, of the next day"),
        (
            "monday 22:00-04:00",
            "'monday' is not a day of the week: those are mon, tue, wed, thu, fri, sat, sun",
        ),
        ("mon- 22:00-04:00", "'' is not a day of the week"),
    ],
)
def test_what_is_no_window_is_told_with_what_would_be_one(text: str, problem: str) -> None:
    with pytest.raises(BadRule) as caught:
        read_windows(text)
    assert problem in str(caught.value)


def test_windows_are_the_same_where_their_text_is() -> None:
    assert read_windows(NIGHTS) == read_windows(f" {NIGHTS} ;")
    assert len({read_windows(NIGHTS), read_windows(NIGHTS), read_windows("22:00-04:00")}) == 2
