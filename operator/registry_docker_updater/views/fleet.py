"""The fleet as people and programs see it."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from typing_extensions import TypedDict

from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.views.values import moment


class HostRow(TypedDict):
    """A host as it was seen last; ``unfinished`` are updates that were interrupted there."""

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
    is_reachable: bool


class TargetRow(TypedDict):
    """A swarm service or standalone container that opted in, and what it runs."""

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


class FleetRows(TypedDict):
    """The fleet: its hosts, and its targets in the order of their places and names."""

    hosts: list[HostRow]
    targets: list[TargetRow]


def hosts(known: Fleet, limit: int, after: str | None = None) -> list[HostRow]:
    """Return ``limit`` hosts by their names, the first of those ``after`` that one."""
    return [host(known.hosts[name]) for name in _first(known.hosts, limit, after)]


def targets(known: Fleet, limit: int, after: str | None = None) -> list[TargetRow]:
    """Return ``limit`` targets by their keys, the first of those ``after`` that one."""
    return [target(known.targets[key]) for key in _first(known.targets, limit, after)]


def chosen_hosts(fleet: Fleet, text: str | None, answers: bool | None = None) -> Sequence[Host]:  # noqa: FBT001
    """Return the hosts with ``text`` somewhere in what they say, whatever its case, that do or do not answer."""
    needle = (text or "").lower()
    return [
        one
        for one in fleet.hosts.values()
        if (answers is None or one.is_reachable == answers)
        and (not needle or any(needle in said.lower() for said in _words(one)))
    ]


def _words(one: Host) -> Sequence[str]:
    return [
        said for said in (one.name, one.error, one.engine, one.swarm, one.engine_name, *one.warnings) if said
    ]


def fleet(known: Fleet) -> FleetRows:
    """Return the fleet: its hosts, and its targets in the order of their places and names."""
    ordered = sorted(known.targets.values(), key=lambda one: (one.place, one.kind, one.name))
    return {
        "hosts": [host(one) for one in known.hosts.values()],
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
    }


def _first(names: Iterable[str], limit: int, after: str | None) -> list[str]:
    return heapq.nsmallest(limit, (name for name in names if after is None or name > after))


def host(one: Host) -> HostRow:
    """Return one host."""
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
        "is_reachable": one.is_reachable,
    }
