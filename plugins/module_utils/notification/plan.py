# SPDX-License-Identifier: Apache-2.0
"""What goes to whom on which channel, or why nobody is told. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, List, Mapping, Optional

from ansible_collections.registry.docker_updater.plugins.module_utils.notification.channels import (
    CHANNELS,
    DEFAULT,
    PREFIX,
    TOPICS,
    channel_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.given import (
    NOTHING,
    NotAMessage,
    NotAReceiver,
    wanted,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.receivers import (
    Broken,
    Receiver,
    broken,
    receivers,
    texts,
)


@dataclass(frozen=True)
class Plan:
    """Who is told what: ``items`` for each channel that is to be tried, and ``refused``, why not, for each that cannot be."""

    receiver: Receiver
    items: Mapping[str, List[Mapping[str, Any]]]
    refused: Mapping[str, str]
    nobody: str


def plan(
    given: Mapping[str, Any], handlers: Collection[str], message: Mapping[str, Any], asked: Optional[Any]
) -> Plan:
    """Plan a message in its normal form for variables ``notification_*`` and a shop's own ``handlers``, by name.

    ``asked`` are the only channels that this run is to tell, None for all. Raises :class:`NotAReceiver` for a receiver that
    is not there, and :class:`NotAMessage` where that cannot be known.
    """
    everybody = receivers(given, handlers)
    name = message["receiver"]
    if name not in everybody:
        others = given.get(f"{PREFIX}receivers")
        unread = others.get(name) if isinstance(others, Mapping) else others
        why, error = (f" ({unread.why})", NotAMessage) if isinstance(unread, Broken) else ("", NotAReceiver)
        raise error(
            f"there is no receiver {name!r:.100} in notification_receivers{why}, but {', '.join(everybody)}"
        )
    receiver = everybody[name]
    # A test is of the channels, and not of what they want.
    is_test = message["sent_for"] == "test"
    items = {
        one: wanted(message["items"], TOPICS if is_test else receiver.topics[one].wanted)
        for one in receiver.channels
    }
    used = [one for one in receiver.channels if items[one] and _may_be_used(one, receiver, asked)]
    refused = {one: why for one, why in ((one, _broken(one, receiver, handlers)) for one in used) if why}
    nobody = "" if used else _nobody(receiver, message["items"], items)
    return Plan(receiver, {one: items[one] for one in used if one not in refused}, refused, nobody)


def _may_be_used(channel: str, receiver: Receiver, asked: Optional[Any]) -> bool:
    allowed = receiver.variables.get("channels")
    lists = [texts(one) for one in (allowed, asked) if one is not None and not broken(one)]
    return all(channel in one for one in lists)


def _broken(channel: str, receiver: Receiver, handlers: Collection[str]) -> str:
    """Say why a channel cannot be tried: a variable of it that cannot be worked out."""
    for variable, value in receiver.variables.items():
        found = broken(value) if channel_of(variable, handlers) == channel else None
        if found:
            return f"{receiver.named(variable)}: {found.why}"
    return ""


def _nobody(
    receiver: Receiver, items: List[Mapping[str, Any]], for_channels: Mapping[str, List[Mapping[str, Any]]]
) -> str:
    topics = list(dict.fromkeys(one["topic"] for one in items))
    if topics == [NOTHING]:
        return "no target was updated, and none failed"
    if not receiver.channels:
        return _no_channel(receiver.name)
    if any(for_channels.values()):
        return f"{receiver.named('channels')} names no channel that is set"
    variables = {receiver.topics[one].variable: None for one in receiver.channels}
    left_out = " and ".join(f'"{one}"' for one in topics if one != NOTHING)
    places = " and ".join(one for one in variables if one)
    return f"{places} {'leave' if len(variables) > 1 else 'leaves'} {left_out} out"


def _no_channel(receiver: str) -> str:
    addresses = [channel.address for channel in CHANNELS.values()]
    if receiver == DEFAULT:
        named = ", ".join(PREFIX + one for one in addresses[:-1])
        return f"no channel is set; {named} or {PREFIX}{addresses[-1]} sets one"
    return f"receiver {receiver} has no channel; {', '.join(addresses[:-1])} or {addresses[-1]} sets one"
