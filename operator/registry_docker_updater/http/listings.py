"""What is known, as the API lists it: in pages, by what is looked for, and one by one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from bottle import HTTPResponse, request

from registry_docker_updater.clock import Clock, utc_now
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.notifications.receivers import Receivers
from registry_docker_updater.core.rollouts.outlook import Overview
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.runs.progress import RunProgress
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.http.answers import answer, refusal
from registry_docker_updater.http.endpoints import GUARDED, Endpoint, Page
from registry_docker_updater.http.filters import (
    OF_EVENTS,
    OF_HOSTS,
    OF_PUSH,
    OF_ROLLOUTS,
    OF_TARGETS,
    OF_TRAIL,
)
from registry_docker_updater.http.head import API
from registry_docker_updater.http.query import (
    AFTER,
    AFTER_NUMBER,
    BEFORE,
    DEFAULT_LIMIT,
    LIMIT,
    Parameter,
    number,
    yes_or_no,
)
from registry_docker_updater.storage.choices import EventChoice, RolloutChoice
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import EventRow, IgnoredRow, events, ignored
from registry_docker_updater.views.events import event as one_event
from registry_docker_updater.views.fleet import HostChoice, HostRow, hosts
from registry_docker_updater.views.freezes import FreezeRow, freeze_of, freezes
from registry_docker_updater.views.messages import MessageRow, ReceiverRow, messages, receivers
from registry_docker_updater.views.now import NowRow
from registry_docker_updater.views.orders import TargetOrders, outlooks
from registry_docker_updater.views.outlook import OutlookRow, TargetChoice
from registry_docker_updater.views.progress import ProgressRow, progress
from registry_docker_updater.views.registries import RegistryRow
from registry_docker_updater.views.rollouts import RolloutRow, rollouts
from registry_docker_updater.views.silences import SilenceRow, silence_of, silences
from registry_docker_updater.views.trail import Choice, EntryRow, story, trail
from registry_docker_updater.views.waits import RolloutNowRow, rollout_now
from registry_docker_updater.views.why import PAST, WhyRow, found, why

T = TypeVar("T", bound=Mapping[str, Any])
ID = Parameter("id", number("id", "", 0).schema, "Its number.", "path")
_KEY = Parameter("key", {"type": "string", "format": "path"}, "Its key, slashes and all.", "path")
_COUNTS = yes_or_no("counts", "Only freezes that count now, or only those that are over.")
_BAD_QUERY = {400: "The query cannot be read."}
_UNKNOWN = {404: "There is no such thing."}
_LISTED, _SINGLE = {**GUARDED, **_BAD_QUERY}, {**GUARDED, **_BAD_QUERY, **_UNKNOWN}


@dataclass(frozen=True)
class Listings:
    """Shows what is kept in ``storage``, the fleet as it is ``known``, how that stands, and the registries.

    ``teams`` are the receivers; ``status`` is how everything is now, ``running`` are the runs of rollouts that go on,
    ``orders`` has the targets sorted.
    """

    storage: Storage
    known: Callable[[], Fleet]
    overview: Callable[[], Overview]
    registries: Callable[[], list[RegistryRow]]
    status: Callable[[], NowRow]
    running: Callable[[], Mapping[int, RunProgress]] = dict
    clock: Clock = utc_now
    teams: Callable[[], Receivers] = Receivers
    orders: TargetOrders = field(default_factory=TargetOrders)

    def endpoints(self) -> Sequence[Endpoint]:
        """Return all that it answers."""
        older, later = (LIMIT, BEFORE), (LIMIT, AFTER)
        return (
            Endpoint(
                "GET",
                f"{API}status",
                "Whether everything is well, and what goes on",
                self.show_status,
                NowRow,
                refusals=_LISTED,
            ),
            _listing("events", "newest first", self.events, EventRow, (*older, *OF_PUSH, *OF_EVENTS)),
            _single("events/{id}", "One event, whole", self.event, EventRow, ID),
            _listing("ignored", "counts of those that asked for nothing", self.ignored, IgnoredRow, ()),
            _listing("rollouts", "newest first", self.rollouts, RolloutRow, (*older, *OF_PUSH, *OF_ROLLOUTS)),
            _single(
                "rollouts/{id}",
                "One rollout with every target's outcome, and what waits",
                self.rollout,
                RolloutNowRow,
                ID,
            ),
            _single(
                "rollouts/{id}/trail",
                "All that the trail says of a rollout and its push",
                self.story,
                Page[EntryRow],
                ID,
            ),
            _single(
                "rollouts/{id}/progress",
                "How far a rollout's run is that goes on",
                self.progress,
                ProgressRow,
                ID,
            ),
            _listing("hosts", "by their names", self.hosts, HostRow, (*later, *OF_HOSTS)),
            _listing("targets", "by their keys", self.targets, OutlookRow, (*later, *OF_TARGETS)),
            _single("targets/{key}", "One target, and why it runs what it runs", self.target, WhyRow, _KEY),
            _listing("silences", "newest first", self.silences, SilenceRow, older),
            _single("silences/{id}", "One silence", self.silence, SilenceRow, ID),
            _listing("freezes", "newest first", self.freezes, FreezeRow, (*older, _COUNTS)),
            _single("freezes/{id}", "One freeze", self.freeze, FreezeRow, ID),
            _listing("messages", "to receivers, newest first", self.messages, MessageRow, older),
            _listing("receivers", "who is told of what, by their names", self.receivers, ReceiverRow, ()),
            _listing("registries", "by their names", self.list_registries, RegistryRow, ()),
            _listing(
                "trail", "what happened, in order", self.trail, EntryRow, (LIMIT, AFTER_NUMBER, *OF_TRAIL)
            ),
        )

    def show_status(self) -> HTTPResponse:
        """Answer with how everything is."""
        return answer(200, self.status())

    def events(self, limit: int = DEFAULT_LIMIT, before: int | None = None, **wanted: Any) -> HTTPResponse:
        """Answer with a page of events."""
        return _page(events(self.storage, limit + 1, before, EventChoice(**wanted)), limit, "before", "id")

    def event(self, id: int) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Answer with one event."""
        return or_unknown(lambda: one_event(self.storage, id))

    def ignored(self) -> HTTPResponse:
        """Answer with how many events were ignored, and why."""
        return _all(ignored(self.storage))

    def rollouts(self, limit: int = DEFAULT_LIMIT, before: int | None = None, **wanted: Any) -> HTTPResponse:
        """Answer with a page of rollouts."""
        state = RolloutState(wanted.pop("state")) if "state" in wanted else None
        choice = RolloutChoice(**wanted, state=state)
        return _page(rollouts(self.storage, limit + 1, before, choice), limit, "before", "id")

    def rollout(self, id: int) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Answer with one rollout and every target of it."""
        return or_unknown(lambda: rollout_now(self.storage, id, self.overview()))

    def story(self, id: int) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Answer with all that the trail says of a rollout."""
        return or_unknown(lambda: {"items": story(self.storage, id), "next": None})

    def progress(self, id: int) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Answer with how far a run is."""
        return or_unknown(lambda: progress(self.running(), id))

    def hosts(self, limit: int = DEFAULT_LIMIT, after: str | None = None, **wanted: Any) -> HTTPResponse:
        """Answer with a page of hosts."""
        choice = HostChoice(wanted.get("text"), wanted.get("swarm"), wanted.get("reachable"))
        return _page(hosts(self.known(), limit + 1, after, choice), limit, "after", "name")

    def targets(self, limit: int = DEFAULT_LIMIT, after: str | None = None, **wanted: Any) -> HTTPResponse:
        """Answer with a page of targets."""
        choice = TargetChoice(is_behind=wanted.pop("behind", None), **wanted)
        return _page(outlooks(self.orders, self.overview(), limit + 1, after, choice), limit, "after", "key")

    def target(self, key: str) -> HTTPResponse:
        """Answer with all that is known of one target."""
        overview = self.overview()

        def whole() -> WhyRow:
            (one, *others) = found(overview.fleet, key)
            if others:
                raise NothingKnown(f"{key} is the name of several: {', '.join((one, *others)):.1000}")
            return why(self.storage, overview, one, PAST)

        return or_unknown(whole)

    def silences(self, limit: int = DEFAULT_LIMIT, before: int | None = None) -> HTTPResponse:
        """Answer with a page of silences."""
        return _page(silences(self.storage, self.clock(), limit + 1, before), limit, "before", "id")

    def silence(self, id: int) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Answer with one silence."""
        return or_unknown(lambda: silence_of(self.storage, id, self.clock()))

    def freezes(
        self, limit: int = DEFAULT_LIMIT, before: int | None = None, *, counts: bool | None = None
    ) -> HTTPResponse:
        """Answer with a page of freezes."""
        rows = freezes(self.storage, self.known(), self.clock(), limit + 1, before, counts=counts)
        return _page(rows, limit, "before", "id")

    def freeze(self, id: int) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Answer with one freeze."""
        return or_unknown(lambda: freeze_of(self.storage, self.known(), id, self.clock()))

    def messages(self, limit: int = DEFAULT_LIMIT, before: int | None = None) -> HTTPResponse:
        """Answer with a page of messages."""
        return _page(messages(self.storage, limit + 1, before), limit, "before", "id")

    def receivers(self) -> HTTPResponse:
        """Answer with who is told of what."""
        return _all(receivers(self.storage, self.teams()))

    def list_registries(self) -> HTTPResponse:
        """Answer with the registries."""
        return _all(self.registries())

    def trail(self, limit: int = DEFAULT_LIMIT, after: int = 0, **wanted: Any) -> HTTPResponse:
        """Answer with a page of the trail; there can be fewer in it than the limit, and more behind."""
        rows, following = trail(self.storage, limit, after, Choice(**wanted))
        return answer(200, {"items": rows, "next": following and _next(limit, "after", following)})


def or_unknown(find: Callable[[], Any]) -> HTTPResponse:
    """Answer with what is found, and 404 where there is no such thing."""
    try:
        return answer(200, find())
    except NothingKnown as error:
        return refusal(404, str(error))


def _listing(
    name: str,
    order: str,
    answers: Callable[..., HTTPResponse],
    row: Any,
    parameters: Sequence[Parameter],
) -> Endpoint:
    summary = f"{name.capitalize()}, {order}"
    return Endpoint("GET", API + name, summary, answers, Page[row], parameters, refusals=_LISTED)


def _single(
    path: str, summary: str, answers: Callable[..., HTTPResponse], content: Any, which: Parameter
) -> Endpoint:
    return Endpoint("GET", API + path, summary, answers, content, (which,), refusals=_SINGLE)


def _page(rows: Sequence[T], limit: int, cursor: str, key: str) -> HTTPResponse:
    """Answer with ``limit`` of ``rows``, and where the next are, if there are more."""
    shown = rows[:limit]
    following = _next(limit, cursor, shown[-1][key]) if len(rows) > limit else None
    return answer(200, {"items": shown, "next": following})


def _next(limit: int, cursor: str, behind: object) -> str:
    """Return the address of the next part of what is listed at the request at hand: all else is asked for as there."""
    asked = {**dict(parse_qsl(request.environ["QUERY_STRING"])), "limit": limit, cursor: behind}
    return f"{request.environ['PATH_INFO']}?{urlencode(asked)}"


def _all(rows: Sequence[T]) -> HTTPResponse:
    return answer(200, {"items": rows, "next": None})
