"""Freezes: what a person wants nothing updated of for a while."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Scope(StrEnum):
    """What a freeze can be of."""

    EVERYTHING = "everything"
    SWARM = "swarm"
    GROUP = "group"
    HOST = "host"
    REPOSITORY = "repository"


@dataclass(frozen=True)
class Freeze:
    """A freeze of everything, a swarm (by its id), a group or host of the inventory, or a repository (a pattern such as ``prod/*``).

    It counts from ``at`` ``until`` a moment, None where somebody is to end it; ``actor`` is who wanted it, and ``reason`` why; a person may
    have ended it before, at ``ended_at``.
    """

    id: int
    scope: Scope
    of: str
    at: datetime
    until: datetime | None
    reason: str
    actor: str
    ended_at: datetime | None = None
    ended_by: str | None = None

    def counts(self, now: datetime) -> bool:
        """Tell whether it counts ``now``."""
        return self.ended_at is None and (self.until is None or now < self.until)
