# SPDX-License-Identifier: Apache-2.0
"""Filter: what a team is told about a rollout."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.notification.given import topic_of

DOCUMENTATION = r"""
name: notification_topic
short_description: Say which topic a rollout belongs to
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - One that is not good is enough for C(update failed).
options:
  _input:
    description: What became of each target, with C(outcome).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the topic
  ansible.builtin.debug:
    msg: "{{ notification_rollout.outcomes | registry.docker_updater.notification_topic }}"
"""

RETURN = r"""
_value:
  description: C(update failed), C(image updated), or C(nothing to tell).
  type: str
"""


def notification_topic(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """Return the topic of a rollout that ended with ``outcomes``."""
    return topic_of(outcomes)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"notification_topic": notification_topic}
