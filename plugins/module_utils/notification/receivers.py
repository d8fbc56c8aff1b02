# SPDX-License-Identifier: Apache-2.0
"""Who can be told, and by which variables. Pure.

A receiver's variables are those of the inventory's plain ``notification_*`` variables that are inherited, with its own over
them. A value that cannot be worked out is a :class:`Broken`, wherever it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional

from ansible_collections.registry.docker_updater.plugins.module_utils.notification.channels import (
    CHANNELS,
    DEFAULT,
    PREFIX,
    SHARED,
    TOPICS,
    channel_of,
)


@dataclass(frozen=True)
class Broken:
    """A value that cannot be worked out, and why, without showing it."""

    why: str


@dataclass(frozen=True)
class Receiver:
    """One who is told: its ``variables`` without ``notification_``, and the ``channels`` that it has, in order."""

    name: str
    variables: Mapping[str, Any]
    channels: List[str]
    topics: Mapping[str, "Topics"]

    def named(self, variable: str) -> str:
        """Return how a person writes a variable of this receiver."""
        return _named(variable, self.name)


@dataclass(frozen=True)
class Topics:
    """The topics that a channel is told about, and the variable that says so as a person writes it, None where none does."""

    wanted: List[str]
    variable: Optional[str]


def receivers(given: Mapping[str, Any], own_handlers: Iterable[str]) -> Dict[str, Receiver]:
    """Return the receivers by name, ``default`` first, of all variables ``notification_*`` and a shop's own handlers."""
    handlers = list(own_handlers)
    plain = {name[len(PREFIX) :]: value for name, value in given.items() if name.startswith(PREFIX)}
    others = {
        str(name): {str(key): value for key, value in own.items()}
        for name, own in _mapping(plain.get("receivers")).items()
        if isinstance(own, Mapping) and name != DEFAULT
    }
    everybodys = {name: value for name, value in plain.items() if _is_inherited(name, handlers)}
    found = {DEFAULT: _receiver(DEFAULT, plain, {}, handlers, others)}
    for name, own in others.items():
        found[name] = _receiver(name, own, everybodys, handlers, others)
    return found


def _receiver(
    name: str,
    own: Mapping[str, Any],
    inherited: Mapping[str, Any],
    handlers: List[str],
    others: Mapping[str, Mapping[str, Any]],
) -> Receiver:
    variables = {**inherited, **own}
    channels = [one for one, channel in CHANNELS.items() if is_set(own.get(channel.address))]
    channels += [one for one in handlers if _has_own(one, name, own, handlers, others)]
    topics = {
        one: _topics(one, {name: own, DEFAULT: own if name == DEFAULT else inherited}) for one in channels
    }
    return Receiver(name, variables, channels, topics)


def _has_own(
    handler: str,
    name: str,
    own: Mapping[str, Any],
    handlers: List[str],
    others: Mapping[str, Mapping[str, Any]],
) -> bool:
    """Tell whether a receiver has a shop's own channel: by a variable or by name; ``default`` also if nobody has variables."""
    if handler in texts(own.get("channels")) or _uses(handler, own, handlers):
        return True
    return name == DEFAULT and not any(_uses(handler, one, handlers) for one in others.values())


def _uses(handler: str, own: Mapping[str, Any], handlers: List[str]) -> bool:
    return any(channel_of(key, handlers) == handler and is_set(own[key]) for key in own)


def _is_inherited(name: str, handlers: List[str]) -> bool:
    channel = channel_of(name, handlers)
    return name in SHARED or (channel in CHANNELS and name not in CHANNELS[channel].own)


def _named(variable: str, receiver: str) -> str:
    return PREFIX + variable if receiver == DEFAULT else f"{variable} of receiver {receiver}"


def _topics(channel: str, places: Mapping[str, Mapping[str, Any]]) -> Topics:
    """Look where the topics stand: a receiver's own word first, and in each place that for the channel first."""
    for receiver, place in places.items():
        for variable in (f"{channel}_topics", "topics"):
            value = place.get(variable)
            if value is not None and not isinstance(value, Broken):
                return Topics(texts(value), _named(variable, receiver))
    return Topics(list(TOPICS), None)


def is_set(value: Any) -> bool:
    """Tell whether a variable has a value; one that is broken was meant to."""
    return (
        value is not None
        and value not in ("", [], {})
        and (not isinstance(value, str) or bool(value.strip()))
    )


def texts(value: Any) -> List[str]:
    """Return a list of texts as one may write it: a list, or one text with commas. What is neither is no text."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return (
        [str(one) for one in value if isinstance(one, (str, int))] if isinstance(value, (list, tuple)) else []
    )


def broken(value: Any) -> Optional[Broken]:
    """Return what cannot be worked out in ``value``, None where all can."""
    if isinstance(value, Broken):
        return value
    inner = (
        value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    )
    return next((found for found in map(broken, inner) if found), None)


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}
