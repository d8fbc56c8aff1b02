"""Hosts of the inventory, as last asked."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class UnfinishedUpdate:
    """An update of the container ``name`` to ``digest`` of ``image`` that was begun on a host and has not ended.

    ``age`` is how many seconds before the host's answer it began; ``is_worked_on`` is false where its process died and
    nobody goes on with it.
    """

    name: str
    image: str
    digest: str
    age: float
    is_worked_on: bool


@dataclass(frozen=True)
class Host:
    """One host of the inventory, as last asked. ``error`` is why it could not be, in a sentence.

    ``back_since`` is when it first answered, or answered again after it had not; None if it never did.

    ``is_manager`` means that it can tell of its swarm's services and change them. ``live`` says how the live view
    of it is, in a sentence, or is None where there is none.

    ``engine_id`` and ``engine_name`` are the engine's own, ``containers`` the ids of those that opted in: by them an
    engine is known under another name.

    ``groups`` are those of the inventory that it is in, as they were when it answered last, without ``all`` and ``ungrouped``.

    ``policy`` is what the inventory says of when and whether its targets are updated, by the names of the rules, as text.

    ``at_once`` means that the inventory says nothing of steps for it, and has no tasks of the shop's run around updates.
    """

    name: str
    asked_at: datetime
    error: str | None = None
    engine: str | None = None
    swarm: str | None = None
    is_manager: bool = False
    warnings: tuple[str, ...] = ()
    live: str | None = None
    back_since: datetime | None = None
    unfinished: tuple[UnfinishedUpdate, ...] = ()
    engine_id: str | None = None
    engine_name: str | None = None
    containers: tuple[str, ...] = ()
    at_once: bool = False
    groups: tuple[str, ...] = ()
    policy: tuple[tuple[str, str], ...] = ()

    @property
    def was_heard(self) -> bool:
        """Whether it ever answered, so that what runs there is known, if only as it was."""
        return self.is_reachable or self.back_since is not None

    @property
    def is_reachable(self) -> bool:
        """Whether the last scan got an answer from the host's engine."""
        return self.error is None
