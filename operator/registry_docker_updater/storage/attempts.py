"""What is kept of attempts: the last on each target, and the digests that targets refused."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Column, ColumnElement, delete, select

from registry_docker_updater.core.rollouts.history import LastAttempt, Refusal
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import Connections
from registry_docker_updater.storage.statements import batches, put
from registry_docker_updater.storage.written import removed, wrote


class AttemptStore:
    """Keeps what was attempted on targets, by their keys."""

    def __init__(self, connections: Connections) -> None:
        """Keep it through ``connections``."""
        self._connections = connections

    def last(self, keys: Collection[str]) -> dict[str, LastAttempt]:
        """Return the last attempt on each target with one of ``keys``, as far as there was any."""
        return self._those(tables.last_attempts.c.key, keys)

    def of_pushes(self, pushes: Collection[int]) -> dict[str, LastAttempt]:
        """Return the last attempts that were by some pushes, by the keys of their targets."""
        return self._those(tables.last_attempts.c.push, pushes)

    def unheard(self, pushes: Collection[int]) -> dict[str, LastAttempt]:
        """Return the last attempts by some pushes of which nobody heard how they ended, by the keys of their targets."""
        return self._those(tables.last_attempts.c.push, pushes, tables.last_attempts.c.is_unheard)

    def _those(
        self, column: Column[Any], values: Collection[Any], *where: ColumnElement[bool]
    ) -> dict[str, LastAttempt]:
        query = select(tables.last_attempts).where(*where)
        with self._connections.reading() as connection:
            return {
                row.key: LastAttempt(
                    push=row.push,
                    outcome=Outcome(row.outcome),
                    possible_digests=frozenset(row.possible_digests),
                    at=row.at,
                    left_alone=row.left_alone,
                    held=row.held,
                    given_up=row.given_up,
                    is_unheard=row.is_unheard,
                )
                for some in batches(values)
                for row in connection.execute(query.where(column.in_(some)))
            }

    def refusals(self, keys: Collection[str]) -> frozenset[Refusal]:
        """Return the digests that targets with one of ``keys`` refused."""
        r = tables.refusals.c
        with self._connections.reading() as connection:
            return frozenset(
                Refusal(row.key, row.digest)
                for some in batches(keys)
                for row in connection.execute(select(tables.refusals).where(r.key.in_(some)))
            )

    def keep(self, last: Mapping[str, LastAttempt]) -> None:
        """Keep attempts, by key, as the last of their targets."""
        with self._connections.writing() as connection:
            for key, one in last.items():
                row = {**asdict(one), "key": key, "possible_digests": sorted(one.possible_digests)}
                put(connection, tables.last_attempts, row)
                wrote(connection, tables.last_attempts, row)

    def refuse(self, refusals: Iterable[Refusal]) -> None:
        """Keep digests that targets refused."""
        with self._connections.writing() as connection:
            for one in refusals:
                put(connection, tables.refusals, one._asdict())
                wrote(connection, tables.refusals, one._asdict())

    def forgive(self, refusals: Iterable[Refusal]) -> None:
        """Forget refusals that hold no more."""
        r = tables.refusals.c
        with self._connections.writing() as connection:
            for one in refusals:
                itself = (r.key == one.key) & (r.digest == one.digest)
                if connection.execute(delete(tables.refusals).where(itself)).rowcount:
                    removed(connection, tables.refusals, [one])
