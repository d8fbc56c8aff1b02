"""An entry of the trail: what happened, and its place in the chain.

The hash of an entry is that of its header, and the header has the hash of the entry before and that of the content. So the
content can go, when it has been kept for long enough, and the chain holds all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from registry_docker_updater.core.audit.canonical import canonical, moment_text, sha256

# What the first entry has in place of the hash of one before.
NOTHING_BEFORE = "0" * 64


@dataclass(frozen=True)
class Step:
    """Something that happened, of the ``kind`` that :data:`KINDS` explains; ``facts`` are what there is to say of it.

    ``event`` and ``rollout`` are the numbers of what it happened to, where it did to one.
    """

    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    event: int | None = None
    rollout: int | None = None


@dataclass(frozen=True)
class Person:
    """Who asked for something, by ``name``, and from where (``place``)."""

    name: str
    place: str


@dataclass(frozen=True)
class TrailHead:
    """The last entry of a trail: its number, and its hash. All entries before can be checked by it."""

    sequence: int = 0
    hash: str = NOTHING_BEFORE


@dataclass(frozen=True)
class Entry:
    """An entry as it is kept; ``content`` is a canonical text, None where it has been kept for long enough."""

    sequence: int
    at: datetime
    kind: str
    event: int | None
    rollout: int | None
    content: str | None
    content_hash: str
    hash: str

    @property
    def head(self) -> TrailHead:
        """What the next entry is chained to."""
        return TrailHead(self.sequence, self.hash)


def sealed(before: TrailHead, sequence: int, at: datetime, step: Step, content: str) -> Entry:
    """Return the entry that says ``content`` of ``step``, chained to the one ``before``."""
    entry = Entry(sequence, at, step.kind, step.event, step.rollout, content, sha256(content), "")
    return Entry(**{**entry.__dict__, "hash": hash_of(entry, before.hash)})


def hash_of(entry: Entry, previous: str) -> str:
    """Return the hash of an entry whose predecessor has the hash ``previous``."""
    return sha256(
        canonical(
            {
                "at": moment_text(entry.at),
                "content": entry.content_hash,
                "event": entry.event,
                "kind": entry.kind,
                "previous": previous,
                "rollout": entry.rollout,
                "sequence": entry.sequence,
            }
        )
    )
