"""The fleet as scans saw it: hosts, the swarms found on them, and their targets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from registry_docker_updater.core.references import Reference


class Kind(StrEnum):
    """What a target is."""

    SERVICE = "service"
    CONTAINER = "container"


@dataclass(frozen=True)
class Target:
    """A service or container that opted in.

    ``key`` is its identity across scans and recreations; ``place`` says where it is, for people; ``hosts`` are
    the inventory names through which it can be updated: the managers of its swarm, or its own host.
    ``digests`` are those its image is known under, ``since`` when it began to run them, by the operator's clock.
    ``reference`` is None where no push can concern it.
    """

    key: str
    kind: Kind
    id: str
    name: str
    place: str
    hosts: tuple[str, ...]
    image: str
    reference: Reference | None
    digests: frozenset[str]
    since: datetime
    state: str | None = None

    def runs(self, digest: str) -> bool:
        """Tell whether the target's image is the one with ``digest``."""
        return digest in self.digests


@dataclass(frozen=True)
class Host:
    """One host of the inventory, as last asked. ``error`` is why it could not be, in a sentence."""

    name: str
    asked_at: datetime
    error: str | None = None
    engine: str | None = None
    swarm: str | None = None
    is_manager: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def is_reachable(self) -> bool:
        """Whether the last scan got an answer from the host's engine."""
        return self.error is None


@dataclass(frozen=True)
class Fleet:
    """All hosts and targets, keyed by their names and keys."""

    hosts: Mapping[str, Host] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str, str | None], Sequence[Target]]:
        index: dict[tuple[str, str, str | None], list[Target]] = {}
        for target in self.targets.values():
            if target.reference and target.reference.tag:
                reference = target.reference
                index.setdefault((reference.host.lower(), reference.repository, reference.tag), []).append(
                    target
                )
        return index

    def running(self, hosts: Iterable[str], repository: str, tag: str) -> tuple[Target, ...]:
        """Return the targets that run ``repository:tag`` of a registry known under ``hosts``, by key.

        Host, repository and tag are compared whole; a push is matched in time independent of the fleet's size.
        """
        names = {(host.lower(), repository, tag) for host in hosts}
        return tuple(
            sorted((target for name in names for target in self._by_name.get(name, ())), key=lambda t: t.key)
        )


@dataclass(frozen=True)
class Scan:
    """The answer of one host to one scan: what the module ``targets_info`` returned, or why it did not.

    ``at`` is when it answered, by the operator's clock: a scan of many hosts, or with a slow one, takes a while.
    """

    host: str
    found: Mapping[str, Any] | None
    error: str | None = None
    at: datetime | None = None


def merge(before: Fleet, scans: Iterable[Scan], now: datetime) -> Fleet:
    """Return the fleet after ``scans``.

    A host that did not answer keeps the targets it had. One that answered has exactly those it named. Hosts that
    ``scans`` do not name have left the inventory, and their targets with them; a service stays as long as one
    manager of its swarm knows it.
    """
    hosts: dict[str, Host] = {}
    targets: dict[str, Target] = {}
    silent: list[str] = []
    managers: dict[str, list[str]] = {}
    ordered = sorted(scans, key=lambda scan: scan.host)
    for scan in ordered:
        host = _host(scan, before.hosts.get(scan.host), scan.at or now)
        hosts[scan.host] = host
        if host.swarm and host.is_manager:
            managers.setdefault(host.swarm, []).append(host.name)
        if scan.found is None:
            silent.append(scan.host)
    for scan in ordered:
        for seen in (scan.found or {}).get("targets", ()):
            target = _target(scan.host, hosts[scan.host], managers, seen, scan.at or now)
            targets[target.key] = _since_when(target, before.targets.get(target.key))
    answered = {name for name, host in hosts.items() if host.is_reachable}
    for target in before.targets.values():
        # A swarm of which any manager answered has told all its services; of the others we know what we knew.
        kept = tuple(name for name in target.hosts if name in hosts)
        if target.key not in targets and kept and not answered.intersection(kept):
            targets[target.key] = replace(target, hosts=kept)
    return Fleet(hosts, targets)


def _host(scan: Scan, before: Host | None, now: datetime) -> Host:
    if scan.found is None:
        known = before or Host(scan.host, now)
        return replace(known, asked_at=now, error=scan.error or "no answer", warnings=())
    engine, swarm = scan.found["engine"], scan.found.get("swarm") or {}
    return Host(
        name=scan.host,
        asked_at=now,
        engine=engine.get("version"),
        swarm=swarm.get("id"),
        is_manager=bool(swarm.get("manager")),
        warnings=tuple(scan.found.get("warnings", ())),
    )


def _target(
    host: str, known: Host, managers: Mapping[str, Sequence[str]], seen: Mapping[str, Any], now: datetime
) -> Target:
    kind = Kind(seen["kind"])
    is_service = kind is Kind.SERVICE
    through = tuple(managers.get(known.swarm or "", (host,))) if is_service else (host,)
    return Target(
        key=service_key(seen["id"]) if is_service else container_key(host, seen["name"]),
        kind=kind,
        id=seen["id"],
        name=seen["name"],
        place=f"swarm of {through[0]}" if is_service else f"host {host}",
        hosts=through,
        image=seen["image"],
        reference=Reference.parse(seen["reference"]) if seen["reference"] else None,
        digests=frozenset(seen["digests"]),
        since=now - timedelta(seconds=seen["age"] or 0),
        state=seen["state"],
    )


def _since_when(target: Target, before: Target | None) -> Target:
    """Scaling a service or restarting a container changes it, and not what it runs."""
    if before and before.digests == target.digests and before.reference == target.reference:
        return replace(target, since=before.since)
    return target


def service_key(service_id: str) -> str:
    """Return the key of a swarm service; service ids are unique among all swarms."""
    return f"{Kind.SERVICE}/{service_id}"


def container_key(host: str, name: str) -> str:
    """Return the key of a container: its host and name, for its id changes with every update."""
    return f"{Kind.CONTAINER}/{host}/{name}"
