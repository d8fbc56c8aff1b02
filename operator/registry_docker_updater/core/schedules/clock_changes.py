"""What becomes of kept moments when the clock that dated them is set."""

from collections.abc import Iterable
from datetime import datetime, timedelta


def put_right(
    moments: Iterable[datetime], by: timedelta, now: datetime, since: datetime
) -> dict[datetime, datetime]:
    """Return where each of ``moments`` lies by a clock that was set ``by`` so much at some time after ``since``.

    ``now`` is what it shows. What it dated after it was set stays as it is.

    They keep their distance from now and from one another. What lies in the future all the same counts as now, as
    after a restart, when nobody knows by how much the clock was set; what came first stays first.
    """
    moved = {moment: moment if since < moment <= now else moment + by for moment in moments}
    ahead = sorted({moment for moment in moved.values() if moment > now}, reverse=True)
    counted = {moment: now - timedelta(microseconds=rank) for rank, moment in enumerate(ahead)}
    return {moment: counted.get(to, to) for moment, to in moved.items()}


def put_due_right(due_at: datetime, by: timedelta, now: datetime, longest: timedelta) -> datetime:
    """Return when something is due after the clock was set: at once, if later than the ``longest`` time to wait."""
    return due_at + by if due_at + by <= now + longest else now
