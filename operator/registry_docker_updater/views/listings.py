"""What people see of what is kept: the rows of the command line's listings and of the HTTP interface."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from registry_docker_updater.core.fleet.index import Fleet, Target
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import Database

Row = dict[str, Any]
_BEYOND_SQLITE = 2**63


class Listings:
    """Reads of one database, as plain dictionaries that JSON can hold."""

    def __init__(self, database: Database) -> None:
        """Read from ``database``."""
        self._database = database

    def events(self, limit: int) -> list[Row]:
        """Return the newest ``limit`` events, newest first: pushes, and what nobody could read."""
        query = select(tables.events).order_by(tables.events.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return [_plain(row) for row in connection.execute(query).mappings()]

    def rollouts(self, limit: int) -> list[Row]:
        """Return the newest ``limit`` rollouts, newest first, each with the count of its outcomes."""
        with self._database.reading() as connection:
            return _rollouts(connection, tables.rollouts.c.id.is_not(None), limit)

    def rollout(self, number: int) -> Row:
        """Return one rollout with every target's outcome; raises :class:`NothingKnown`."""
        with self._database.reading() as connection:
            return _with_message(connection, rollout_row(connection, number))

    def rollout_of_push(self, push: int) -> Row | None:
        """Return the rollout of a push, as :meth:`rollout` does, or None when there is none yet."""
        with self._database.reading() as connection:
            found = _rollouts(connection, tables.rollouts.c.push == push)
            return _with_message(connection, _with_targets(connection, found[0])) if found else None


def rollout_row(connection: Connection, number: int) -> Row:
    """Return one rollout with every target's outcome; raises :class:`NothingKnown`."""
    found = _rollouts(connection, tables.rollouts.c.id == number) if abs(number) < _BEYOND_SQLITE else []
    if not found:
        raise NothingKnown(f"there is no rollout {number}; `rollouts` lists those that are")
    return _with_targets(connection, found[0])


def _with_targets(connection: Connection, rollout: Row) -> Row:
    o = tables.outcomes.c
    query = select(tables.outcomes).where(o.rollout == rollout["id"]).order_by(o.key)
    return {**rollout, "targets": [_plain(row) for row in connection.execute(query).mappings()]}


def _with_message(connection: Connection, rollout: Row) -> Row:
    t = tables.notifications.c
    shown = [column for column in tables.notifications.c if column is not t.content]
    told = connection.execute(select(*shown).where(t.rollout == rollout["id"])).mappings().first()
    return {**rollout, "message": _plain(told) if told else None}


def _rollouts(connection: Connection, which: ColumnElement[bool], limit: int = 1) -> list[Row]:
    r, e, o = tables.rollouts.c, tables.events.c, tables.outcomes.c
    query = (
        select(*r, e.registry, e.digest, e.actor, e.received_at.label("pushed_at"))
        .join(tables.events, e.id == r.push)
        .where(which)
        .order_by(r.id.desc())
        .limit(limit)
    )
    counts: dict[int, dict[str, int]] = {}
    found = [_plain(row) for row in connection.execute(query).mappings()]
    counting = select(o.rollout, o.outcome, func.count()).group_by(o.rollout, o.outcome)
    for rollout, outcome, count in connection.execute(
        counting.where(o.rollout.in_([row["id"] for row in found]))
    ):
        counts.setdefault(rollout, {})[outcome] = count
    return [{**row, "outcomes": counts.get(row["id"], {})} for row in found]


def fleet_rows(fleet: Fleet) -> Row:
    """Return the fleet as people see it: its hosts, and its targets in the order of their places and names."""
    ordered = sorted(fleet.targets.values(), key=lambda target: (target.place, target.kind, target.name))
    return {
        "hosts": [
            _plain({**asdict(host), "is_reachable": host.is_reachable}) for host in fleet.hosts.values()
        ],
        "targets": [target_row(target) for target in ordered],
    }


def target_row(target: Target) -> Row:
    """Return one target as people see it."""
    row = {**asdict(target), "reference": str(target.reference) if target.reference else None}
    return _plain({**row, "digests": sorted(target.digests)})


def _plain(row: Mapping[Any, Any]) -> Row:
    """Moments become RFC 3339 in UTC."""
    return {name: _moment(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _moment(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
