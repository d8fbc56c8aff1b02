"""Registries as people and programs see them: what each tells, and whether one went silent."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from threading import Lock

from typing_extensions import TypedDict

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.schedules.registries import (
    Heard,
    KnownRegistry,
    LastPoll,
    RegistryStanding,
    standings,
)
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.values import moment


class RegistryRow(TypedDict):
    """A registry of the settings; ``says`` tells people how it is.

    ``last_event_at`` is when it told of a push last, ``last_heard_at`` when it sent anything. ``found_by_poll`` counts the
    pushes since that the sweep found and no event told of; ``silent_since`` is when the first was found, where its event is not
    just late. ``last_poll_error`` is why it cannot be asked. ``notes`` say which of its tags look as if they were to be followed, and cannot
    be compared.
    """

    name: str
    format: str
    hosts: list[str]
    is_asked: bool
    last_event_at: str | None
    last_heard_at: str | None
    last_poll_at: str | None
    last_poll_error: str | None
    found_by_poll: int
    silent_since: str | None
    says: str
    notes: list[str]


class CurrentRegistries:
    """Gives how registries stand now, and reads only what is new each time. Safe for use by several threads."""

    def __init__(
        self,
        storage: Storage,
        known: Mapping[str, KnownRegistry],
        polls: Callable[[], Mapping[str, LastPoll]],
        clock: Clock,
    ) -> None:
        """Begin with nothing read; ``polls`` returns what the sweep knows of each registry that it asks."""
        self._storage, self._known, self._polls, self._clock = storage, known, polls, clock
        self._lock = Lock()
        self._heard: dict[str, Heard] = {}
        self._last = 0

    def __call__(self) -> list[RegistryStanding]:
        """Return how each registry stands, by name; raises :class:`StoreUnavailable`."""
        with self._lock, self._storage.snapshot() as kept:
            last = kept.events.last_event()
            for name, later in kept.registries.heard(self._last).items():
                self._heard[name] = self._heard.get(name, Heard()).and_then(later)
            self._last = last
            ignored = kept.registries.ignored_at()
            heard = {}
            for name in self._known:
                one = self._heard.get(name, Heard()).and_then(ignored.get(name, Heard()))
                missed = kept.registries.missed(name, one.event)
                heard[name] = replace(one, missed=missed.missed, missed_since=missed.missed_since)
        return list(standings(self._known, heard, self._polls(), self._clock()))


def registries(found: Iterable[RegistryStanding]) -> list[RegistryRow]:
    """Return how registries stand."""
    return [_registry(one) for one in found]


def _registry(one: RegistryStanding) -> RegistryRow:
    return {
        "name": one.name,
        "format": one.known.format,
        "hosts": list(one.known.hosts),
        "is_asked": one.poll is not None,
        "last_event_at": moment(one.heard.told_at),
        "last_heard_at": moment(one.heard.heard_at),
        "last_poll_at": moment(one.poll.at) if one.poll else None,
        "last_poll_error": one.poll.error if one.poll else None,
        "found_by_poll": one.heard.missed,
        "silent_since": moment(one.silent_since),
        "says": one.sentence,
        "notes": list(one.poll.notes) if one.poll else [],
    }
