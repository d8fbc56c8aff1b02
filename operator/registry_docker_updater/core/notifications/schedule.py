"""When the team is told of a rollout: sending is retried on its own, and never repeats an update."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from registry_docker_updater.core.rollouts.rollout import RetryPolicy


class NotificationState(StrEnum):
    """Where a notification stands."""

    DUE = "due"
    SENT = "sent"
    NOBODY = "nobody told"
    GIVEN_UP = "given up"


@dataclass(frozen=True)
class Notification:
    """A message about the ``run`` of a rollout; ``channels`` are those still to be sent to, None for all.

    ``error`` is why not everybody was told, ``sent_at`` when everybody was.
    """

    rollout: int
    state: NotificationState
    attempts: int = 0
    due_at: datetime | None = None
    channels: tuple[str, ...] | None = None
    error: str | None = None
    run: int = 0
    sent_at: datetime | None = None


@dataclass(frozen=True)
class SendResult:
    """What came of sending: the channels that failed, with reasons; or the ``error`` for which none was tried.

    ``nobody`` is why there is nobody to tell.
    """

    failed: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    nobody: str | None = None


def after_sending(
    notification: Notification, result: SendResult, now: datetime, retry: RetryPolicy
) -> Notification:
    """Return the notification after an attempt to send it."""
    attempts = notification.attempts + 1
    if not result.failed and result.error is None:
        state = NotificationState.NOBODY if result.nobody else NotificationState.SENT
        sent_at = now if state is NotificationState.SENT else None
        return Notification(
            notification.rollout, state, attempts, error=result.nobody, run=notification.run, sent_at=sent_at
        )
    reason = "; ".join(f"{name}: {why}" for name, why in sorted(result.failed.items())) or result.error
    channels = tuple(sorted(result.failed)) or notification.channels
    due_at = retry.after(attempts, now)
    state = NotificationState.DUE if due_at else NotificationState.GIVEN_UP
    return replace(
        notification, state=state, attempts=attempts, due_at=due_at, channels=channels, error=reason
    )
