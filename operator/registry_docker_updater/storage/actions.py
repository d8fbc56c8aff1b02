"""What happens to rollouts: each function reads what is kept, has the core decide, and keeps the effects, as one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from registry_docker_updater.core.audit.canonical import without_fractions
from registry_docker_updater.core.audit.entries import Person, Step
from registry_docker_updater.core.audit.kinds import (
    OVERRIDES_CLOSED,
    PUSH_INSISTED,
    PUSHES_MATCHED,
    ROLLOUT_APPROVED,
    ROLLOUT_REFUSED,
    ROLLOUT_RETRIED,
    ROLLOUT_SETTLED,
    ROLLOUT_SUPERSEDED,
    ROLLOUT_WAITS,
    RUN_BEGAN,
    RUN_ENDED,
    RUN_HELD,
    RUN_INTERRUPTED,
    RUN_KEPT,
    TARGET_ENDED,
    TARGET_REPAIRED,
)
from registry_docker_updater.core.audit.sentences import content_of
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.core.policy.decisions import Decision
from registry_docker_updater.core.rollouts.lifecycle import (
    Effects,
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
from registry_docker_updater.core.rollouts.plans import Plan, Start
from registry_docker_updater.core.rollouts.rollout import RetryPolicy, Rollout, RolloutState
from registry_docker_updater.core.rollouts.waits import after_wait, said_of
from registry_docker_updater.errors import Overtaken
from registry_docker_updater.storage.arrivals import Arrived
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.storage.waiting import keep_wait


def begin_run(
    storage: Storage,
    start: Start,
    now: datetime,
    asked: Mapping[str, Any] | None = None,
    seen: int | None = None,
) -> Rollout:
    """Keep that a run of ``start`` begins; return the rollout, made when the push had none.

    Raises :class:`Overtaken` where people said something since :meth:`Storage.people_counter` was ``seen``: that is to be heeded first.
    ``asked`` says what is run: the playbook and its variables, and the hashes of all that it is made of.
    """
    keys = [target.key for target in start.targets]
    with storage.transaction() as kept:
        if seen is not None and kept.people_counter() != seen:
            raise Overtaken("a person decided, froze or asked for something since this was planned")
        rollout = kept.rollouts.of_push(start.desired.push) or kept.rollouts.create(start.desired, now)
        effects = run_begun(rollout, start.desired.digest, keys, kept.attempts.last(keys), now)
        facts = {
            "run": effects.rollout.runs,
            "image": start.desired.image,
            "digest": start.desired.digest,
            "hosts": start.hosts,
            "engines": kept.fleet.engines(start.hosts),
            "targets": keys,
            "overridden": start.overridden,
            "asked": without_fractions(asked or {}),
        }
        kept.apply(effects, Step(RUN_BEGAN, facts), now)
    return effects.rollout


def keep_outcome(storage: Storage, rollout: int, digest: str, one: TargetOutcome, now: datetime) -> None:
    """Keep what became of one target in the run to ``digest`` that goes on, as soon as it is known."""
    with storage.transaction() as kept:
        last = kept.attempts.last([one.key])
        before = kept.rollouts.get(rollout)
        step = Step(TARGET_ENDED, {"run": before.runs, "image": before.image, **_said(one)})
        kept.apply(outcomes_known(before, digest, [one], last, now), step, now)


def end_run(  # noqa: PLR0913, PLR0917 - what an end is made of
    storage: Storage,
    rollout: int,
    end: RunEnd,
    retry: RetryPolicy,
    now: datetime,
    left: Mapping[str, Any] | None = None,
) -> Rollout:
    """Keep how a run ended: every outcome, where the rollout stands, and whether the team is to be told.

    ``left`` says what is left of the run itself: its exit code, and the hash of what is kept of it.
    """
    with storage.transaction() as kept:
        last = kept.attempts.last([one.key for one in end.outcomes])
        before = kept.rollouts.get(rollout)
        effects = run_ended(before, end, last, retry, now)
        facts = {
            "run": before.runs,
            "image": before.image,
            "targets": [_said(one) for one in end.outcomes],
            **(left or {}),
        }
        kept.apply(effects, Step(RUN_ENDED, facts), now)
    return effects.rollout


def hold_run(storage: Storage, rollout: int, why: str, now: datetime) -> None:
    """Keep that a run which goes on is to begin no other step, and why."""
    with storage.transaction() as kept:
        before = kept.rollouts.get(rollout)
        facts = {"run": before.runs, "image": before.image, "why": why}
        kept.trail.append(Step(RUN_HELD, facts, before.push, rollout), now)


def keep_repair(storage: Storage, digest: str, one: TargetOutcome, now: datetime) -> None:
    """Keep what became of an update to ``digest`` that was interrupted, and have the team told.

    Where no run of ours tried it, as after an update by hand, nothing is kept.
    """
    with storage.transaction() as kept:
        last = kept.attempts.last([one.key]).get(one.key)
        rollout = kept.rollouts.of_push(last.push) if last else None
        if rollout and kept.events.push(rollout.push).digest == digest:
            known = (said.result for said in kept.rollouts.of_keys(rollout.id, [one.key]))
            effects = repaired(rollout, digest, one, last, now, next(known, None))
            if effects:
                step = Step(TARGET_REPAIRED, {"run": rollout.runs, "image": rollout.image, **_said(one)})
                kept.apply(effects, step, now)


def interrupt_runs(storage: Storage, due_at: datetime, busy: Collection[int] = ()) -> Sequence[Rollout]:
    """Make every rollout that is running and not among the ``busy`` due again at ``due_at``; return them as they were.

    Of what their runs are known to have done, the team is told.
    """
    with storage.transaction() as kept:
        lost = [one for one in kept.rollouts.in_state(RolloutState.RUNNING) if one.id not in busy]
        for one in lost:
            step = Step(RUN_INTERRUPTED, {"run": one.runs, "image": one.image})
            kept.apply(interrupted(one, kept.rollouts.outcomes(one.id), due_at), step, due_at)
    return lost


def keep_matches(
    storage: Storage,
    matched: Mapping[int, Mapping[str, str]],
    unmatched: Sequence[int],
    up_to: int,
    now: datetime,
) -> None:
    """Keep what pushes mean for each target that they concern (``matched``, by push and target), or that there is none.

    ``up_to`` is the number of the change up to which all pushes have been judged, :func:`judged_up_to` until the next.
    """
    with storage.transaction() as kept:
        for push, targets in matched.items():
            verdicts = [{"target": key, "verdict": verdict} for key, verdict in targets.items()]
            kept.trail.append(Step(PUSHES_MATCHED, {"up_to": up_to, "targets": verdicts}, event=push), now)
        if unmatched:
            single = unmatched[0] if len(unmatched) == 1 else None
            facts = {"up_to": up_to, "nobody_runs": list(unmatched)}
            kept.trail.append(Step(PUSHES_MATCHED, facts, event=single), now)


def judged_up_to(storage: Storage) -> int:
    """Return the number of the change up to which the trail says what pushes mean."""
    last = storage.trail.last_of(PUSHES_MATCHED)
    if last is None:
        return 0
    up_to = (content_of(last) or {"facts": {}})["facts"].get("up_to")
    # What was removed since, or changed by somebody, tells nothing: then all there is has been judged.
    return up_to if isinstance(up_to, int) else storage.events.last_change()


def keep_plan(storage: Storage, planned: Plan, now: datetime) -> None:
    """Keep what has come to an end without a run."""
    nothing = (planned.supersede, planned.closed_overrides, planned.settle, planned.waits)
    if not any((*nothing, planned.delayed, planned.caught_up)):
        return
    with storage.transaction() as kept:
        for desired in planned.delayed:
            kept.delays.add(desired)
        kept.delays.forget(planned.caught_up)
        if planned.closed_overrides:
            kept.overrides.close(planned.closed_overrides, now)
            closed = sorted({one.push for one in planned.closed_overrides})
            kept.trail.append(Step(OVERRIDES_CLOSED, {"pushes": closed}), now)
        for number in planned.supersede:
            rollout = kept.rollouts.get(number)
            effects = superseded(rollout, kept.rollouts.outcomes(number), now)
            kept.apply(effects, Step(ROLLOUT_SUPERSEDED, {"image": rollout.image}), now)
        for wait in planned.waits:
            before = kept.rollouts.of_push(wait.desired.push) or kept.rollouts.create(wait.desired, now)
            if before.state is not RolloutState.RUNNING:
                facts = {"image": before.image, "targets": said_of(wait), "note": wait.note}
                effects = Effects(after_wait(before, wait, now))
                kept.apply(effects, Step(ROLLOUT_WAITS, facts), now)
                keep_wait(kept, wait, effects.rollout, now)
        for seen in planned.settle:
            ending = settled(kept.rollouts.get(seen.id), seen, now)
            if ending:
                kept.apply(ending, Step(ROLLOUT_SETTLED, {"image": seen.image}), now)


def retry_rollout(
    storage: Storage, rollout: int, forced: Mapping[str, Sequence[str]], who: Person, now: datetime
) -> bool:
    """Make a rollout due now, with all its attempts again; return whether it could be: it must not be running.

    The targets with the keys ``forced`` are to be brought there whatever became of them before, and although it breaks rules and freezes,
    which are said of each.
    """
    with storage.transaction() as kept:
        before = kept.rollouts.get(rollout)
        effects = retried(before, who.name, now)
        if effects is None:
            return False
        kept.overrides.note_retry(rollout, who.name, now)
        kept.overrides.add(before.push, forced, who.name, now)
        facts = {"image": before.image, **_insisted(forced), **asdict(who)}
        kept.apply(effects, Step(ROLLOUT_RETRIED, facts), now)
    return True


def decide(  # noqa: PLR0913 - who says what of which
    storage: Storage,
    rollout: int,
    keys: Iterable[str],
    who: Person,
    now: datetime,
    *,
    is_approval: bool,
    reason: str | None = None,
) -> Decision:
    """Keep that a person approves the push of a rollout for the targets with ``keys``, or refuses it, and why; return that."""
    with storage.transaction() as kept:
        before = kept.rollouts.get(rollout)
        meant = Decision(0, before.push, frozenset(keys), who.name, now, is_approval, reason)
        decision = kept.decisions.add(meant)
        facts = {"image": before.image, "targets": sorted(meant.keys), "reason": reason, **asdict(who)}
        kind = ROLLOUT_APPROVED if is_approval else ROLLOUT_REFUSED
        kept.trail.append(Step(kind, facts, before.push, rollout), now)
    return decision


def push_by_hand(
    storage: Storage, registry: str, push: Push, forced: Mapping[str, Sequence[str]], who: Person
) -> int:
    """Keep a push that a person made by hand just now, and return its number; ``forced`` is as of :func:`retry_rollout`."""
    now = push.occurred_at
    with storage.transaction() as kept:
        arrived = Arrived(registry, [push], now, address=who.place)
        (number,) = kept.events.record_all([arrived])[0].pushes
        if forced:
            kept.overrides.add(number, forced, who.name, now)
            kept.trail.append(Step(PUSH_INSISTED, {**_insisted(forced), **asdict(who)}, event=number), now)
    return number


def keep_run(storage: Storage, rollout: int | None, left: Mapping[str, Any], now: datetime) -> None:
    """Keep what is left of a run that nothing follows from, for it was ended before its end."""
    with storage.transaction() as kept:
        push = None if rollout is None else kept.rollouts.get(rollout).push
        kept.trail.append(Step(RUN_KEPT, left, push, rollout), now)


def keep_leftovers(storage: Storage, left: Iterable[tuple[str, str]], now: datetime) -> None:
    """Keep what is left of runs whose end nobody heard of: where each is kept, and the hash of its manifest."""
    with storage.transaction() as kept:
        for where, manifest in left:
            folder = where.partition("/")[0]
            rollout = int(folder) if folder.isdecimal() else None
            kept.trail.append(Step(RUN_KEPT, {"kept_in": where, "manifest": manifest}, None, rollout), now)


def _insisted(forced: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what the trail says of targets on which a person insists, and of what they break: each sentence once."""
    by_sentence: dict[str, list[str]] = {}
    for key in sorted(forced):
        for sentence in forced[key]:
            by_sentence.setdefault(sentence, []).append(key)
    breaks = [{"rule": sentence, "targets": keys} for sentence, keys in by_sentence.items()]
    return {"targets": sorted(forced), "breaks": breaks}


def _said(one: TargetOutcome) -> dict[str, Any]:
    return {"target": one.key, "outcome": one.outcome, "before": one.before, "after": one.after}
