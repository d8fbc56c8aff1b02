"""The pages as a table: which address shows what, and to whom."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from bottle import HTTPResponse, request

from registry_docker_updater.core.policy.links import APPROVE
from registry_docker_updater.http.access import AccessGuard, Right
from registry_docker_updater.http.answers import headers_of_request, visitor_of_request
from registry_docker_updater.http.endpoints import Endpoint
from registry_docker_updater.http.followers import FOLLOWED, Following
from registry_docker_updater.http.gate import counted_as
from registry_docker_updater.http.once import Once
from registry_docker_updater.http.pages.actions import ActionPages
from registry_docker_updater.http.pages.approving import ApprovalPages
from registry_docker_updater.http.pages.context import Context, asked
from registry_docker_updater.http.pages.events import EventPages
from registry_docker_updater.http.pages.fleet import FleetPages
from registry_docker_updater.http.pages.freezing import FreezePages
from registry_docker_updater.http.pages.login import LOGIN, LoginPages, to_login
from registry_docker_updater.http.pages.messages import MessagePage
from registry_docker_updater.http.pages.now import NowPage
from registry_docker_updater.http.pages.rollouts import RolloutPages
from registry_docker_updater.http.pages.topics import FLEET, NOW, ROLLOUT, TRAIL
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
    """All pages, for those whom ``access`` lets in: what is known (``status``), and what is done ``once`` for whoever may operate.

    ``refusals`` logs whom the login does not let in; ``link_key`` is what links in messages are signed with.
    """

    context: Context
    access: AccessGuard
    status: Callable[[], NowRow]
    once: Once
    refusals: Refusals
    link_key: bytes

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
            _page(f"{APPROVE}/{{number}}", self._approving().linked, _NUMBER, needs=Right.NONE),
            _page("/static/{name}", self._file, _NAME, needs=Right.NONE),
        )

    def _shown(self) -> Sequence[Endpoint]:
        """Return what is for those who may read."""
        fleet, rollouts = FleetPages(self.context), RolloutPages(self.context, self.once.by_hand)
        others = EventPages(self.context)
        return (
            self._live_page("/", NowPage(self.context, self.status).now, NOW),
            _page("/live", self._live),
            self._live_page("/fleet", fleet.targets, FLEET),
            self._live_page("/targets/{key}", fleet.target, FLEET, _KEY),
            self._live_page("/hosts", fleet.hosts, FLEET),
            self._live_page("/hosts/{name}", fleet.host, FLEET, _HOST),
            self._live_page("/swarms", fleet.swarms, FLEET),
            self._live_page("/rollouts", rollouts.rollouts, TRAIL),
            self._live_page("/rollouts/{number}", rollouts.rollout, ROLLOUT + "{number}", _NUMBER),
            _page("/rollouts/{number}/runs/{name}", rollouts.run, _NUMBER, _NAME),
            self._live_page("/events", others.events, TRAIL),
            self._live_page("/events/{number}", others.event, TRAIL, _NUMBER),
            self._live_page("/messages", MessagePage(self.context).messages, TRAIL),
            self._live_page("/trail", others.trail, TRAIL),
            _page("/search", others.search),
            _page("/silences", ActionPages(self.context, self.once).silences),
            _page("/freezes", FreezePages(self.context, self.once).freezes),
        )

    def _live_page(
        self, path: str, answers: Callable[..., Any], topic: str, *parameters: Parameter
    ) -> Endpoint:
        """Return a page that changes with a ``topic``."""

        def following(**given: Any) -> Any:
            self.context.before(topic.format(**given))
            return answers(**given)

        return _page(path, following, *parameters)

    def _done(self) -> Sequence[Endpoint]:
        """Return what is for those who may operate."""
        approving = self._approving()
        actions, freezing = ActionPages(self.context, self.once), FreezePages(self.context, self.once)
        return (
            _page("/rollouts/{number}/retry", actions.show_retry, _NUMBER, needs=Right.OPERATE),
            _form("/rollouts/{number}/retry", actions.retry, _NUMBER),
            _page("/rollouts/{number}/approve", approving.show, _NUMBER, needs=Right.OPERATE),
            _form("/rollouts/{number}/approve", approving.approve, _NUMBER),
            _page("/rollouts/{number}/refuse", approving.show, _NUMBER, needs=Right.OPERATE),
            _form("/rollouts/{number}/refuse", approving.refuse, _NUMBER),
            _page("/push", actions.show_push, needs=Right.OPERATE),
            _form("/push", actions.push),
            _page("/silences/new", actions.show_silence, needs=Right.OPERATE),
            _form("/silences/new", actions.silence),
            _page("/silences/{number}/end", actions.show_end_silence, _NUMBER, needs=Right.OPERATE),
            _form("/silences/{number}/end", actions.end_silence, _NUMBER),
            _page("/freezes/new", freezing.show_freeze, needs=Right.OPERATE),
            _form("/freezes/new", freezing.freeze),
            _page("/freezes/{number}/end", freezing.show_thaw, _NUMBER, needs=Right.OPERATE),
            _form("/freezes/{number}/end", freezing.thaw, _NUMBER),
        )

    def _approving(self) -> ApprovalPages:
        return ApprovalPages(self.context, self.once, self.access, self.link_key)

    def _file(self, name: str) -> HTTPResponse:
        return self.context.rendering.file(name) or self.context.nothing(f"There is no file {name}.")

    def _live(self) -> HTTPResponse:
        query = asked()
        topic, seen = query.text("topic") or "", query.text("version") or ""
        if self.context.topics.version(topic) is None:
            return self.context.nothing("There is nothing of that name to follow.")
        visitor = visitor_of_request()
        by = visitor.name or counted_as(visitor.address)
        request.environ[FOLLOWED].append(Following(topic, seen, by))
        return HTTPResponse(b"", 200, _STREAM)

    def _refused(self, status: int, why: str) -> HTTPResponse:
        # A program with a wrong token is told so, and slowed down, as everywhere.
        is_person = "authorization" not in headers_of_request()
        if status == HTTPStatus.UNAUTHORIZED and is_person:
            return to_login()
        return self.context.refused(status, why)


def _page(
    path: str, answers: Callable[..., Any], *parameters: Parameter, needs: Right = Right.READ
) -> Endpoint:
    return Endpoint("GET", path, "A page", answers, str, parameters, needs=needs)


def _form(
    path: str, answers: Callable[..., Any], *parameters: Parameter, needs: Right = Right.OPERATE
) -> Endpoint:
    return Endpoint("POST", path, "A form", answers, str, parameters, needs=needs, body_limit=_LARGEST_FORM)
