"""Filter: on which hosts updates are unfinished that nobody works on."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

DOCUMENTATION = r"""
name: unfinished_hosts
short_description: Say on which hosts updates are unfinished that nobody works on
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Reads what the role fleet_scan left in the variables of the hosts.
positional: hosts
options:
  _input:
    description: The variables of all hosts (C(hostvars)).
    type: dict
    required: true
  hosts:
    description: The names of the hosts to look at.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show where something is to be finished
  ansible.builtin.debug:
    msg: "{{ hostvars | registry.docker_updater.unfinished_hosts(ansible_play_hosts_all) }}"
"""

RETURN = r"""
_value:
  description: The names of those hosts.
  type: list
  elements: str
"""


def unfinished_hosts(variables: Mapping[str, Any], hosts: Sequence[str]) -> List[str]:
    """Return those of ``hosts`` where an update is unfinished, and no process goes on with it."""
    return [
        host
        for host in hosts
        if not all(one["is_worked_on"] for one in _scan(variables[host]).get("unfinished") or ())
    ]


def _scan(known: Mapping[str, Any]) -> Mapping[str, Any]:
    return known.get("fleet_scan_result") or {}


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"unfinished_hosts": unfinished_hosts}
