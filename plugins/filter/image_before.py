# SPDX-License-Identifier: Apache-2.0
"""Filter: what a target ran before, as outcomes tell it."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible_collections.registry.docker_updater.plugins.module_utils import targets

DOCUMENTATION = r"""
name: image_before
short_description: Return image and digest of a target that was found
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Of an image that is known under several digests, it is the same one each time.
options:
  _input:
    description: An entry of what the module P(registry.docker_updater.targets_info#module) found.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what the first target runs
  ansible.builtin.debug:
    msg: "{{ fleet_scan_result.targets | first | registry.docker_updater.image_before }}"
"""

RETURN = r"""
_value:
  description: The image, and its digest or nothing.
  type: dict
"""


def image_before(target: Mapping[str, Any]) -> Dict[str, Any]:
    """Return image and digest of ``target``."""
    return targets.image_before(target)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"image_before": image_before}
