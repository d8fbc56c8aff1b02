"""How long to wait after failures: the one back-off of everything that is asked or tried again."""

from dataclasses import dataclass
from datetime import timedelta

# Beyond this, doubling would leave the calendar.
_MOST_DOUBLINGS = 16


@dataclass(frozen=True)
class Backoff:
    """Waits ``first`` after the first failure, twice as long after each further one, and never longer than ``longest``."""

    first: timedelta
    longest: timedelta

    def after(self, failures: int) -> timedelta:
        """Return how long to wait after that many ``failures`` in a row, 1 or more."""
        return min(self.longest, self.first * (1 << min(failures - 1, _MOST_DOUBLINGS)))
