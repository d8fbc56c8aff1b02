"""Hours of a day, where somebody is: when people do not want to be told, and when they want to be told of a whole day."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from registry_docker_updater.core.local_time import moments_of


@dataclass(frozen=True)
class Daily:
    """A time of each day in a time zone (tzdata's name for it)."""

    at: time
    zone: str = "UTC"

    def next(self, now: datetime) -> datetime:
        """Return when it is that time next, after ``now``; where a change of summer time leaves it out, when clocks have changed."""
        here = now.astimezone(ZoneInfo(self.zone)).date()
        # Yesterday as well: a date line and a change of summer time may lie between.
        days = (here + timedelta(days=ahead) for ahead in (-1, 0, 1, 2))
        return min(
            moment
            for day in days
            for moment in moments_of(datetime.combine(day, self.at), self.zone)
            if moment > now
        )


@dataclass(frozen=True)
class QuietHours:
    """Hours of each day in which nobody wants to be told, from ``begin`` to ``end``, also over midnight."""

    begin: time
    end: time
    zone: str = "UTC"

    def until(self, now: datetime) -> datetime | None:
        """Return when the quiet hours end in which ``now`` lies; None where it lies in none."""
        here = now.astimezone(ZoneInfo(self.zone)).time()
        is_quiet = (
            self.begin <= here < self.end if self.begin < self.end else here >= self.begin or here < self.end
        )
        return Daily(self.end, self.zone).next(now) if is_quiet else None
