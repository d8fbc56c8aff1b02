# SPDX-License-Identifier: Apache-2.0
"""Filter: which managers can act for a swarm, and in which order."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

DOCUMENTATION = r"""
name: swarm_managers
short_description: Say which managers can act for the swarm of a host
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Reads what the role fleet_scan found on the hosts. A manager that lost sight of its swarm in this run leaves it to another.
positional: hosts, host
options:
  _input:
    description: The variables of all hosts (C(hostvars)).
    type: dict
    required: true
  hosts:
    description: The names of the hosts that have not dropped out of the run.
    type: list
    elements: str
    required: true
  host:
    description: The name of the host in question.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show who acts for the swarm of the host
  ansible.builtin.debug:
    msg: "{{ hostvars | registry.docker_updater.swarm_managers(ansible_play_hosts, inventory_hostname) | first }}"
"""

RETURN = r"""
_value:
  description: Their names, the leader first, then by name; none where the host knows of no swarm.
  type: list
  elements: str
"""


def swarm_managers(variables: Mapping[str, Any], hosts: Sequence[str], host: str) -> List[str]:
    """Return who can act for the swarm of ``host``, the first choice first."""
    swarm_id = swarm_of(variables, host).get("id")
    found = []
    for name in hosts if swarm_id else ():
        swarm = swarm_of(variables, name)
        if (
            swarm.get("id") == swarm_id
            and swarm.get("manager")
            and "swarm_service_lost" not in variables[name]
        ):
            found.append((not swarm.get("leader"), name.lower(), name))
    return [name for _, _, name in sorted(found, key=lambda one: one[:2])]


def swarm_of(variables: Mapping[str, Any], host: str) -> Mapping[str, Any]:
    """Return the part in a swarm that was found of ``host``, empty where there is none."""
    scan = variables[host].get("fleet_scan_result") or {}
    return scan.get("swarm") or {}


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"swarm_managers": swarm_managers}
