# SPDX-License-Identifier: Apache-2.0
"""Have a host looked at, and say of it what is the inventory's word and not the host's.

That is how the operator may open its engine itself, which groups it is in, and when, and whether, its targets are updated.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.registry.docker_updater.plugins.plugin_utils.policies import policy_said

# The inventory's variable, and what it is called in the result.
_VARIABLE, _LIVE = "docker_live", "live"
_GROUP_NAMES, _GROUPS = "group_names", "groups"
# Every host is in the first, and one that is in no other in the second, which says nothing.
_NO_GROUPS = ("all", "ungrouped")
_SAID = "policy"


class ActionModule(ActionBase):  # type: ignore[misc]
    """The controller's half of the module of the same name, which does all the looking."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returned, with C(groups), C(policy), and C(live) where the inventory says so."""
        super().run(tmp, task_vars)
        result: dict[str, Any] = self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val)
        if result.get("failed") and self._connection.transport == "ssh":
            # What is changed about the user there, such as that it may use the engine, counts for a new connection only.
            self._connection.reset()
        known = task_vars or {}
        result.pop(_LIVE, None)
        if _VARIABLE in known:
            result[_LIVE] = self._templar.template(known[_VARIABLE])
        result[_GROUPS] = sorted(str(name) for name in known.get(_GROUP_NAMES, ()) if name not in _NO_GROUPS)
        result[_SAID] = policy_said(self._templar, known)
        return result
