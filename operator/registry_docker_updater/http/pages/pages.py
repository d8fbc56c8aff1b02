"""The pages as a table: which address shows what."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from bottle import HTTPResponse, request

from registry_docker_updater.http.access import AccessGuard, Right
from registry_docker_updater.http.endpoints import Endpoint
from registry_docker_updater.http.followers import FOLLOWED, Following
from registry_docker_updater.http.pages.context import Context, asked
from registry_docker_updater.http.pages.events import EventPages
from registry_docker_updater.http.pages.fleet import FleetPages
from registry_docker_updater.http.pages.login import LOGIN, LoginPages, to_login
from registry_docker_updater.http.pages.rollouts import RolloutPages
from registry_docker_updater.http.query import Parameter

# Proxies are not to collect it before they pass it on.
_STREAM = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_NUMBER = Parameter("number", {"type": "integer"}, "Its number.", where="path")
_NAME = Parameter("name", {"type": "string"}, "Its name.", where="path")
_PATH = {"type": "string", "format": "path"}


def pages(context: Context, access: AccessGuard) -> Sequence[Endpoint]:
    """Return all pages; who may not see them is led to where ``access`` is given."""
    login = LoginPages(context, access)
    fleet, rollouts, others = FleetPages(context), RolloutPages(context), EventPages(context)

    def file(name: str) -> HTTPResponse:
        return context.rendering.file(name) or context.nothing(f"There is no file {name}.")

    def live() -> HTTPResponse:
        query = asked()
        topic, seen = query.text("topic") or "", query.text("version") or ""
        if context.topics.version(topic) is None:
            return context.nothing("There is nothing of that name to follow.")
        request.environ[FOLLOWED].append(Following(topic, seen))
        return HTTPResponse(b"", 200, _STREAM)

    def refused(status: int, why: str) -> HTTPResponse:
        return to_login() if status == HTTPStatus.UNAUTHORIZED else context.refused(status, why)

    shown = (
        Endpoint("GET", "/live", "When what a page shows has changed", live, bytes),
        Endpoint("GET", "/fleet", "Targets", fleet.targets, str),
        Endpoint(
            "GET",
            "/targets/{key}",
            "One target",
            fleet.target,
            str,
            (Parameter("key", _PATH, "Its key.", where="path"),),
        ),
        Endpoint("GET", "/hosts", "Hosts", fleet.hosts, str),
        Endpoint("GET", "/swarms", "Swarms", fleet.swarms, str),
        Endpoint(
            "GET",
            "/hosts/{name}",
            "One host",
            fleet.host,
            str,
            (Parameter("name", _PATH, "Its name.", where="path"),),
        ),
        Endpoint("GET", "/rollouts", "Rollouts", rollouts.rollouts, str),
        Endpoint("GET", "/rollouts/{number}", "One rollout", rollouts.rollout, str, (_NUMBER,)),
        Endpoint(
            "GET", "/rollouts/{number}/runs/{name}", "What a run printed", rollouts.run, str, (_NUMBER, _NAME)
        ),
        Endpoint("GET", "/events", "Events", others.events, str),
        Endpoint("GET", "/events/{number}", "One event", others.event, str, (_NUMBER,)),
        Endpoint("GET", "/trail", "What happened", others.trail, str),
        Endpoint("GET", "/search", "What has a text in it", others.search, str),
    )
    return (
        Endpoint("GET", LOGIN, "The login", login.form, str, needs=Right.NONE),
        Endpoint("POST", LOGIN, "Log in", login.log_in, str, needs=Right.NONE),
        Endpoint("POST", "/logout", "Log out", login.log_out, str, needs=Right.NONE),
        Endpoint("GET", "/static/{name}", "Styles and scripts", file, bytes, (_NAME,), needs=Right.NONE),
        *(replace(one, refuses=refused) for one in shown),
    )
