# SPDX-License-Identifier: Apache-2.0
"""What the inventory says of when, and whether, the targets of a host are updated, in the words of labels. Pure."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping

from ansible_collections.registry.docker_updater.plugins.module_utils.labels import bounded

POLICY, ORDER = "docker_update_policy", "docker_update_order"
# Windows have commas in them, as in "mon,wed 22:00-04:00".
_SEPARATORS = {"window": "; "}


def policy_of(said: Any, order: Any = None) -> Dict[str, str]:
    """Return as text, by the names of the labels, what :data:`POLICY` and :data:`ORDER` say; None says nothing.

    What is no mapping is a problem to whoever reads it, under the variable's own name; so is what is said twice, with ``-`` and with ``_``,
    or is none of the mapping's to say, under names that nobody knows. Bounded as labels are.
    """
    found: Dict[str, str] = {}
    if isinstance(said, Mapping):
        for name, value in said.items():
            rule = str(name).replace("_", "-")
            said_of = f"order (which {ORDER} says)" if rule == "order" else rule
            known = f"{said_of} (said twice)" if said_of in found else said_of
            found[known] = _text(value, _SEPARATORS.get(rule, ", "))
    elif said is not None:
        found[POLICY] = _text(said)
    if order is not None:
        found["order"] = _text(order)
    return bounded(found)


def _text(value: Any, separator: str = ", ") -> str:
    if isinstance(value, (list, tuple)):
        return separator.join(map(_text, value))
    # As it is written in an inventory.
    return json.dumps(value) if isinstance(value, bool) or value is None else str(value)
