# SPDX-License-Identifier: Apache-2.0
"""Filter: which targets a person changed after a push, so that it is not for them."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.manual_changes import changed_after
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import key_of

DOCUMENTATION = r"""
name: changed_manually
short_description: Say which targets of a host a person changed after a push
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - A target that runs none of the digests it is known to run was deployed since anybody looked. It is returned when that
    was after the push.
positional: known_digests, host, pushed_at
options:
  _input:
    description: What the module P(registry.docker_updater.targets_info#module) returned as C(scan), with C(asked_at).
    type: dict
    required: true
  known_digests:
    description: >-
      The digests that targets may run, by C(service/<service id>) and C(container/<host>/<name>). One that is not among
      these may run anything.
    type: dict
    required: true
  host:
    description: The name of the host.
    type: str
    required: true
  pushed_at:
    description: When the push came, in seconds since 1970.
    type: float
    required: true
"""

EXAMPLES = r"""
- name: See what people changed
  ansible.builtin.debug:
    msg: "{{ fleet_scan_result | registry.docker_updater.changed_manually(known_digests, inventory_hostname, pushed_at) }}"
"""

RETURN = r"""
_value:
  description: Those of the targets that a person changed.
  type: list
  elements: dict
"""


def changed_manually(
    scan: Mapping[str, Any], known_digests: Mapping[str, Sequence[str]], host: str, pushed_at: float
) -> List[Dict[str, Any]]:
    """Return those targets of ``scan`` that somebody changed after ``pushed_at``."""
    return [
        target
        for target in scan["targets"]
        if changed_after(
            target, known_digests.get(key_of(target, host)), float(pushed_at), float(scan["asked_at"])
        )
    ]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"changed_manually": changed_manually}
