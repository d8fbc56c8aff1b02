"""What was wanted and what became of it: pushes, rollouts, attempts, and when a rollout is run again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome


@dataclass(frozen=True)
class DesiredImage:
    """The newest push of one repository and tag; ``hosts`` are the names under which the fleet pulls from there."""

    push: int
    hosts: tuple[str, ...]
    repository: str
    tag: str
    digest: str
    received_at: datetime

    @property
    def image(self) -> str:
        """The image's name under the first of its hosts."""
        return f"{self.hosts[0]}/{self.repository}:{self.tag}"

    @property
    def name(self) -> tuple[str, str, str]:
        """What tells the reference from every other, whichever of its hosts is meant."""
        return (self.hosts[0], self.repository, self.tag)


class RolloutState(StrEnum):
    """Where a rollout stands."""

    RUNNING = "running"
    WAITING = "waiting"
    FINISHED = "finished"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Rollout:
    """A rollout that exists: ``runs`` were started, the last ended at ``ended_at``, the next is due at ``due_at``.

    ``is_stopped`` tells that targets were left alone for good: what came before them spoke against the image.
    """

    id: int
    push: int
    reference: tuple[str, str, str]
    state: RolloutState
    runs: int = 0
    ended_at: datetime | None = None
    due_at: datetime | None = None
    is_stopped: bool = False


@dataclass(frozen=True)
class LastAttempt:
    """The last thing that became of a target, by which push.

    ``left_with`` are the digests that our runs may have left it with: more than one where nobody heard of the end
    of a run. ``left_alone`` tells that it was not touched because other targets failed before its turn.
    """

    push: int
    outcome: Outcome
    possible_digests: frozenset[str]
    at: datetime
    left_alone: bool = False


def begun(before: LastAttempt | None, desired: DesiredImage, now: datetime) -> LastAttempt:
    """Return what is known of a target once a run for it begins: should nobody hear of its end, it was our doing."""
    possible_digests = before.possible_digests if before else frozenset[str]()
    return LastAttempt(desired.push, Outcome.FAILED, possible_digests | {desired.digest}, now)


def attempt_ended(
    before: LastAttempt | None, desired: DesiredImage, one: TargetOutcome, now: datetime
) -> LastAttempt:
    """Return what is known of a target after an outcome that may, or may not, say what it was left with."""
    possible_digests = frozenset((one.after,)) if one.after else begun(before, desired, now).possible_digests
    if one.outcome is Outcome.UNREACHABLE and before and before.push == desired.push:
        now = before.at  # The host may have come back while the run that missed it went on.
    return LastAttempt(desired.push, one.outcome, possible_digests, now, one.left_alone)


@dataclass(frozen=True)
class History:
    """What was tried: rollouts by push, the last outcome of each target, and digests that targets refused.

    ``told`` are the keys of targets with the push that a person told us to bring there whatever happened before.
    """

    rollouts: Mapping[int, Rollout] = field(default_factory=dict)
    last: Mapping[str, LastAttempt] = field(default_factory=dict)
    refused: frozenset[tuple[str, str]] = frozenset()
    told: frozenset[tuple[str, int]] = frozenset()

    @property
    def running(self) -> frozenset[int]:
        """The ids of the rollouts that run."""
        return frozenset(one.id for one in self.rollouts.values() if one.state is RolloutState.RUNNING)


@dataclass(frozen=True)
class RetryPolicy:
    """How long to wait before a failed rollout is run again: twice as long each time, ``attempts`` runs in all."""

    first: timedelta
    longest: timedelta
    attempts: int

    def after(self, runs: int, ended_at: datetime) -> datetime | None:
        """Return when to run again after ``runs`` runs, or None when that was the last."""
        if runs >= self.attempts:
            return None
        return ended_at + min(self.longest, self.first * (1 << min(runs - 1, 16)))


@dataclass(frozen=True)
class RunEnd:
    """How a run of a rollout ended; ``note`` says why the rollout stands where it does, ``is_news`` if to tell.

    ``state``, ``due_at`` and ``is_stopped`` are as of :class:`Rollout`.
    """

    rollout: int
    run: int
    desired: DesiredImage
    outcomes: tuple[TargetOutcome, ...]
    state: RolloutState
    due_at: datetime | None
    note: str | None
    is_news: bool
    is_stopped: bool = False


class Standing(NamedTuple):
    """Where a rollout stands, as of :class:`Rollout`."""

    state: RolloutState
    due_at: datetime | None = None
    is_stopped: bool = False


def after_run(
    outcomes: Iterable[TargetOutcome],
    desired: DesiredImage,
    attempts: int,
    ended_at: datetime,
    retry: RetryPolicy,
) -> Standing:
    """Return where a rollout stands whose targets stand at ``outcomes``.

    ``attempts`` are its runs since the push, or since a person asked for it again. Targets that were left alone
    wait for those that failed before them, unless that was a verdict on the image: one target after the other
    would have to find it out.
    """
    known = list(outcomes)
    verdict = any(_is_verdict(one, desired) for one in known)
    waiting = any(not one.outcome.is_final and not _is_verdict(one, desired) for one in known)
    left_alone = any(one.left_alone for one in known)
    due_at = None
    if left_alone and verdict:
        return Standing(RolloutState.FINISHED, is_stopped=True)
    if waiting or left_alone:
        due_at = retry.after(attempts, ended_at)
    return Standing(RolloutState.WAITING if due_at else RolloutState.FINISHED, due_at)


def _is_verdict(one: TargetOutcome, desired: DesiredImage) -> bool:
    """Tell whether an outcome speaks against the image; one that failed and runs it did not pass the shop's tests."""
    if one.outcome is Outcome.FAILED:
        return one.after == desired.digest
    return one.outcome in (Outcome.ROLLED_BACK, Outcome.ROLLBACK_FAILED)
