# SPDX-License-Identifier: Apache-2.0
"""Filter: the text of an error, as it can be shown."""

from __future__ import annotations

from typing import Any, Dict, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.notification.results import shown

DOCUMENTATION = r"""
name: notification_shown
short_description: Show a text of somebody else's in one line, without secrets
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - What is secret is left out, and what would be read as a template is made inert.
options:
  _input:
    description: The text.
    type: str
    required: true
  secrets:
    description: What must not be shown.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show why it failed
  ansible.builtin.debug:
    msg: "{{ ansible_failed_result.msg | registry.docker_updater.notification_shown([vaulted_token]) }}"
"""

RETURN = r"""
_value:
  description: One line of at most 300 characters, in which no template is left.
  type: str
"""


def notification_shown(text: Any, secrets: Sequence[str]) -> str:
    """Return ``text`` as it can be shown."""
    return shown(str(text), secrets)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"notification_shown": notification_shown}
