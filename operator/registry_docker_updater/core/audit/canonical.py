"""The form in which things are hashed: one text for one content, that somebody else can write, too.

JSON as RFC 8785 (JSON Canonicalization Scheme) has it: UTF-8, no spaces, names sorted, nothing escaped that need not be.
There are whole numbers only, so that nothing depends on how a program writes others: those are written as text.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

# A value of more characters than this is told by its hash: it is kept where it belongs, and a trail is to be short.
_LONGEST = 500


def canonical(content: Mapping[str, Any]) -> str:
    """Return ``content`` in the form that is hashed. A moment is written in UTC, with microseconds."""
    text = _ENCODER.encode(content)
    try:
        text.encode()
    except UnicodeEncodeError:
        # JSON can hold half a surrogate pair, UTF-8 cannot.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def sha256(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(64)
def moment_text(moment: datetime) -> str:
    """Return a moment in UTC, with microseconds, such as ``2026-11-22T12:00:00.000000Z``."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def brief(value: Any) -> Any:
    """Return a value of a row: of a long text its hash and length, and of another number than a whole one its text."""
    if isinstance(value, float):
        return {"number": repr(value)}
    if isinstance(value, str) and len(value) > _LONGEST:
        return {"sha256": hashlib.sha256(value.encode("utf-8", "replace")).hexdigest(), "length": len(value)}
    return value


def without_fractions(value: Any) -> Any:
    """Return ``value`` with the numbers that are not whole as text: programs differ in how they write them."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return {str(name): without_fractions(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_fractions(one) for one in value]
    return value


def _other(value: Any) -> str:
    if isinstance(value, datetime):
        return moment_text(value)
    raise TypeError(f"{value!r} has no canonical form")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_other)
