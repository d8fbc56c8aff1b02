# SPDX-License-Identifier: Apache-2.0
"""Ask a host again and again what its running updates have to tell, and show it while they go on."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

_display = Display()

# All in seconds. An update tells something at once and every ten seconds: one that is silent has died or never began.
_SILENCE = 60.0
# A question takes five: a connection on which it takes so long is dead, whatever ssh still hopes for.
_DEAD = 30
# For so long a broken connection is taken up again.
_BROKEN = 20.0
_PAUSE = 2.0


class ActionModule(ActionBase):  # type: ignore[misc]
    """The controller's half of the module of the same name."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return when all updates are over, with everything that they told."""
        super().run(tmp, task_vars)
        host = (task_vars or {}).get("inventory_hostname", "")
        lines: list[dict[str, Any]] = []
        arguments = dict(self._task.args)
        heard_at = connected_at = time.monotonic()
        while True:
            try:
                answer = self._ask(arguments, task_vars)
            except AnsibleConnectionFailure as error:
                if time.monotonic() - connected_at > _BROKEN:
                    raise
                _display.display(f"{host} | connection lost, trying again: {error}")
                time.sleep(_PAUSE)
                self._connection.reset()
                continue
            if answer.get("failed"):
                return answer
            connected_at = time.monotonic()
            if answer["lines"]:
                heard_at = connected_at
            for line in answer["lines"]:
                _display.display(f"{host} | {line['service']} | {line['text']}")
            lines += answer["lines"]
            arguments["offsets"] = answer["offsets"]
            if not answer["going_on"] or connected_at - heard_at > _SILENCE:
                return {"changed": False, "lines": lines, "going_on": answer["going_on"]}

    def _ask(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        with _limit(_DEAD):
            answer: dict[str, Any] = self._execute_module(
                module_name="registry.docker_updater.swarm_service_progress",
                module_args=arguments,
                task_vars=task_vars,
            )
        return answer


@contextmanager
def _limit(seconds: int) -> Iterator[None]:
    """Take a connection that does not answer for broken: ssh by itself waits for many minutes."""

    def ring(*_: object) -> None:
        raise AnsibleConnectionFailure(f"no answer within {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
