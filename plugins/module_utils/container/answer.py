# SPDX-License-Identifier: Apache-2.0
"""Complete what the work on a host answered: whether it failed, whether anything changed, and a sentence."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.container.results import result_of
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import (
    FAILED,
    ROLLED_BACK,
    succeeds,
)

Answer = Dict[str, Any]

_KILLED = (
    "the updating processes on the host were killed: after the next scan the operator has what they left finished, or"
    " repair.yml does"
)


def completed(answer: Optional[Answer], requests: Sequence[Request]) -> Answer:
    """Return ``answer`` with ``failed``, ``changed`` and ``message``, in all and of each container; None is no answer."""
    if answer is None or "traceback" in answer or "error" in answer:
        return _failed(answer or {"error": _KILLED}, requests)
    if "containers" not in answer:
        return _repaired(answer)
    for one in answer["containers"]:
        if "outcome" in one:
            one["failed"] = not succeeds(one["outcome"])
        one.setdefault("failed", False)
        one["msg"] = one["message"]
    ends = answer["containers"]
    return {
        **answer,
        "failed": any(one["failed"] for one in ends),
        "changed": any(one["changed"] for one in ends),
        "message": "; ".join(one["message"] for one in ends if one["message"]),
    }


def warnings_of(answer: Answer) -> Iterator[Tuple[str, str]]:
    """Take the warnings out of an answer, each once, with the name of the container that it is about, if any."""
    for warning in dict.fromkeys(answer.pop("warnings", ())):
        yield "", warning
    for one in answer.get("containers", ()):
        for warning in dict.fromkeys(one.pop("warnings", ())):
            yield one["name"], warning


def _failed(answer: Answer, requests: Sequence[Request]) -> Answer:
    message = answer.get("error") or "this is a bug: " + answer["traceback"].strip().splitlines()[-1]
    failed: Answer = {**answer, "message": message, "changed": False, "failed": True, "repairs": []}
    if requests:
        failed["containers"] = [
            {**result_of(request, FAILED, message), "failed": True, "msg": message} for request in requests
        ]
    return failed


def _repaired(answer: Answer) -> Answer:
    repairs = answer["repairs"]
    names = ", ".join(f"{one['name']} ({one['outcome']})" for one in repairs)
    return {
        "failed": any(not succeeds(one["outcome"]) and one["outcome"] != ROLLED_BACK for one in repairs),
        "changed": any(one["changed"] for one in repairs),
        "message": "repaired: " + names if names else "nothing was left to repair",
        **answer,
    }
