"""What is kept: rollouts, their outcomes and messages, and with them events and the fleet.

In SQLite, through SQLAlchemy Core.

Every method is one transaction, committed with fsync before it returns: what was answered 202 survives a power
cut. Every method raises ``StoreUnavailable`` when the database cannot do it, with nothing committed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, delete, func, insert, literal, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from registry_docker_updater.core.fleet.index import Kind
from registry_docker_updater.core.notifications.schedule import QUIET
from registry_docker_updater.core.rollouts.history import (
    DesiredImage,
    History,
    LastAttempt,
    Rollout,
    RolloutState,
    RunEnd,
    attempt_ended,
    begun,
)
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.planner import Start
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import batches
from registry_docker_updater.storage.events import EventStore
from registry_docker_updater.storage.fleet import FleetStore
from registry_docker_updater.storage.notifications import NotificationStore, renew_notification
from registry_docker_updater.storage.tables import Moment
from registry_docker_updater.storage.times import TimeStore


@dataclass(frozen=True)
class StartedRun:
    """A run that begins: its rollout, its number, from 1, and how many attempts that makes."""

    rollout: int
    run: int
    attempt: int


class Store(EventStore, FleetStore, NotificationStore, TimeStore):
    """What one operator keeps. Safe for use by several threads and processes."""

    def change_counter(self) -> int:
        """Return a number that grows when a push or what a person asks for is recorded, by whichever process."""
        with self._database.reading() as connection:
            newest = [
                connection.scalar(select(func.max(table.c.id)))
                for table in (tables.events, tables.retries, tables.orders)
            ]
        return sum(number or 0 for number in newest)

    def history(self, hosts: Mapping[str, Sequence[str]], keys: Collection[str]) -> History:
        """Return what was tried on the targets with ``keys``, and every rollout that runs or waits.

        ``hosts`` are the names of each registry; what concerns others is left out.
        """
        e, r, t, f, o = (
            table.c
            for table in (tables.events, tables.rollouts, tables.last_attempts, tables.refused, tables.orders)
        )
        last: dict[str, LastAttempt] = {}
        refused: set[tuple[str, str]] = set()
        with self._database.reading() as connection:
            for some in batches(keys):
                for row in connection.execute(select(tables.last_attempts).where(t.key.in_(some))):
                    last[row.key] = _last_attempt(row)
                without = connection.execute(select(tables.refused).where(f.key.in_(some)))
                refused.update((row.key, row.digest) for row in without)
            pushes = sorted({last_attempt.push for last_attempt in last.values()})
            query = select(tables.rollouts, e.registry, e.repository, e.tag).join(
                tables.events, e.id == r.push
            )
            wheres = [r.state.in_([RolloutState.RUNNING, RolloutState.WAITING])]
            wheres += [r.push.in_(some) for some in batches(pushes)]
            rows = [row for where in wheres for row in connection.execute(query.where(where))]
            told = connection.execute(select(o.key, o.push).where(o.done_at.is_(None)))
            ordered = frozenset((row.key, row.push) for row in told)
        found = {row.push: _rollout(row, hosts) for row in rows if row.registry in hosts}
        return History(found, last, frozenset(refused), ordered)

    def begin_run(self, start: Start, now: datetime) -> StartedRun:
        """Note that a run of ``start`` begins."""
        new = upsert(tables.rollouts).values(
            push=start.desired.push,
            image=start.desired.image,
            state=RolloutState.RUNNING,
            runs=1,
            attempts=1,
            created_at=now,
            started_at=now,
        )
        again = {
            "state": RolloutState.RUNNING,
            "runs": tables.rollouts.c.runs + 1,
            "attempts": _attempt(now),
            "started_at": now,
            "ended_at": None,
            "due_at": None,
            "note": None,
        }
        r = tables.rollouts.c
        with self._database.writing() as connection:
            row = connection.execute(
                new.on_conflict_do_update(index_elements=["push"], set_=again).returning(
                    r.id, r.runs, r.attempts
                )
            ).one()
            for target in start.targets:
                before = _last_tried(connection, target.key)
                _keep_tried(connection, target.key, begun(before, start.desired, now))
        return StartedRun(row.id, row.runs, row.attempts)

    def keep_outcome(
        self, rollout: int, run: int, desired: DesiredImage, one: TargetOutcome, now: datetime
    ) -> None:
        """Keep what became of one target, as soon as it is known."""
        with self._database.writing() as connection:
            _keep_outcome(connection, rollout, run, desired, one, now)

    def end_run(self, end: RunEnd, now: datetime) -> None:
        """Note how a run ended: every outcome, the rollout's new state, and whether the team is to be told."""
        with self._database.writing() as connection:
            for one in end.outcomes:
                _keep_outcome(connection, end.rollout, end.run, end.desired, one, now)
            connection.execute(
                update(tables.rollouts)
                .where(tables.rollouts.c.id == end.rollout)
                .values(
                    state=end.state,
                    due_at=end.due_at,
                    # By the clock that shows now, nothing has begun later.
                    started_at=func.min(tables.rollouts.c.started_at, literal(now, Moment)),
                    ended_at=now,
                    note=end.note,
                    is_stopped=end.is_stopped,
                )
            )
            if end.is_stopped:
                # What a person asked for was tried on others, and spoke against the image.
                _close_orders(connection, tables.orders.c.push == end.desired.push, now)
            if end.is_news:
                renew_notification(connection, end.rollout, now)

    def keep_repair(self, digest: str, one: TargetOutcome, now: datetime) -> None:
        """Keep what became of an update to ``digest`` that was interrupted, and have the team told.

        That is for a run which tried it last and did not hear of its end, or has not ended yet; where there is none, as
        after an update by hand, nothing is kept.
        """
        r, t, e = tables.rollouts.c, tables.last_attempts.c, tables.events.c
        query = (
            select(r.id, r.state, r.push, r.image, r.runs, t.outcome, e.repository, e.tag, e.received_at)
            .join(tables.last_attempts, t.push == r.push)
            .join(tables.events, e.id == r.push)
            .where(t.key == one.key, e.digest == digest)
        )
        with self._database.writing() as connection:
            row = connection.execute(query).first()
            if row is None or Outcome(row.outcome).is_final:
                return
            hosts = (row.image.partition("/")[0],)
            desired = DesiredImage(row.push, hosts, row.repository, row.tag, digest, row.received_at)
            _keep_outcome(connection, row.id, row.runs, desired, one, now)
            note = "updates that were interrupted were finished afterwards"
            connection.execute(update(tables.rollouts).where(r.id == row.id).values(note=note))
            if one.outcome not in QUIET and row.state != RolloutState.RUNNING:
                renew_notification(connection, row.id, now)

    def retry(self, rollout: int, keys: Collection[str], actor: str, now: datetime) -> bool:
        """Make a rollout due now, with all its attempts again; return whether it could be: it must not be running.

        The targets with ``keys`` are to be brought there whatever became of them before.
        """
        r = tables.rollouts.c
        with self._database.writing() as connection:
            push = connection.scalar(
                update(tables.rollouts)
                .where(r.id == rollout, r.state != RolloutState.RUNNING)
                .values(
                    state=RolloutState.WAITING,
                    due_at=now,
                    attempts=0,
                    is_stopped=False,
                    note=f"run again by hand, by {actor}",
                )
                .returning(r.push)
            )
            if push is None:
                return False
            connection.execute(insert(tables.retries).values(rollout=rollout, at=now, actor=actor))
            _order(connection, push, keys, actor, now)
        return True

    def order(self, push: int, keys: Collection[str], actor: str, now: datetime) -> None:
        """Note that the targets with ``keys`` are to be brought to a push whatever became of them before."""
        with self._database.writing() as connection:
            _order(connection, push, keys, actor, now)

    def fulfil(self, orders: Iterable[tuple[str, int]], now: datetime) -> None:
        """Note that orders, by key and push, are done."""
        o = tables.orders.c
        with self._database.writing() as connection:
            for key, push in orders:
                _close_orders(connection, (o.key == key) & (o.push == push), now)

    def interrupt_runs(self, due_at: datetime, busy: Collection[int] = ()) -> Sequence[int]:
        """Make every rollout that is running and not among the ``busy`` due again at ``due_at``; return their ids.

        Of what their runs are known to have done, the team is told.
        """
        r, o = tables.rollouts.c, tables.outcomes.c
        news = select(o.rollout).where(o.rollout == r.id, o.run == r.runs, o.outcome.not_in(QUIET)).exists()
        with self._database.writing() as connection:
            interrupted = (r.state == RolloutState.RUNNING) & r.id.not_in(busy)
            for rollout in connection.scalars(select(r.id).where(interrupted, news)).all():
                renew_notification(connection, rollout, due_at)
            return connection.scalars(
                update(tables.rollouts)
                .where(interrupted)
                .values(state=RolloutState.WAITING, due_at=due_at, note="the run was interrupted")
                .returning(r.id)
            ).all()

    def settle(self, rollouts: Sequence[Rollout], now: datetime) -> None:
        """End rollouts that wait for nothing any more, unless a person asked for them again meanwhile."""
        r = tables.rollouts.c
        with self._database.writing() as connection:
            for one in rollouts:
                connection.execute(
                    update(tables.rollouts)
                    .where(r.id == one.id, r.state == RolloutState.WAITING, r.due_at == one.due_at)
                    .values(state=RolloutState.FINISHED, due_at=None, ended_at=now)
                )

    def supersede(self, rollouts: Sequence[int], now: datetime) -> None:
        """End rollouts that a newer push made pointless, with their targets that still waited."""
        o = tables.outcomes.c
        with self._database.writing() as connection:
            connection.execute(
                update(tables.rollouts)
                .where(tables.rollouts.c.id.in_(rollouts))
                .values(
                    state=RolloutState.SUPERSEDED,
                    due_at=None,
                    ended_at=now,
                    note="a newer push took its place",
                )
            )
            connection.execute(
                update(tables.outcomes)
                .where(o.rollout.in_(rollouts), o.outcome.in_([Outcome.FAILED, Outcome.UNREACHABLE]))
                .values(outcome=Outcome.SUPERSEDED, at=now)
            )

    def outcomes(self, rollout: int, run: int | None = None) -> tuple[TargetOutcome, ...]:
        """Return what became of each target of a rollout so far, or of those that one ``run`` said, by key."""
        o = tables.outcomes.c
        said = (o.rollout == rollout) if run is None else (o.rollout == rollout) & (o.run == run)
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
                    row.left_alone,
                )
                for row in connection.execute(select(tables.outcomes).where(said).order_by(o.key))
            )


def _attempt(now: datetime) -> ColumnElement[int]:
    """Return which attempt the next run is: one before its time is for a host that is back, and takes none."""
    r = tables.rollouts.c
    return case((r.state == RolloutState.FINISHED, 1), (r.due_at > now, r.attempts), else_=r.attempts + 1)


def _keep_outcome(  # noqa: PLR0913, PLR0917 - a row's parts
    connection: Connection, rollout: int, run: int, desired: DesiredImage, one: TargetOutcome, now: datetime
) -> None:
    row = {**asdict(one), "rollout": rollout, "run": run, "at": now}
    statement = upsert(tables.outcomes).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["rollout", "key"], set_=row))
    _keep_tried(connection, one.key, attempt_ended(_last_tried(connection, one.key), desired, one, now))
    f, o = tables.refused.c, tables.orders.c
    if one.outcome in (Outcome.ROLLED_BACK, Outcome.ROLLBACK_FAILED):
        connection.execute(
            upsert(tables.refused).values(key=one.key, digest=desired.digest).on_conflict_do_nothing()
        )
    elif one.outcome is Outcome.UPDATED:
        connection.execute(delete(tables.refused).where(f.key == one.key, f.digest == desired.digest))
    if one.outcome.is_final and not one.left_alone:
        _close_orders(connection, (o.key == one.key) & (o.push == desired.push), now)


def _close_orders(connection: Connection, which: ColumnElement[bool], now: datetime) -> None:
    is_open = tables.orders.c.done_at.is_(None)
    connection.execute(update(tables.orders).where(which, is_open).values(done_at=now))


def _keep_tried(connection: Connection, key: str, last_attempt: LastAttempt) -> None:
    last = {**asdict(last_attempt), "left_with": sorted(last_attempt.possible_digests)}
    connection.execute(
        upsert(tables.last_attempts)
        .values(key=key, **last)
        .on_conflict_do_update(index_elements=["key"], set_=last)
    )


def _last_tried(connection: Connection, key: str) -> LastAttempt | None:
    row = connection.execute(select(tables.last_attempts).where(tables.last_attempts.c.key == key)).first()
    return _last_attempt(row) if row else None


def _last_attempt(row: Row[Any]) -> LastAttempt:
    return LastAttempt(
        row.push, Outcome(row.outcome), frozenset(row.possible_digests), row.at, row.left_alone
    )


def _order(connection: Connection, push: int, keys: Collection[str], actor: str, now: datetime) -> None:
    rows = [{"push": push, "key": key, "actor": actor, "at": now} for key in sorted(keys)]
    if rows:
        connection.execute(insert(tables.orders), rows)


def _rollout(row: Row[Any], hosts: Mapping[str, Sequence[str]]) -> Rollout:
    reference = (hosts[row.registry][0], row.repository, row.tag)
    return Rollout(
        row.id,
        row.push,
        reference,
        RolloutState(row.state),
        row.runs,
        row.ended_at,
        row.due_at,
        row.is_stopped,
    )
