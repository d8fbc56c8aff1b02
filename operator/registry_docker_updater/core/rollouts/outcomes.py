"""What became of a target."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ansible_collections.registry.docker_updater.plugins.module_utils import outcomes

from registry_docker_updater.core.fleet.targets import Kind


class Outcome(StrEnum):
    """What became of one target, in the words of the modules."""

    UPDATED = outcomes.UPDATED
    UNCHANGED = outcomes.UNCHANGED
    ROLLED_BACK = outcomes.ROLLED_BACK
    ROLLBACK_FAILED = outcomes.ROLLBACK_FAILED
    FAILED = outcomes.FAILED
    UNREACHABLE = outcomes.UNREACHABLE
    SUPERSEDED = outcomes.SUPERSEDED
    SKIPPED = outcomes.SKIPPED

    @property
    def is_final(self) -> bool:
        """Whether the same push is not tried on the target again."""
        return outcomes.is_final(self)

    @property
    def is_quiet(self) -> bool:
        """Whether nobody needs to hear of it."""
        return outcomes.is_quiet(self)

    @property
    def is_rollback(self) -> bool:
        """Whether the target refused the digest."""
        return self in (Outcome.ROLLED_BACK, Outcome.ROLLBACK_FAILED)

    @property
    def is_failure(self) -> bool:
        """Whether the target is not what the push was to make of it, and nobody meant that."""
        return self in FAILURES

    @property
    def has_log(self) -> bool:
        """Whether the log of what was started tells why it ended so."""
        return outcomes.has_log(self)


# The gravest first: neither the old nor the new one is known to run, the update was begun, it was undone, it was not begun.
FAILURES = (Outcome.ROLLBACK_FAILED, Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.UNREACHABLE)


@dataclass(frozen=True)
class TargetOutcome:
    """What became of one target; ``before`` and ``after`` are digests, where known.

    ``left_alone`` tells that it was not touched because other targets failed before its turn came, ``held`` that it was not because it
    was not to be updated any more when that came: it is planned anew. ``stages`` when it passed
    those that its run told of. ``log`` are the last lines of the log of what did not come up, as its host told them.
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
    stages: Mapping[str, datetime] = field(default_factory=dict)
    log: tuple[str, ...] = ()
    held: bool = False
