"""Filter: on which hosts not every target that was found is to be updated."""

from __future__ import annotations

from collections import ChainMap
from typing import Any, Dict, List, Mapping, Optional, Sequence, cast

from ansible_collections.registry.docker_updater.plugins.filter.as_planned import as_planned
from ansible_collections.registry.docker_updater.plugins.filter.changed_manually import changed_manually
from ansible_collections.registry.docker_updater.plugins.filter.other_name import other_name

DOCUMENTATION = r"""
name: hosts_to_correct
short_description: Say on which hosts not every target that was found is to be updated
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Those whose engine has another name before theirs, so that its containers are updated there, those where a person
    changed a target after the push, and those with a target that was not planned, or that its labels say is not updated.
positional: hosts, known_digests, pushed_at, planned
options:
  _input:
    description: The variables of all hosts (C(hostvars)).
    type: dict
    required: true
  hosts:
    description: The names of the hosts that the run is for.
    type: list
    elements: str
    required: true
  known_digests:
    description: The digests that each target may have had before the push, by its key; empty where nobody knows.
    type: dict
  pushed_at:
    description: When the push happened, in seconds since 1970.
    type: float
    default: 0
  planned:
    description: What was planned, as P(registry.docker_updater.as_planned#filter) takes it.
    type: dict
"""

EXAMPLES = r"""
- name: Show which hosts have two names
  ansible.builtin.debug:
    msg: "{{ hostvars | registry.docker_updater.hosts_to_correct(ansible_play_hosts_all) }}"
"""

RETURN = r"""
_value:
  description: The names of those hosts.
  type: list
  elements: str
"""


def hosts_to_correct(
    variables: Mapping[str, Any],
    hosts: Sequence[str],
    known_digests: Optional[Mapping[str, Sequence[str]]] = None,
    pushed_at: float = 0.0,
    planned: Any = None,
) -> List[str]:
    """Return those of ``hosts`` that have another name, or a target that is changed after ``pushed_at`` or not as ``planned``."""
    return [
        host
        for host in hosts
        if other_name(variables, hosts, host)
        or (known_digests and _changed(variables[host], known_digests, host, pushed_at))
        or _is_other_than(planned, variables, host)
    ]


def _changed(
    known: Mapping[str, Any], digests: Mapping[str, Sequence[str]], host: str, pushed_at: float
) -> List[Dict[str, Any]]:
    scan = known.get("fleet_scan_result")
    return changed_manually(scan, digests, host, pushed_at) if scan else []


def _is_other_than(planned: Any, variables: Mapping[str, Any], host: str) -> bool:
    known = variables[host]
    targets = (known.get("fleet_scan_result") or {}).get("targets") or ()
    # Each look at the variables of a host has Ansible put them together anew.
    at_hand: Mapping[str, Any] = ChainMap({host: known}, cast("Dict[str, Any]", variables))
    return len(as_planned(targets, planned, host, at_hand)["targets"]) < len(targets)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"hosts_to_correct": hosts_to_correct}
