# SPDX-License-Identifier: Apache-2.0
"""Filter: which services came to an end in this run."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.targets import service_key

DOCUMENTATION = r"""
name: finished_services
short_description: Say which services came to an end, whichever manager acted
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Reads what the role swarm_service left in the variables of the hosts. A manager that lost sight of its swarm knows nothing.
positional: hosts, digest
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
  digest:
    description: The digest of the run.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what need not be done again
  ansible.builtin.debug:
    msg: "{{ hostvars | registry.docker_updater.finished_services(ansible_play_hosts_all, swarm_service_digest) }}"
"""

RETURN = r"""
_value:
  description: The services, as C(service/ID).
  type: list
  elements: str
"""


def finished_services(variables: Mapping[str, Any], hosts: Sequence[str], digest: str) -> List[str]:
    """Return the services that came to an end with ``digest``."""
    return [
        service_key(result["id"])
        for host in hosts
        for result in variables[host].get("swarm_service_results") or ()
        if "outcome" in result and not result.get("lost") and result.get("digest") == digest
    ]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"finished_services": finished_services}
