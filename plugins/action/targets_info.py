# SPDX-License-Identifier: Apache-2.0
"""Have a host looked at, and say how the operator may open its engine itself: that is the inventory's word, not the host's."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

# The inventory's variable, and what it is called in the result.
_VARIABLE, _LIVE = "docker_live", "live"


class ActionModule(ActionBase):  # type: ignore[misc]
    """The controller's half of the module of the same name, which does all the looking."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returned, and C(live) where the inventory says so."""
        super().run(tmp, task_vars)
        result: dict[str, Any] = self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val)
        if result.get("failed") and self._connection.transport == "ssh":
            # What is changed about the user there, such as that it may use the engine, counts for a new connection only.
            self._connection.reset()
        result.pop(_LIVE, None)
        if _VARIABLE in (task_vars or {}):
            result[_LIVE] = self._templar.template((task_vars or {})[_VARIABLE])
        return result
