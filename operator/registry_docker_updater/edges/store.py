"""What is kept: events, the fleet, rollouts and their outcomes, in SQLite through SQLAlchemy Core.

Every method is one transaction, committed with fsync before it returns: what was answered 202 survives a power
cut. Every method raises ``StoreUnavailable`` when the database cannot do it, with nothing committed.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from registry_docker_updater.core.fleet import Fleet, Host, Kind, Target
from registry_docker_updater.core.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.planning import History, Rollout, RunEnd, Start, State, Tried, Wanted
from registry_docker_updater.core.pushes import Push, Unreadable
from registry_docker_updater.core.references import Reference
from registry_docker_updater.core.telling import QUIET, Telling, TellingState
from registry_docker_updater.edges import tables
from registry_docker_updater.edges.database import Database


@dataclass(frozen=True)
class Recorded:
    """How many events were new, and how many had been seen before."""

    accepted: int
    duplicates: int
    unreadable: int


class Store:
    """What one operator keeps. Safe for use by several threads and processes."""

    def __init__(self, database: Database) -> None:
        """Keep everything in ``database``."""
        self._database = database

    def change_counter(self) -> int:
        """Return a number that differs after a push was recorded, by this process or another."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.max(tables.events.c.id))) or 0

    def record(self, registry: str, found: Sequence[Push | Unreadable], now: datetime) -> Recorded:
        """Keep events that ``registry`` sent at ``now``; those kept before count as duplicates."""
        accepted = duplicates = unreadable = 0
        with self._database.writing() as connection:
            for one in found:
                # A registry whose clock is ahead must not make its pushes newer than all that follow.
                row = _push_row(one, now) if isinstance(one, Push) else _unreadable_row(one)
                statement = upsert(tables.events).values(registry=registry, received_at=now, **row)
                kept = connection.execute(
                    statement.on_conflict_do_nothing().returning(tables.events.c.id)
                ).scalar()
                if isinstance(one, Unreadable):
                    unreadable += 1
                elif kept is None:
                    duplicates += 1
                else:
                    accepted += 1
                    _renew_newest(connection, kept, one, now)
        return Recorded(accepted, duplicates, unreadable)

    def push_number(self, registry: str, key: str) -> int:
        """Return the id of the push that ``registry`` sent with ``key``."""
        e = tables.events.c
        with self._database.reading() as connection:
            return int(connection.scalars(select(e.id).where(e.registry == registry, e.key == key)).one())

    def newest_time(self, registry: str, repository: str, tag: str) -> datetime | None:
        """Return when, by its registry's clock, the newest known push of a repository and tag happened."""
        n = tables.newest.c
        with self._database.reading() as connection:
            return connection.scalar(
                select(n.occurred_at).where(n.registry == registry, n.repository == repository, n.tag == tag)
            )

    def wanted(self, hosts: Mapping[str, Sequence[str]]) -> tuple[Wanted, ...]:
        """Return the newest push of every repository and tag, of the registries whose ``hosts`` are given."""
        e, n = tables.events.c, tables.newest.c
        query = select(e.id, e.registry, e.repository, e.tag, e.digest, e.received_at).join(
            tables.newest, n.push == e.id
        )
        with self._database.reading() as connection:
            return tuple(
                Wanted(
                    row.id, tuple(hosts[row.registry]), row.repository, row.tag, row.digest, row.received_at
                )
                for row in connection.execute(query)
                if row.registry in hosts
            )

    def fleet(self) -> Fleet:
        """Return the fleet as it was kept last."""
        with self._database.reading() as connection:
            hosts = [_host(row) for row in connection.execute(select(tables.hosts))]
            targets = [_target(row) for row in connection.execute(select(tables.targets))]
        return Fleet({host.name: host for host in hosts}, {target.key: target for target in targets})

    def keep_fleet(self, fleet: Fleet) -> None:
        """Replace the kept fleet by ``fleet``."""
        hosts = [{**asdict(host), "warnings": list(host.warnings)} for host in fleet.hosts.values()]
        targets = [_target_row(target) for target in fleet.targets.values()]
        with self._database.writing() as connection:
            for table, rows in ((tables.hosts, hosts), (tables.targets, targets)):
                connection.execute(delete(table))
                if rows:
                    connection.execute(insert(table), rows)

    def history(self, hosts: Mapping[str, Sequence[str]]) -> History:
        """Return what the planner needs to know of the past; ``hosts`` as for :meth:`wanted`."""
        r, e, n = tables.rollouts.c, tables.events.c, tables.newest.c
        query = (
            select(tables.rollouts, e.registry, e.repository, e.tag)
            .join(tables.events, e.id == r.push)
            .join(tables.newest, n.push == r.push, isouter=True)
            .where(r.state.in_([State.RUNNING, State.WAITING]) | n.push.is_not(None))
        )
        with self._database.reading() as connection:
            found = [_rollout(row, hosts) for row in connection.execute(query) if row.registry in hosts]
            last = {
                row.key: Tried(row.push, row.wanted, Outcome(row.outcome), row.after, row.at)
                for row in connection.execute(select(tables.tried))
            }
            refused = frozenset((row.key, row.digest) for row in connection.execute(select(tables.refused)))
        return History({rollout.push: rollout for rollout in found}, last, refused)

    def begin_run(self, start: Start, now: datetime) -> tuple[int, int]:
        """Note that a run of ``start`` begins; return the rollout's id and the run's number, from 1."""
        new = upsert(tables.rollouts).values(
            push=start.wanted.push,
            image=start.wanted.image,
            state=State.RUNNING,
            runs=1,
            created_at=now,
            started_at=now,
        )
        again = {
            "state": State.RUNNING,
            "runs": tables.rollouts.c.runs + 1,
            "started_at": now,
            "due_at": None,
            "note": None,
        }
        r = tables.rollouts.c
        with self._database.writing() as connection:
            begun = connection.execute(
                new.on_conflict_do_update(index_elements=["push"], set_=again).returning(r.id, r.runs)
            ).one()
            # Should nobody hear of the end, what the targets are left with is known to be our doing.
            for target in start.targets:
                _keep_tried(connection, target.key, start.wanted, Outcome.FAILED, None, now)
        return begun.id, begun.runs

    def keep_outcome(self, rollout: int, run: int, wanted: Wanted, one: TargetOutcome, now: datetime) -> None:
        """Keep what became of one target, as soon as it is known."""
        with self._database.writing() as connection:
            _keep_outcome(connection, rollout, run, wanted, one, now)

    def end_run(self, end: RunEnd, now: datetime) -> None:
        """Note how a run ended: every outcome, the rollout's new state, and whether the team is to be told."""
        with self._database.writing() as connection:
            for one in end.outcomes:
                _keep_outcome(connection, end.rollout, end.run, end.wanted, one, now)
            connection.execute(
                update(tables.rollouts)
                .where(tables.rollouts.c.id == end.rollout)
                .values(state=end.state, due_at=end.due_at, ended_at=now, note=end.note)
            )
            if end.is_news:
                _keep_telling(connection, Telling(end.rollout, TellingState.DUE, due_at=now))

    def interrupt_runs(self, due_at: datetime, busy: Collection[int] = ()) -> Sequence[int]:
        """Make every rollout that is running and not among the ``busy`` due again at ``due_at``; return their ids.

        Of what their runs are known to have done, the team is told.
        """
        r, o = tables.rollouts.c, tables.outcomes.c
        news = select(o.rollout).where(o.rollout == r.id, o.run == r.runs, o.outcome.not_in(QUIET)).exists()
        with self._database.writing() as connection:
            interrupted = (r.state == State.RUNNING) & r.id.not_in(busy)
            for rollout in connection.scalars(select(r.id).where(interrupted, news)).all():
                _keep_telling(connection, Telling(rollout, TellingState.DUE, due_at=due_at))
            return connection.scalars(
                update(tables.rollouts)
                .where(interrupted)
                .values(state=State.WAITING, due_at=due_at, note="the run was interrupted")
                .returning(r.id)
            ).all()

    def settle(self, rollouts: Sequence[int], now: datetime) -> None:
        """End rollouts that wait for nothing any more."""
        with self._database.writing() as connection:
            connection.execute(
                update(tables.rollouts)
                .where(tables.rollouts.c.id.in_(rollouts))
                .values(state=State.FINISHED, due_at=None, ended_at=now)
            )

    def supersede(self, rollouts: Sequence[int], now: datetime) -> None:
        """End rollouts that a newer push made pointless, with their targets that still waited."""
        o = tables.outcomes.c
        with self._database.writing() as connection:
            connection.execute(
                update(tables.rollouts)
                .where(tables.rollouts.c.id.in_(rollouts))
                .values(state=State.SUPERSEDED, due_at=None, ended_at=now, note="a newer push took its place")
            )
            connection.execute(
                update(tables.outcomes)
                .where(o.rollout.in_(rollouts), o.outcome.in_([Outcome.FAILED, Outcome.UNREACHABLE]))
                .values(outcome=Outcome.SUPERSEDED, at=now)
            )

    def outcomes(self, rollout: int) -> tuple[TargetOutcome, ...]:
        """Return what became of each target of a rollout so far, by key."""
        o = tables.outcomes.c
        with self._database.reading() as connection:
            return tuple(
                TargetOutcome(
                    row.key,
                    Kind(row.kind),
                    row.name,
                    row.place,
                    Outcome(row.outcome),
                    row.before,
                    row.after,
                    row.message,
                )
                for row in connection.execute(
                    select(tables.outcomes).where(o.rollout == rollout).order_by(o.key)
                )
            )

    def tellings(self) -> tuple[Telling, ...]:
        """Return the messages that are due, now or later."""
        t = tables.tellings.c
        query = select(tables.tellings).where(t.state == TellingState.DUE).order_by(t.due_at)
        with self._database.reading() as connection:
            return tuple(
                Telling(
                    row.rollout,
                    TellingState(row.state),
                    row.attempts,
                    row.due_at,
                    tuple(row.channels) if row.channels else None,
                    row.error,
                )
                for row in connection.execute(query)
            )

    def keep_telling(self, before: Telling, after: Telling) -> None:
        """Keep where a message stands after an attempt, unless there has been something new to tell meanwhile."""
        t = tables.tellings.c
        with self._database.writing() as connection:
            connection.execute(
                update(tables.tellings)
                .where(t.rollout == before.rollout, t.attempts == before.attempts, t.due_at == before.due_at)
                .values(asdict(after))
            )


def _push_row(push: Push, now: datetime) -> dict[str, Any]:
    return {
        "kind": "push",
        "key": push.key,
        "occurred_at": min(push.occurred_at, now),
        "repository": push.repository,
        "tag": push.tag,
        "digest": push.digest,
        "actor": push.actor,
    }


def _unreadable_row(found: Unreadable) -> dict[str, Any]:
    content = json.dumps(found.content, sort_keys=True)
    key = hashlib.sha256(content.encode()).hexdigest()
    return {"kind": "unreadable", "key": key, "reason": found.reason, "content": found.content}


def _renew_newest(connection: Connection, push: int, one: Push, now: datetime) -> None:
    """Deliveries can overtake one another; the registry's own clock says which push was the last."""
    values = {"push": push, "occurred_at": min(one.occurred_at, now)}
    statement = upsert(tables.newest).values(
        registry=one.registry, repository=one.repository, tag=one.tag, **values
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["registry", "repository", "tag"],
            set_=values,
            where=tables.newest.c.occurred_at <= statement.excluded.occurred_at,
        )
    )


def _keep_outcome(  # noqa: PLR0913, PLR0917 - a row's parts
    connection: Connection, rollout: int, run: int, wanted: Wanted, one: TargetOutcome, now: datetime
) -> None:
    row = {**asdict(one), "rollout": rollout, "run": run, "at": now}
    statement = upsert(tables.outcomes).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["rollout", "key"], set_=row))
    _keep_tried(connection, one.key, wanted, one.outcome, one.after, now)
    if one.outcome in (Outcome.ROLLED_BACK, Outcome.ROLLBACK_FAILED):
        connection.execute(
            upsert(tables.refused).values(key=one.key, digest=wanted.digest).on_conflict_do_nothing()
        )


def _keep_tried(  # noqa: PLR0913, PLR0917 - a row's parts
    connection: Connection, key: str, wanted: Wanted, outcome: Outcome, after: str | None, now: datetime
) -> None:
    last = {"push": wanted.push, "wanted": wanted.digest, "outcome": outcome, "after": after, "at": now}
    connection.execute(
        upsert(tables.tried).values(key=key, **last).on_conflict_do_update(index_elements=["key"], set_=last)
    )


def _keep_telling(connection: Connection, telling: Telling) -> None:
    row = asdict(telling)
    statement = upsert(tables.tellings).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["rollout"], set_=row))


def _host(row: Row[Any]) -> Host:
    return Host(
        row.name, row.asked_at, row.error, row.engine, row.swarm, bool(row.is_manager), tuple(row.warnings)
    )


def _target_row(target: Target) -> dict[str, Any]:
    return {
        **asdict(target),
        "hosts": list(target.hosts),
        "digests": sorted(target.digests),
        "reference": str(target.reference) if target.reference else None,
    }


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
    )


def _rollout(row: Row[Any], hosts: Mapping[str, Sequence[str]]) -> Rollout:
    reference = (hosts[row.registry][0], row.repository, row.tag)
    return Rollout(row.id, row.push, reference, State(row.state), row.runs, row.ended_at, row.due_at)
