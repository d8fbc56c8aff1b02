# SPDX-License-Identifier: Apache-2.0
"""Filter: whether a host is left alone, because of what became of others."""

from __future__ import annotations

from typing import Any, Collection, Dict, Mapping

from ansible_collections.registry.docker_updater.plugins.filter.target_outcomes import target_outcomes
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import is_good
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.blocking import why_blocked
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.steps import (
    Unit,
    first_few,
    from_data,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import image_before

DOCUMENTATION = r"""
name: left_alone
short_description: Say whether a host is left alone because earlier steps failed
version_added: 0.1.0
author: The registry-docker-updater developers
description:
  - Decides at the begin of a step, from what the filter P(registry.docker_updater.rolling_plan#filter) returned and from
    how the steps before it ended.
positional: host, ended_well, variables
options:
  _input:
    description: The plan.
    type: dict
    required: true
  host:
    description: The host whose step begins.
    type: str
    required: true
  ended_well:
    description: The hosts on which everything ended well.
    type: list
    elements: str
    required: true
  variables:
    description: The variables of all hosts (C(hostvars)), for the reason.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: See whether the step is left alone, and what to tell of its targets
  ansible.builtin.debug:
    msg: "{{ docker_update_plan | registry.docker_updater.left_alone(inventory_hostname, groups.ended_well, hostvars) }}"
"""

RETURN = r"""
_value:
  description: >-
    Whether the step of the host is left alone (is_left_alone); and, if so, one entry a target that the host is to tell of,
    with kind, id, name, before and message (targets). A service is told of by one manager of its swarm.
  type: dict
"""


def left_alone(
    plan: Mapping[str, Any], host: str, ended_well: Collection[str], variables: Mapping[str, Any]
) -> Dict[str, Any]:
    """Return whether the step of ``host`` may not begin, and each target that it tells of, with the reason."""
    steps = from_data(plan["steps"])
    number = next(index for index, step in enumerate(steps) if host in step.hosts)
    reason, failed = why_blocked(steps, number, frozenset(ended_well))
    if not reason:
        return {"is_left_alone": False, "targets": []}
    blamed = first_few([f"{unit.name} ({_end_of(unit, variables)})" for _, unit in failed], "; ")
    message = "left alone: " + ": ".join(part for part in (reason, blamed) if part)
    targets = [
        {
            "kind": target["kind"],
            "id": target["id"],
            "name": target["name"],
            "before": image_before(target),
            "message": message,
        }
        for unit in steps[number].units
        for target in unit.targets.get(host, ())
    ]
    return {"is_left_alone": True, "targets": targets}


def _end_of(unit: Unit, variables: Mapping[str, Any]) -> str:
    ends = [
        f"{one['name']} {one['outcome']}"
        for one in target_outcomes(variables, unit.hosts)
        if not is_good(one["outcome"])
    ]
    return first_few(ends) or "it did not come to an end"


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"left_alone": left_alone}
