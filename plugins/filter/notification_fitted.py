# SPDX-License-Identifier: Apache-2.0
"""Filter: the words of a notification, fitted in what a channel takes."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible_collections.registry.docker_updater.plugins.module_utils.notification.fitting import fitted

DOCUMENTATION = r"""
name: notification_fitted
short_description: Leave out of a notification what a channel has no room for
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Returns the words of a message with as many pieces of news and lines of targets as there is room for, worst first. No line is
    cut, and what is left out is counted, in C(rest).
positional: size, lines, each
options:
  _input:
    description: What the filter C(notification_words) returned.
    type: dict
    required: true
  size:
    description: How many bytes the texts may have in UTF-8, escaped for JSON, HTML and Slack.
    type: int
    required: true
  lines:
    description: How many pieces of news and lines of targets there may be in all.
    type: int
    required: true
  each:
    description: How many bytes the form around one text costs, such as the JSON of a block.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Show a short message
  ansible.builtin.debug:
    msg: "{{ (words | registry.docker_updater.notification_fitted(size=2000, lines=10)).news }}"
"""

RETURN = r"""
_value:
  description: The same words, fewer.
  type: dict
"""


def notification_fitted(words: Mapping[str, Any], size: int, lines: int, each: int = 0) -> Dict[str, Any]:
    """Return as much of ``words`` as there is room for."""
    return fitted(words, size, lines, each)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"notification_fitted": notification_fitted}
