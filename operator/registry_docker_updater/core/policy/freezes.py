"""Freezes: what a person wants nothing updated of for a while."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Kind, Target
from registry_docker_updater.core.reasons import problem_of_reason


class Scope(StrEnum):
    """What a freeze can be of."""

    EVERYTHING = "everything"
    SWARM = "swarm"
    GROUP = "group"
    HOST = "host"
    REPOSITORY = "repository"


@dataclass(frozen=True)
class Freeze:
    """A freeze of everything, a swarm (by its id), a group or host of the inventory, or a repository (a pattern such as ``prod/*``).

    ``of`` is empty where it is of everything. It counts from ``at`` ``until`` a moment, None where somebody is to end it; ``actor`` is who wanted it, and ``reason`` why; a person may
    have ended it before, at ``ended_at``.
    """

    id: int
    scope: Scope
    of: str
    at: datetime
    until: datetime | None
    reason: str
    actor: str
    ended_at: datetime | None = None
    ended_by: str | None = None

    def counts(self, now: datetime) -> bool:
        """Tell whether it counts ``now``."""
        return self.ended_at is None and (self.until is None or now < self.until)

    @property
    def sentence(self) -> str:
        """Why nothing is updated."""
        end = f"{self.until:%Y-%m-%d %H:%M} UTC" if self.until else "somebody thaws it"
        return f"frozen by {self.actor} until {end}: {self.reason}"


@dataclass(frozen=True)
class Freezes:
    """Freezes, by what they are of; of some, the time may have passed."""

    all: tuple[Freeze, ...] = ()

    def of(self, target: Target, fleet: Fleet, repository: str) -> tuple[Freeze, ...]:
        """Return those that keep ``target`` from being updated to an image of ``repository``, the oldest first.

        A service is frozen with its swarm, and with any manager through which it can be updated; a container with its hosts.
        """
        # Asked for every target of the fleet: mostly nothing is frozen.
        if not self.all:
            return ()
        found = [
            *self._of_places(target, fleet),
            *(one for one in self._of_repositories if fnmatchcase(repository, one.of)),
        ]
        return tuple(sorted(dict.fromkeys(found), key=lambda one: one.id))

    def _of_places(self, target: Target, fleet: Fleet) -> Iterator[Freeze]:
        by_place = self._by_place
        if not by_place:
            return
        yield from by_place.get((Scope.EVERYTHING, ""), ())
        for name in target.hosts:
            yield from by_place.get((Scope.HOST, name), ())
            host = fleet.hosts.get(name)
            if host and host.swarm and target.kind is Kind.SERVICE:
                yield from by_place.get((Scope.SWARM, host.swarm), ())
            for group in host.groups if host else ():
                yield from by_place.get((Scope.GROUP, group), ())

    @cached_property
    def _by_place(self) -> Mapping[tuple[Scope, str], list[Freeze]]:
        found: dict[tuple[Scope, str], list[Freeze]] = {}
        for one in self.all:
            if one.scope is not Scope.REPOSITORY:
                found.setdefault((one.scope, one.of), []).append(one)
        return found

    @cached_property
    def _of_repositories(self) -> tuple[Freeze, ...]:
        return tuple(one for one in self.all if one.scope is Scope.REPOSITORY)


NO_FREEZES = Freezes()


def problem_of(until: datetime | None, reason: str, now: datetime) -> str | None:
    """Return what is wrong with a freeze that somebody wants ``now``, in a sentence with the remedy; None where nothing is."""
    if until is not None and until <= now:
        return f"a freeze ends later than now; {until:%Y-%m-%d %H:%M:%S} UTC has passed"
    return problem_of_reason("a freeze", reason)
