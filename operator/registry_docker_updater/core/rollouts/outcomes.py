"""What became of a target."""

from dataclasses import dataclass
from enum import StrEnum

from registry_docker_updater.core.fleet.targets import Kind


class Outcome(StrEnum):
    """What became of one target."""

    UPDATED = "updated"
    UNCHANGED = "unchanged"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    SUPERSEDED = "superseded"
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        """Whether the same push is not tried on the target again."""
        return self not in (Outcome.FAILED, Outcome.UNREACHABLE)

    @property
    def is_good(self) -> bool:
        """Whether nobody needs to look at it. A rollback is never good."""
        return self in (Outcome.UPDATED, Outcome.UNCHANGED, Outcome.SKIPPED, Outcome.SUPERSEDED)

    @property
    def is_quiet(self) -> bool:
        """Whether nobody needs to hear of it."""
        return self in (Outcome.UNCHANGED, Outcome.SKIPPED)

    @property
    def is_rollback(self) -> bool:
        """Whether the target refused the digest."""
        return self in (Outcome.ROLLED_BACK, Outcome.ROLLBACK_FAILED)


@dataclass(frozen=True)
class TargetOutcome:
    """What became of one target; ``before`` and ``after`` are digests, where known.

    ``left_alone`` tells that it was not touched because other targets failed before its turn came.
    """

    key: str
    kind: Kind
    name: str
    place: str
    outcome: Outcome
    before: str | None = None
    after: str | None = None
    message: str | None = None
    left_alone: bool = False
