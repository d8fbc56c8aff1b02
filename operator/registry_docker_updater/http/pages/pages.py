"""The pages as a table: which address shows what, and to whom."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from bottle import HTTPResponse, request

from registry_docker_updater.http.access import AccessGuard, Right
from registry_docker_updater.http.endpoints import Endpoint
from registry_docker_updater.http.followers import FOLLOWED, Following
from registry_docker_updater.http.pages.actions import ActionPages, Done
from registry_docker_updater.http.pages.context import Context, asked
from registry_docker_updater.http.pages.events import EventPages
from registry_docker_updater.http.pages.fleet import FleetPages
from registry_docker_updater.http.pages.login import LOGIN, LoginPages, to_login
from registry_docker_updater.http.pages.now import NowPage
from registry_docker_updater.http.pages.rollouts import RolloutPages
from registry_docker_updater.http.query import Parameter
from registry_docker_updater.http.refusals import Refusals
from registry_docker_updater.views.now import NowRow

# Proxies are not to collect it before they pass it on.
_STREAM = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_NUMBER = Parameter("number", {"type": "integer"}, "Its number.", "path")
_NAME = Parameter("name", {"type": "string"}, "Its name.", "path")
# With slashes and all.
_PATH = {"type": "string", "format": "path"}
_KEY, _HOST = Parameter("key", _PATH, "Its key.", "path"), Parameter("name", _PATH, "Its name.", "path")
# How many bytes a form has at most.
_LARGEST_FORM = 16 * 1024


@dataclass(frozen=True)
class Pages:
    """All pages, for those whom ``access`` lets in: what is known (``status``), and what is ``done`` by whoever may operate.

    ``wake`` is called when something was asked for, ``refusals`` logs whom the login does not let in.
    """

    context: Context
    access: AccessGuard
    status: Callable[[], NowRow]
    done: Done
    wake: Callable[[], None]
    refusals: Refusals

    def endpoints(self) -> Sequence[Endpoint]:
        """Return all that they answer."""
        shown = (*self._shown(), *self._done())
        return (*self._open(), *(replace(one, refuses=self._refused) for one in shown))

    def _open(self) -> Sequence[Endpoint]:
        """Return what is for everybody."""
        login = LoginPages(self.context, self.access, self.refusals)
        return (
            _page(LOGIN, login.form, needs=Right.NONE),
            _form(LOGIN, login.log_in, needs=Right.NONE),
            _form("/logout", login.log_out, needs=Right.NONE),
            _page("/static/{name}", self._file, _NAME, needs=Right.NONE),
        )

    def _shown(self) -> Sequence[Endpoint]:
        """Return what is for those who may read."""
        fleet, rollouts = FleetPages(self.context), RolloutPages(self.context)
        others = EventPages(self.context)
        return (
            _page("/", NowPage(self.context, self.status).now),
            _page("/live", self._live),
            _page("/fleet", fleet.targets),
            _page("/targets/{key}", fleet.target, _KEY),
            _page("/hosts", fleet.hosts),
            _page("/hosts/{name}", fleet.host, _HOST),
            _page("/swarms", fleet.swarms),
            _page("/rollouts", rollouts.rollouts),
            _page("/rollouts/{number}", rollouts.rollout, _NUMBER),
            _page("/rollouts/{number}/runs/{name}", rollouts.run, _NUMBER, _NAME),
            _page("/events", others.events),
            _page("/events/{number}", others.event, _NUMBER),
            _page("/trail", others.trail),
            _page("/search", others.search),
            _page("/silences", ActionPages(self.context, self.done, self.wake).silences),
        )

    def _done(self) -> Sequence[Endpoint]:
        """Return what is for those who may operate."""
        actions = ActionPages(self.context, self.done, self.wake)
        return (
            _page("/rollouts/{number}/retry", actions.show_retry, _NUMBER, needs=Right.OPERATE),
            _form("/rollouts/{number}/retry", actions.retry, _NUMBER),
            _page("/push", actions.show_push, needs=Right.OPERATE),
            _form("/push", actions.push),
            _page("/silences/new", actions.show_silence, needs=Right.OPERATE),
            _form("/silences/new", actions.silence),
            _page("/silences/{number}/end", actions.show_end_silence, _NUMBER, needs=Right.OPERATE),
            _form("/silences/{number}/end", actions.end_silence, _NUMBER),
        )

    def _file(self, name: str) -> HTTPResponse:
        return self.context.rendering.file(name) or self.context.nothing(f"There is no file {name}.")

    def _live(self) -> HTTPResponse:
        query = asked()
        topic, seen = query.text("topic") or "", query.text("version") or ""
        if self.context.topics.version(topic) is None:
            return self.context.nothing("There is nothing of that name to follow.")
        request.environ[FOLLOWED].append(Following(topic, seen))
        return HTTPResponse(b"", 200, _STREAM)

    def _refused(self, status: int, why: str) -> HTTPResponse:
        return to_login() if status == HTTPStatus.UNAUTHORIZED else self.context.refused(status, why)


def _page(
    path: str, answers: Callable[..., Any], *parameters: Parameter, needs: Right = Right.READ
) -> Endpoint:
    return Endpoint("GET", path, "A page", answers, str, parameters, needs=needs)


def _form(
    path: str, answers: Callable[..., Any], *parameters: Parameter, needs: Right = Right.OPERATE
) -> Endpoint:
    return Endpoint("POST", path, "A form", answers, str, parameters, needs=needs, body_limit=_LARGEST_FORM)
