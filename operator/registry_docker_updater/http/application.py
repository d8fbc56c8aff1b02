"""The WSGI application: which request is for whom."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from bottle import Bottle, HTTPResponse, request

from registry_docker_updater.http.access import AccessGuard, Right, Visitor
from registry_docker_updater.http.answers import (
    VISITOR,
    Refuses,
    as_others,
    headers_of_request,
    or_unavailable,
    refusal,
)
from registry_docker_updater.http.bodies import Body, Unfit, read_body
from registry_docker_updater.http.conditional import or_not_modified
from registry_docker_updater.http.endpoints import ENDPOINT, Endpoint
from registry_docker_updater.http.origin import is_ours
from registry_docker_updater.http.query import BadQuery, Parameter, read_query
from registry_docker_updater.http.refusals import Refusals, place

# What changes nothing, whoever has it asked.
_SAFE = ("GET", "HEAD")

Answers = Callable[..., Any]


def application(
    endpoints: Sequence[Endpoint], access: AccessGuard, refusals: Refusals, page: Refuses | None = None
) -> Bottle:
    """Return the application that answers ``endpoints``; each to those who have the right that it needs, by ``access``.

    Where there are pages, what is not there is a ``page``, too, for who looks with a browser.
    """
    app = Bottle()

    def where_nothing_is(status: int, why: str) -> HTTPResponse:
        _note_visitor(access)
        return (page or refusal)(status, why)

    app.default_error_handler = partial(as_others, refusals, where_nothing_is if page else None)
    for one in endpoints:
        answers = _with_query(one.answers, one.parameters) if one.is_strict else one.answers
        if one.body:
            answers = _with_body(answers, one.body)
        if one.is_conditional:
            answers = or_not_modified(answers)
        shown = _if_let_in(access, refusals, one, answers) if one.needs else answers
        app.route(
            one.rule, one.method, _noted(one.path, or_unavailable(refusals, shown, one.refuses or refusal))
        )
    return app


def _note_visitor(access: AccessGuard) -> None:
    """Leave for a page who asks, where that is known: they are refused, and not strangers."""
    visitor = access.visitor(headers_of_request(), request.environ["REMOTE_ADDR"])
    if visitor.right is not Right.NONE:
        request.environ[VISITOR] = visitor


def _noted(path: str, answers: Answers) -> Answers:
    def noted(**given: Any) -> Any:
        request.environ.get(ENDPOINT, []).append(path)
        return answers(**given)

    return noted


def _with_query(answers: Answers, parameters: Sequence[Parameter]) -> Answers:
    def answers_or_not(**given: Any) -> Any:
        try:
            asked = read_query(request.environ["QUERY_STRING"], parameters)
        except BadQuery as error:
            return refusal(400, str(error))
        return answers(**given, **asked)

    return answers_or_not


def _with_body(answers: Answers, model: type[Body]) -> Answers:
    def answers_or_not(**given: Any) -> Any:
        try:
            asked = read_body(request.environ["wsgi.input"].read(), headers_of_request(), model)
        except Unfit as error:
            return refusal(error.status, error.why)
        return answers(**given, asked=asked)

    return answers_or_not


def _if_let_in(access: AccessGuard, refusals: Refusals, endpoint: Endpoint, answers: Answers) -> Answers:
    def answers_or_not(**given: Any) -> Any:
        address = request.environ["REMOTE_ADDR"]
        headers = headers_of_request()
        found = access.decide(headers, address, endpoint.needs)
        if isinstance(found, Visitor):
            if request.method in _SAFE or found.is_bearer or is_ours(headers):
                request.environ[VISITOR] = found
                return answers(**given)
            found = 403, "this is asked by another page than ours, or by who does not say which: Origin"
        status, why = found
        _note_visitor(access)
        refusals.log(address, f"{status} for {place(request.path)!a} from {address}: {why}")
        return (endpoint.refuses or refusal)(status, why)

    return answers_or_not
