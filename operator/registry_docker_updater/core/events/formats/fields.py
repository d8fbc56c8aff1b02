"""Reading single fields of a payload, none of which is trusted to be of its documented type."""

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

from registry_docker_updater.core.events.pushes import Malformed
from registry_docker_updater.core.references import is_digest

# Longer than any name, id or user that a registry has; shorter than what would hurt a message or a page.
_LONGEST_TEXT = 512
# No time in the payload: the time of arrival counts.
UNKNOWN_TIME = datetime.max.replace(tzinfo=UTC)
_ATTACHED = re.compile(r"sha(?:256|512)-[0-9a-f]{64,128}(?:\..*)?")


def text(holder: Any, name: str) -> str | None:
    """Return the field as text, or None where it is missing, empty or no text. Cut at 512 characters.

    JSON can write halves of characters that no encoding has; they become question marks.
    """
    return as_text(holder.get(name)) if isinstance(holder, dict) else None


def as_text(value: Any) -> str | None:
    """Return what stands in no field, an item of a list say, as :func:`text` does."""
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


def from_seconds(value: Any) -> datetime:
    """Read seconds since 1970, whole or not; raises :class:`Malformed` that shows what it was."""
    try:
        return datetime.fromtimestamp(value, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise Malformed(f"{value!r:.100} is not a time in seconds") from None


def why_no_image(tag: str | None) -> str | None:
    """Return why nobody runs what a sender calls ``tag``, or None where it may be an image.

    Cosign names what it attaches to an image by the image's digest (its documentation of signatures): ``sha256-….sig``.
    """
    if not tag or is_digest(tag):
        return "manifest without a tag"
    return "signature or attestation" if _ATTACHED.fullmatch(tag) else None


def is_chart(media_type: str | None) -> bool:
    """Tell whether ``media_type`` is one of Helm's (its documentation of OCI registries): nothing that an engine runs."""
    return (media_type or "").startswith("application/vnd.cncf.helm.")


def delivered(identity: Any, repository: str, tag: str, *marks: str) -> str:
    """Return the key of an event from its delivery's id; from what tells it from others where the delivery has none."""
    known = as_text(identity)
    return f"{known}/{repository}:{tag}" if known else fingerprint(repository, tag, *marks)


def fingerprint(*marks: str) -> str:
    """Return a key for an event that has no id of its own, from what tells it from others."""
    return hashlib.sha256(json.dumps(marks).encode()).hexdigest()
