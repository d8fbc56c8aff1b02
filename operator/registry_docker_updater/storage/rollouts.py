"""What is kept of rollouts: where each stands, and what became of its targets."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, String, and_, case, cast, func, insert, select

from registry_docker_updater.core.events.pushes import KeptPush
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.core.rollouts.lifecycle import RunOutcome
from registry_docker_updater.core.rollouts.outcomes import FAILURES, Outcome
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.choices import ALL_ROLLOUTS, RolloutChoice
from registry_docker_updater.storage.database import BEYOND, Connections
from registry_docker_updater.storage.rollout_rows import (
    outcome_of,
    outcome_row,
    push_of,
    rollout_of,
    select_rollouts,
)
from registry_docker_updater.storage.statements import batches, by_no_index, put
from registry_docker_updater.storage.written import wrote, wrote_where


@dataclass(frozen=True)
class KeptRollout:
    """A rollout as it is kept: with its push, how many targets have each outcome, and these themselves, by key.

    ``outcomes`` is empty where only the counts were asked for; ``left_alone`` is how many targets were not touched, and ``held`` how many
    were not because they are to be planned anew.
    """

    rollout: Rollout
    push: KeptPush
    counts: Mapping[Outcome, int]
    outcomes: tuple[RunOutcome, ...] = field(default=())
    left_alone: int = 0
    held: int = 0


@dataclass(frozen=True)
class KeptOutcome:
    """What became of one target in one rollout, with that and its push."""

    rollout: Rollout
    push: KeptPush
    said: RunOutcome


class RolloutStore:
    """Keeps rollouts."""

    def __init__(self, connections: Connections) -> None:
        """Keep them through ``connections``."""
        self._connections = connections

    def keep(self, rollout: Rollout, outcomes: Iterable[RunOutcome]) -> None:
        """Keep where a rollout stands, and ``outcomes`` of it that are new."""
        row = {name: value for name, value in asdict(rollout).items() if name != "name"}
        with self._connections.writing() as connection:
            put(connection, tables.rollouts, row)
            wrote(connection, tables.rollouts, row)
            for one in outcomes:
                outcome = outcome_row(rollout.id, one)
                put(connection, tables.outcomes, outcome)
                wrote(connection, tables.outcomes, outcome)

    def create(self, desired: DesiredImage, now: datetime) -> Rollout:
        """Make the rollout of a push, which has none yet, and return it."""
        new = insert(tables.rollouts).values(
            push=desired.push,
            image=desired.image,
            state=RolloutState.WAITING,
            runs=0,
            attempts=0,
            created_at=now,
        )
        with self._connections.writing() as connection:
            number = connection.scalars(new.returning(tables.rollouts.c.id)).one()
            wrote_where(connection, tables.rollouts, tables.rollouts.c.id == number)
            return rollout_of(
                connection.execute(select_rollouts().where(tables.rollouts.c.id == number)).one()
            )

    def of_push(self, push: int) -> Rollout | None:
        """Return the rollout of a push, or None when there is none yet."""
        with self._connections.reading() as connection:
            row = connection.execute(select_rollouts().where(tables.rollouts.c.push == push)).first()
        return rollout_of(row) if row else None

    def get(self, number: int) -> Rollout:
        """Return the rollout with ``number``, which is known to be there."""
        with self._connections.reading() as connection:
            return rollout_of(
                connection.execute(select_rollouts().where(tables.rollouts.c.id == number)).one()
            )

    def counts(self) -> Mapping[RolloutState, int]:
        """Return how many rollouts are in each state, where any are."""
        state = tables.rollouts.c.state
        with self._connections.reading() as connection:
            rows = connection.execute(select(state, func.count()).group_by(state))
            return {RolloutState(name): count for name, count in rows}

    def in_state(self, state: RolloutState) -> tuple[Rollout, ...]:
        """Return the rollouts that are in ``state``."""
        with self._connections.reading() as connection:
            rows = connection.execute(select_rollouts().where(tables.rollouts.c.state == state))
            return tuple(map(rollout_of, rows))

    def outcomes(self, rollout: int) -> tuple[RunOutcome, ...]:
        """Return what became of each target of a rollout so far, by key."""
        with self._connections.reading() as connection:
            return _outcomes(connection, rollout)

    def worst_first(self, rollout: int) -> Sequence[str]:
        """Return the keys of the targets of which something became in a rollout: failures first, the gravest before others."""
        o = tables.outcomes.c
        grave = case({str(one): number for number, one in enumerate(FAILURES)}, value=o.outcome, else_=9)
        query = select(o.key).where(o.rollout == rollout).order_by(grave, o.place, o.name, o.key)
        with self._connections.reading() as connection:
            return connection.scalars(query).all()

    def of_keys(self, rollout: int, keys: Collection[str]) -> tuple[RunOutcome, ...]:
        """Return what became in a rollout of the targets with ``keys``, by key."""
        o = tables.outcomes.c
        query = select(tables.outcomes).where(o.rollout == rollout).order_by(o.key)
        with self._connections.reading() as connection:
            rows = [
                row
                for some in batches(sorted(keys))
                for row in connection.execute(query.where(o.key.in_(some)))
            ]
        return tuple(map(outcome_of, rows))

    def slowest(self, rollout: int) -> RunOutcome | None:
        """Return what became of the target whose run told of the latest stage, None where none did."""
        o = tables.outcomes.c
        latest = select(func.max(func.json_each(o.stages).table_valued("value").c.value)).scalar_subquery()
        query = (
            select(tables.outcomes)
            .where(o.rollout == rollout, cast(o.stages, String) != "{}")
            .order_by(latest.desc(), o.key)
            .limit(1)
        )
        with self._connections.reading() as connection:
            row = connection.execute(query).first()
        return outcome_of(row) if row else None

    def open_or_of(self, registries: Collection[str], pushes: Collection[int]) -> tuple[Rollout, ...]:
        """Return every rollout of ``registries`` that runs or waits, or is of one of ``pushes``."""
        r = tables.rollouts.c
        wheres = [r.state.in_([RolloutState.RUNNING, RolloutState.WAITING])]
        wheres += [r.push.in_(some) for some in batches(sorted(pushes))]
        known = by_no_index(tables.events.c.registry).in_(list(registries))
        with self._connections.reading() as connection:
            rows = [
                row for where in wheres for row in connection.execute(select_rollouts().where(where, known))
            ]
        return tuple(map(rollout_of, rows))

    def newest(
        self, limit: int, before: int | None = None, choice: RolloutChoice = ALL_ROLLOUTS
    ) -> tuple[KeptRollout, ...]:
        """Return the newest ``limit`` rollouts of a ``choice``, newest first, each with the count of its outcomes.

        Of those that began ``before`` the one with that number, where it is given.
        """
        number = tables.rollouts.c.id
        older = number.is_not(None) if before is None else number < before
        with self._connections.reading() as connection:
            return _kept(connection, and_(older, *choice.wheres), limit)

    def kept(self, number: int) -> KeptRollout | None:
        """Return one rollout with every target's outcome, or None where there is none."""
        return self._whole(tables.rollouts.c.id == number) if abs(number) < BEYOND else None

    def counted(self, number: int) -> KeptRollout | None:
        """Return one rollout with the counts of its outcomes alone, or None where there is none."""
        return self._counted(tables.rollouts.c.id == number) if abs(number) < BEYOND else None

    def counted_of_push(self, push: int) -> KeptRollout | None:
        """Return the rollout of a push with the counts of its outcomes alone, or None when there is none yet."""
        return self._counted(tables.rollouts.c.push == push)

    def counted_of_pushes(self, pushes: Collection[int]) -> tuple[KeptRollout, ...]:
        """Return the rollouts of some pushes, a page of them, with the counts of their outcomes alone."""
        with self._connections.reading() as connection:
            return _kept(connection, tables.rollouts.c.push.in_(pushes), len(pushes))

    def kept_of_push(self, push: int) -> KeptRollout | None:
        """Return the rollout of a push with every target's outcome, or None when there is none yet."""
        return self._whole(tables.rollouts.c.push == push)

    def of_target(self, keys: Collection[str], limit: int) -> tuple[KeptOutcome, ...]:
        """Return what became of the target that has one of ``keys``, in the newest ``limit`` rollouts, newest first."""
        o = tables.outcomes.c
        with self._connections.reading() as connection:
            query = select(tables.outcomes).where(o.key.in_(keys)).order_by(o.rollout.desc()).limit(limit)
            rows = connection.execute(query).all()
            numbers = [row.rollout for row in rows]
            kept = {
                one.rollout.id: one for one in _kept(connection, tables.rollouts.c.id.in_(numbers), limit)
            }
        found = ((kept[row.rollout], outcome_of(row)) for row in rows)
        return tuple(KeptOutcome(one.rollout, one.push, said) for one, said in found)

    def _counted(self, which: ColumnElement[bool]) -> KeptRollout | None:
        with self._connections.reading() as connection:
            return next(iter(_kept(connection, which, 1)), None)

    def _whole(self, which: ColumnElement[bool]) -> KeptRollout | None:
        with self._connections.reading() as connection:
            for one in _kept(connection, which, 1):
                return replace(one, outcomes=_outcomes(connection, one.rollout.id))
        return None


def _kept(connection: Connection, which: ColumnElement[bool], limit: int) -> tuple[KeptRollout, ...]:
    o = tables.outcomes.c
    query = select_rollouts().where(which).order_by(tables.rollouts.c.id.desc()).limit(limit)
    rows = connection.execute(query).all()
    left, held = func.count().filter(o.left_alone), func.count().filter(o.held)
    counting = select(o.rollout, o.outcome, func.count(), left, held).group_by(o.rollout, o.outcome)
    counts: dict[int, dict[Outcome, int]] = {}
    untouched: dict[int, tuple[int, int]] = {}
    for rollout, outcome, count, left_count, held_count in connection.execute(
        counting.where(o.rollout.in_([row.id for row in rows]))
    ):
        counts.setdefault(rollout, {})[Outcome(outcome)] = count
        left_before, held_before = untouched.get(rollout, (0, 0))
        untouched[rollout] = (left_before + left_count, held_before + held_count)
    return tuple(
        KeptRollout(rollout_of(row), push_of(row), counts.get(row.id, {}), (), *untouched.get(row.id, (0, 0)))
        for row in rows
    )


def _outcomes(connection: Connection, rollout: int) -> tuple[RunOutcome, ...]:
    o = tables.outcomes.c
    query = select(tables.outcomes).where(o.rollout == rollout).order_by(o.key)
    return tuple(map(outcome_of, connection.execute(query)))
