# SPDX-License-Identifier: Apache-2.0
"""Have services updated by a manager, and show how that is going until all have ended."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import FAILED
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import SERVICE
from ansible_collections.registry.docker_updater.plugins.plugin_utils.policies import with_policies

_display = Display()
Result = dict[str, Any]

# All in seconds. An update tells something at once and every ten seconds: one that is silent has died or never began.
# What it asks an engine or a registry first may take each of them a minute.
_SILENCE = 150.0
# A question takes five: a connection on which it takes so long is dead, whatever ssh still hopes for.
_DEAD = 30
# For so long a broken connection is taken up again.
_BROKEN = 20.0
_PAUSE = 2.0


class ActionModule(ActionBase):  # type: ignore[misc]
    """The controller's half of the module of the same name."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> Result:
        """Return what became of the services: when all updates are over, or the manager is lost."""
        super().run(tmp, task_vars)
        begun: Result = self._execute_module(
            module_args=with_policies(self._task.args, self._templar, task_vars or {}),
            task_vars=task_vars,
            wrap_async=self._task.async_val,
        )
        files = begun.pop("progress_files", None)
        if files is None:
            return begun
        ids = begun.pop("ids")
        results: dict[str, Result] = {}
        end = self._follow(files, results, task_vars) if files else {}
        if not end.get("unreachable"):
            self._forget(files)
        services = [{**_bare(name, ids[name]), **one} for name, one in results.items()]
        if not end.get("unreachable"):
            services += [_killed(name, ids[name]) for name in files if name not in results]
        warnings = [f"{one['name']}: {text}" for one in services for text in one.pop("warnings", ())]
        return {
            **begun,
            "services": services,
            "changed": any(one.get("changed") for one in services),
            "failed": any(one.get("failed", True) for one in services),
            "msg": "; ".join(f"{one['name']}: {one['message']}" for one in services),
            "warnings": [*begun.get("warnings", ()), *warnings],
            **end,
        }

    def _follow(
        self, files: Mapping[str, str], results: dict[str, Result], task_vars: dict[str, Any] | None
    ) -> Result:
        """Show what is told and collect ``results``, by name, until all is over; return what ended that early, if anything did."""
        host = (task_vars or {}).get("inventory_hostname", "")
        offsets: dict[str, int] = {}
        heard_at = connected_at = time.monotonic()
        while True:
            try:
                answer = self._ask({"files": dict(files), "offsets": offsets}, task_vars)
            except AnsibleConnectionFailure as error:
                if time.monotonic() - connected_at > _BROKEN:
                    return {"unreachable": True, "msg": str(error)}
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
            offsets = answer["offsets"]
            results.update(answer["ends"])
            if not answer["going_on"] or connected_at - heard_at > _SILENCE:
                return {}

    def _forget(self, files: Mapping[str, str]) -> None:
        """Leave nothing behind on the manager, now that what it knew is known here. One that is lost does so by itself."""
        for folder in {path.rpartition("/")[0] for path in files.values()}:
            with suppress(AnsibleConnectionFailure), _limit(_DEAD):
                self._low_level_execute_command(f"rm -rf {shlex.quote(folder)}")

    def _ask(self, arguments: Result, task_vars: dict[str, Any] | None) -> Result:
        with _limit(_DEAD):
            answer: Result = self._execute_module(
                module_name="registry.docker_updater.swarm_service_progress",
                module_args=arguments,
                task_vars=task_vars,
            )
        return answer


def _killed(name: str, service: str) -> Result:
    message = "the process that updated it was killed. Swarm goes on by itself; what becomes of the service cannot be seen from here"
    return {**_bare(name, service), "message": message, "msg": message, "lost": True}


def _bare(name: str, service: str) -> Result:
    """Return what is said at least of a service of which nothing better is known."""
    return {
        "kind": SERVICE,
        "id": service,
        "name": name,
        "outcome": FAILED,
        "lost": False,
        "failed": True,
        "changed": False,
    }


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
