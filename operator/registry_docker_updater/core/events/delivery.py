"""From the body of a request to what is kept of it."""

import json
import math
from dataclasses import dataclass

from registry_docker_updater.core.events.formats import Format
from registry_docker_updater.core.events.pushes import Ignored, Malformed, Push, Unreadable

# Events of registries have less than ten levels; what a parser reads just so, no writer may be able to write.
_DEEPEST = 100


@dataclass(frozen=True)
class Reading:
    """What a body held: events to keep, and the reasons why others are not."""

    kept: tuple[Push | Unreadable, ...]
    ignored: tuple[str, ...] = ()


def read(registry: str, sender: Format, body: bytes) -> Reading:
    """Read the body of an authenticated request.

    Of a sender that repeats for ever what is refused, everything is read: what cannot be understood is kept as
    :class:`Unreadable`. Of others, raises :class:`Malformed`.
    """
    try:
        events = sender.read(registry, _decoded(body))
    except Malformed as error:
        if not sender.insists:
            raise
        return Reading((Unreadable(str(error), body.decode("utf-8", "backslashreplace")),))
    kept = tuple(event for event in events if not isinstance(event, Ignored))
    unreadable = next((event for event in kept if isinstance(event, Unreadable)), None)
    if unreadable and not sender.insists:
        raise Malformed(unreadable.reason)
    return Reading(kept, tuple(event.reason for event in events if isinstance(event, Ignored)))


def _decoded(body: bytes) -> object:
    try:
        content = json.loads(body, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the body is not valid JSON: {error}") from None
    if _is_deeper(content, _DEEPEST):
        raise Malformed(f"the body is nested deeper than {_DEEPEST} levels")
    return content


def _finite(text: str) -> float:
    """Python reads NaN, and numbers too large as infinite; neither can be written as JSON again."""
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text:.40} is not a number of JSON")
    return number


def _is_deeper(content: object, levels: int) -> bool:
    level = [content]
    for _ in range(levels):
        lists = [
            one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)
        ]
        level = [inner for one in lists for inner in one]
    return bool(level)
