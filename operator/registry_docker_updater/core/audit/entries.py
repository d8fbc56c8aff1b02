"""An entry of the trail: what happened, and its place in the chain.

The hash of an entry is that of its header, and the header has the hash of the entry before and that of the content. So the
content can go, when it has been kept for long enough, and the chain holds all the same.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from registry_docker_updater.core.audit.canonical import moment_text, sha256

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


class TrailHead(NamedTuple):
    """The last entry of a trail: its number, and its hash. All entries before can be checked by it."""

    sequence: int = 0
    hash: str = NOTHING_BEFORE


class Entry(NamedTuple):
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
    content_hash = sha256(content)
    header = _header(
        moment_text(at), content_hash, step.event, step.kind, before.hash, step.rollout, sequence
    )
    return Entry(sequence, at, step.kind, step.event, step.rollout, content, content_hash, sha256(header))


def hash_of(entry: Entry, previous: str) -> str:
    """Return the hash of an entry whose predecessor has the hash ``previous``."""
    at, content = moment_text(entry.at), entry.content_hash
    return sha256(_header(at, content, entry.event, entry.kind, previous, entry.rollout, entry.sequence))


def _header(  # noqa: PLR0913, PLR0917 - what is hashed
    at: str, content: str, event: int | None, kind: str, previous: str, rollout: int | None, sequence: int
) -> str:
    # As `canonical` writes it, at a tenth of the time: with every event one is made.
    return (
        f'{{"at":"{at}","content":"{content}","event":{_number(event)},"kind":{_quoted(kind)},'
        f'"previous":"{previous}","rollout":{_number(rollout)},"sequence":{sequence}}}'
    )


def _number(value: int | None) -> str:
    # Where somebody changed it, it may be anything.
    return str(value) if isinstance(value, int) else json.dumps(value if value is None else str(value))


@lru_cache(64)
def _quoted(kind: str) -> str:
    return json.dumps(kind, ensure_ascii=False)
