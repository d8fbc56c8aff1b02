# SPDX-License-Identifier: Apache-2.0
"""Have containers updated on their host, and print a line for each."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.registry.docker_updater.plugins.plugin_utils.policies import with_policies

_display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """The controller's half of the module of the same name, which does all the work; it is told what the inventory says by now."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returned."""
        super().run(tmp, task_vars)
        arguments = with_policies(self._task.args, self._templar, task_vars or {})
        result: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        host = (task_vars or {}).get("inventory_hostname", "")
        for one in result.get("containers", ()):
            end = f"{one['outcome']}: " if "outcome" in one else ""
            _display.display(f"{host} | {one['name']}: {end}{one['message']}")
        return result
