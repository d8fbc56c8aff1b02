# SPDX-License-Identifier: Apache-2.0
"""Filter: a notification in words."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.message import (
    message_words,
)

DOCUMENTATION = r"""
name: notification_words
short_description: Say in words what a notification tells
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Returns what the templates of the role C(notification) get as their variable C(message).
  - Every text in it is one line, of bounded length, without control or invisible characters, and is nowhere evaluated. What a channel's
    own syntax needs escaped is escaped in the template of that channel.
positional: link
options:
  _input:
    description: The message, with C(id), C(receiver), C(sent_for) and C(items).
    type: dict
    required: true
  link:
    description: Base URL of the operator, for links to its pages.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show what is told
  ansible.builtin.debug:
    msg: "{{ (notification_message | registry.docker_updater.notification_words('https://updater.example.com')).subject }}"
"""

RETURN = r"""
_value:
  description: >-
    The words: C(id), C(receiver), C(sent_for), C(is_test), C(topic), C(event), C(time), C(mark), C(headline), C(title), C(subject),
    C(operator), C(link), C(news), C(rest), C(left_out), and C(data) for programs.
  type: dict
"""


def notification_words(message: Mapping[str, Any], link: Any = "") -> Dict[str, Any]:
    """Return the words of ``message``, whose texts are marked so that older versions of Ansible evaluate none."""
    words: Dict[str, Any] = wrap_var(message_words(message, link))
    return words


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"notification_words": notification_words}
