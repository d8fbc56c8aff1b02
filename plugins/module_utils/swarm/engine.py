# SPDX-License-Identifier: Apache-2.0
"""Ask a manager about one service, and change it, through all the weather a swarm has.

Leaders change, managers restart, versions move, answers get lost. What passes by itself is waited for, within
limits; what does not is told by the exceptions below.
"""

from __future__ import annotations

import random
import time
from typing import Any, Callable, List, Optional

from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.container_log import log_of_task
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    EngineUnreachable,
    NoAnswer,
    NotFound,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions.changes import (
    Auth,
    Change,
    Platforms,
    Service,
    Superseded,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions.sight import (
    Json,
    Sight,
    has_terminal,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions.spec import (
    platforms_answered,
)

PAUSE = 2.0
# A new leader is elected, and an engine restarted, well within this time.
_PATIENCE = 45.0
_TRIES = 10
_NOT_IMPLEMENTED = 501


class Refused(Exception):
    """What was asked cannot be done, and nothing was changed. The message says why and what to do."""


class Lost(Exception):
    """The manager can no longer see its swarm; another one may."""


class SwarmEngine:
    """One service of one swarm, through one of its managers. ``say`` is told what is waited for."""

    def __init__(self, engine: Engine, service: str, say: Callable[[str], None]) -> None:
        self._engine, self._path, self._name, self._say = engine, f"/services/{service}", service, say

    def service(self) -> Service:
        """Return the service. Raises :class:`Superseded` when there is none, :class:`Lost`, :class:`Refused`."""
        service: Optional[Service] = self._patiently(lambda: self._engine.get(self._path))
        if service is None:
            raise Superseded(f"there is no service {self._name} any more")
        return service

    def look(self) -> Sight:
        """Return the service with its tasks and the nodes. Raises :class:`Lost`, :class:`Refused`."""
        return self._patiently(self._look) or Sight(None)

    def send(self, decide: Callable[[Service], Optional[Change]]) -> List[str]:
        """Change the service as ``decide`` says of it as it is, again as long as its version moves; return warnings.

        ``decide`` returns None when there is nothing left to change. A request without an answer may have
        been carried out, so the service is looked at before it is repeated. Raises what :meth:`service` and ``decide`` raise.
        """
        problem = ""
        for attempt in range(_TRIES + 1):
            service = self.service()
            change = decide(service)
            if change is None:
                return []
            if attempt == _TRIES:
                break
            query = {**change.query, "version": service["Version"]["Index"]}
            try:
                answer = self._engine.post(
                    f"/services/{service['ID']}/update", query, change.spec, auth=change.auth
                )
            except (NoAnswer, EngineUnreachable) as error:
                problem = str(error)
            except NotFound:
                raise Superseded("the service was removed in the meantime") from None
            except EngineError as error:
                if not _passes(error):
                    raise Refused(f"the swarm refuses the update: {error.message}") from error
                problem = error.message
            else:
                return list((answer or {}).get("Warnings") or [])
            self._say(f"again: {problem}")
            # Apart from others who do the same.
            time.sleep(random.uniform(0.2, 1.0))  # noqa: S311
        raise Refused(f"the swarm did not take the update in {_TRIES} tries: {problem}")

    def platforms_of(self, repository: str, digest: str, auth: Auth) -> Platforms:
        """Return the platforms that the registry names, asked through the engine; none where it names none.

        Raises :class:`Refused` where the digest cannot be pulled with these credentials.
        """
        name = f"{repository}@{digest}"
        try:
            answer = self._engine.distribution(name, auth)
        except (NoAnswer, EngineUnreachable) as error:
            raise Refused(f"the registry could not be asked for {name}: {error}") from error
        except EngineError as error:
            hint = "" if auth else ", and no credentials for it are configured"
            raise Refused(f"the registry does not give {name}: {error.message}{hint}") from error
        given = (answer.get("Descriptor") or {}).get("digest")
        if given != digest:
            raise Refused(f"the registry answered with {given} when it was asked for {name}")
        return platforms_answered(answer)

    def log(self, task: Json) -> List[str]:
        """Return the last lines of the log of ``task``, none where they cannot be had."""
        return log_of_task(self._engine, task["ID"], has_terminal=has_terminal(task))

    def _look(self) -> Sight:
        service = self._engine.get(self._path)
        filters = {"service": [service["ID"]]}
        tasks = self._engine.get("/tasks", {"filters": filters})
        # Swarm's own judgement, as docker's client uses it (docker/cli, cli/command/service/progress).
        fresh = self._engine.get("/tasks", {"filters": {**filters, "_up-to-date": ["true"]}})
        nodes = self._engine.get("/nodes")
        return Sight(
            service=service,
            tasks=tuple(tasks),
            up_to_date=frozenset(task["ID"] for task in fresh),
            nodes={node["ID"]: node for node in nodes},
        )

    def _patiently(self, ask: Callable[[], Any]) -> Any:
        """Ask until there is an answer, None where there is no such service."""
        began = time.monotonic()
        while True:
            try:
                return ask()
            except NotFound:
                return None
            except (NoAnswer, EngineUnreachable) as error:
                problem = str(error)
            except EngineError as error:
                if not _passes(error):
                    raise Refused(f"the engine refuses: {error}") from error
                problem = f"the swarm does not answer this manager: {error.message}"
            if time.monotonic() - began > _PATIENCE:
                raise Lost(problem)
            self._say(f"waiting: {problem}")
            time.sleep(PAUSE)


def _passes(error: EngineError) -> bool:
    """Tell whether an error may pass by itself.

    A stale version ("update out of sequence"), a swarm without a leader and one without quorum are all told
    with codes of 500 and more.
    """
    return error.status >= 500 and error.status != _NOT_IMPLEMENTED
