"""Moments as they are written for others."""

from datetime import datetime


def rfc3339(moment: datetime) -> str:
    """Return a moment in UTC as RFC 3339 writes it, in milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
