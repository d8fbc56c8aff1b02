# SPDX-License-Identifier: Apache-2.0
"""Filter: what of a run was updated at once, and whether anything is left."""

from __future__ import annotations

from typing import Any, Collection, Dict, Iterator, List, Mapping

from ansible_collections.registry.docker_updater.plugins.module_utils.planned import planned_or_none
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import SERVICE, key_of

DOCUMENTATION = r"""
name: at_once_ends
short_description: Say what was updated at once, and whether anything is left
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Reads what tasks with the option C(at_once) left in the variables of the hosts.
positional: asked, planned
options:
  _input:
    description: The variables of all hosts (C(hostvars)).
    type: dict
    required: true
  asked:
    description: What was to be updated at once, by host, and by C(service/ID) and C(container/HOST/NAME).
    type: dict
    required: true
  planned:
    description: What was planned, as P(registry.docker_updater.as_planned#filter) takes it; nothing where nobody planned.
    type: dict
"""

EXAMPLES = r"""
- name: See whether anything is left
  ansible.builtin.debug:
    msg: "{{ (hostvars | registry.docker_updater.at_once_ends(docker_update_at_once)).is_left }}"
"""

RETURN = r"""
_value:
  description: >-
    The targets that came to an end (ended); and whether anything is left that a host may still do (is_left), as where nothing was
    asked for.
  type: dict
"""

# What the tasks register, and under which name their results are in it.
_REGISTERED = {"standalone_container_at_once": "containers", "swarm_service_at_once": "services"}


def at_once_ends(
    variables: Mapping[str, Any], asked: Mapping[str, Collection[str]], planned: Any = None
) -> Dict[str, Any]:
    """Return what came to an end, and whether anything is left."""
    ended: List[str] = []
    known = planned_or_none(planned)
    # Of containers on a host that did not answer nothing can be said, and there is no other way to them.
    services = {key for keys in asked.values() for key in keys if key.startswith(f"{SERVICE}/")}
    left = set(services)
    for host in asked:
        # A manager knows the services of its own swarm only.
        mine = services & set(asked[host])
        for results, scan in _told(variables.get(host)):
            ended += [key_of(one, host) for one in results if _is_end(one)]
            found = {key_of(one, host) for one in scan["targets"]} if scan else set()
            left |= found if known is None else found & set(known)
            if scan and (scan.get("swarm") or {}).get("manager"):
                left -= mine - found
    left -= set(ended)
    return {"ended": ended, "is_left": bool(left) or not asked}


def _told(known: Any) -> Iterator[Any]:
    for variable, name in _REGISTERED.items():
        result = known.get(variable) if isinstance(known, Mapping) else None
        if isinstance(result, Mapping):
            yield result.get(name) or (), result.get("scan")


def _is_end(result: Mapping[str, Any]) -> bool:
    return "outcome" in result and "kind" in result and not result.get("lost")


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"at_once_ends": at_once_ends}
