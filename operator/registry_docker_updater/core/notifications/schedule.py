"""When the team is told of a rollout, and what: telling is retried on its own, and never repeats an update."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from registry_docker_updater.core.rollouts.history import Retry
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome

# Of these nobody needs to hear.
QUIET = (Outcome.UNCHANGED, Outcome.SKIPPED)


class TellingState(StrEnum):
    """Where a message stands."""

    DUE = "due"
    TOLD = "told"
    NOBODY = "nobody told"
    GIVEN_UP = "given up"


@dataclass(frozen=True)
class Telling:
    """A message about the ``run`` of a rollout; ``channels`` are those still to tell, None for all.

    ``error`` is why not everybody was told.
    """

    rollout: int
    state: TellingState
    attempts: int = 0
    due_at: datetime | None = None
    channels: tuple[str, ...] | None = None
    error: str | None = None
    run: int = 0


@dataclass(frozen=True)
class Attempt:
    """What came of telling: the channels that failed, with reasons; or the ``error`` for which none was tried.

    ``nobody`` is why there is nobody to tell.
    """

    failed: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    nobody: str | None = None


def is_news(before: Mapping[str, Outcome], after: Iterable[TargetOutcome]) -> bool:
    """Tell whether a run left anything that the team was not told: a retry that changes nothing is no news."""
    return any(one.outcome not in QUIET and before.get(one.key) is not one.outcome for one in after)


def after_attempt(telling: Telling, attempt: Attempt, now: datetime, retry: Retry) -> Telling:
    """Return the telling after an attempt."""
    attempts = telling.attempts + 1
    if not attempt.failed and attempt.error is None:
        state = TellingState.NOBODY if attempt.nobody else TellingState.TOLD
        return Telling(telling.rollout, state, attempts, error=attempt.nobody, run=telling.run)
    reason = "; ".join(f"{name}: {why}" for name, why in sorted(attempt.failed.items())) or attempt.error
    channels = tuple(sorted(attempt.failed)) or telling.channels
    due_at = retry.after(attempts, now)
    state = TellingState.DUE if due_at else TellingState.GIVEN_UP
    return replace(telling, state=state, attempts=attempts, due_at=due_at, channels=channels, error=reason)
