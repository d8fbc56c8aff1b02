"""Windows: when updates may begin. Written such as ``mon-fri 22:00-04:00 Europe/Berlin``, several with a semicolon between them."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from registry_docker_updater.core.local_time import is_zone, moments_of
from registry_docker_updater.core.policy.cron_windows import CRON, read_cron_window
from registry_docker_updater.core.policy.openings import Window, closing, opening
from registry_docker_updater.core.policy.rules import BadRule

MOST_WINDOWS = 20
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_WINDOW = re.compile(
    r"(?:(?P<days>[a-z][a-z,\s-]*?)\s+)?(?P<begin>\d{1,2}:\d\d)\s*-\s*(?P<end>\d{1,2}:\d\d)(?:\s+(?P<zone>[\w/+-]{1,64}))?",
    re.ASCII | re.IGNORECASE,
)
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|(24):(00)")


@dataclass(frozen=True)
class WeeklyWindow:
    """A window on some ``days`` of the week (0 is Monday) from ``begin`` to ``end``, both counted from that day's 00:00 by the clock.

    An ``end`` beyond 24 hours is on the next day. It is open whenever clocks of ``zone`` show a time between both, and does
    not close in between: where clocks go back, it opens when they show its begin first, and closes when they show its end
    last. Where they go forward and leave out one of both, that is when they have gone forward; a window that lies in
    what they leave out does not open on that day.
    """

    days: frozenset[int]
    begin: timedelta
    end: timedelta
    zone: str

    def open_until(self, moment: datetime) -> datetime | None:
        """Return the end of the opening in which ``moment`` lies; None where it lies in none."""
        here = self._date(moment)
        # Tomorrow, too: clocks that go back at midnight may show today again.
        spans = (self._opening(here + _DAY * ahead) for ahead in (-2, -1, 0, 1))
        return max((span[1] for span in spans if span and span[0] <= moment < span[1]), default=None)

    def opens_after(self, moment: datetime) -> datetime | None:
        """Return when it opens next, after ``moment``."""
        here = self._date(moment)
        # Three weeks, as clocks may leave out the window of one.
        spans = (self._opening(here + _DAY * ahead) for ahead in range(-1, 21))
        return next((span[0] for span in spans if span and span[0] > moment), None)

    def _date(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def _opening(self, day: date) -> tuple[datetime, datetime] | None:
        """Return when it opens and closes on a day; None where it does not."""
        if day.weekday() not in self.days:
            return None
        midnight = datetime.combine(day, time())
        begin, _ = moments_of(midnight + self.begin, self.zone)
        _, end = moments_of(midnight + self.end, self.zone)
        return (begin, end) if begin < end else None


@dataclass(frozen=True)
class Windows:
    """Windows of which one is to be open. ``text``, as they were written, says all; they repeat for ever."""

    text: str
    windows: tuple[Window, ...] = field(compare=False)

    def closes_at(self, now: datetime) -> datetime | None:
        """Return when it closes, where it is open ``now``; None where it is closed.

        Some are always open. So where openings follow one another without a gap, twenty are looked at: it is open until what
        is returned in any case, and may be open then.
        """
        return _closing(self, now)

    def opens_at(self, now: datetime) -> datetime | None:
        """Return when it opens next, at ``now`` or later, ``now`` where it is open; None where it never does."""
        return _opening(self, now)


# All targets of a fleet are judged at one moment, and most are told the same.
@lru_cache(maxsize=1024)
def _closing(windows: Windows, now: datetime) -> datetime | None:
    return closing(windows.windows, now)


@lru_cache(maxsize=1024)
def _opening(windows: Windows, now: datetime) -> datetime | None:
    return now if windows.closes_at(now) else opening(windows.windows, now)


def read_windows(text: str) -> Windows:
    """Return the windows that ``text`` names; raises :class:`BadRule`."""
    parts = [part.strip() for part in text.split(";") if part.strip()]
    if not 1 <= len(parts) <= MOST_WINDOWS:
        raise BadRule(
            f"it names {len(parts)} windows, and is to name 1 to {MOST_WINDOWS}, separated by semicolons"
        )
    return Windows("; ".join(parts), tuple(_window(part) for part in parts))


def _window(text: str) -> Window:
    if text.lower().startswith(CRON):
        return read_cron_window(text)
    match = _WINDOW.fullmatch(text)
    if not match:
        raise BadRule(
            f"{text!r:.100} is not a window such as mon-fri 22:00-04:00 Europe/Berlin, nor one such as"
            " cron 0 22 * * mon-fri for 6h Europe/Berlin"
        )
    zone = match["zone"] or "UTC"
    if not is_zone(zone):
        raise BadRule(f"{zone!r} is not a time zone such as Europe/Berlin")
    begin, end = _time(match["begin"]), _time(match["end"])
    if begin == _DAY:
        raise BadRule(f"{text!r:.100} begins when a day ends; write 00:00, of the next day")
    if begin == end:
        raise BadRule(f"{text!r:.100} ends when it begins; write 00:00-24:00 for whole days")
    return WeeklyWindow(_days(match["days"]), begin, end if begin < end else end + _DAY, zone)


def _time(text: str) -> timedelta:
    match = _TIME.fullmatch(text)
    if not match:
        raise BadRule(f"{text!r} is not a time of day such as 22:00")
    return timedelta(hours=int(match[1] or match[3]), minutes=int(match[2] or match[4]))


def _days(text: str | None) -> frozenset[int]:
    """Return the days of ``mon-wed,sat``, all without a word; a range may go over Sunday."""
    if text is None:
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = part.partition("-")
        begin = _weekday(first.strip())
        end = _weekday(last.strip()) if dash else begin
        days.update(range(begin, end + 1) if begin <= end else {*range(begin, 7), *range(end + 1)})
    return frozenset(days)


def _weekday(name: str) -> int:
    if name not in DAYS:
        raise BadRule(f"{name!r} is not a day of the week: those are {', '.join(DAYS)}")
    return DAYS.index(name)
