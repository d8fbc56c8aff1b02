"""Windows that open when cron would begin a job: ``cron 0 22 * * mon-fri for 6h Europe/Berlin``."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from registry_docker_updater.core.local_time import is_zone, moments_of
from registry_docker_updater.core.policy.durations import read_duration
from registry_docker_updater.core.policy.rules import BadRule

CRON = "cron "
_CRON = re.compile(
    r"cron\s+(?P<times>\S+(?:\s+\S+){4})\s+for\s+(?P<length>[\d.]+\s*[a-z]*)(?:\s+(?P<zone>\S{1,64}))?",
    re.IGNORECASE,
)
_DAY = timedelta(days=1)
# From then on, a pattern that has any times has one within the years that are looked through.
_LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001 - a time as clocks show it


@dataclass(frozen=True)
class CronWindow:
    """A window that opens whenever clocks of ``zone`` show one of ``times``, and is open for ``length`` then.

    Where clocks go back and show one twice, it opens at both; one that they leave out is when they have gone forward.
    """

    times: str
    length: timedelta
    zone: str

    def open_until(self, moment: datetime) -> datetime | None:
        """Return the end of the opening in which ``moment`` lies, the latest where several overlap; None where it lies in none."""
        shown = (self._shown(moment, near) for near in (moment, moment - _DAY))
        # Of the time as it is, one second on: what is looked for lies before it.
        before = (time.replace(microsecond=0) + timedelta(seconds=1) for time in shown)
        begins = (one for time in before for one in self._begins(time, is_before=True) if one <= moment)
        end = max(begins, default=moment - self.length) + self.length
        return end if moment < end else None

    def opens_after(self, moment: datetime) -> datetime | None:
        """Return when it opens next, after ``moment``; None where it never does."""
        shown = (self._shown(moment, near) for near in (moment, moment + _DAY))
        begins = (one for time in shown for one in self._begins(time, is_before=False) if one > moment)
        return min(begins, default=None)

    def _shown(self, moment: datetime, near: datetime) -> datetime:
        """Return what clocks would show at ``moment`` if they went as they do at another one, where they may be changed between."""
        offset = near.astimezone(ZoneInfo(self.zone)).utcoffset() or timedelta()
        return moment.astimezone(UTC).replace(tzinfo=None) + offset

    def _begins(self, shown: datetime, *, is_before: bool) -> Iterator[datetime]:
        """Yield when clocks show the next of the times, or the last, that is not ``shown`` itself."""
        for time in islice(CronSim(self.times, shown, reverse=is_before), 1):
            yield from moments_of(time, self.zone)


def read_cron_window(text: str) -> CronWindow:
    """Return the window that ``text`` names; raises :class:`BadRule`."""
    match = _CRON.fullmatch(text)
    if not match:
        raise BadRule(
            f"{text!r:.100} is not a window such as cron 0 22 * * mon-fri for 6h Europe/Berlin: five fields, and how long it is open"
        )
    zone = match["zone"] or "UTC"
    if not is_zone(zone):
        raise BadRule(f"{zone!r} is not a time zone such as Europe/Berlin")
    length = read_duration(match["length"])
    if not length:
        raise BadRule(f"{text!r:.100} is open for no time at all")
    try:
        if next(CronSim(match["times"], _LONG_AGO), None) is None:
            raise BadRule(f"{match['times']!r:.100} is a time that never comes")
    except CronSimError as error:
        raise BadRule(
            f"{match['times']!r:.100} is not five fields as cron has them: {str(error).lower()}"
        ) from None
    return CronWindow(match["times"], length, zone)
