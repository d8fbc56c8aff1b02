# SPDX-License-Identifier: Apache-2.0
"""Test: whether nobody needs to look at a target."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import is_good

DOCUMENTATION = r"""
name: good_outcome
short_description: Whether an outcome is one that nobody needs to look at
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - True for C(updated), C(unchanged), C(skipped) and C(superseded). A rollback is never good, and neither is a word that nobody knows.
options:
  _input:
    description: What became of a target.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what somebody has to look at
  ansible.builtin.debug:
    msg: "{{ outcomes | rejectattr('outcome', 'registry.docker_updater.good_outcome') }}"
"""

RETURN = r"""
_value:
  description: Whether it is good.
  type: bool
"""


def good_outcome(outcome: Any) -> bool:
    """Tell whether ``outcome`` is good."""
    return is_good(outcome)


class TestModule:
    """What Ansible looks for."""

    def tests(self) -> Dict[str, Any]:
        """Return the test by its name."""
        return {"good_outcome": good_outcome}
