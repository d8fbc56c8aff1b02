# SPDX-License-Identifier: Apache-2.0
"""Filter: a text in which no service finds a mention, a link or markup."""

from __future__ import annotations

from typing import Any, Dict

DOCUMENTATION = r"""
name: notification_inert
short_description: Keep a text from mentioning anybody, and from being read as markup
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - For services that are not known, some of which read Markdown, HTML or names of people in a plain text. What begins those is
    replaced by a character that looks like it.
options:
  _input:
    description: The text.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show a text in which nobody is mentioned
  ansible.builtin.debug:
    msg: "{{ '@everyone' | registry.docker_updater.notification_inert }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

_INSTEAD = str.maketrans({"@": "\uff20", "<": "\u2039", ">": "\u203a", "`": "\u02cb"})


def notification_inert(text: Any) -> str:
    """Return ``text`` without what begins mentions, HTML, code, or the address of a link in Markdown."""
    return str(text).translate(_INSTEAD).replace("](", "] (")


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"notification_inert": notification_inert}
