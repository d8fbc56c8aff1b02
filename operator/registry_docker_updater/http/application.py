"""The WSGI application: which request is for whom."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from bottle import Bottle

from registry_docker_updater.http.answers import as_json, or_unavailable
from registry_docker_updater.http.api import Api
from registry_docker_updater.http.guard import EVENTS
from registry_docker_updater.http.receiver import Receiver


def routes(receiver: Receiver, api: Api) -> Sequence[tuple[str, str, Callable[..., Any]]]:
    """Return every request that is answered: its method, its path, and what answers it."""
    return (
        ("POST", f"{EVENTS}<registry>", receiver.receive),
        ("POST", f"{EVENTS}<registry>/<in_path>", receiver.receive),
        ("GET", "/api/events", api.events),
        ("GET", "/api/ignored", api.ignored),
        ("GET", "/api/rollouts", api.rollouts),
        ("GET", "/api/rollouts/<number:int>", api.rollout),
        ("GET", "/api/fleet", api.fleet),
        ("GET", "/healthz", api.alive),
        ("GET", "/readyz", api.ready),
    )


def application(receiver: Receiver, api: Api) -> Bottle:
    """Return the application."""
    app = Bottle()
    app.default_error_handler = partial(as_json, receiver.refusals)
    for method, path, answers in routes(receiver, api):
        app.route(path, method, or_unavailable(receiver.refusals, answers))
    return app
