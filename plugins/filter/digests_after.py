# SPDX-License-Identifier: Apache-2.0
"""Filter: which digests targets may run after some may have been updated at once."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

DOCUMENTATION = r"""
name: digests_after
short_description: Say which digests targets may run after some may have been updated at once
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - What was to be updated at once may have been, though nobody heard of its end.
positional: asked, digest
options:
  _input:
    description: The digests that each target may have run before, by its key.
    type: dict
    required: true
  asked:
    description: What was to be updated at once, by host and by key.
    type: dict
    required: true
  digest:
    description: What it was to be updated to.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what targets may run by now
  ansible.builtin.debug:
    msg: "{{ known_digests | registry.docker_updater.digests_after(docker_update_at_once, digest) }}"
"""

RETURN = r"""
_value:
  description: The digests that each may run by now, by its key.
  type: dict
"""


def digests_after(
    known: Mapping[str, Sequence[str]], asked: Mapping[str, Mapping[str, Any]], digest: str
) -> Dict[str, List[str]]:
    """Return ``known`` with ``digest`` added for what was to be updated at once."""
    keys = {key for of_host in asked.values() for key in of_host}
    return {key: [*digests, digest] if key in keys else list(digests) for key, digests in known.items()}


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"digests_after": digests_after}
