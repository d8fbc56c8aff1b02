# SPDX-License-Identifier: Apache-2.0
"""Filter: which targets of a host are to be updated."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.targets import of_kind, without_skipped

DOCUMENTATION = r"""
name: targets_of
short_description: Say which targets of one kind are to be updated
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Of what a scan found on a host, leaves out the other kind and what is to be skipped.
positional: kind, host, skip
options:
  _input:
    description: What the module P(registry.docker_updater.targets_info#module) found as C(targets).
    type: list
    elements: dict
    required: true
  kind:
    description: Which of them.
    type: str
    choices: [service, container]
    required: true
  host:
    description: The name of the host.
    type: str
    required: true
  skip:
    description: Targets that are not to be touched, as C(service/ID) and C(container/HOST/NAME).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show which containers are to be updated
  ansible.builtin.debug:
    msg: "{{ fleet_scan_result.targets | registry.docker_updater.targets_of('container', inventory_hostname, skip) }}"
"""

RETURN = r"""
_value:
  description: Those of the targets.
  type: list
  elements: dict
"""


def targets_of(
    targets: Sequence[Mapping[str, Any]], kind: str, host: str, skip: Collection[str] = ()
) -> List[Mapping[str, Any]]:
    """Return those of the ``targets`` of ``host`` that are of this kind and not in ``skip``."""
    return without_skipped(of_kind(targets, kind), host, skip)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"targets_of": targets_of}
