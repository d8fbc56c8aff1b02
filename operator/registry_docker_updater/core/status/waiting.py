"""What only waits: until when, and for what."""

from collections.abc import Iterator
from dataclasses import dataclass

from registry_docker_updater.core.rollouts.outlook import UPDATING, Outlook, Overview
from registry_docker_updater.core.status.trouble import NAMED


@dataclass(frozen=True)
class Waiting:
    """Targets that wait for the same push and reason, so many: the ``first`` of them, and the keys of the first few."""

    first: Outlook
    count: int
    named: tuple[str, ...]


def waiting(overview: Overview) -> Iterator[Waiting]:
    """Yield what the operator comes to by itself and has not begun, as it was pushed."""
    for outlooks in overview.alike.values():
        verdict = outlooks[0].verdict
        if verdict.is_pending and verdict is not UPDATING:
            yield Waiting(outlooks[0], len(outlooks), tuple(one.target.key for one in outlooks[:NAMED]))
