"""What happens to rollouts: each function reads what is kept, has the core decide, and keeps the effects, as one transaction."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from registry_docker_updater.core.rollouts.lifecycle import (
    RunEnd,
    interrupted,
    outcomes_known,
    repaired,
    retried,
    run_begun,
    run_ended,
    settled,
    superseded,
)
from registry_docker_updater.core.rollouts.outcomes import TargetOutcome
from registry_docker_updater.core.rollouts.planner import Plan, Start
from registry_docker_updater.core.rollouts.rollout import RetryPolicy, Rollout, RolloutState
from registry_docker_updater.storage.storage import Storage


def begin_run(storage: Storage, start: Start, now: datetime) -> Rollout:
    """Keep that a run of ``start`` begins; return the rollout, made when the push had none."""
    keys = [target.key for target in start.targets]
    with storage.transaction() as kept:
        rollout = kept.rollouts.of_push(start.desired.push) or kept.rollouts.create(start.desired, now)
        effects = run_begun(rollout, start.desired.digest, keys, kept.attempts.last(keys), now)
        kept.apply(effects, now)
    return effects.rollout


def keep_outcome(storage: Storage, rollout: int, digest: str, one: TargetOutcome, now: datetime) -> None:
    """Keep what became of one target in the run to ``digest`` that goes on, as soon as it is known."""
    with storage.transaction() as kept:
        last = kept.attempts.last([one.key])
        kept.apply(outcomes_known(kept.rollouts.get(rollout), digest, [one], last, now), now)


def end_run(storage: Storage, rollout: int, end: RunEnd, retry: RetryPolicy, now: datetime) -> Rollout:
    """Keep how a run ended: every outcome, where the rollout stands, and whether the team is to be told."""
    with storage.transaction() as kept:
        last = kept.attempts.last([one.key for one in end.outcomes])
        effects = run_ended(kept.rollouts.get(rollout), end, last, retry, now)
        kept.apply(effects, now)
    return effects.rollout


def keep_repair(storage: Storage, digest: str, one: TargetOutcome, now: datetime) -> None:
    """Keep what became of an update to ``digest`` that was interrupted, and have the team told.

    Where no run of ours tried it, as after an update by hand, nothing is kept.
    """
    with storage.transaction() as kept:
        last = kept.attempts.last([one.key]).get(one.key)
        rollout = kept.rollouts.of_push(last.push) if last else None
        if rollout and kept.events.push(rollout.push).digest == digest:
            effects = repaired(rollout, digest, one, last, now)
            if effects:
                kept.apply(effects, now)


def interrupt_runs(storage: Storage, due_at: datetime, busy: Collection[int] = ()) -> Sequence[int]:
    """Make every rollout that is running and not among the ``busy`` due again at ``due_at``; return their numbers.

    Of what their runs are known to have done, the team is told.
    """
    with storage.transaction() as kept:
        lost = [one for one in kept.rollouts.in_state(RolloutState.RUNNING) if one.id not in busy]
        for one in lost:
            kept.apply(interrupted(one, kept.rollouts.outcomes(one.id), due_at), due_at)
    return [one.id for one in lost]


def keep_plan(storage: Storage, planned: Plan, now: datetime) -> None:
    """Keep what has come to an end without a run."""
    if not (planned.supersede or planned.closed_overrides or planned.settle):
        return
    with storage.transaction() as kept:
        kept.overrides.close(planned.closed_overrides, now)
        for number in planned.supersede:
            rollout = kept.rollouts.get(number)
            kept.apply(superseded(rollout, kept.rollouts.outcomes(number), now), now)
        for seen in planned.settle:
            effects = settled(kept.rollouts.get(seen.id), seen, now)
            if effects:
                kept.apply(effects, now)


def retry_rollout(storage: Storage, rollout: int, forced: Iterable[str], actor: str, now: datetime) -> bool:
    """Make a rollout due now, with all its attempts again; return whether it could be: it must not be running.

    The targets with the keys ``forced`` are to be brought there whatever became of them before.
    """
    with storage.transaction() as kept:
        before = kept.rollouts.get(rollout)
        effects = retried(before, actor, now)
        if effects is None:
            return False
        kept.apply(effects, now)
        kept.overrides.note_retry(rollout, actor, now)
        kept.overrides.add(before.push, forced, actor, now)
    return True
