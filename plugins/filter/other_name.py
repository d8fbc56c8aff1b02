# SPDX-License-Identifier: Apache-2.0
"""Filter: that an engine is one under another name of the inventory, too."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Mapping, Sequence

DOCUMENTATION = r"""
name: other_name
short_description: Say under which other name an engine's containers are updated
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - An engine may be in an inventory under two names, such as in a file and from a cloud. Its containers are updated once,
    under the first of its names that answered.
  - Reads what the role fleet_scan found on the hosts. Engines are one when id, name and the ids of the containers found agree,
    because cloned machines share the first of these.
positional: hosts, host
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
  host:
    description: The name of the host in question.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: See whether the engine has another name
  ansible.builtin.debug:
    msg: "{{ hostvars | registry.docker_updater.other_name(ansible_play_hosts_all, inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: The name under which the engine's containers are updated; empty where that is the host's own.
  type: str
"""


def other_name(variables: Mapping[str, Any], hosts: Sequence[str], host: str) -> str:
    """Return the first name of the host's engine, or nothing where that is ``host`` or it runs no container."""
    mine = variables[host].get("fleet_scan_result") or {}
    if not _containers(mine):
        return ""
    for name in sorted(hosts):
        if name == host:
            break
        scan = variables[name].get("fleet_scan_result") or {}
        if _is_one_engine(mine, scan):
            return str(name)
    return ""


def _is_one_engine(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    first, second = one.get("engine") or {}, other.get("engine") or {}
    return (
        bool(first.get("id"))
        and (first["id"], first.get("name")) == (second.get("id"), second.get("name"))
        and _containers(one) == _containers(other)
    )


def _containers(scan: Mapping[str, Any]) -> FrozenSet[str]:
    return frozenset(target["id"] for target in scan.get("targets") or () if target["kind"] == "container")


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"other_name": other_name}
