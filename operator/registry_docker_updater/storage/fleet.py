"""What is kept of the fleet: hosts and targets as scans saw them last.

Every method is one transaction, committed with fsync before it returns, or raises ``StoreUnavailable`` with nothing
committed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, Table, delete, insert, select

from registry_docker_updater.core.fleet.hosts import Host, UnfinishedUpdate
from registry_docker_updater.core.fleet.index import Fleet, FleetChange
from registry_docker_updater.core.fleet.targets import Kind, Target
from registry_docker_updater.core.references import Reference
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import Connections
from registry_docker_updater.storage.statements import batches


class FleetStore:
    """Keeps the fleet."""

    def __init__(self, connections: Connections) -> None:
        """Keep it through ``connections``."""
        self._connections = connections

    def load(self) -> Fleet:
        """Return the fleet as it was kept last."""
        with self._connections.reading() as connection:
            hosts = [_host(row) for row in connection.execute(select(tables.hosts))]
            targets = [_target(row) for row in connection.execute(select(tables.targets))]
        return Fleet({host.name: host for host in hosts}, {target.key: target for target in targets})

    def engines(self, hosts: Collection[str]) -> dict[str, str | None]:
        """Return which version of the engine each of ``hosts`` had when it was asked last."""
        h = tables.hosts.c
        with self._connections.reading() as connection:
            return {
                name: engine
                for some in batches(hosts)
                for name, engine in connection.execute(select(h.name, h.engine).where(h.name.in_(some)))
            }

    def apply(self, change: FleetChange) -> None:
        """Keep what differs between the kept fleet and the one that is known now."""
        kept: tuple[tuple[Table, str, Mapping[str, dict[str, Any] | None]], ...] = (
            (
                tables.hosts,
                "name",
                {name: _host_row(one) if one else None for name, one in change.hosts.items()},
            ),
            (
                tables.targets,
                "key",
                {key: _target_row(one) if one else None for key, one in change.targets.items()},
            ),
        )
        if not change.hosts and not change.targets:
            return
        with self._connections.writing() as connection:
            for table, identity, rows in kept:
                for some in batches(rows):
                    connection.execute(delete(table).where(table.c[identity].in_(some)))
                if found := [row for row in rows.values() if row]:
                    connection.execute(insert(table), found)


def _host(row: Row[Any]) -> Host:
    return Host(
        row.name,
        row.asked_at,
        row.error,
        row.engine,
        row.swarm,
        row.is_manager,
        tuple(row.warnings),
        row.live,
        row.back_since,
        tuple(UnfinishedUpdate(**one) for one in row.unfinished),
        row.engine_id,
        row.engine_name,
        tuple(row.containers),
        row.at_once,
        tuple(row.groups),
        _pairs(row.policy),
    )


def _host_row(host: Host) -> dict[str, Any]:
    return {**asdict(host), "warnings": list(host.warnings), "containers": list(host.containers)}


def _target_row(target: Target) -> dict[str, Any]:
    return {
        **asdict(target),
        "hosts": list(target.hosts),
        "digests": sorted(target.digests),
        "reference": str(target.reference) if target.reference else None,
    }


def _pairs(kept: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in kept)


def _target(row: Row[Any]) -> Target:
    return Target(
        key=row.key,
        kind=Kind(row.kind),
        id=row.id,
        name=row.name,
        place=row.place,
        hosts=tuple(row.hosts),
        image=row.image,
        reference=Reference.parse(row.reference) if row.reference else None,
        digests=frozenset(row.digests),
        since=row.since,
        state=row.state,
        at_once=row.at_once,
        notify=tuple(row.notify),
        labels=_pairs(row.labels),
    )
