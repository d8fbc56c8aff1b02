"""The fleet as people and programs see it."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from typing_extensions import TypedDict

from registry_docker_updater.core.fleet.engines import engine_notes
from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.live import FOLLOWED
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.policy.notes import rule_notes
from registry_docker_updater.core.schedules.repairs import unfinished_notes
from registry_docker_updater.views.values import moment


class HostRow(TypedDict):
    """A host as it was seen last; ``unfinished`` are updates that were interrupted there.

    ``groups`` are those of the inventory that it is in. ``notes`` tell people what is to be known of it.
    """

    name: str
    asked_at: str
    error: str | None
    engine: str | None
    swarm: str | None
    is_manager: bool
    warnings: list[str]
    live: str | None
    back_since: str | None
    unfinished: list[dict[str, Any]]
    engine_id: str | None
    engine_name: str | None
    containers: list[str]
    groups: list[str]
    is_reachable: bool
    notes: list[str]


class TargetRow(TypedDict):
    """A swarm service or standalone container that opted in, and what it runs; ``notify`` are the receivers that its labels name."""

    key: str
    kind: str
    id: str
    name: str
    place: str
    hosts: list[str]
    image: str
    reference: str | None
    digests: list[str]
    since: str
    state: str | None
    notify: list[str]


class FleetRows(TypedDict):
    """The fleet: its hosts by their names, and its targets in the order of their places and names."""

    hosts: list[HostRow]
    targets: list[TargetRow]


@dataclass(frozen=True)
class HostChoice:
    """Which hosts are wanted: those that meet all of it.

    ``text`` is a part of a name, a swarm, an engine or of why it does not answer, whatever its case; ``swarm`` an id.
    """

    text: str | None = None
    swarm: str | None = None
    is_reachable: bool | None = None

    def has(self, host: Host) -> bool:
        """Tell whether a host is wanted."""
        needle = (self.text or "").casefold()
        said = (host.name, host.swarm, host.engine, host.engine_name, host.error, *host.warnings)
        return (
            (self.swarm is None or self.swarm == host.swarm)
            and (self.is_reachable is None or self.is_reachable == host.is_reachable)
            and (not needle or any(needle in one.casefold() for one in said if one))
        )


ALL_HOSTS = HostChoice()


def hosts(
    known: Fleet, limit: int, after: str | None = None, choice: HostChoice = ALL_HOSTS
) -> list[HostRow]:
    """Return ``limit`` hosts of a ``choice`` by their names, the first of those ``after`` that one."""
    wanted = (name for name, host in known.hosts.items() if choice.has(host))
    return list(host_rows(known, first(wanted, limit, after)))


def fleet(known: Fleet) -> FleetRows:
    """Return the fleet: its hosts by their names, and its targets in the order of their places and names."""
    ordered = sorted(known.targets.values(), key=lambda one: (one.place, one.kind, one.name))
    return {
        "hosts": list(host_rows(known, sorted(known.hosts))),
        "targets": [target(one) for one in ordered],
    }


def target(one: Target) -> TargetRow:
    """Return one target."""
    return {
        "key": one.key,
        "kind": str(one.kind),
        "id": one.id,
        "name": one.name,
        "place": one.place,
        "hosts": list(one.hosts),
        "image": one.image,
        "reference": str(one.reference) if one.reference else None,
        "digests": sorted(one.digests),
        "since": moment(one.since),
        "state": one.state,
        "notify": list(one.notify),
    }


def first(names: Iterable[str], limit: int, after: str | None) -> list[str]:
    """Return ``limit`` of ``names`` in order, the first of those ``after`` that one."""
    return heapq.nsmallest(limit, (name for name in names if after is None or name > after))


def host_rows(known: Fleet, names: Iterable[str]) -> Iterator[HostRow]:
    """Yield the hosts with ``names``, which the fleet is to have."""
    of_engines: dict[str, list[str]] = {}
    for name, note in engine_notes(known):
        of_engines.setdefault(name, []).append(note)
    for name in names:
        one = known.hosts[name]
        live = [f"the live view: {one.live}"] if one.live not in (None, FOLLOWED) else []
        yield _host(
            one,
            [
                *one.warnings,
                *unfinished_notes(one),
                *live,
                *of_engines.get(name, ()),
                *rule_notes(one, known),
            ],
        )


def _host(one: Host, notes: list[str]) -> HostRow:
    return {
        "name": one.name,
        "asked_at": moment(one.asked_at),
        "error": one.error,
        "engine": one.engine,
        "swarm": one.swarm,
        "is_manager": one.is_manager,
        "warnings": list(one.warnings),
        "live": one.live,
        "back_since": moment(one.back_since),
        "unfinished": [asdict(update) for update in one.unfinished],
        "engine_id": one.engine_id,
        "engine_name": one.engine_name,
        "containers": list(one.containers),
        "groups": list(one.groups),
        "is_reachable": one.is_reachable,
        "notes": notes,
    }
