"""What every page is made of: what is known, who asks, and where they are."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bottle import HTTPResponse, request

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.notifications.receivers import Receivers
from registry_docker_updater.core.rollouts.outlook import Overview
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.http.access import Right, Visitor
from registry_docker_updater.http.answers import VISITOR
from registry_docker_updater.http.pages.asked import Asked
from registry_docker_updater.http.pages.rendering import Rendering
from registry_docker_updater.http.pages.topics import Topics
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.freezes import FreezeRow, frozen
from registry_docker_updater.views.orders import TargetOrders

NOW, FLEET, ROLLOUTS, EVENTS, MESSAGES, TRAIL = "Now", "Fleet", "Rollouts", "Events", "Messages", "Trail"
# Where in a request's environment it is left how new a topic was.
_BEFORE = "registry_docker_updater.before"
_SECTIONS = (
    (NOW, "/"),
    (FLEET, "/fleet"),
    (ROLLOUTS, "/rollouts"),
    (EVENTS, "/events"),
    (MESSAGES, "/messages"),
    (TRAIL, "/trail"),
)


@dataclass(frozen=True)
class Here:
    """Where somebody is, of when that is, and who they are: the ``section``, the ``topic`` by which the page changes, and that one's version.

    What is ``frozen`` is said on every page.
    """

    as_of: datetime
    section: str | None = None
    topic: str | None = None
    version: str | None = None
    searched: str = ""
    unread: Sequence[str] = ()
    name: str | None = None
    may_read: bool = False
    may_operate: bool = False
    is_logged_in: bool = False
    frozen: Sequence[FreezeRow] = ()
    sections: Sequence[tuple[str, str]] = _SECTIONS


@dataclass(frozen=True)
class Context:
    """What is kept and known, and how it is shown; ``runs`` is the folder of runs that are kept, ``receivers`` are who is told.

    ``known`` is the fleet.
    """

    storage: Storage
    overview: Callable[[], Overview]
    rendering: Rendering
    runs: Path
    registries: Sequence[str]
    receivers: Callable[[], Receivers]
    orders: TargetOrders
    topics: Topics
    known: Callable[[], Fleet]

    def page(
        self, template: str, section: str | None, topic: str | None = None, **values: Any
    ) -> HTTPResponse:
        """Return a page for whoever asks."""
        visitor: Visitor | None = request.environ.get(VISITOR)
        here = Here(
            as_of=values.pop("as_of", None) or self.rendering.clock(),
            section=section,
            topic=topic,
            version=self._version(topic) if topic else None,
            searched=values.pop("searched", ""),
            unread=values.pop("unread", ()),
            name=visitor.name if visitor else None,
            may_read=visitor is not None,
            may_operate=visitor is not None and visitor.right >= Right.OPERATE,
            is_logged_in=visitor is not None and visitor.is_logged_in,
            frozen=self._frozen() if visitor else (),
        )
        return self.rendering.page(template, here=here, **values)

    def _frozen(self) -> Sequence[FreezeRow]:
        """Return what is frozen; nothing where that cannot be read, which other parts of a page tell of."""
        with suppress(StoreUnavailable):
            return frozen(self.storage, self.known(), self.rendering.clock())
        return ()

    def before(self, topic: str) -> None:
        """Note how new a topic is before a page is made of it: what changes meanwhile is to be told of."""
        request.environ[_BEFORE] = topic, self.topics.version(topic)

    def _version(self, topic: str) -> str | None:
        noted, version = request.environ.get(_BEFORE, (None, None))
        return version if noted == topic else self.topics.version(topic)

    def nothing(self, why: str, section: str | None = None) -> HTTPResponse:
        """Return the page that says that there is no such thing, and why."""
        return self.page("problem", section, status=404, title="Not there", detail=why, again=None)

    def refused(
        self, status: int, why: str, section: str | None = None, again: str | None = None
    ) -> HTTPResponse:
        """Return the page that says as what a request was refused, and where it can be asked for ``again``."""
        title = HTTPStatus(status).phrase
        return self.page("problem", section, status=status, title=title, detail=f"{why}.", again=again)


def asked() -> Asked:
    """Return what is asked for of a list."""
    return Asked.of(request.path, request.environ.get("QUERY_STRING", ""))
