# SPDX-License-Identifier: Apache-2.0
"""Filter: which of the targets that were found a run may touch."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.planned import (
    hosts_weighed,
    planned_or_none,
    say_of,
    with_unheard,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import image_before, key_of

DOCUMENTATION = r"""
name: as_planned
short_description: Say which targets of a host a run may touch, and of which of the others people are told
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - What was not planned is left out without a word. What has other labels than when it was planned, or of which the inventory
    says something else, is held, for it may be under other rules now.
  - Where nobody planned, as by hand, what its labels say is not updated is left alone.
positional: planned, host, variables
options:
  _input:
    description: What the module P(registry.docker_updater.targets_info#module) found as C(targets).
    type: list
    elements: dict
    required: true
  planned:
    description: >-
      What was planned, by C(service/ID) and C(container/HOST/NAME), each with the C(labels) that it had, and with what the
      inventory said of its hosts, by their names, as C(policy), without which that is not compared; nothing where nobody planned.
      C(unheard) says that nobody heard how an update to the same digest ended that began before; it is told of the target then.
    type: dict
    required: true
  host:
    description: The name of the host.
    type: str
    required: true
  variables:
    description: The variables of all hosts (C(hostvars)), in which the role fleet_scan keeps what the inventory says of each.
    type: dict
"""

EXAMPLES = r"""
- name: Show what the run may touch
  ansible.builtin.debug:
    msg: "{{ (fleet_scan_result.targets | registry.docker_updater.as_planned(planned, inventory_hostname, hostvars)).targets }}"
"""

RETURN = r"""
_value:
  description: >-
    Those of the targets (targets); and one entry for each other of which people are told, with kind, id, name, before, message and
    held (skipped).
  type: dict
"""


_POLICY = "fleet_scan_policy"


def as_planned(
    targets: Sequence[Mapping[str, Any]],
    planned: Any,
    host: str,
    variables: Optional[Mapping[str, Mapping[str, Any]]] = None,
) -> Dict[str, Any]:
    """Return which of the ``targets`` of ``host`` are touched, and which are told to be skipped."""
    known, variables = planned_or_none(planned), variables or {}
    weighed = hosts_weighed(known, [key_of(target, host) for target in targets], host)
    found = {one: variables[one].get(_POLICY) for one in weighed if one in variables}
    policies = {one: policy for one, policy in found.items() if policy is not None}
    kept: List[Mapping[str, Any]] = []
    skipped: List[Dict[str, Any]] = []
    for target in targets:
        say = say_of(target, host, known, policies)
        if say.goes:
            kept.append(with_unheard(target, host, known))
        elif say.why_not:
            about = {key: target[key] for key in ("kind", "id", "name")}
            skipped.append(
                {**about, "before": image_before(target), "message": say.why_not, "held": say.is_held}
            )
    return {"targets": kept, "skipped": skipped}


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"as_planned": as_planned}
