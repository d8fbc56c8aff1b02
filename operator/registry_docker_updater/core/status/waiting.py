"""What only waits: until when, and for what."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from registry_docker_updater.core.rollouts.outlook import UPDATING, Alike, Overview
from registry_docker_updater.core.status.troubles import NAMED


@dataclass(frozen=True)
class Waiting:
    """Targets that wait for the same push and reason, so many; ``named`` are the keys of the first few.

    It is their turn at the moment ``until``, where one is set.
    """

    alike: Alike
    count: int
    named: tuple[str, ...]
    until: datetime | None = None
    rollout: int | None = None


def waiting(overview: Overview) -> Iterator[Waiting]:
    """Yield what the operator comes to by itself and has not begun, as it was pushed."""
    for alike, outlooks in overview.alike.items():
        if alike.verdict.is_pending and alike.verdict is not UPDATING:
            first = outlooks[0]
            yield Waiting(
                alike,
                len(outlooks),
                tuple(one.target.key for one in outlooks[:NAMED]),
                first.next_at,
                first.rollout.id if first.rollout else None,
            )
