# SPDX-License-Identifier: Apache-2.0
"""Filter: of which targets nobody has said what became of them."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.targets import key_of

DOCUMENTATION = r"""
name: unreported
short_description: Say of which targets no result tells
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - A result without C(outcome) tells nothing, because its module came to no end.
positional: results, host
options:
  _input:
    description: The targets of a host that were to be updated.
    type: list
    elements: dict
    required: true
  results:
    description: What modules returned about targets of the host.
    type: list
    elements: dict
    required: true
  host:
    description: The name of the host.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show which containers were out of reach
  ansible.builtin.debug:
    msg: "{{ wanted | registry.docker_updater.unreported(standalone_container_results, inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: Those of the targets.
  type: list
  elements: dict
"""


def unreported(
    targets: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]], host: str
) -> List[Mapping[str, Any]]:
    """Return those of ``targets`` that none of ``results`` is about."""
    reported = {key_of(one, host) for one in results if "outcome" in one and "kind" in one}
    return [target for target in targets if key_of(target, host) not in reported]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"unreported": unreported}
