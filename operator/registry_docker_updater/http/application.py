"""The WSGI application: which request is for whom."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from bottle import Bottle, request

from registry_docker_updater.http.access import AccessGuard
from registry_docker_updater.http.answers import as_json, headers_of_request, or_unavailable, refusal
from registry_docker_updater.http.api import Api
from registry_docker_updater.http.guard import EVENTS
from registry_docker_updater.http.receiver import Receiver
from registry_docker_updater.http.refusals import Refusals, place


def routes(receiver: Receiver, api: Api) -> Sequence[tuple[str, str, Callable[..., Any]]]:
    """Return every request that is answered: its method, its path, and what answers it."""
    return (
        ("POST", f"{EVENTS}<registry>", receiver.receive),
        ("POST", f"{EVENTS}<registry>/<in_path:path>", receiver.receive),
        ("GET", "/api/events", api.events),
        ("GET", "/api/ignored", api.ignored),
        ("GET", "/api/rollouts", api.rollouts),
        ("GET", "/api/rollouts/<number:int>", api.rollout),
        ("GET", "/api/fleet", api.fleet),
        ("GET", "/healthz", api.alive),
        ("GET", "/readyz", api.ready),
    )


def application(receiver: Receiver, api: Api, access: AccessGuard) -> Bottle:
    """Return the application, whose API shows itself to those whom ``access`` lets in."""
    app = Bottle()
    app.default_error_handler = partial(as_json, receiver.refusals)
    for method, path, answers in routes(receiver, api):
        shown = _if_let_in(access, receiver.refusals, answers) if path.startswith("/api/") else answers
        app.route(path, method, or_unavailable(receiver.refusals, shown))
    return app


def _if_let_in(access: AccessGuard, refusals: Refusals, answers: Callable[..., Any]) -> Callable[..., Any]:
    def answers_or_not(**given: Any) -> Any:
        address = request.environ["REMOTE_ADDR"]
        refused = access.refusal(headers_of_request(), address)
        if refused is None:
            return answers(**given)
        status, why = refused
        refusals.log(address, f"{status} for {place(request.path)!a} from {address}: {why}")
        return refusal(status, why)

    return answers_or_not
