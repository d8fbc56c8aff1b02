# SPDX-License-Identifier: Apache-2.0
"""Filter: what came of telling people, without secrets."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible_collections.registry.docker_updater.plugins.module_utils.notification.results import (
    results,
    retry_after,
)

DOCUMENTATION = r"""
name: notification_report
short_description: Say which channels were told, and why others were not
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - What the role C(notification) reports at its end, in the statistics of the run. No address or token is in it.
options:
  _input:
    description: What M(registry.docker_updater.notification_plan) returned.
    type: dict
    required: true
  answers:
    description: What the task of each channel registered.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Report which channels were told
  ansible.builtin.set_stats:
    data: "{{ __notification | registry.docker_updater.notification_report({'slack': __notification_slack}) }}"
"""

RETURN = r"""
_value:
  description:
    - C(notification_results), for each channel C(ok), or C(failed:) and why; C(notification_nobody), why nobody is told;
      C(notification_retry_after), the seconds that the other side of a channel asks to wait; and C(notification_channels_set),
      the channels that the receiver has.
  type: dict
"""


def notification_report(
    planned: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]
) -> Dict[str, Any]:
    """Return what the run reports."""
    tried = {channel: answers.get(channel) or {} for channel in planned["tried"]}
    return {
        "notification_results": results(tried, planned["refused"], planned["secrets"]),
        "notification_nobody": planned["nobody"],
        "notification_retry_after": retry_after(tried),
        "notification_channels_set": list(planned["channels_set"]),
    }


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"notification_report": notification_report}
