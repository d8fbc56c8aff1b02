# SPDX-License-Identifier: Apache-2.0
"""Filter: in which steps a run is to go across the hosts."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.plan import Host, plan
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.steps import to_data
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.strategy import (
    STRATEGY,
    variable,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import without_skipped

DOCUMENTATION = r"""
name: rolling_plan
short_description: Say in which steps an update goes across the hosts
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Reads what the role fleet_scan found on the hosts, the labels of what they run, and the variables
    C(docker_update_serial), C(docker_update_max_failures) and C(docker_update_order) of the inventory.
positional: hosts
options:
  _input:
    description: The variables of all hosts (C(hostvars)).
    type: dict
    required: true
  hosts:
    description: The names of the hosts that were asked.
    type: list
    elements: str
    required: true
  skip:
    description: Targets that are not to be touched, as C(service/ID) and C(container/HOST/NAME).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Plan the steps
  ansible.builtin.set_fact:
    docker_update_plan: "{{ hostvars | registry.docker_updater.rolling_plan(ansible_play_hosts_all) }}"
"""

RETURN = r"""
_value:
  description: >-
    All hosts that something is to be done on, in the order of the steps (hosts); those of them that are managers of a swarm
    (managers); the number of hosts in each step (sizes); the steps; what was said of them that nobody can read (problems); and
    the hosts that were asked (asked).
  type: dict
"""


def rolling_plan(
    variables: Mapping[str, Any], hosts: Sequence[str], skip: Sequence[str] = ()
) -> Dict[str, Any]:
    """Return the steps, and what the play that carries them out has to know of them."""
    known = [_host(name, variables[name], skip) for name in hosts]
    found = plan(known)
    managers = {host.name for host in known if host.swarm}
    return {
        "hosts": [host for step in found.steps for host in step.hosts],
        "managers": [host for step in found.steps for host in step.hosts if host in managers],
        "sizes": [len(step.hosts) for step in found.steps],
        "steps": to_data(found.steps),
        "problems": list(found.problems),
        "asked": list(hosts),
    }


def _host(name: str, known: Mapping[str, Any], skip: Sequence[str]) -> Host:
    scan = known.get("fleet_scan_result") or {}
    swarm = scan.get("swarm") or {}
    return Host(
        name=name,
        answered=bool(scan),
        targets=tuple(_targets(name, scan, skip)),
        swarm=swarm.get("id") if swarm.get("manager") else None,
        strategy={option: known.get(variable(option)) for option in STRATEGY},
    )


def _targets(host: str, scan: Mapping[str, Any], skip: Sequence[str]) -> List[Dict[str, Any]]:
    kept = ("kind", "id", "name", "image", "digests", "options")
    return [
        {key: target.get(key) for key in kept}
        for target in without_skipped(scan.get("targets") or (), host, skip)
    ]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"rolling_plan": rolling_plan}
