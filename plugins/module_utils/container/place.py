# SPDX-License-Identifier: Apache-2.0
"""Where the work that the module's options ask for is done: in a process of this host's, or by a helper beside our own container."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.container.asked import done, job_of
from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    Inspect,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.own import (
    is_touched,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import Swap
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap_json import (
    UnreadableSwap,
    from_json,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.handover import (
    answers_of_others,
    hand_over,
    own_container,
    why_not,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal
from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.container.results import Result
from ansible_collections.registry.docker_updater.plugins.module_utils.container.worker import run_detached
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine

Answer = Dict[str, Any]

# Options that are no helper's business: what they ask for was decided.
_OURS = ("at_once", "containers")


def work(
    params: Mapping[str, Any], asked: Sequence[Mapping[str, Any]], requests: Sequence[Request]
) -> Optional[Answer]:
    """Do what the options ``params`` ask for, the ``requests`` for the containers ``asked``; None where it was killed.

    What became of work of before that nobody heard of is part of the answer. Raises what an engine raises, and
    :class:`JournalUnusable`.
    """
    job, parallel = job_of(params), params["parallel"]
    containers = Containers(Engine(params["engine"]))
    own = own_container(containers)
    if own is None and not Journal.has_handovers(params["state_directory"]):
        return run_detached(lambda: done(job, requests, parallel))
    journal = job.journal(containers)
    heard = [one for answer in answers_of_others(containers, journal) for one in _results(answer)]
    found = {request.name: _result_of(request, heard) for request in requests}
    results = {name: result for name, result in found.items() if result}
    left = [request for request in requests if request.name not in results]
    answer: Optional[Answer] = {"containers": [], "repairs": []}
    why = why_not(own, journal.directory) if own else ""
    if own and why and is_touched(own["Id"], (), (), _swaps(journal)):
        # Whatever is asked for, what was left is finished first. Of what is asked for, each update sees for itself whom it stops.
        answer = {"error": f"an interrupted update is not gone on with: {why}"}
    elif own and not why and _is_touched(containers, own, left, journal):
        options = {name: value for name, value in params.items() if name not in _OURS}
        names = [request.name for request in left]
        targets = [_about(request) for request in left] or [dict(one.wanted) for one in _swaps(journal)]
        of_these = [one for one in asked if str(one["name"]).lstrip("/") in names]
        answer = hand_over(containers, journal, own, {"params": options, "containers": of_these}, targets)
    elif left or not requests:
        answer = run_detached(lambda: done(job, left, parallel))
    return _together(answer, requests, results, heard)


def _is_touched(containers: Containers, own: Inspect, requests: Sequence[Request], journal: Journal) -> bool:
    """Tell whether the work ends the container ``own``: it is updated, repaired, or leans on one that is."""
    names = {request.name for request in requests}
    found = containers.all()[0] if names else []
    return is_touched(own["Id"], names, found, _swaps(journal))


def _swaps(journal: Journal) -> List[Swap]:
    found = []
    for kept in journal.swaps():
        # Every scan tells of one that nobody can read.
        with suppress(UnreadableSwap):
            found.append(from_json(kept))
    return found


def _about(request: Request) -> Dict[str, str]:
    return {"name": request.name, "image": str(request.image), "digest": request.digest}


def _results(answer: Mapping[str, Any]) -> Iterator[Result]:
    """Yield the results in an answer, without what is by the clock of a machine that may have been started anew since."""
    for result in (*answer.get("containers", ()), *answer.get("repairs", ())):
        yield {name: value for name, value in result.items() if name != "stages"}


def _result_of(request: Request, heard: Sequence[Result]) -> Optional[Result]:
    """Return the result that is the end of what ``request`` asks for again."""
    same = (one for one in heard if (one["name"], one["digest"]) == (request.name, request.digest))
    return next(same, None)


def _together(
    answer: Optional[Answer],
    requests: Sequence[Request],
    results: Mapping[str, Result],
    heard: Sequence[Result],
) -> Optional[Answer]:
    """Return ``answer`` with what was heard of before: ``results`` by the names of containers, and the rest as repairs."""
    if answer is None or not heard:
        return answer
    known = {**{one["name"]: one for one in answer.get("containers", ())}, **results}
    rest = [one for one in heard if all(one is not result for result in results.values())]
    together = {**answer, "repairs": [*rest, *answer.get("repairs", ())]}
    if requests:
        together["containers"] = [known[request.name] for request in requests if request.name in known]
    return together
