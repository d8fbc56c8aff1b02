"""The WSGI application: which request is for whom."""

from collections.abc import Callable, Sequence
from typing import Any

from bottle import Bottle

from registry_docker_updater.http.answers import as_json
from registry_docker_updater.http.api import Api
from registry_docker_updater.http.bodies import discard
from registry_docker_updater.http.receiver import Receiver


def routes(receiver: Receiver, api: Api) -> Sequence[tuple[str, str, Callable[..., Any]]]:
    """Return every request that is answered: its method, its path, and what answers it."""
    return (
        ("POST", "/events/<registry>", receiver.receive),
        ("GET", "/api/events", api.events),
        ("GET", "/api/rollouts", api.rollouts),
        ("GET", "/api/rollouts/<number:int>", api.rollout),
        ("GET", "/api/fleet", api.fleet),
        ("GET", "/healthz", api.alive),
        ("GET", "/readyz", api.ready),
    )


def application(receiver: Receiver, api: Api) -> Bottle:
    """Return the application."""
    app = Bottle()
    app.default_error_handler = as_json
    app.add_hook("after_request", discard)
    for method, path, answers in routes(receiver, api):
        app.route(path, method, answers)
    return app
