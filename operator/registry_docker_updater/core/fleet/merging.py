"""What becomes of the fleet when hosts answer, stay silent, or leave the inventory."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from registry_docker_updater.core.fleet.engines import names_of
from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.index import Fleet, FleetChange
from registry_docker_updater.core.fleet.reports import HostReport, SeenHost, SeenTarget
from registry_docker_updater.core.fleet.targets import Kind, Target, container_key, place_of, service_key


def merge(before: Fleet, reports: Iterable[HostReport], now: datetime) -> Fleet:
    """Return the fleet after a scan of the whole inventory: hosts that ``reports`` do not name have left it."""
    reports = list(reports)
    fleet = before.changed(change_after_departure(before, {report.host for report in reports}))
    # Silence first: a manager that answers then speaks for those of its swarm that do not.
    for report in sorted(reports, key=lambda report: (report.seen is not None, report.host)):
        fleet = fleet.changed(change_after_report(fleet, report, now))
    return fleet


def change_after_report(fleet: Fleet, report: HostReport, now: datetime) -> FleetChange:
    """Return what the report of one host changes.

    A host that did not answer keeps the targets it had. One that answered has exactly those it named; a service
    stays as long as one manager of its swarm knows it. What it tells of containers goes for every name of its engine. A
    manager of a swarm that has lost its quorum answers, and knows nothing of services: they stay.
    """
    at = report.at or now
    before = fleet.hosts.get(report.host)
    if report.seen is None:
        silent = replace(
            before or Host(report.host, at), asked_at=at, error=report.error or "no answer", warnings=()
        )
        return FleetChange({report.host: silent})
    host = replace(_host(report.host, report.seen, before, at), groups=report.groups, policy=report.policy)
    draft = _Draft(fleet, host, names_of(fleet, host))
    named = {target.key: target for seen in report.seen.targets if (target := draft.target(seen, at))}
    for target in named.values():
        draft.targets[target.key] = _newest(target, fleet.targets.get(target.key), report.asked_at)
    known = fleet.named.get(host.name, frozenset())
    services = frozenset(key for key in known if fleet.targets[key].kind is Kind.SERVICE)
    draft.named = frozenset(named) | (services if draft.is_without_quorum else frozenset())
    for key in draft.known_containers - set(named):
        draft.targets[key] = _without(fleet.targets[key], draft.names)
    draft.look_after_services(set(named))
    changed = {key: target for key, target in draft.targets.items() if target != fleet.targets.get(key)}
    return FleetChange(
        {host.name: host}, changed, {**_named_by_others(fleet, host, changed), host.name: draft.named}
    )


def change_after_departure(fleet: Fleet, inventory: Iterable[str]) -> FleetChange:
    """Return what changes when exactly the hosts of ``inventory`` are left."""
    gone = set(fleet.hosts) - set(inventory)
    targets: dict[str, Target | None] = {}
    for key in {key for host in gone for key in fleet.named.get(host, ())}:
        targets[key] = _without(fleet.targets[key], gone)
    return FleetChange(dict.fromkeys(gone), targets, dict.fromkeys(gone, frozenset()))


def change_after_updates(
    fleet: Fleet, digests: Mapping[str, str], now: datetime, tags: Mapping[str, str] | None = None
) -> FleetChange:
    """Return what changes when targets were left with ``digests``, so that nothing waits for the next scan.

    Those that were moved to other ``tags`` run these.
    """
    moved = tags or {}
    targets: dict[str, Target | None] = {}
    for key, digest in digests.items():
        known = fleet.targets.get(key)
        if known and (not known.runs(digest) or key in moved):
            # It may have been seen in the middle of the update, which has ended now.
            state = None if known.is_unfinished else known.state
            after = replace(known, digests=frozenset((digest,)), since=now, state=state)
            targets[key] = _with_tag(after, moved[key]) if key in moved else after
    return FleetChange(targets=targets)


@dataclass
class _Draft:
    """What one host's answer makes of the targets it told of and of its swarms' services.

    ``names`` are all that its engine has.
    """

    fleet: Fleet
    host: Host
    names: tuple[str, ...]
    targets: dict[str, Target | None] = field(default_factory=dict)
    named: frozenset[str] = frozenset()

    @property
    def is_without_quorum(self) -> bool:
        """Whether the host belongs to a swarm's managers and cannot tell of its services."""
        return self.host.swarm is not None and not self.host.is_manager

    @property
    def known_containers(self) -> set[str]:
        """The containers that were known of the engine under any of its names."""
        keys = {key for name in self.names for key in self.fleet.named.get(name, ())}
        return {key for key in keys if self.fleet.targets[key].kind is Kind.CONTAINER}

    def managers(self, swarm: str) -> tuple[str, ...]:
        """Return the hosts through which the swarm's services can be changed, those that are down included."""
        others = self.fleet.swarms.get(swarm, frozenset()) - {self.host.name}
        return tuple(sorted(others | {self.host.name} if self.host.swarm == swarm else others))

    def target(self, seen: SeenTarget, now: datetime) -> Target:
        """Return the target that was ``seen`` on the host at ``now``."""
        host, is_service = self.host, seen.kind is Kind.SERVICE
        through = (
            (self.managers(host.swarm) if host.swarm else ()) or (host.name,) if is_service else self.names
        )
        return Target(
            key=service_key(seen.id) if is_service else container_key(self.names[0], seen.name),
            kind=seen.kind,
            id=seen.id,
            name=seen.name,
            place=place_of(seen.kind, through[0]),
            hosts=through,
            image=seen.image,
            reference=seen.reference,
            digests=seen.digests,
            since=now - timedelta(seconds=seen.age),
            state=seen.state,
            at_once=seen.at_once,
            notify=seen.notify,
            labels=seen.labels,
        )

    def look_after_services(self, named: set[str]) -> None:
        """Decide which services of the host's swarms stay, and through whom they are reached."""
        before = self.fleet.hosts.get(self.host.name)
        for swarm in sorted({one.swarm for one in (before, self.host) if one and one.swarm}):
            members = self.fleet.swarms.get(swarm, frozenset()) | {self.host.name}
            keys = {key for member in members for key in self.fleet.named.get(member, ())}
            managers = self.managers(swarm)
            for key in sorted(keys - named):
                service = self.fleet.targets[key]
                if service.kind is not Kind.SERVICE:
                    continue
                if self._is_gone(service, swarm, members):
                    self.targets[key] = None
                elif managers and service.hosts != managers:
                    self.targets[key] = replace(
                        service, hosts=managers, place=place_of(service.kind, managers[0])
                    )

    def _is_gone(self, service: Target, swarm: str, members: Iterable[str]) -> bool:
        """Tell whether nobody knows a service any more that the host did not name."""
        others = [
            self.fleet.hosts[name] for name in members if name != self.host.name and name in self.fleet.hosts
        ]
        if self.host.swarm != swarm:
            # It has left the swarm, so what it says is nothing about the services; without others, nobody can.
            return not others
        if not self.host.is_manager:
            return False
        return not any(
            other.is_manager and other.is_reachable and service.key in self.fleet.named.get(other.name, ())
            for other in others
        )


def _host(name: str, seen: SeenHost, before: Host | None, now: datetime) -> Host:
    return Host(
        name=name,
        asked_at=now,
        engine=seen.engine,
        # Without a quorum a manager does not know the swarm's id, either.
        swarm=before.swarm if seen.is_mute and before else seen.swarm,
        is_manager=seen.is_manager,
        warnings=seen.warnings,
        live=before.live if before else None,
        # Also when it was not known before: it may have left the inventory while it was down.
        back_since=before.back_since if before and not before.error else now,
        unfinished=seen.unfinished,
        engine_id=seen.engine_id,
        engine_name=seen.engine_name,
        containers=seen.containers,
        at_once=seen.at_once,
    )


def _with_tag(target: Target, tag: str) -> Target:
    reference = replace(target.reference, tag=tag) if target.reference else None
    return replace(target, image=str(reference), reference=reference) if reference else target


def _without(target: Target, gone: Container[str]) -> Target | None:
    """Return a target that cannot be reached through the hosts in ``gone`` any more."""
    left = tuple(host for host in target.hosts if host not in gone)
    return replace(target, hosts=left, place=place_of(target.kind, left[0])) if left else None


def _named_by_others(
    fleet: Fleet, host: Host, changed: Mapping[str, Target | None]
) -> dict[str, frozenset[str]]:
    """Return what the other names of an engine tell of, after the containers have ``changed`` that it told of as ``host``."""
    named: dict[str, frozenset[str]] = {}
    for key, target in changed.items():
        before = fleet.targets.get(key)
        for known in filter(None, (before, target)):
            for name in known.hosts if known.kind is Kind.CONTAINER else ():
                keys = named.get(name, fleet.named.get(name, frozenset()))
                named[name] = keys | {key} if target and name in target.hosts else keys - {key}
    named.pop(host.name, None)
    return named


def _newest(target: Target, before: Target | None, asked_at: datetime | None) -> Target:
    """Return what is known of a target after it was seen as ``target``."""
    if before is None:
        return target
    if (
        not target.digests
        and target.id == before.id
        and not target.is_unfinished
        and not before.is_unfinished
    ):
        # An engine can forget the digests of an image when its tag goes to another; a container's image stays.
        target = replace(target, digests=before.digests)
    if before.digests == target.digests and before.reference == target.reference:
        # Scaling a service or restarting a container changes it, and not what it runs. It cannot have begun later than
        # a scan says; that it did, a clock said that was set since.
        return replace(target, since=min(before.since, target.since))
    if asked_at and before.since > asked_at:
        # An update ended, or another manager told of a change, after this host was asked.
        return before
    return target
