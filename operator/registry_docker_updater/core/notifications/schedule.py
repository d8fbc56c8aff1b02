"""When the team is told of a rollout, and what: telling is retried on its own, and never repeats an update."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from registry_docker_updater.core.rollouts.history import RetryPolicy
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome

# Of these nobody needs to hear.
QUIET = (Outcome.UNCHANGED, Outcome.SKIPPED)


class NotificationState(StrEnum):
    """Where a message stands."""

    DUE = "due"
    TOLD = "told"
    NOBODY = "nobody told"
    GIVEN_UP = "given up"


@dataclass(frozen=True)
class Notification:
    """A message about the ``run`` of a rollout; ``channels`` are those still to tell, None for all.

    ``error`` is why not everybody was told.
    """

    rollout: int
    state: NotificationState
    attempts: int = 0
    due_at: datetime | None = None
    channels: tuple[str, ...] | None = None
    error: str | None = None
    run: int = 0


@dataclass(frozen=True)
class SendResult:
    """What came of telling: the channels that failed, with reasons; or the ``error`` for which none was tried.

    ``nobody`` is why there is nobody to tell.
    """

    failed: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    nobody: str | None = None


def is_news(before: Mapping[str, Outcome], after: Iterable[TargetOutcome]) -> bool:
    """Tell whether a run left anything that the team was not told: a retry that changes nothing is no news."""
    return any(one.outcome not in QUIET and before.get(one.key) is not one.outcome for one in after)


def after_sending(
    notification: Notification, attempt: SendResult, now: datetime, retry: RetryPolicy
) -> Notification:
    """Return the telling after an attempt."""
    attempts = notification.attempts + 1
    if not attempt.failed and attempt.error is None:
        state = NotificationState.NOBODY if attempt.nobody else NotificationState.TOLD
        return Notification(notification.rollout, state, attempts, error=attempt.nobody, run=notification.run)
    reason = "; ".join(f"{name}: {why}" for name, why in sorted(attempt.failed.items())) or attempt.error
    channels = tuple(sorted(attempt.failed)) or notification.channels
    due_at = retry.after(attempts, now)
    state = NotificationState.DUE if due_at else NotificationState.GIVEN_UP
    return replace(
        notification, state=state, attempts=attempts, due_at=due_at, channels=channels, error=reason
    )
