"""From the body of a request to what is kept of it."""

import json
from dataclasses import dataclass

from registry_docker_updater.core.formats import Format
from registry_docker_updater.core.pushes import Ignored, Malformed, Push, Unreadable


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
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the body is not valid JSON: {error}") from None
