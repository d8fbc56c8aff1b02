"""What people decided of pushes that waited for them: evidence, which goes only with its push."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, func, insert, select

from registry_docker_updater.core.policy.decisions import Decision
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import Connections
from registry_docker_updater.storage.statements import batches
from registry_docker_updater.storage.written import wrote

_d = tables.decisions.c


class DecisionStore:
    """Keeps approvals and refusals."""

    def __init__(self, connections: Connections) -> None:
        """Keep them through ``connections``."""
        self._connections = connections

    def of_pushes(self, pushes: Collection[int]) -> Mapping[int, tuple[Decision, ...]]:
        """Return what was decided on some pushes, by their numbers, the oldest first."""
        found: dict[int, list[Decision]] = {}
        with self._connections.reading() as connection:
            for some in batches(sorted(pushes)):
                query = select(tables.decisions).where(_d.push.in_(some)).order_by(_d.id)
                for row in connection.execute(query):
                    found.setdefault(row.push, []).append(_decision(row))
        return {push: tuple(some) for push, some in found.items()}

    def add(self, new: Decision) -> Decision:
        """Keep a new one, and return it with its number."""
        row = {
            "push": new.push,
            "target_keys": sorted(new.keys),
            "person": new.person,
            "at": new.at,
            "is_approval": new.is_approval,
            "reason": new.reason,
        }
        with self._connections.writing() as connection:
            added = insert(tables.decisions).values(row).returning(tables.decisions)
            kept = connection.execute(added).mappings().one()
            wrote(connection, tables.decisions, dict(kept))
        return replace(new, id=kept["id"])

    def change_counter(self) -> int:
        """Return a number that grows with everything that is decided, in whichever process."""
        with self._connections.reading() as connection:
            return connection.scalar(select(func.max(_d.id))) or 0


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        id=row.id,
        push=row.push,
        keys=frozenset(row.target_keys),
        person=row.person,
        at=row.at,
        is_approval=row.is_approval,
        reason=row.reason,
    )
