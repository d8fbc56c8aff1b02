# SPDX-License-Identifier: Apache-2.0
"""Filter: outcomes in the order in which people are told."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import rank

DOCUMENTATION = r"""
name: worst_first
short_description: Put outcomes in the order in which people are told
version_added: 0.1.0
author: The registry-docker-updater developers
description:
  - What somebody has to look at comes first, then what was updated, what was superseded, and that of which nothing was to be done.
options:
  _input:
    description: What became of each target, with C(outcome).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what matters most
  ansible.builtin.debug:
    msg: "{{ notification_rollout.outcomes | registry.docker_updater.worst_first | first }}"
"""

RETURN = r"""
_value:
  description: The same entries, sorted.
  type: list
  elements: dict
"""


def worst_first(outcomes: Sequence[Mapping[str, Any]]) -> List[Mapping[str, Any]]:
    """Return ``outcomes`` sorted; those that are alike stay in their order."""
    return sorted(outcomes, key=lambda one: rank(one.get("outcome")))


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"worst_first": worst_first}
