"""Noticing that somebody set the clock, and putting right what is kept."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from registry_docker_updater.clock import Clock

_log = logging.getLogger(__name__)
# By more than this a clock is set; by less, it is made to go right.
_SET = timedelta(seconds=1)

# Brings kept times to a clock that was set: by how much, what it shows now, and since when it may have been set. Returns
# whether any is different.
PutRight = Callable[[timedelta, datetime, datetime], bool]


class ClockWatch:
    """Compares the clock that shows the time of day with one that nobody sets. For one thread."""

    def __init__(self, clock: Clock, steady: Clock, interval: timedelta, put_right: PutRight) -> None:
        """Have kept times ``put_right`` when the clock was set, and at every ``interval``, for who had read it before."""
        self._clock, self._steady = clock, steady
        self._interval, self._put_right = interval, put_right
        self._ahead = self._difference()
        self._minded_at = self._due_at = steady()

    @property
    def was_set(self) -> bool:
        """Whether the clock was set since it was minded last."""
        return abs(self._difference() - self._ahead) > _SET

    def mind(self, now: datetime) -> bool:
        """Put right what is kept where that is due; return whether any of it is different."""
        steady, set_by = self._steady(), self._difference() - self._ahead
        was_set, is_different = abs(set_by) > _SET, False
        if was_set or steady >= self._due_at:
            by = set_by if was_set else timedelta()
            since = now - (steady - self._minded_at)
            is_different = self._put_right(by, now, since)
            if is_different:
                _log.warning(
                    "the clock was set, and says %s now; what was kept before goes by it", f"{now:%F %T} UTC"
                )
            self._due_at = steady + (timedelta() if was_set else self._interval)
        self._ahead, self._minded_at = self._ahead + set_by, steady
        return is_different

    def _difference(self) -> timedelta:
        """Return how much later it is by the clock than by the steady one."""
        return self._clock() - self._steady()
