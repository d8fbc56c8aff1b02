# SPDX-License-Identifier: Apache-2.0
"""A message for programs: everything in full, cleaned all the same, and no more than they take. Pure."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.notification.cleaning import (
    log_lines,
    plain,
    reason,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.items import (
    headline,
    insisted,
    is_rollout,
    link,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.targets import digest
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import is_good, rank

MOST_NEWS = 300
MOST_OUTCOMES = 1000
MOST_BYTES = 240_000

# Longest texts by name; what is not here has 80 bytes.
_LONGEST = {"image": 300, "digest": 140, "text": 600, "title": 150}
_OF_ROLLOUTS = ("image", "digest", "actor", "registry", "pushed_at", "started_at", "finished_at", "retry_at")
_OF_OTHERS = ("title", "text", "at")


def data(said: Mapping[str, Any], given: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the JSON that programs get of a message with the words ``said``.

    It holds the first 300 pieces of news and their first 1,000 outcomes, worst first, as far as 240,000 bytes hold them, and says
    how many there are.
    """
    found: Dict[str, Any] = {
        name: said[name] or None for name in ("receiver", "sent_for", "topic", "headline", "link")
    }
    left = MOST_BYTES
    outcomes = MOST_OUTCOMES
    kept: List[Dict[str, Any]] = []
    for item in given[:MOST_NEWS]:
        one = _item(item, str(said["operator"]))
        left -= _size(one)
        if left < 0:
            break
        kept.append(one)
    for one, item in zip(kept, given):
        for outcome in sorted(item.get("outcomes") or (), key=lambda each: rank(each.get("outcome")))[
            :outcomes
        ]:
            full = _outcome(outcome)
            left -= _size(full)
            if left < 0:
                outcomes = 0
                break
            one["outcomes"].append(full)
            outcomes -= 1
    return {**found, "items": kept, "items_total": len(given)}


def _size(value: Any) -> int:
    return len(json.dumps(value)) + 2


def _item(item: Mapping[str, Any], base: str) -> Dict[str, Any]:
    names = _OF_ROLLOUTS if is_rollout(item) else _OF_OTHERS
    found: Dict[str, Any] = {
        "topic": plain(item.get("topic"), 40),
        "recovered": bool(item.get("recovered")),
        "headline": headline(item),
        "link": link(item, base) or None,
        **{name: plain(item.get(name), _LONGEST.get(name, 80)) or None for name in names},
    }
    if not is_rollout(item):
        return {**found, "then": reason(item.get("then")) or None}
    total = item.get("targets")
    outcomes = item.get("outcomes") or ()
    return {
        **found,
        "id": _number(item.get("id")),
        "attempt": _number(item.get("attempt")),
        "waits_for": reason(item.get("waits_for")) or None,
        "insisted": insisted(item),
        "targets": total if isinstance(total, int) else len(outcomes),
        "outcomes": [],
        "outcomes_total": len(outcomes),
    }


def _number(value: Any) -> Any:
    return value if isinstance(value, int) else plain(value, 20) or None


def _outcome(one: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        **{
            name: plain(one.get(name)) or None
            for name in ("kind", "name", "where", "swarm", "outcome", "was", "reason")
        },
        "digest_before": plain(digest(one, "before"), 140) or None,
        "digest_after": plain(digest(one, "after"), 140) or None,
        "message": reason(one.get("message")) or None,
        "log": [] if is_good(one.get("outcome")) else log_lines(one.get("log")),
    }
