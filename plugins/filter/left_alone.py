# SPDX-License-Identifier: Apache-2.0
"""Filter: whether a host is left alone, because of what became of others, or because somebody holds the run."""

from __future__ import annotations

from typing import Any, Collection, Dict, Mapping

from ansible_collections.registry.docker_updater.plugins.filter.target_outcomes import target_outcomes
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import is_good
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.blocking import (
    first_after,
    why_blocked,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.steps import (
    Unit,
    first_few,
    from_data,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import image_before

DOCUMENTATION = r"""
name: left_alone
short_description: Say whether a host is left alone because earlier steps failed or the run is held
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Decides at the begin of a step, from what the filter P(registry.docker_updater.rolling_plan#filter) returned and from
    how the steps before it ended.
  - Once a step is held, all after it are. Where steps are to be left alone because of earlier ones, that is told and not the hold.
positional: host, groups, variables, why_held
options:
  _input:
    description: The plan.
    type: dict
    required: true
  host:
    description: The host whose step begins.
    type: str
    required: true
  groups:
    description: >-
      The groups of hosts (C(groups)). Of these count C(registry_docker_updater_ended_well), on which everything ended well, and
      C(registry_docker_updater_held), at whose end the next step was to be held.
    type: dict
    required: true
  variables:
    description: The variables of all hosts (C(hostvars)), for the reason.
    type: dict
    required: true
  why_held:
    description: Why the run is held, for people, in its first line.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: See whether the step is left alone, and what to tell of its targets
  ansible.builtin.debug:
    msg: "{{ docker_update_plan | registry.docker_updater.left_alone(inventory_hostname, groups, hostvars) }}"
"""

RETURN = r"""
_value:
  description: >-
    Whether the step of the host is left alone (is_left_alone); and, if so, one entry a target that the host is to tell of,
    with kind, id, name, before, message and held (targets). A service is told of by one manager of its swarm.
  type: dict
"""


_ENDED_WELL = "registry_docker_updater_ended_well"
_HELD = "registry_docker_updater_held"
# No more of a reason than people read.
_LONGEST_REASON = 300


def left_alone(
    plan: Mapping[str, Any],
    host: str,
    groups: Mapping[str, Collection[str]],
    variables: Mapping[str, Any],
    why_held: str = "",
) -> Dict[str, Any]:
    """Return whether the step of ``host`` may not begin, and each target that it tells of, with the reason."""
    steps = from_data(plan["steps"])
    number = next(index for index, step in enumerate(steps) if host in step.hosts)
    ended_well, held = (frozenset(groups.get(name) or ()) for name in (_ENDED_WELL, _HELD))
    first_held = first_after(steps, held)
    # What did not end well from there on was held, too.
    reason, failed = why_blocked(steps, min(number, first_held), ended_well)
    if not reason and number < first_held:
        return {"is_left_alone": False, "targets": []}
    if reason:
        blamed = first_few([f"{unit.name} ({_end_of(unit, variables)})" for _, unit in failed], "; ")
        message = "left alone: " + ": ".join(part for part in (reason, blamed) if part)
    else:
        lines = str(why_held).strip().splitlines() or ["held between two steps of its run"]
        message = lines[0][:_LONGEST_REASON]
    targets = [
        {
            "kind": target["kind"],
            "id": target["id"],
            "name": target["name"],
            "before": image_before(target),
            "message": message,
            "held": not reason,
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
