# SPDX-License-Identifier: Apache-2.0
"""Filter: services as they were before this run began to update them."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping

DOCUMENTATION = r"""
name: as_found_first
short_description: Return services as they were found before this run began to update them
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - A manager may have been lost after it began an update at once. Whoever takes over is to know what the service ran before.
positional: hosts, asked
options:
  _input:
    description: The services, as the module P(registry.docker_updater.targets_info#module) found them.
    type: list
    elements: dict
    required: true
  hosts:
    description: The variables of all hosts (C(hostvars)).
    type: dict
    required: true
  asked:
    description: What was to be updated at once, by host.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what services ran when this run began
  ansible.builtin.debug:
    msg: "{{ fleet_scan_result.targets | registry.docker_updater.as_found_first(hostvars, docker_update_at_once) }}"
"""

RETURN = r"""
_value:
  description: The services, with image and changed_at of the first look.
  type: list
  elements: dict
"""


def as_found_first(
    services: Iterable[Mapping[str, Any]], variables: Mapping[str, Any], asked: Iterable[str]
) -> List[Dict[str, Any]]:
    """Return ``services`` with the image and the last change that was found of each before it was updated at once."""
    first = {
        target["id"]: {key: target[key] for key in ("image", "changed_at")}
        for host in asked
        for target in ((variables[host].get("swarm_service_at_once") or {}).get("scan") or {}).get(
            "targets", ()
        )
        if target["kind"] == "service"
    }
    return [{**service, **first.get(service["id"], {})} for service in services]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"as_found_first": as_found_first}
