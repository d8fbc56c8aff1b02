"""A rollout: bringing the targets of one push to its digest, in one run or several."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.rollouts.desired import PushedName
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome


class RolloutState(StrEnum):
    """Where a rollout stands."""

    RUNNING = "running"
    WAITING = "waiting"
    FINISHED = "finished"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Rollout:
    """A rollout that exists; ``image`` is what it was of, under the name that the registry had then.

    ``runs`` counts all its runs, ``attempts`` those since the push or since a person asked for it again. The last began at
    ``started_at`` and ended at ``ended_at``, the next is due at ``due_at``. ``note`` says why it stands where it does,
    ``is_stopped`` that targets were left alone for good: what came before them spoke against the image. ``waits`` are the names of the
    rules by which targets wait, ``approval_of`` is a fingerprint of those that wait for approval, ``waiting_since`` when the first push came of those that have waited so, one after the other.
    """

    id: int
    push: int
    name: PushedName
    image: str
    state: RolloutState
    created_at: datetime
    runs: int = 0
    attempts: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    due_at: datetime | None = None
    note: str | None = None
    is_stopped: bool = False
    waits: tuple[str, ...] = ()
    approval_of: str | None = None
    waiting_since: datetime | None = None


@dataclass(frozen=True)
class RetryPolicy:
    """When a failed rollout is run again: after ``backoff``, ``attempts`` runs in all."""

    backoff: Backoff
    attempts: int

    def after(self, runs: int, ended_at: datetime) -> datetime | None:
        """Return when to run again after ``runs`` runs, or None when that was the last."""
        return ended_at + self.backoff.after(runs) if runs < self.attempts else None


class Standing(NamedTuple):
    """Where a rollout stands, as of :class:`Rollout`."""

    state: RolloutState
    due_at: datetime | None = None
    is_stopped: bool = False


def standing_after_run(
    outcomes: Iterable[TargetOutcome],
    digest: str,
    *,
    attempts: int,
    ended_at: datetime,
    retry: RetryPolicy,
) -> Standing:
    """Return where a rollout to ``digest`` stands whose targets stand at ``outcomes``.

    ``attempts`` are its runs since the push, or since a person asked for it again. Targets that were left alone
    wait for those that failed before them, unless that was a verdict on the image: one target after the other
    would have to find it out.
    """
    known = list(outcomes)
    verdict = any(_is_verdict(one, digest) for one in known)
    waiting = any(not one.outcome.is_final and not _is_verdict(one, digest) for one in known)
    left_alone = any(one.left_alone for one in known)
    # Looked at again after a pause: what it was held for may be known by then.
    is_held = any(one.held for one in known)
    due_at = None
    if left_alone and verdict:
        return Standing(RolloutState.FINISHED, is_stopped=True)
    if waiting or left_alone or is_held:
        due_at = retry.after(attempts, ended_at)
    return Standing(RolloutState.WAITING if due_at else RolloutState.FINISHED, due_at)


def _is_verdict(one: TargetOutcome, digest: str) -> bool:
    """Tell whether an outcome speaks against the image; one that failed and runs it did not pass the shop's tests."""
    return one.after == digest if one.outcome is Outcome.FAILED else one.outcome.is_rollback
