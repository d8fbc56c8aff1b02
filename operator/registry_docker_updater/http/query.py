"""What can be given with a request beside its body, and how it is read; its schemas are JSON Schema."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qsl

DEFAULT_LIMIT, MOST = 100, 1000
# RFC 3339, 5.6.
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_BEGINNING, _END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Parameter:
    """What can be given with a request: in its path, and there it is, or in its query or a header, where it may be required."""

    name: str
    schema: Mapping[str, Any]
    description: str
    where: Literal["path", "query", "header"] = "query"
    is_required: bool = False


class BadQuery(ValueError):
    """A query that cannot be read; the message says what is wrong with it."""


def text(name: str, description: str, *allowed: str) -> Parameter:
    """Return a parameter that is a text, or one of those ``allowed``."""
    some = {"enum": list(allowed)} if allowed else {"minLength": 1}
    return Parameter(name, {"type": "string", **some}, description)


def yes_or_no(name: str, description: str) -> Parameter:
    """Return a parameter that is true or false."""
    return Parameter(name, {"type": "boolean"}, description)


def moment(name: str, description: str) -> Parameter:
    """Return a parameter that is a time."""
    return Parameter(name, {"type": "string", "format": "date-time"}, description)


def number(name: str, description: str, lowest: int, highest: int = 2**63 - 1, **more: int) -> Parameter:
    """Return a parameter that is a whole number."""
    return Parameter(name, {"type": "integer", "minimum": lowest, "maximum": highest, **more}, description)


LIMIT = number("limit", "How many items a page has at most.", 1, MOST, default=DEFAULT_LIMIT)
BEFORE = number("before", "Only items that are older than the one with this id.", 1)
AFTER_NUMBER = number("after", "Only items that come after the one with this number.", 0)
AFTER = text("after", "Only items whose name or key comes after this one.")


def read_query(given: str, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Return what a query gives, by its names, which are to be those of ``parameters``; raises :class:`BadQuery`."""
    known = {one.name: one for one in parameters if one.where == "query"}
    found: dict[str, Any] = {}
    try:
        fields = parse_qsl(given, keep_blank_values=True, strict_parsing=bool(given), errors="strict")
    except ValueError:
        raise BadQuery("the query is not name=value, joined by &, in UTF-8") from None
    for name, value in fields:
        if name not in known:
            raise BadQuery(f"{name!r:.50} is not known here; known are: {', '.join(known) or 'none'}")
        if name in found:
            raise BadQuery(f"{name} is given twice")
        found[name] = _read(known[name], value)
    for name, one in known.items():
        if one.is_required and name not in found:
            raise BadQuery(f"{name} is missing")
    return found


def _read(one: Parameter, value: str) -> Any:
    kind = one.schema["type"]
    if kind == "integer":
        return _number(one, value)
    if kind == "boolean":
        if value not in ("true", "false"):
            raise BadQuery(f"{one.name} is to be true or false, and not {value!r:.50}")
        return value == "true"
    allowed = one.schema.get("enum")
    if allowed and value not in allowed:
        raise BadQuery(f"{one.name} is to be one of {', '.join(allowed)}, and not {value!r:.50}")
    if not value:
        raise BadQuery(f"{one.name} is empty")
    return _moment(one, value) if one.schema.get("format") == "date-time" else value


def _number(one: Parameter, value: str) -> int:
    lowest, highest = one.schema["minimum"], one.schema["maximum"]
    if not re.fullmatch(r"[0-9]{1,19}", value) or not lowest <= int(value) <= highest:
        raise BadQuery(
            f"{one.name} is to be a whole number from {lowest} to {highest}, and not {value!r:.50}"
        )
    return int(value)


def _moment(one: Parameter, value: str) -> datetime:
    try:
        return read_moment(value)
    except ValueError as error:
        raise BadQuery(f"{one.name} {error}; in an address, + is written %2B") from None


def read_moment(value: str) -> datetime:
    """Return a moment of RFC 3339 in UTC; raises :class:`ValueError` that says what it is to be."""
    # Where a second was put in, it counts as the one before.
    match = _MOMENT.fullmatch(value)
    day, minute, second, fraction, zone = match.groups("") if match else ("",) * 5
    try:
        found = datetime.fromisoformat(
            f"{day}T{minute}:{'59' if second == '60' else second}{fraction[:7]}{zone.upper()}"
        )
    except ValueError:
        raise ValueError(
            f"is to be a time with its zone, such as 2026-11-22T12:00:00Z, and not {value!r:.50}"
        ) from None
    try:
        return found.astimezone(UTC)
    except OverflowError:
        # In UTC it is not in the calendar any more.
        return _BEGINNING if found.year == 1 else _END
