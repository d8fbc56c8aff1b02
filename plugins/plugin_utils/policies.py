# SPDX-License-Identifier: Apache-2.0
"""What the inventory says of when, and whether, the targets of hosts are updated, as tasks find it worked out."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from ansible_collections.registry.docker_updater.plugins.module_utils.planned import (
    hosts_weighed,
    planned_or_none,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.policy import ORDER, POLICY, policy_of
from ansible_collections.registry.docker_updater.plugins.plugin_utils.notification_settings import plain


def policy_said(templar: Any, variables: Mapping[str, Any]) -> Dict[str, str]:
    """Return the policy of the host of a task with these ``variables``."""
    return _policy(lambda name: templar.template(variables.get(name)))


def with_policies(arguments: Mapping[str, Any], templar: Any, variables: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the arguments of a task with these ``variables``; their C(at_once) has the policies of the hosts that count for it."""
    asked = arguments.get("at_once")
    if not isinstance(asked, Mapping):
        return dict(arguments)
    planned, host = planned_or_none(asked.get("planned")), str(variables.get("inventory_hostname"))
    policies = {host: policy_said(templar, variables)}
    everybody = variables.get("hostvars") or {}
    for other in hosts_weighed(planned, planned or (), host) - {host}:
        if other in everybody:
            policies[other] = _policy(everybody[other].get)
    return {**arguments, "at_once": {**asked, "policies": policies}}


def _policy(said: Callable[[str], Any]) -> Dict[str, str]:
    try:
        policy, order = (plain(said(name)) for name in (POLICY, ORDER))
    except Exception as error:
        # Whoever reads that cannot make anything of it, and waits. A host that fails here would be taken for one that is down.
        return policy_of(f"it cannot be worked out: {error}")
    return policy_of(policy, order)
