# SPDX-License-Identifier: Apache-2.0
"""Lookup: which variables a run was given for itself, with -e."""

from __future__ import annotations

DOCUMENTATION = r"""
name: extra_variables
short_description: Name the variables that a run was given with -e
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Extra variables win over all others. This tells whether a variable is one of them, or one of the inventory that only has
    the same name.
options: {}
"""

EXAMPLES = r"""
- name: Take a variable only where it was typed
  ansible.builtin.debug:
    msg: "{{ image if 'image' in query('registry.docker_updater.extra_variables') else 'none was given' }}"
"""

RETURN = r"""
_raw:
  description: The names, without their values.
  type: list
  elements: str
"""
from typing import Any, List, Optional, Sequence

from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars


class LookupModule(LookupBase):  # type: ignore[misc]
    """What Ansible looks for."""

    def run(self, terms: Sequence[Any], variables: Optional[Any] = None, **kwargs: Any) -> List[str]:  # noqa: ARG002
        """Return the names."""
        # Read once by Ansible itself, when the run began.
        return sorted(str(name) for name in load_extra_vars(self._loader))
