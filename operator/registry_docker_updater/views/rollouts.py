"""Rollouts as people and programs see them."""

from collections.abc import Mapping, Sequence

from typing_extensions import TypedDict

from registry_docker_updater.core.rollouts.lifecycle import RunOutcome
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.core.rollouts.stages import timeline
from registry_docker_updater.core.rollouts.verdicts import LAPSED
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.storage.choices import ALL_ROLLOUTS, RolloutChoice
from registry_docker_updater.storage.notifications import MessageOfRun
from registry_docker_updater.storage.rollouts import KeptRollout
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.messages import RolloutMessageRow, matters_most, message_of_rollout
from registry_docker_updater.views.values import moment


class StageRow(TypedDict):
    """When a target passed a stage of its update."""

    stage: str
    at: str


class OutcomeRow(TypedDict):
    """What became of one target of a rollout; ``log`` are the last lines of the log of what did not come up.

    ``left_alone`` tells that it was not touched because others failed before its turn, ``held`` that it is planned anew.
    """

    rollout: int
    key: str
    run: int
    at: str
    kind: str
    name: str
    place: str
    outcome: str
    before: str | None
    after: str | None
    message: str | None
    log: list[str]
    left_alone: bool
    held: bool


class TargetOutcomeRow(OutcomeRow):
    """What became of one target of a rollout, with the stages of its update."""

    stages: list[StageRow]


class RolloutRow(TypedDict):
    """A rollout: bringing the targets of one push to its digest; ``outcomes`` counts what became of them.

    ``ending`` is one of :data:`ENDINGS`, null while it has not ended, and where a newer push took its place. ``waits`` are the names of the
    rules and decisions because of which targets do not get the push now, or at all; ``waiting_since`` is when the first push came of those
    that have waited so, one after the other. ``due_at`` is when it runs again after a failure, null where only rules say when.
    """

    id: int
    push: int
    image: str
    state: str
    runs: int
    attempts: int
    created_at: str
    started_at: str | None
    ended_at: str | None
    due_at: str | None
    note: str | None
    waits: list[str]
    waiting_since: str | None
    is_stopped: bool
    registry: str
    digest: str
    actor: str | None
    pushed_at: str
    outcomes: dict[str, int]
    ending: str | None


class RolloutSummaryRow(RolloutRow):
    """A rollout without its targets, with its ``messages``, the last first; ``message`` is the one that matters most."""

    message: RolloutMessageRow | None
    messages: list[RolloutMessageRow]


class WholeRolloutRow(RolloutSummaryRow):
    """A rollout with every target's outcome, and its messages."""

    targets: list[TargetOutcomeRow]


# How a rollout can have ended: something is on what was pushed, and nothing else is to be told; or something is; or nothing was to be
# updated, as a rule or a person has it; or nothing was there to do.
WELL, NOT_WELL, LEFT_AS_IT_IS, NOTHING = ENDINGS = (
    "ended well",
    "ended, not well",
    "left as it is",
    "nothing to do",
)


def rollouts(
    storage: Storage, limit: int, before: int | None = None, choice: RolloutChoice = ALL_ROLLOUTS
) -> list[RolloutRow]:
    """Return the newest ``limit`` rollouts of a ``choice`` ``before`` the one with that number, newest first, with counts of outcomes."""
    return [_rollout(one) for one in storage.rollouts.newest(limit, before, choice)]


def rollout(storage: Storage, number: int) -> WholeRolloutRow:
    """Return one rollout with every target's outcome and its notification; raises :class:`NothingKnown`."""
    with storage.snapshot() as kept:
        found = kept.rollouts.kept(number)
        if found is None:
            raise NothingKnown(f"there is no rollout {number}; `rollouts` lists those that are")
        return _whole(found, kept.notifications.of_rollout(number))


def summary(storage: Storage, number: int) -> RolloutSummaryRow:
    """Return one rollout with its notification, and without its targets; raises :class:`NothingKnown`."""
    with storage.snapshot() as kept:
        found = kept.rollouts.counted(number)
        if found is None:
            raise NothingKnown(f"there is no rollout {number}; `rollouts` lists those that are")
        return _summary(found, kept.notifications.of_rollout(number))


def summary_of_push(storage: Storage, push: int) -> RolloutRow | None:
    """Return the rollout of a push without its targets, or None when there is none yet."""
    found = storage.rollouts.counted_of_push(push)
    return _rollout(found) if found else None


def rollouts_of_pushes(storage: Storage, pushes: Sequence[int]) -> dict[int, RolloutRow]:
    """Return the rollouts of those of some pushes that have one, by the numbers of the pushes."""
    return {one.push.id: _rollout(one) for one in storage.rollouts.counted_of_pushes(pushes)}


def outcomes_of(storage: Storage, number: int, keys: Sequence[str]) -> list[OutcomeRow]:
    """Return what became of the targets with ``keys`` in a rollout, in their order; of some, nothing may be known."""
    by_key = {one.result.key: one for one in storage.rollouts.of_keys(number, keys)}
    return [outcome(number, by_key[key]) for key in keys if key in by_key]


def slowest(storage: Storage, number: int) -> TargetOutcomeRow | None:
    """Return the target whose run told of the latest stage in a rollout, None where none did."""
    with storage.snapshot() as kept:
        found, said = kept.rollouts.counted(number), kept.rollouts.slowest(number)
        if found is None or said is None:
            return None
        return _target(found, said, kept.notifications.of_rollout(number))


def rollout_of_push(storage: Storage, push: int) -> WholeRolloutRow | None:
    """Return the rollout of a push, as :func:`rollout` does, or None when there is none yet."""
    with storage.snapshot() as kept:
        found = kept.rollouts.kept_of_push(push)
        return _whole(found, kept.notifications.of_rollout(found.rollout.id)) if found else None


def _whole(found: KeptRollout, said: Sequence[MessageOfRun]) -> WholeRolloutRow:
    return {
        **_summary(found, said),
        "targets": [_target(found, one, said) for one in found.outcomes],
    }


def _summary(found: KeptRollout, said: Sequence[MessageOfRun]) -> RolloutSummaryRow:
    rows = [message_of_rollout(found.rollout.id, run, one) for one, run in said]
    return {**_rollout(found), "message": matters_most(rows), "messages": rows}


def ending(of: Rollout, counts: Mapping[Outcome, int], left_alone: int, held: int = 0) -> str | None:
    """Return how a rollout ended, as one of :data:`ENDINGS`, by the counts of its outcomes; None where it has not.

    What was ``held`` is not updated so far, unless a rule or a person has it so by now.
    """
    if of.state is not RolloutState.FINISHED:
        return None
    is_missed = left_alone or (held and not of.waits)
    if is_missed or any(one.is_failure for one in counts) or LAPSED.name in of.waits:
        return NOT_WELL
    if counts.keys() & {Outcome.UPDATED, Outcome.UNCHANGED}:
        return WELL
    return LEFT_AS_IT_IS if of.waits else NOTHING


def _target(found: KeptRollout, one: RunOutcome, said: Sequence[MessageOfRun]) -> TargetOutcomeRow:
    return {**outcome(found.rollout.id, one), "stages": _stages(found, one, said)}


def _rollout(found: KeptRollout) -> RolloutRow:
    one, push = found.rollout, found.push
    # What a newer push took the place of waits for nothing any more.
    waits = () if one.state is RolloutState.SUPERSEDED else one.waits
    return {
        "id": one.id,
        "push": one.push,
        "image": one.image,
        "state": str(one.state),
        "runs": one.runs,
        "attempts": one.attempts,
        "created_at": moment(one.created_at),
        "started_at": moment(one.started_at),
        "ended_at": moment(one.ended_at),
        "due_at": moment(one.due_at),
        "note": one.note,
        "waits": list(waits),
        "waiting_since": moment(one.waiting_since) if waits else None,
        "is_stopped": one.is_stopped,
        "registry": push.registry,
        "digest": push.digest,
        "actor": push.actor,
        "pushed_at": moment(push.received_at),
        "outcomes": {str(word): count for word, count in found.counts.items()},
        "ending": ending(one, found.counts, found.left_alone, found.held),
    }


def outcome(rollout_id: int, said: RunOutcome) -> OutcomeRow:
    """Return what became of one target in the rollout with that number."""
    one = said.result
    return {
        "rollout": rollout_id,
        "key": one.key,
        "run": said.run,
        "at": moment(said.at),
        "kind": str(one.kind),
        "name": one.name,
        "place": one.place,
        "outcome": str(one.outcome),
        "before": one.before,
        "after": one.after,
        "message": one.message,
        "log": list(one.log),
        "left_alone": one.left_alone,
        "held": one.held,
    }


def _stages(found: KeptRollout, said: RunOutcome, messages: Sequence[MessageOfRun]) -> list[StageRow]:
    """Return when a target passed each stage; what comes after its run is of the rollout's last."""
    is_of_last = said.run == found.rollout.runs
    sent = (one.sent_at for one, run in messages if run == said.run and one.sent_at)
    passed = timeline(
        said.result.stages,
        received=found.push.received_at,
        planned=found.rollout.started_at if is_of_last else None,
        kept=said.at,
        sent_at=min(sent, default=None),
    )
    return [{"stage": stage, "at": moment(when)} for stage, when in passed]
