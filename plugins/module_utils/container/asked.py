# SPDX-License-Identifier: Apache-2.0
"""The work that the module's options ask for, wherever it is done: in a process of the host's, or in a container beside our own."""

from __future__ import annotations

import traceback
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.container.answer import completed
from ansible_collections.registry.docker_updater.plugins.module_utils.container.job import Answer, Job
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import JournalUnusable
from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.container.work import Options
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.credentials import (
    accounts_by_registry,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    EngineUnreachable,
    NoAnswer,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.moves import read_move
from ansible_collections.registry.docker_updater.plugins.module_utils.references import (
    Reference,
    check_digest,
    check_host,
)

# What is told in a sentence.
TOLD = (EngineError, EngineUnreachable, NoAnswer, JournalUnusable)


def requests_of(params: Mapping[str, Any], containers: Sequence[Mapping[str, Any]]) -> List[Request]:
    """Return what is asked for: nothing where only a repair is, one for ``name``, one for each of ``containers``.

    Raises :class:`InvalidReference`.
    """
    if params["state"] != "present":
        return []
    found = [
        {
            "name": params["name"],
            "digests": params["found_digests"],
            "image_id": params["found_image"],
            "moves_from": params["moves_from"],
        }
    ]
    asked: Dict[str, Request] = {}
    for one in found if params["name"] else containers:
        request = _request(params, one)
        asked[request.name] = request
    return list(asked.values())


def job_of(params: Mapping[str, Any]) -> Job:
    """Return the job on the engine, and with the journals, that the options name."""
    return Job(
        params["engine"], params["state_directory"], Options(params["settle"], params["health_timeout"])
    )


def done(job: Job, requests: Sequence[Request], parallel: int) -> Answer:
    """Do a job; return its complete answer, whatever goes wrong: nobody is there to catch anything."""
    try:
        answer = job.do(requests, parallel)
    except TOLD as error:
        answer = {"error": str(error)}
    except Exception:
        answer = {"traceback": traceback.format_exc()}
    return completed(answer, requests)


def _request(params: Mapping[str, Any], found: Mapping[str, Any]) -> Request:
    for host in params["aliases"]:
        check_host(host)
    pushed = Reference.parse(params["image"])
    return Request(
        name=str(found["name"]).lstrip("/"),
        image=pushed,
        digest=check_digest(params["digest"]),
        aliases=tuple(params["aliases"]),
        moves_from=read_move(found.get("moves_from"), pushed, params["aliases"]),
        found_digests=tuple(found.get("digests") or ()),
        found_image=found.get("image_id") or "",
        credentials=accounts_by_registry(params["credentials"]),
        keep_paused=params["paused"] == "keep",
        cleanup=params["cleanup"],
        try_again=params["try_again"],
    )
