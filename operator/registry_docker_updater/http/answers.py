"""Answers: all of them JSON, of the same shape when something is wrong."""

import json
import logging
from typing import Any

from bottle import HTTPError, HTTPResponse, request, response

from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.http.refusals import Refusals

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
    if error.exception:
        _log.error("cannot answer %.60r", request.path, exc_info=error.exception)
    elif request.method == "POST":
        # Of a registry that has a wrong address nothing else would be seen.
        what = f"{error.status_code} for POST {request.path!r:.100}"
        refusals.log(request.remote_addr, f"{what} from {request.remote_addr}")
    response.content_type = "application/json"
    cause = error.exception
    if isinstance(cause, StoreUnavailable):
        response.status = 503
        return json.dumps({"error": str(cause)})
    return json.dumps({"error": "internal error" if cause else str(error.body)})
