# SPDX-License-Identifier: Apache-2.0
"""Tell what became of a target that no module updated: a result like that of a module, and a line in the output."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import KINDS

_display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """All there is of the module of the same name: nothing happens on the host."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the options say, as the result of an update would."""
        super().run(tmp, task_vars)
        _, outcome = self.validate_argument_spec(
            argument_spec={
                "kind": {"type": "str", "required": True, "choices": list(KINDS)},
                "id": {"type": "str", "required": True},
                "name": {"type": "str", "required": True},
                "outcome": {"type": "str", "required": True},
                "digest": {"type": "str", "required": True},
                "before": {"type": "dict", "required": True},
                "after": {"type": "dict"},
                "message": {"type": "str", "required": True},
                "left_alone": {"type": "bool", "default": False},
                "held": {"type": "bool", "default": False},
                "lost": {"type": "bool", "default": False},
            }
        )
        outcome["after"] = outcome["after"] or outcome["before"]
        host = (task_vars or {}).get("inventory_hostname", "")
        _display.display(f"{host} | {outcome['name']} | {outcome['outcome']}: {outcome['message']}")
        if (task_vars or {}).get("ansible_check_mode"):
            del outcome["outcome"]
        return {"changed": False, "msg": outcome["message"], **outcome}
