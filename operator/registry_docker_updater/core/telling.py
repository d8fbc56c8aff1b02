"""When the team is told of a rollout, and what: telling is retried on its own, and never repeats an update."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from registry_docker_updater.core.history import Retry
from registry_docker_updater.core.outcomes import Outcome, TargetOutcome

# Of these nobody needs to hear.
QUIET = (Outcome.UNCHANGED, Outcome.SKIPPED)


class TellingState(StrEnum):
    """Where a message stands."""

    DUE = "due"
    TOLD = "told"
    GIVEN_UP = "given up"


@dataclass(frozen=True)
class Telling:
    """A message about a rollout; ``channels`` are those still to tell, None for all."""

    rollout: int
    state: TellingState
    attempts: int = 0
    due_at: datetime | None = None
    channels: tuple[str, ...] | None = None
    error: str | None = None


def is_news(before: Mapping[str, Outcome], after: Iterable[TargetOutcome]) -> bool:
    """Tell whether a run left anything that the team was not told: a retry that changes nothing is no news."""
    return any(one.outcome not in QUIET and before.get(one.key) is not one.outcome for one in after)


def after_attempt(
    telling: Telling, failed: Mapping[str, str], error: str | None, now: datetime, retry: Retry
) -> Telling:
    """Return the telling after an attempt: ``failed`` channels with reasons, or ``error`` when none was tried."""
    attempts = telling.attempts + 1
    if not failed and error is None:
        return Telling(telling.rollout, TellingState.TOLD, attempts)
    reason = "; ".join(f"{channel}: {why}" for channel, why in sorted(failed.items())) or error
    channels = tuple(sorted(failed)) or telling.channels
    due_at = retry.after(attempts, now)
    state = TellingState.DUE if due_at else TellingState.GIVEN_UP
    return Telling(telling.rollout, state, attempts, due_at, channels, reason)
