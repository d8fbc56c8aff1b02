"""The API: what is known, as JSON, and whether the operator works."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

from bottle import HTTPResponse

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.runs.progress import RunProgress
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.http.access import Right
from registry_docker_updater.http.answers import answer, refusal
from registry_docker_updater.http.endpoints import (
    AFTER,
    AFTER_NUMBER,
    API,
    BEFORE,
    DEFAULT_LIMIT,
    LIMIT,
    Endpoint,
    Page,
    Parameter,
    Status,
)
from registry_docker_updater.http.openapi import description
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import EventRow, IgnoredRow, events, ignored
from registry_docker_updater.views.events import event as one_event
from registry_docker_updater.views.fleet import FleetRows, HostRow, TargetRow, fleet, hosts, targets
from registry_docker_updater.views.progress import ProgressRow, progress
from registry_docker_updater.views.rollouts import RolloutRow, WholeRolloutRow, rollout, rollouts
from registry_docker_updater.views.trail import EntryRow, trail

T = TypeVar("T", bound=Mapping[str, Any])
_LISTED = 200
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
_ID = Parameter("id", _NUMBER, "Its number.", is_in_path=True)
_OLDER, _LATER = (LIMIT, BEFORE), (LIMIT, AFTER)
_BAD_QUERY = {400: "The query cannot be read."}
_UNKNOWN = {404: "There is none with this number."}
_GUARDED = {
    401: "A token with the right to read is needed.",
    421: "This is not a name of the operator.",
    503: "What is kept cannot be read now.",
}


@dataclass(frozen=True)
class Api:
    """Shows what is kept in ``storage``, and the fleet as it is ``known``.

    ``not_ready`` says why the operator does not work, None where it does; ``running`` are the runs of rollouts that go on. What is
    asked ``beside`` it is described with it.
    """

    storage: Storage
    known: Callable[[], Fleet]
    not_ready: Callable[[], str | None]
    version: str
    running: Callable[[], Mapping[int, RunProgress]] = dict
    beside: Sequence[Endpoint] = ()

    def endpoints(self) -> Sequence[Endpoint]:
        """Return all that it answers."""
        listed, single = {**_GUARDED, **_BAD_QUERY}, {**_GUARDED, **_BAD_QUERY, **_UNKNOWN}
        return (
            *self.probes(),
            *self.beside,
            *self.unpaged(),
            _get("events", "The newest events, newest first", self.events, Page[EventRow], _OLDER, listed),
            _get("events/{id}", "One event, whole", self.event, EventRow, (_ID,), single),
            _get(
                "ignored", "How many events were ignored, and why", self.ignored, Page[IgnoredRow], (), listed
            ),
            _get(
                "rollouts",
                "The newest rollouts, newest first",
                self.rollouts,
                Page[RolloutRow],
                _OLDER,
                listed,
            ),
            _get(
                "rollouts/{id}",
                "One rollout with every target's outcome",
                self.rollout,
                WholeRolloutRow,
                (_ID,),
                single,
            ),
            _get(
                "rollouts/{id}/progress",
                "How far a rollout's run is that goes on",
                self.progress,
                ProgressRow,
                (_ID,),
                {**listed, 404: "No run of it goes on."},
            ),
            _get("hosts", "Hosts by their names", self.hosts, Page[HostRow], _LATER, listed),
            _get("targets", "Targets by their keys", self.targets, Page[TargetRow], _LATER, listed),
            _get(
                "trail", "What happened, in order", self.trail, Page[EntryRow], (LIMIT, AFTER_NUMBER), listed
            ),
            _get("openapi.json", "This description", self.openapi, dict[str, Any], (), listed),
        )

    def probes(self) -> Sequence[Endpoint]:
        """Return what is asked to know whether it lives, by anybody."""
        return (
            Endpoint("GET", "/healthz", "Whether the process lives", self.alive, Status, needs=Right.NONE),
            Endpoint(
                "GET",
                "/readyz",
                "Whether the operator works: events can be committed, and runs started",
                self.ready,
                Status,
                refusals={503: "It does not."},
                needs=Right.NONE,
            ),
        )

    def events(self, limit: int = DEFAULT_LIMIT, before: int | None = None) -> HTTPResponse:
        """Answer with a page of events."""
        return _page("events", events(self.storage, limit + 1, before), limit, "before", "id")

    def event(self, id: int) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Answer with one event."""
        return _one(lambda: one_event(self.storage, id))

    def ignored(self) -> HTTPResponse:
        """Answer with how many events were ignored, and why."""
        return answer(200, {"items": ignored(self.storage), "next": None})

    def rollouts(self, limit: int = DEFAULT_LIMIT, before: int | None = None) -> HTTPResponse:
        """Answer with a page of rollouts."""
        return _page("rollouts", rollouts(self.storage, limit + 1, before), limit, "before", "id")

    def rollout(self, id: int) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Answer with one rollout and every target of it."""
        return _one(lambda: rollout(self.storage, id))

    def progress(self, id: int) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Answer with how far a run is."""
        return _one(lambda: progress(self.running(), id))

    def hosts(self, limit: int = DEFAULT_LIMIT, after: str | None = None) -> HTTPResponse:
        """Answer with a page of hosts."""
        return _page("hosts", hosts(self.known(), limit + 1, after), limit, "after", "name")

    def targets(self, limit: int = DEFAULT_LIMIT, after: str | None = None) -> HTTPResponse:
        """Answer with a page of targets."""
        return _page("targets", targets(self.known(), limit + 1, after), limit, "after", "key")

    def trail(self, limit: int = DEFAULT_LIMIT, after: int = 0) -> HTTPResponse:
        """Answer with a page of the trail."""
        return _page("trail", trail(self.storage, limit + 1, after), limit, "after", "sequence")

    def openapi(self) -> HTTPResponse:
        """Answer with the description of all this."""
        return answer(200, description(self.endpoints(), self.version))

    def unpaged(self) -> Sequence[Endpoint]:
        """Return the listings without pages, as the command line's ``--json``; they are older than the others."""
        listings: Sequence[tuple[str, Any, Callable[[], Any]]] = (
            ("events", list[EventRow], lambda: events(self.storage, _LISTED)),
            ("ignored", list[IgnoredRow], lambda: ignored(self.storage)),
            ("rollouts", list[RolloutRow], lambda: rollouts(self.storage, _LISTED)),
            ("fleet", FleetRows, lambda: fleet(self.known())),
        )
        return (
            *(
                Endpoint(
                    "GET",
                    f"/api/{name}",
                    f"{name.capitalize()}, without pages",
                    partial(_all, rows),
                    content,
                    refusals=_GUARDED,
                )
                for name, content, rows in listings
            ),
            Endpoint(
                "GET",
                "/api/rollouts/{id}",
                "One rollout with every target's outcome",
                self.rollout,
                WholeRolloutRow,
                (_ID,),
                refusals={**_GUARDED, **_UNKNOWN},
            ),
        )

    def alive(self) -> HTTPResponse:
        """Answer that the process answers."""
        return answer(200, {"status": "alive"})

    def ready(self) -> HTTPResponse:
        """Answer whether the operator works, can keep what it is sent, and can start runs."""
        why = self.not_ready()
        return answer(503 if why else 200, {"status": why or "ready"})


def _get(  # noqa: PLR0913, PLR0917 - a row of the table
    path: str,
    summary: str,
    answers: Callable[..., HTTPResponse],
    content: Any,
    parameters: Sequence[Parameter],
    refusals: Mapping[int, str],
) -> Endpoint:
    return Endpoint("GET", API + path, summary, answers, content, parameters, refusals=refusals)


def _page(name: str, rows: Sequence[T], limit: int, cursor: str, key: str) -> HTTPResponse:
    """Answer with ``limit`` of ``rows``, and where the next are, if there are more."""
    is_more = len(rows) > limit
    shown = rows[:limit]
    following = urlencode({"limit": limit, cursor: shown[-1][key]}) if is_more else None
    return answer(200, {"items": shown, "next": f"{API}{name}?{following}" if following else None})


def _all(find: Callable[[], Any]) -> HTTPResponse:
    return answer(200, find())


def _one(find: Callable[[], Mapping[str, Any]]) -> HTTPResponse:
    try:
        return answer(200, find())
    except NothingKnown as error:
        return refusal(404, str(error))
