"""What every page is made of: what is known, who asks, and where they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bottle import HTTPResponse, request

from registry_docker_updater.core.rollouts.outlook import Overview
from registry_docker_updater.http.pages.asked import Asked
from registry_docker_updater.http.pages.rendering import Rendering
from registry_docker_updater.http.pages.topics import Topics
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.orders import TargetOrders

NOW, FLEET, ROLLOUTS, EVENTS, TRAIL = "Now", "Fleet", "Rollouts", "Events", "Trail"
_SECTIONS = ((NOW, "/"), (FLEET, "/fleet"), (ROLLOUTS, "/rollouts"), (EVENTS, "/events"), (TRAIL, "/trail"))


@dataclass(frozen=True)
class Here:
    """Where somebody is, and who they are: the ``section``, the ``topic`` by which the page changes, and that one's version."""

    section: str | None = None
    topic: str | None = None
    version: str | None = None
    searched: str = ""
    unread: Sequence[str] = ()
    name: str | None = None
    may_read: bool = True
    can_log_in: bool = False
    can_leave: bool = False
    form: str = ""
    sections: Sequence[tuple[str, str]] = _SECTIONS


@dataclass(frozen=True)
class Context:
    """What is kept and known, and how it is shown; ``runs`` is the folder of runs that are kept."""

    storage: Storage
    overview: Callable[[], Overview]
    rendering: Rendering
    runs: Path
    registries: Sequence[str]
    orders: TargetOrders
    topics: Topics

    def page(
        self, template: str, section: str | None, topic: str | None = None, **values: Any
    ) -> HTTPResponse:
        """Return a page for whoever asks."""
        unread = values.pop("unread", ())
        version = self.topics.version(topic) if topic else None
        here = Here(section, topic, version, searched=values.pop("searched", ""), unread=unread)
        return self.rendering.page(template, here=here, **values)

    def nothing(self, why: str, section: str | None = None) -> HTTPResponse:
        """Return the page that says that there is no such thing, and why."""
        return self.rendering.page("problem", 404, here=Here(section), title="Not there", detail=why)


def asked() -> Asked:
    """Return what is asked for of a list."""
    return Asked.of(request.path, request.environ.get("QUERY_STRING", ""))
