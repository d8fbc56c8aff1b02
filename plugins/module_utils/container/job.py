# SPDX-License-Identifier: Apache-2.0
"""What is done on one engine at a time, under its lock: what was left unfinished first, then what is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    reference_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.relations import (
    in_order,
    name_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.finish import (
    repair,
    repairable,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal
from ansible_collections.registry.docker_updater.plugins.module_utils.container.preview import preview
from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.container.results import Result
from ansible_collections.registry.docker_updater.plugins.module_utils.container.side_by_side import (
    PARALLEL,
    Shared,
    at_once,
    update_side_by_side,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.update import (
    Update,
    look_at_copied_files,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.work import Options
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine

Answer = Dict[str, Any]

_LONGEST_WAIT = 3600.0  # for another update on the same host, in seconds


class Job:
    """Work on the engine that ``engine`` (the value of ENGINE_OPTION) opens, with journals in ``state_directory``."""

    def __init__(self, engine: Mapping[str, Any], state_directory: str, options: Options) -> None:
        self._engine, self._state_directory, self._options = engine, state_directory, options

    def do(self, requests: Sequence[Request], parallel: int = PARALLEL) -> Answer:
        """Finish what was left, then bring each container of ``requests`` to its digest, ``parallel`` at the same time.

        Return ``containers``, a result each, in their order, and ``repairs``, the results of what was left. Raises what an
        engine raises, and :class:`JournalUnusable`.
        """
        containers = Containers(Engine(self._engine))
        journal = self.journal(containers)
        before = {request.name: journal.kept_result(request.name) for request in requests}
        # What is known of one container is its own: each asks the engine for itself.
        own = {request.name: Containers(Engine(self._engine)) for request in requests}
        # What takes long for a container that has written much is not done while others wait.
        at_once(lambda request: look_at_copied_files(own[request.name], request.name), requests)
        with journal.lock(_LONGEST_WAIT) as lock:
            repairs = repair(containers, journal, self._options)
            for one in repairs:
                # Another run may wait for the lock with the same request.
                _keep(journal, one)
            if not requests:
                return {"repairs": repairs, **_order(containers)}
            shared = Shared()

            def update(request: Request) -> Result:
                waited_from = before[request.name] if lock.waited else None
                result = _already_done(repairs, journal, request, waited_from)
                if result is None:
                    # What another run did to it is no person's doing.
                    if lock.waited or any(one["name"] == request.name for one in repairs):
                        request = replace(request, found_digests=())
                    result = Update(own[request.name], journal, request, self._options, shared).run()
                    _keep(journal, result)
                return result

            results = update_side_by_side(containers, requests, update, parallel)
        return {"containers": results, "repairs": [one for one in repairs if one not in results]}

    def preview(self, requests: Sequence[Request]) -> Answer:
        """Return what :meth:`do` would change, and change nothing."""
        containers = Containers(Engine(self._engine))
        journal = self.journal(containers)
        if requests:
            seen = [{"name": one.name, **preview(containers, journal, one)} for one in requests]
            return {"containers": seen, "repairs": []}
        left = [swap.wanted["name"] for swap in repairable(journal)]
        message = "would be repaired: " + ", ".join(left) if left else "nothing is left to repair"
        return {"changed": bool(left), "repairs": [], "message": message, **_order(containers)}

    def journal(self, containers: Containers) -> Journal:
        """Return the journals of the engine of ``containers``; raises :class:`JournalUnusable`, and what an engine raises."""
        return Journal(self._state_directory, containers.engine.get("/info").get("ID") or "")


def _order(containers: Containers) -> Answer:
    found, unreadable = containers.all()
    return {"order": [name_of(one) for one in in_order(found)], "warnings": unreadable}


def _keep(journal: Journal, result: Result) -> None:
    """Keep a result for others, without what is by the clock of this machine's running."""
    journal.keep_result(result["name"], {name: value for name, value in result.items() if name != "stages"})


def _already_done(
    repairs: Sequence[Result], journal: Journal, request: Request, before: Optional[Mapping[str, Any]]
) -> Optional[Result]:
    """Return the result of the same request, finished just now or by the run that this one waited for."""
    found: List[Any] = list(repairs)
    kept = journal.kept_result(request.name)
    if before is not None and kept != before:
        found.append(kept.get("result"))
    for result in found:
        if (
            isinstance(result, dict)
            and (result.get("name"), result.get("digest")) == (request.name, request.digest)
            and result.get("changed")
            and _tag(result.get("image")) == request.image.tag
        ):
            return result
    return None


def _tag(name: Any) -> Optional[str]:
    reference = reference_of(str(name))
    return reference.tag if reference else None
