"""Answers: all of them JSON, of the same shape when something is wrong."""

import json
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from bottle import HTTPError, HTTPResponse, request, response

from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.http.access import Visitor
from registry_docker_updater.http.head import refused
from registry_docker_updater.http.refusals import Refusals, place

# Makes the answer to what is refused, of a status and the reason.
Refuses = Callable[[int, str], HTTPResponse]
_log = logging.getLogger(__name__)

# Where in a request's environment it is kept who asks.
VISITOR = "registry_docker_updater.visitor"
# What a browser must not do with an answer: guess what it is, keep it, show it in a frame, run anything in it.
SAFETY = {
    "Content-Type": "application/json",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def answer(status: int, content: Any) -> HTTPResponse:
    """Return ``content`` as the answer."""
    return HTTPResponse(json.dumps(content, indent=2) + "\n", status, SAFETY)


def refusal(status: int, why: str) -> HTTPResponse:
    """Return the answer to what is wrong with the request at hand."""
    kind, content = refused(request.path, status, why)
    headers = {**SAFETY, "Content-Type": kind}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"  # RFC 9110 wants it
    return HTTPResponse(json.dumps(content, indent=2) + "\n", status, headers)


def as_others(refusals: Refusals, page: Refuses | None, error: HTTPError) -> str | HTTPResponse:
    """Answer what Bottle itself refuses, and bugs of ours, in the shape of all other answers: a ``page`` for a browser."""
    # Bottle believes what a request says of its own address.
    address, path = request.environ["REMOTE_ADDR"], place(request.path)
    for name, value in SAFETY.items():
        response.set_header(name, value)
    if error.exception:
        # Bottle has written its trace to ``wsgi.errors``.
        _log.error("cannot answer %s", ascii(path))
    elif request.method == "POST":
        # Of a registry that has a wrong address nothing else would be seen.
        refusals.log(address, f"{error.status_code} for POST {path!a} from {address}")
    # Bottle's own words for what is not there repeat the path, and there can be a secret in it.
    words = {404: "nothing is here; events are sent to /events/<registry>", 500: "internal error"}
    why = words.get(error.status_code, str(error.body))
    if page and request.method == "GET" and "text/html" in headers_of_request().get("accept", ""):
        is_missing = error.status_code == HTTPStatus.NOT_FOUND
        return page(error.status_code, "nothing is at this address" if is_missing else why)
    kind, content = refused(request.path, error.status_code, why)
    response.content_type = kind
    return json.dumps(content)


def headers_of_request() -> Mapping[str, str]:
    """Return the request's headers; WSGI gives their bytes as Latin-1, which Bottle would read as UTF-8."""
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in request.environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }


def visitor_of_request() -> Visitor:
    """Return who makes the request at hand, which is for an endpoint that needs a right."""
    visitor: Visitor = request.environ[VISITOR]
    return visitor


def or_unavailable(
    refusals: Refusals, answers: Callable[..., Any], refuses: Refuses = refusal
) -> Callable[..., Any]:
    """Return what ``answers``, and says 503 in a line where the database does not: that is no bug, and has no trace."""

    def answers_or_not(**given: Any) -> Any:
        try:
            return answers(**given)
        except StoreUnavailable as error:
            address, path = request.environ["REMOTE_ADDR"], place(request.path)
            refusals.log(address, f"503 for {path!a} from {address}: {error}")
            return refuses(503, str(error))

    return answers_or_not
