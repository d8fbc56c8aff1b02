"""What windows of all kinds have in common: each opens and closes again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

# Openings without a gap between them are looked through so far: some windows are always open.
MOST_OPENINGS = 20


class Window(Protocol):
    """A window that opens again and again."""

    def open_until(self, moment: datetime) -> datetime | None:
        """Return the end of the opening in which ``moment`` lies, the latest where several overlap; None where it lies in none."""

    def opens_after(self, moment: datetime) -> datetime | None:
        """Return when it opens next, after ``moment``; None where it never does."""


def closing(windows: Sequence[Window], now: datetime) -> datetime | None:
    """Return when no window is open any more, where one is open ``now``; None where none is.

    Openings that overlap, or of which one begins when the other ends, are one. Of more than :data:`MOST_OPENINGS` without a
    gap between them, it is the end of one at which another is open: they are open until then in any case.
    """
    end = None
    for _ in range(MOST_OPENINGS):
        later = max(filter(None, (one.open_until(end or now) for one in windows)), default=None)
        if later is None:
            break
        end = later
    return end


def opening(windows: Sequence[Window], now: datetime) -> datetime | None:
    """Return when a window opens next, after ``now``; None where none ever does."""
    return min(filter(None, (one.opens_after(now) for one in windows)), default=None)
