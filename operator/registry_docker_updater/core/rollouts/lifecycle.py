"""What each thing that happens to a rollout changes: pure functions that return effects, which a store applies."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from registry_docker_updater.core.rollouts.history import (
    LastAttempt,
    Override,
    Refusal,
    attempt_begun,
    attempt_ended,
)
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.rollout import (
    RetryPolicy,
    Rollout,
    RolloutState,
    standing_after_run,
)


@dataclass(frozen=True)
class RunOutcome:
    """The last word on one target of a rollout: the ``run`` that said it, and when."""

    result: TargetOutcome
    run: int
    at: datetime


@dataclass(frozen=True)
class Announcement:
    """That the team is to be told of a rollout as it stands, not before ``due_at``.

    ``new`` are the keys of the targets of which it has not heard that, ``before`` says how targets stood before, by key. A
    rollout ``is_given_up`` of which there is nothing new but that it is not run again by itself.
    """

    due_at: datetime
    new: frozenset[str]
    before: Mapping[str, TargetOutcome] = field(default_factory=dict)
    is_given_up: bool = False


@dataclass(frozen=True)
class Effects:
    """What is to be kept of something that happened to one rollout, all of it or nothing.

    ``forgiven`` are refusals that hold no more, ``closes_push`` tells that all overrides of the rollout's push are
    closed, ``announcement`` what the team is to be told of, None for nothing.
    """

    rollout: Rollout
    outcomes: tuple[RunOutcome, ...] = ()
    last_attempts: Mapping[str, LastAttempt] = field(default_factory=dict)
    refusals: frozenset[Refusal] = frozenset()
    forgiven: frozenset[Refusal] = frozenset()
    closed_overrides: frozenset[Override] = frozenset()
    closes_push: bool = False
    announcement: Announcement | None = None


def run_begun(
    rollout: Rollout, digest: str, keys: Iterable[str], last: Mapping[str, LastAttempt], now: datetime
) -> Effects:
    """Return what changes when a run to ``digest`` begins, for the targets with ``keys``.

    ``last`` are the last attempts on them, by key.
    """
    return Effects(
        replace(
            rollout,
            state=RolloutState.RUNNING,
            runs=rollout.runs + 1,
            attempts=_next_attempt(rollout, now),
            started_at=now,
            ended_at=None,
            due_at=None,
            note=None,
        ),
        last_attempts={key: attempt_begun(last.get(key), rollout.push, digest, now) for key in keys},
    )


def outcomes_known(  # noqa: PLR0913 - what was known, and what is
    rollout: Rollout,
    digest: str,
    outcomes: Iterable[TargetOutcome],
    last: Mapping[str, LastAttempt],
    now: datetime,
    *,
    are_given_up: bool = False,
) -> Effects:
    """Return what changes when it is known what became of some targets in the last run of a rollout to ``digest``.

    Those that are not where they are to be ``are_given_up`` where no other run comes by itself.
    """
    known = tuple(outcomes)
    return Effects(
        rollout,
        outcomes=tuple(RunOutcome(one, rollout.runs, now) for one in known),
        last_attempts={
            one.key: attempt_ended(
                last.get(one.key), rollout.push, digest, one, now, given_up=are_given_up and not one.held
            )
            for one in known
        },
        refusals=frozenset(Refusal(one.key, digest) for one in known if one.outcome.is_rollback),
        forgiven=frozenset(Refusal(one.key, digest) for one in known if one.outcome is Outcome.UPDATED),
        closed_overrides=frozenset(
            Override(one.key, rollout.push) for one in known if one.outcome.is_final and not one.left_alone
        ),
    )


@dataclass(frozen=True)
class RunEnd:
    """How a run to ``digest`` ended: what became of each target in it, and ``before`` it, by key, where there was a run."""

    digest: str
    outcomes: tuple[TargetOutcome, ...]
    before: Mapping[str, TargetOutcome] = field(default_factory=dict)

    @property
    def new(self) -> frozenset[str]:
        """The targets of which the team was not told that: a retry that changes nothing is no news, that one is well again is."""
        return frozenset(one.key for one in self.outcomes if _is_new(one.outcome, self.before.get(one.key)))

    @property
    def everything(self) -> Mapping[str, TargetOutcome]:
        """Where each target of the rollout stands now: what failed before waits on, though this run was not for it."""
        return {**self.before, **{one.key: one for one in self.outcomes}}

    @property
    def note(self) -> str | None:
        """Why not every target ended for good."""
        everything = self.everything.values()
        said = {one.message for one in everything if one.left_alone or one.held or not one.outcome.is_final}
        return "; ".join(sorted(filter(None, said))) or None


def run_ended(
    rollout: Rollout, end: RunEnd, last: Mapping[str, LastAttempt], retry: RetryPolicy, now: datetime
) -> Effects:
    """Return what changes when a run has ended."""
    standing = standing_after_run(
        end.everything.values(), end.digest, attempts=rollout.attempts, ended_at=now, retry=retry
    )
    # What waits by a rule was not in the run: the planner says what becomes of it.
    is_over = standing.state is RolloutState.FINISHED
    ended = replace(
        rollout,
        state=RolloutState.WAITING if is_over and rollout.waits else standing.state,
        due_at=standing.due_at,
        # By the clock that shows now, nothing has begun later.
        started_at=min(rollout.started_at or now, now),
        ended_at=now,
        note=end.note,
        is_stopped=standing.is_stopped,
    )
    return replace(
        outcomes_known(ended, end.digest, end.outcomes, last, now, are_given_up=is_over),
        # What a person asked for was tried on others, and spoke against the image.
        closes_push=standing.is_stopped,
        announcement=_announcement(end, now, is_over=is_over),
    )


def repaired(  # noqa: PLR0913, PLR0917 - what was, and what is
    rollout: Rollout,
    digest: str,
    one: TargetOutcome,
    last: LastAttempt | None,
    now: datetime,
    before: TargetOutcome | None = None,
) -> Effects | None:
    """Return what changes when an interrupted update to ``digest`` was finished afterwards; None where nothing does.

    ``before`` is what was known to have become of the target.

    That is for a run which tried it last and did not hear of its end, or has not ended yet.
    """
    if last is None or last.push != rollout.push or last.outcome.is_final:
        return None
    noted = replace(rollout, note="updates that were interrupted were finished afterwards")
    is_news = not one.outcome.is_quiet and rollout.state is not RolloutState.RUNNING
    known = {one.key: before} if before else {}
    announcement = Announcement(now, frozenset({one.key}), known) if is_news else None
    return replace(outcomes_known(noted, digest, [one], {one.key: last}, now), announcement=announcement)


def retried(rollout: Rollout, actor: str, now: datetime) -> Effects | None:
    """Return what changes when a person has a rollout run again, with all its attempts; None while it runs."""
    if rollout.state is RolloutState.RUNNING:
        return None
    return Effects(
        replace(
            rollout,
            state=RolloutState.WAITING,
            due_at=now,
            attempts=0,
            is_stopped=False,
            note=f"run again by hand, by {actor}",
        )
    )


def interrupted(rollout: Rollout, outcomes: Iterable[RunOutcome], due_at: datetime) -> Effects:
    """Return what changes when nobody heard of a run's end: it is due again, and what it is known to have done is told."""
    new = frozenset(
        one.result.key for one in outcomes if one.run == rollout.runs and not one.result.outcome.is_quiet
    )
    return Effects(
        replace(rollout, state=RolloutState.WAITING, due_at=due_at, note="the run was interrupted"),
        announcement=Announcement(due_at, new) if new else None,
    )


def settled(rollout: Rollout, seen: Rollout, now: datetime) -> Effects | None:
    """Return what changes when a rollout waits for nothing, as it was ``seen``; None when a person asked for it since."""
    if rollout.state is not RolloutState.WAITING or rollout.due_at != seen.due_at:
        return None
    return Effects(replace(rollout, state=RolloutState.FINISHED, due_at=None, ended_at=now))


def superseded(rollout: Rollout, outcomes: Collection[RunOutcome], now: datetime) -> Effects:
    """Return what changes when a newer push takes a rollout's place: its targets that still waited wait no more."""
    waiting = (one for one in outcomes if not one.result.outcome.is_final)
    return Effects(
        replace(
            rollout,
            state=RolloutState.SUPERSEDED,
            due_at=None,
            ended_at=now,
            note="a newer push took its place",
        ),
        outcomes=tuple(
            RunOutcome(replace(one.result, outcome=Outcome.SUPERSEDED, log=()), one.run, now)
            for one in waiting
        ),
    )


def _is_new(outcome: Outcome, before: TargetOutcome | None) -> bool:
    if before is None:
        return not outcome.is_quiet
    return before.outcome is not outcome and (not outcome.is_quiet or before.outcome.is_failure)


def _announcement(end: RunEnd, now: datetime, *, is_over: bool) -> Announcement | None:
    """Return what the team is to be told of after a run, None where that is what it knows; it ``is_over`` where there is no other."""
    is_given_up = (
        not end.new
        and is_over
        and any(one.outcome.is_failure or one.left_alone for one in end.everything.values())
    )
    return Announcement(now, end.new, end.before, is_given_up=is_given_up) if end.new or is_given_up else None


def _next_attempt(rollout: Rollout, now: datetime) -> int:
    """Return which attempt the next run is: one before its time is for a host that is back, and takes none."""
    # What goes on after it waited by a rule has all its attempts.
    if rollout.state is RolloutState.FINISHED or rollout.due_at is None:
        return 1
    return rollout.attempts if rollout.due_at and rollout.due_at > now else rollout.attempts + 1
