"""Answers: all of them JSON, of the same shape when something is wrong."""

import json
import logging
from collections.abc import Callable
from typing import Any

from bottle import HTTPError, HTTPResponse, request, response

from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.http.refusals import Refusals, place

_log = logging.getLogger(__name__)


def answer(status: int, content: Any, indent: int | None = 2) -> HTTPResponse:
    """Return ``content`` as the answer; without ``indent``, in one line, for who reads thousands in a second."""
    body = json.dumps(content, indent=indent) + "\n"
    return HTTPResponse(body, status, {"Content-Type": "application/json"})


def refusal(status: int, why: str) -> HTTPResponse:
    """Return the answer to what is wrong."""
    return answer(status, {"error": why})


def as_json(refusals: Refusals, error: HTTPError) -> str:
    """Answer what Bottle itself refuses, and bugs of ours, in the shape of all other answers."""
    # Bottle believes what a request says of its own address.
    address, path = request.environ["REMOTE_ADDR"], place(request.path)
    response.content_type = "application/json"
    if error.exception:
        # Bottle has written its trace to ``wsgi.errors``.
        _log.error("cannot answer %s", ascii(path))
    elif request.method == "POST":
        # Of a registry that has a wrong address nothing else would be seen.
        refusals.log(address, f"{error.status_code} for POST {path!a} from {address}")
    return json.dumps({"error": "internal error" if error.exception else str(error.body)})


def or_unavailable(refusals: Refusals, answers: Callable[..., Any]) -> Callable[..., Any]:
    """Return what ``answers``, and says 503 in a line where the database does not: that is no bug, and has no trace."""

    def answers_or_not(**given: Any) -> Any:
        try:
            return answers(**given)
        except StoreUnavailable as error:
            address, path = request.environ["REMOTE_ADDR"], place(request.path)
            refusals.log(address, f"503 for {path!a} from {address}: {error}")
            return refusal(503, str(error))

    return answers_or_not
