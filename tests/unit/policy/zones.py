"""Zones and moments for tests of times that clocks show: Berlin's, and those near to where a zone changes its clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import strategies as st

BERLIN = "Europe/Berlin"
ZONES = sorted(available_timezones())
_START, _YEARS = datetime(1990, 1, 1, tzinfo=UTC), 46
MOMENTS = st.integers(0, _YEARS * 365 * 86400).map(lambda seconds: _START + timedelta(seconds=seconds))


def berlin(day: int, hour: int, minute: int = 0, month: int = 11, fold: int = 0) -> datetime:
    """When clocks show a time in Berlin in 2026; where they show it twice, ``fold`` 1 is the second."""
    return datetime(2026, month, day, hour, minute, fold=fold, tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)


@st.composite
def near_changes(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone, and a moment near to a change of its clocks, where it has one within a year."""
    zone = draw(st.sampled_from(ZONES))
    start = draw(MOMENTS)
    offset = start.astimezone(ZoneInfo(zone)).utcoffset()
    days = (start + timedelta(days=day) for day in range(366))
    changed = next((day for day in days if day.astimezone(ZoneInfo(zone)).utcoffset() != offset), start)
    return zone, changed + timedelta(minutes=draw(st.integers(-2000, 1000)))
