# SPDX-License-Identifier: Apache-2.0
"""Filter: what became of each target, from what the roles left in the variables of the hosts."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.log_lines import LINES, bounded
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import (
    FAILED,
    UNREACHABLE,
    has_log,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import (
    image_before,
    key_of,
    place_of,
)

DOCUMENTATION = r"""
name: target_outcomes
short_description: Say what became of each target of an update run
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Reads what the roles swarm_service and standalone_container left in the variables of the hosts, and what was left
    alone, and returns it in the form that the role notification takes. A host that the run never reached is told as unreachable,
    and a target of which nobody said a word as failed.
positional: hosts, steps
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
  steps:
    description: The steps of the plan, with the targets of which an end is expected; none in check mode, which has no ends.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Keep what became of each target
  ansible.builtin.set_fact:
    outcomes: "{{ hostvars | registry.docker_updater.target_outcomes(docker_update_plan.asked, docker_update_plan.steps) }}"
"""

RETURN = r"""
_value:
  description: One entry a target, with kind, name, where, outcome, before, after, message and log, the last lines of what did not come up.
  type: list
  elements: dict
"""


def target_outcomes(
    variables: Mapping[str, Any], hosts: Sequence[str], steps: Sequence[Mapping[str, Any]] = ()
) -> List[Dict[str, Any]]:
    """Return one entry a target; of a service that two managers handled, the one that knew its end."""
    found: Dict[str, Dict[str, Any]] = {}
    for host in hosts:
        known = variables[host]
        if "fleet_scan_result" not in known:
            found[host] = _entry(
                "host", host, place_of("host", host), {"outcome": UNREACHABLE, "message": "did not answer"}
            )
            continue
        for result in _results(known):
            key = key_of(result, host)
            if key not in found or not result.get("lost"):
                found[key] = _entry(result["kind"], result["name"], place_of(result["kind"], host), result)
    for host, target in _expected(steps):
        silence = {
            "outcome": FAILED,
            "before": image_before(target),
            "message": "the run ended without a word about it",
        }
        found.setdefault(
            key_of(target, host),
            _entry(target["kind"], target["name"], place_of(target["kind"], host), silence),
        )
    return list(found.values())


def _expected(steps: Sequence[Mapping[str, Any]]) -> Iterator[Tuple[str, Mapping[str, Any]]]:
    for step in steps:
        for unit in step["units"]:
            for host, targets in unit["targets"].items():
                for target in targets:
                    yield host, target


def _results(known: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for variable in (
        "docker_update_skipped",
        "docker_update_superseded",
        "docker_update_left_alone",
        "standalone_container_results",
        "swarm_service_results",
    ):
        for result in known.get(variable) or ():
            if "outcome" in result and "kind" in result:
                yield result


def _entry(kind: str, name: str, where: str, result: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        "kind": kind,
        "name": name,
        "where": where,
        "outcome": result["outcome"],
        "before": result.get("before"),
        "after": result.get("after"),
        "message": result.get("message"),
        "log": _log(result.get("log")) if has_log(result["outcome"]) else [],
    }


def _log(said: Any) -> List[str]:
    """Return the lines that a module of ours would tell, themselves: a changed one would not be marked as untrusted any more."""
    lines = said if isinstance(said, list) else []
    return [line for line in lines if bounded([line]) == [line]][-LINES:]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"target_outcomes": target_outcomes}
