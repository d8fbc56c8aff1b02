# SPDX-License-Identifier: Apache-2.0
"""Which targets of a host may be updated without a look at the others first: nothing is said of steps. Pure."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.manual_changes import changed_after
from ansible_collections.registry.docker_updater.plugins.module_utils.planned import (
    planned_or_none,
    say_of,
    with_unheard,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.strategy import says_nothing
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import Target, key_of


def those_at_once(targets: Sequence[Target], asked: Mapping[str, Any], now: float) -> List[Target]:
    """Return those of ``targets`` that are asked for, and of which nothing else is said by ``now`` (seconds since 1970).

    Others could have a say: the inventory, labels, or a person who changed one, or what is said of it since it was planned.
    """
    if asked["hooked"] or not says_nothing(asked["strategy"]):
        return []
    host, known, planned = asked["host"], asked["targets"], planned_or_none(asked.get("planned"))
    policies = asked.get("policies") or {}
    return [
        with_unheard(target, host, planned)
        for target in targets
        if key_of(target, host) in known
        and says_nothing(target["options"])
        and say_of(target, host, planned, policies).goes
        and not changed_after(target, known[key_of(target, host)], asked["pushed_at"], now)
    ]
