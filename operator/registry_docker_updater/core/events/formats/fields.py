"""Reading single fields of a payload, none of which is trusted to be of its documented type."""

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

from registry_docker_updater.core.events.pushes import Malformed

# Longer than any name, id or user that a registry has; shorter than what would hurt a message or a page.
_LONGEST_TEXT = 512


def text(holder: Any, name: str) -> str | None:
    """Return the field as text, or None where it is missing, empty or no text. Cut at 512 characters.

    JSON can write halves of characters that no encoding has; they become question marks.
    """
    value = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(value, str) or not value:
        return None
    return value[:_LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")


def moment(value: Any) -> datetime:
    """Read RFC 3339 with up to nanoseconds; raises :class:`Malformed` that shows what it was."""
    try:
        parsed = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
        # In UTC, the first and the last hours of the calendar can lie outside of it.
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise Malformed(f"{value!r:.100} is not a time as RFC 3339 writes it") from None


def fingerprint(*marks: str) -> str:
    """Return a key for an event that has no id of its own, from what tells it from others."""
    return hashlib.sha256(json.dumps(marks).encode()).hexdigest()
