# SPDX-License-Identifier: Apache-2.0
"""Filter: which updates ended badly."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import is_good

DOCUMENTATION = r"""
name: ended_badly
short_description: Say which results of updates are bad
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - One with an outcome is bad when that is not good, whether or not the task failed. One without, as in check mode, is bad when the task failed.
positional: is_end_expected
options:
  _input:
    description: What modules returned that update targets.
    type: list
    elements: dict
    required: true
  is_end_expected:
    description: Whether each should have an outcome, so that one without is bad.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show which containers failed
  ansible.builtin.debug:
    msg: "{{ standalone_container_results | registry.docker_updater.ended_badly | map(attribute='name') }}"
"""

RETURN = r"""
_value:
  description: Those of the results, first those without an outcome.
  type: list
  elements: dict
"""


def ended_badly(
    results: Sequence[Mapping[str, Any]],
    is_end_expected: bool = False,  # noqa: FBT001, FBT002 - templates name it
) -> List[Mapping[str, Any]]:
    """Return those of ``results`` that are bad."""
    silent = [one for one in results if "outcome" not in one and (is_end_expected or one.get("failed"))]
    return silent + [one for one in results if "outcome" in one and not is_good(one["outcome"])]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"ended_badly": ended_badly}
