"""The API: what is known, as JSON, and whether the operator works."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bottle import HTTPResponse

from registry_docker_updater.http.access import Right
from registry_docker_updater.http.answers import answer
from registry_docker_updater.http.by_hand import Pushes
from registry_docker_updater.http.endpoints import GUARDED, Endpoint, Status
from registry_docker_updater.http.head import API
from registry_docker_updater.http.listings import ID, Listings
from registry_docker_updater.http.openapi import description
from registry_docker_updater.views.events import EventRow, IgnoredRow, events, ignored
from registry_docker_updater.views.fleet import FleetRows, fleet
from registry_docker_updater.views.rollouts import RolloutRow, WholeRolloutRow, rollouts

_LISTED = 200


@dataclass(frozen=True)
class Api:
    """Shows ``listings`` of what is known, and has ``pushes`` made by hand.

    ``not_ready`` says why the operator does not work, None where it does. What is asked ``beside`` it is described with it.
    """

    listings: Listings
    pushes: Pushes
    not_ready: Callable[[], str | None]
    version: str
    beside: Sequence[Endpoint] = ()

    def endpoints(self) -> Sequence[Endpoint]:
        """Return all that it answers."""
        return (
            *self.probes(),
            *self.beside,
            *self.unpaged(),
            *self.listings.endpoints(),
            *self.pushes.endpoints(),
            Endpoint(
                "GET",
                f"{API}openapi.json",
                "This description",
                self.openapi,
                dict[str, Any],
                refusals={**GUARDED, 400: "The query cannot be read."},
            ),
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

    def openapi(self) -> HTTPResponse:
        """Answer with the description of all this."""
        return answer(200, description(self.endpoints(), self.version))

    def unpaged(self) -> Sequence[Endpoint]:
        """Return the listings without pages, as the command line's ``--json``; they are older than the others."""
        kept = self.listings.storage
        listings: Sequence[tuple[str, Any, Callable[[], Any]]] = (
            ("events", list[EventRow], lambda: events(kept, _LISTED)),
            ("ignored", list[IgnoredRow], lambda: ignored(kept)),
            ("rollouts", list[RolloutRow], lambda: rollouts(kept, _LISTED)),
            ("fleet", FleetRows, lambda: fleet(self.listings.known())),
        )
        return (
            *(
                Endpoint(
                    "GET",
                    f"/api/{name}",
                    f"{name.capitalize()}, without pages",
                    partial(_all, rows),
                    content,
                    refusals=GUARDED,
                )
                for name, content, rows in listings
            ),
            Endpoint(
                "GET",
                "/api/rollouts/{id}",
                "One rollout with every target's outcome",
                self.listings.rollout,
                WholeRolloutRow,
                (ID,),
                refusals={**GUARDED, 404: "There is no such thing."},
            ),
        )

    def alive(self) -> HTTPResponse:
        """Answer that the process answers."""
        return answer(200, {"status": "alive"})

    def ready(self) -> HTTPResponse:
        """Answer whether the operator works, can keep what it is sent, and can start runs."""
        why = self.not_ready()
        return answer(503 if why else 200, {"status": why or "ready"})


def _all(find: Callable[[], Any]) -> HTTPResponse:
    return answer(200, find())
