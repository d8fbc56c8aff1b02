# SPDX-License-Identifier: Apache-2.0
"""Filter: which managers of a swarm were lost in the middle of a run."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.filter.swarm_managers import swarm_of

DOCUMENTATION = r"""
name: lost_managers
short_description: Say which managers of the swarm of a host were lost
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Reads what the role fleet_scan found on the hosts, and where the role swarm_service lost sight of a swarm.
positional: hosts, left, host
options:
  _input:
    description: The variables of all hosts (C(hostvars)).
    type: dict
    required: true
  hosts:
    description: The names of the hosts that the run was for.
    type: list
    elements: str
    required: true
  left:
    description: The names of those that have not dropped out of the run.
    type: list
    elements: str
    required: true
  host:
    description: The name of the host in question.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show whether somebody is to take over
  ansible.builtin.debug:
    msg: >-
      {{ hostvars | registry.docker_updater.lost_managers(ansible_play_hosts_all, ansible_play_hosts, inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: Those that lost sight of the swarm, and those that the run itself lost.
  type: list
  elements: str
"""


def lost_managers(
    variables: Mapping[str, Any], hosts: Sequence[str], left: Collection[str], host: str
) -> List[str]:
    """Return the managers of the swarm of ``host`` that cannot go on with it."""
    swarm_id = swarm_of(variables, host).get("id")
    return [
        name
        for name in (hosts if swarm_id else ())
        if swarm_of(variables, name).get("id") == swarm_id
        and ("swarm_service_lost" in variables[name] or name not in left)
    ]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"lost_managers": lost_managers}
