"""Rows of rollouts, of their pushes and of what became of their targets, and what they are made of."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from registry_docker_updater.core.events.pushes import KeptPush
from registry_docker_updater.core.fleet.targets import Kind
from registry_docker_updater.core.rollouts.desired import PushedName
from registry_docker_updater.core.rollouts.lifecycle import RunOutcome
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.storage import tables


def select_rollouts() -> Any:
    """Return the query of rollouts, each with its push."""
    e, r = tables.events.c, tables.rollouts.c
    push = (e.registry, e.repository, e.tag, e.digest, e.actor, e.received_at)
    return select(tables.rollouts, *push).join(tables.events, e.id == r.push)


def rollout_of(row: Row[Any]) -> Rollout:
    """Return the rollout of a row of :func:`select_rollouts`."""
    return Rollout(
        id=row.id,
        push=row.push,
        name=PushedName(row.registry, row.repository, row.tag),
        image=row.image,
        state=RolloutState(row.state),
        created_at=row.created_at,
        runs=row.runs,
        attempts=row.attempts,
        started_at=row.started_at,
        ended_at=row.ended_at,
        due_at=row.due_at,
        note=row.note,
        is_stopped=row.is_stopped,
        waits=tuple(row.waits),
        approval_of=row.approval_of,
        waiting_since=row.waiting_since,
    )


def push_of(row: Row[Any]) -> KeptPush:
    """Return the push of a row of :func:`select_rollouts`."""
    return KeptPush(
        id=row.push,
        registry=row.registry,
        repository=row.repository,
        tag=row.tag,
        digest=row.digest,
        actor=row.actor,
        received_at=row.received_at,
    )


def outcome_row(rollout: int, one: RunOutcome) -> dict[str, Any]:
    """Return what became of a target of ``rollout`` as it is kept."""
    stages = {stage: moment.isoformat() for stage, moment in one.result.stages.items()}
    result = {**asdict(one.result), "stages": stages, "log": list(one.result.log)}
    return {**result, "rollout": rollout, "run": one.run, "at": one.at}


def outcome_of(row: Row[Any]) -> RunOutcome:
    """Return what became of a target, of its row."""
    result = TargetOutcome(
        key=row.key,
        kind=Kind(row.kind),
        name=row.name,
        place=row.place,
        outcome=Outcome(row.outcome),
        before=row.before,
        after=row.after,
        message=row.message,
        left_alone=row.left_alone,
        stages={stage: datetime.fromisoformat(moment) for stage, moment in row.stages.items()},
        log=tuple(row.log),
        held=row.held,
    )
    return RunOutcome(result, row.run, row.at)
