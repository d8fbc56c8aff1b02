"""Moments as they are written for others."""

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """Return a moment in UTC as RFC 3339 writes it, in milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def minute(moment: datetime) -> str:
    """Return a moment in UTC as sentences for people have it, with seconds only where there are any."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC").replace(":00 UTC", " UTC")
