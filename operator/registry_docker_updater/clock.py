"""The operator's clocks; tests give others.

The time of day can be set, ahead and back. What is kept and shown is dated by it; how long to wait is measured by a
steady clock, which nobody sets.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def steady_clock() -> Clock:
    """Return a clock that shows the time of day now, and from then on only goes forward, at its own pace."""
    # Goes on while the machine sleeps.
    began, ticks = utc_now(), time.clock_gettime(time.CLOCK_BOOTTIME)
    return lambda: began + timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME) - ticks)
