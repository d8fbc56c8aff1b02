"""Times as clocks on walls show them, and when that is: also where a change of summer time shows one twice, or leaves it out."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


def is_zone(name: str) -> bool:
    """Tell whether tzdata knows a time zone of this name, such as Europe/Berlin."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


def moments_of(shown: datetime, zone: str) -> tuple[datetime, datetime]:
    """Return when clocks of ``zone`` show the time ``shown``, which has no zone, first and last, in UTC.

    Mostly both are the same. Where clocks go back they show it twice. Where they go forward and leave it out, both are when they
    have gone forward.
    """
    here = ZoneInfo(zone)
    first, last = (shown.replace(tzinfo=here, fold=fold).astimezone(UTC) for fold in (0, 1))
    if last < first:
        first = last = _change(last, first, here)
    return first, last


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment, in whole seconds, between ``before`` and ``after`` from which on the zone's offset is that of ``after``."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after
