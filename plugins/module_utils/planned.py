# SPDX-License-Identifier: Apache-2.0
"""Which targets a run may touch: those that somebody planned, as they were then, or what no label speaks against. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Optional, Set

from ansible_collections.registry.docker_updater.plugins.module_utils.labels import (
    ENABLE,
    MONITOR_ONLY,
    PREFIX,
    says_no,
    says_yes,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import Target, key_of

# What was planned, by keys of targets: each with the ``labels`` that it had, and with the ``policy`` of its hosts, by their
# names, as ``targets_info`` tells them. A host that is not in a policy had none. ``unheard`` says that a run to the same digest began
# it before, of which nobody heard how it ended.
Planned = Mapping[str, Mapping[str, Any]]
# What the inventory says of hosts by now, by their names, of those of which somebody asked.
Policies = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Say:
    """Whether a run may touch a target; ``why_not`` is for people, and empty where nobody need hear of it.

    ``is_held`` says that nothing is wrong, and that it is planned again.
    """

    goes: bool = True
    why_not: str = ""
    is_held: bool = False


def planned_or_none(said: Any) -> Optional[Planned]:
    """Return what was planned; None for anything else, as where nobody planned: templates make a text of nothing."""
    return said if isinstance(said, Mapping) else None


def hosts_weighed(planned: Optional[Planned], keys: Iterable[str], host: str) -> Set[str]:
    """Return the hosts whose policies count for the targets of ``host`` with these keys; none where none was weighed."""
    weighed = [(planned or {}).get(key, {}).get("policy") for key in keys]
    return {one for policy in weighed if isinstance(policy, Mapping) for one in (host, *policy)}


def with_unheard(target: Target, host: str, planned: Optional[Planned]) -> Target:
    """Return a target of ``host`` with ``unheard``, where that was planned: a run that goes on with it is to look how it ended first."""
    is_unheard = (planned or {}).get(key_of(target, host), {}).get("unheard")
    return {**target, "unheard": True} if is_unheard else target


def say_of(target: Target, host: str, planned: Optional[Planned], policies: Policies) -> Say:
    """Say whether a run may touch a target of ``host``, an entry of ``targets_info``; ``policies`` are those of :func:`hosts_weighed`.

    Where nobody planned, only labels count that say that it is not updated; what is neither yes nor no there is no consent.
    """
    if planned is None:
        why_not = _spoken_against(target.get("labels") or {})
        return Say(goes=not why_not, why_not=why_not)
    key = key_of(target, host)
    if key not in planned:
        return Say(goes=False)
    if dict(planned[key].get("labels") or {}) != dict(target.get("labels") or {}):
        return Say(goes=False, why_not="its labels changed after this was planned", is_held=True)
    weighed = planned[key].get("policy") or {}
    for one in hosts_weighed(planned, [key], host) & set(policies):
        if dict(policies[one]) != dict(weighed.get(one) or {}):
            why_not = "the inventory says something else of it since this was planned"
            return Say(goes=False, why_not=why_not, is_held=True)
    return Say()


def _spoken_against(labels: Mapping[str, str]) -> str:
    enable, monitor_only = labels.get(ENABLE[len(PREFIX) :]), labels.get(MONITOR_ONLY[len(PREFIX) :])
    if enable is not None and not says_yes(enable):
        return f"its label {ENABLE} is {enable!r:.100}: it is not updated"
    # A label without a value could mean either, as on the operator's side.
    if monitor_only is not None and not (monitor_only.strip() and says_no(monitor_only)):
        return f"its label {MONITOR_ONLY} is {monitor_only!r:.100}: it would be updated, and is not"
    return ""
