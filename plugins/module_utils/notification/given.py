# SPDX-License-Identifier: Apache-2.0
"""What there is to tell, in one form: a message for one receiver, of one or more items. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.notification.channels import (
    DEFAULT,
    FAILED,
    TOPICS,
    UPDATED,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import UPDATED as WAS_UPDATED
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import is_good

NOTHING = "nothing to tell"
_NEEDED = ("image", "digest", "outcomes")


class NotAMessage(Exception):
    """What was given is none; the text says what is wrong with it."""


class NotAReceiver(NotAMessage):
    """Nobody set the receiver that a message is for: telling again would not help."""


def topic_of(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """Return the topic of a rollout that ended with ``outcomes``."""
    words = [one.get("outcome") for one in outcomes]
    if not all(map(is_good, words)):
        return FAILED
    return UPDATED if WAS_UPDATED in words else NOTHING


def of_rollout(rollout: Any) -> Dict[str, Any]:
    """Return the message of one rollout, told by hand; raises :class:`NotAMessage`."""
    missing = [name for name in _NEEDED if not isinstance(rollout, Mapping) or rollout.get(name) is None]
    if missing:
        raise NotAMessage(f"notification_rollout has no {' and no '.join(missing)}")
    identity = ["rollout", *(str(rollout[one]) for one in ("id", "attempt") if rollout.get(one))]
    return {
        # What has no id is no repetition of anything.
        "id": "-".join(identity) if rollout.get("id") else "",
        "receiver": DEFAULT,
        "sent_for": None,
        "items": [_item(rollout, "notification_rollout")],
    }


def of_message(message: Any) -> Dict[str, Any]:
    """Return a message as the operator gives it, complete; raises :class:`NotAMessage`."""
    items = message.get("items") if isinstance(message, Mapping) else None
    if not isinstance(items, (list, tuple)) or not items:
        raise NotAMessage("notification_message has no items")
    return {
        "id": str(message.get("id") or ""),
        "receiver": str(message.get("receiver") or DEFAULT),
        "sent_for": message.get("sent_for"),
        "items": [
            _item(one, f"item {number} of notification_message") for number, one in enumerate(items, 1)
        ],
    }


def _item(given: Any, where: str) -> Dict[str, Any]:
    if not isinstance(given, Mapping):
        raise NotAMessage(f"{where} is no mapping")
    item = {"recovered": False, **given}
    outcomes = item.get("outcomes")
    if outcomes is not None and not _are_mappings(outcomes):
        raise NotAMessage(f"{where} has outcomes that are no list of mappings")
    if item.get("topic") is None and outcomes is not None:
        item["topic"] = topic_of(outcomes)
    if item.get("topic") not in (*TOPICS, NOTHING):
        raise NotAMessage(f"{where} has no topic that is known: {', '.join(TOPICS)}")
    return item


def _are_mappings(outcomes: Any) -> bool:
    return isinstance(outcomes, (list, tuple)) and all(isinstance(one, Mapping) for one in outcomes)


def wanted(items: Sequence[Mapping[str, Any]], topics: Sequence[str]) -> List[Mapping[str, Any]]:
    """Return the items that one who wants ``topics`` is told; that it works again is for those who want failures."""
    return [one for one in items if one["topic"] in topics or (one["recovered"] and FAILED in topics)]
