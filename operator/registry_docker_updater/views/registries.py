"""Registries as people and programs see them: who sends, what came last, and whether they are asked. Never a secret."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from typing_extensions import TypedDict

from registry_docker_updater.storage.events import Heard
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.values import moment


@dataclass(frozen=True)
class KnownRegistry:
    """A registry of the settings; ``interval`` is how often each of its tags is asked for, None where it is not asked."""

    name: str
    format: str
    hosts: tuple[str, ...]
    interval: timedelta | None


@dataclass(frozen=True)
class Asked:
    """When a registry that is asked last answered, and why it does not, where it did not the last time."""

    answered_at: datetime | None = None
    trouble: str | None = None


class RegistryRow(TypedDict):
    """A registry that sends events: the last of them, and the last push that only the sweep found (``last_found``).

    It is ``is_silent`` where that came after all events: it has what nobody was told of. ``answered_at`` and ``trouble`` are of
    the sweep, which asks for each tag every ``sweep_seconds``; null where it is not asked.
    """

    name: str
    format: str
    hosts: list[str]
    last_event: int | None
    last_event_at: str | None
    last_found: int | None
    last_found_at: str | None
    is_silent: bool
    is_asked: bool
    sweep_seconds: float | None
    answered_at: str | None
    trouble: str | None


def registries(
    storage: Storage, known: Iterable[KnownRegistry], asked: Callable[[str], Asked | None]
) -> list[RegistryRow]:
    """Return the registries that are ``known``, by name, with what they were ``asked``."""
    some = sorted(known, key=lambda one: one.name)
    heard = storage.events.heard([one.name for one in some])
    return [_registry(one, heard[one.name], asked(one.name)) for one in some]


def _registry(known: KnownRegistry, heard: Heard, asked: Asked | None) -> RegistryRow:
    sent, found = heard.sent, heard.found
    return {
        "name": known.name,
        "format": known.format,
        "hosts": list(known.hosts),
        "last_event": sent.id if sent else None,
        "last_event_at": moment(sent.received_at) if sent else None,
        "last_found": found.id if found else None,
        "last_found_at": moment(found.received_at) if found else None,
        "is_silent": found is not None and (sent is None or sent.id < found.id),
        "is_asked": asked is not None,
        "sweep_seconds": known.interval.total_seconds() if known.interval else None,
        "answered_at": moment(asked.answered_at) if asked else None,
        "trouble": asked.trouble if asked else None,
    }
