# SPDX-License-Identifier: Apache-2.0
"""The channels, the variables that each has, and the topics. Pure.

Every list of these is here. Names of variables are without ``notification_``, as a receiver in the inventory has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Tuple

PREFIX = "notification_"
DEFAULT = "default"

UPDATED, FAILED, STARTED = "image updated", "update failed", "started"
WAITING, SILENT, WAITS = "waiting for a person", "registry silent", "update waits"
TOPICS = (UPDATED, FAILED, STARTED, WAITING, SILENT, WAITS)


@dataclass(frozen=True)
class Channel:
    """A channel of ours: it is set where ``address`` is. What is ``own`` is each receiver's, and ``shared`` inherited."""

    name: str
    address: str
    own: FrozenSet[str]
    shared: FrozenSet[str]
    templates: Tuple[str, ...]

    @property
    def variables(self) -> FrozenSet[str]:
        """All of its variables."""
        return self.own | self.shared | {f"{self.name}_topics"}


def _channel(name: str, address: str, templates: str, own: str = "", shared: str = "") -> Channel:
    return Channel(
        name,
        f"{name}_{address}",
        frozenset(f"{name}_{one}" for one in [address, *own.split()]),
        frozenset(f"{name}_{one}" for one in shared.split()),
        tuple(templates.split()),
    )


CHANNELS: Dict[str, Channel] = {
    one.name: one
    for one in (
        _channel("slack", "webhook_url", "slack.json.j2"),
        _channel("teams", "webhook_url", "teams.json.j2"),
        _channel(
            "email",
            "to",
            "email.subject.txt.j2 email.txt.j2 email.html.j2",
            shared="from host port encryption username password",
        ),
        _channel("webhook", "url", "webhook.json.j2", own="secret headers"),
        _channel("apprise", "urls", "apprise.title.txt.j2 apprise.txt.j2"),
    )
}
TEMPLATES = tuple(name for one in CHANNELS.values() for name in one.templates)

# Of every receiver, and inherited.
SHARED = frozenset(("channels", "topics", "link", "templates"))
# Of the inventory as a whole.
PLAIN_ONLY = frozenset(("receivers", "handlers"))
# What a run is given, or our own tasks set: nobody's setting.
GIVEN = frozenset(("message", "rollout", "asked_receivers", "receiver_variables"))

OURS = SHARED.union(*(one.variables for one in CHANNELS.values()))


def channel_of(variable: str, own_handlers: Any) -> str:
    """Return the channel that a variable belongs to, of ours or a shop's own; "" where it is none's alone."""
    for name, channel in CHANNELS.items():
        if variable in channel.variables:
            return name
    fitting = [name for name in own_handlers if variable.startswith(f"{name}_")]
    return max(fitting, key=len) if fitting and variable not in OURS | PLAIN_ONLY | GIVEN else ""
