"""The trail, for people and programs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from typing_extensions import TypedDict

from registry_docker_updater.core.audit.canonical import moment_text
from registry_docker_updater.core.audit.entries import NOTHING_BEFORE, Entry
from registry_docker_updater.core.audit.kinds import (
    CLAIM_BELIEVED,
    CLAIM_CONFIRMED,
    EVENT_RECEIVED,
    PUSH_FOUND,
    PUSHES_MATCHED,
)
from registry_docker_updater.core.audit.sentences import content_of, sentence
from registry_docker_updater.core.events.pushes import pusher_of
from registry_docker_updater.errors import NothingKnown, UpdaterError
from registry_docker_updater.storage.storage import Storage


class EntryRow(TypedDict):
    """An entry of the trail: what it says, in a sentence and whole, and the hashes by which it can be checked."""

    sequence: int
    at: str
    kind: str
    event: int | None
    rollout: int | None
    says: str
    content: dict[str, Any] | None
    content_hash: str
    previous: str
    hash: str


# With which entries an event becomes a push.
_BECAME = (EVENT_RECEIVED, PUSH_FOUND, CLAIM_CONFIRMED, CLAIM_BELIEVED)
# The number of none.
_NO_ROLLOUT = 0


@dataclass(frozen=True)
class Choice:
    """Which entries are wanted: those that meet all of it.

    ``since`` and ``until`` are moments, ``image`` is ``repository:tag`` with or without the registry's host before it, which events do
    not tell, so that those of any registry are meant; ``host`` a name of the inventory, ``person`` who pushed or asked, ``kind`` one of :data:`~registry_docker_updater.core.audit.kinds.KINDS`.
    """

    since: datetime | None = None
    until: datetime | None = None
    image: str | None = None
    host: str | None = None
    person: str | None = None
    kind: str | None = None

    def has(self, entry: Entry) -> bool:
        """Tell whether an entry is wanted."""
        if self.kind and entry.kind != self.kind:
            return False
        if (self.since and entry.at < self.since) or (self.until and entry.at >= self.until):
            return False
        if not (self.image or self.host or self.person):
            return True
        content = content_of(entry) or {"facts": {}}
        try:
            return (
                (
                    not self.image
                    or self.image in _images(content)
                    or _without_host(self.image) in _names(content)
                )
                and (not self.host or self.host in _hosts(content))
                and (not self.person or self.person in _persons(content))
            )
        except (AttributeError, TypeError):
            # Somebody changed it.
            return False


ALL_ENTRIES = Choice()
# How many entries are looked at for a page, and how many characters of them: a second's work is not done for one that asks.
_LOOKED_AT, _LOOKED_BACK_AT, _LONGEST_LOOK = 5000, 2000, 4_000_000
# One entry can be as long as a fleet is large.
_TOGETHER = 50


def trail(
    storage: Storage, limit: int, after: int = 0, choice: Choice = ALL_ENTRIES
) -> tuple[list[EntryRow], int | None]:
    """Return at most ``limit`` entries of a ``choice`` ``after`` the one with that number, in order.

    With them comes the number after which more may be found, None where that was all: of a long trail, so many entries are
    looked at and no more, so that there can be fewer of a rare choice than the limit, or none, and more behind.
    """
    previous = storage.trail.hash_of(after) or NOTHING_BEFORE
    rows: list[EntryRow] = []
    for looked_at, entry in enumerate(storage.trail.entries(after)):
        if len(rows) == limit or looked_at == _LOOKED_AT:
            return rows, entry.sequence - 1
        if choice.has(entry):
            rows.append(_row(entry, previous))
        previous = entry.hash
    return rows, None


def newest(
    storage: Storage, limit: int, before: int | None = None, choice: Choice = ALL_ENTRIES
) -> tuple[list[EntryRow], int | None]:
    """Return at most ``limit`` entries of a ``choice`` ``before`` the one with that number, newest first.

    With them comes the number before which more may be found, None where that was all: as with :func:`trail`, no more than so many
    entries are looked at.
    """
    with storage.snapshot() as kept:
        found, further = _looked_back(kept, limit, before, choice)
        return _rows_of(kept, found), further


def of_event(storage: Storage, event: int) -> list[EntryRow]:
    """Return all that the trail says of an event and of the rollout that it began, in order; also what it says of several at once."""
    with storage.snapshot() as kept:
        entries = kept.trail.of_rollout(_NO_ROLLOUT, event)
        if entries and all(one.kind != PUSHES_MATCHED for one in entries):
            # It is judged when it is a push: an event that waits for its registry is none so far.
            became = max(
                (one.sequence for one in entries if one.kind in _BECAME), default=entries[0].sequence
            )
            several = kept.trail.of_several(PUSHES_MATCHED, became)
            entries = (*entries, *(one for one in several if event in _nobody_runs(one)))
        return _rows_of(kept, sorted(entries, key=lambda one: one.sequence))


def story(
    storage: Storage, rollout: int, limit: int | None = None, before: int | None = None
) -> list[EntryRow]:
    """Return what the trail says of a rollout and of its push, in order: the newest ``limit`` entries ``before`` a number.

    Raises :class:`NothingKnown`.
    """
    with storage.snapshot() as kept:
        found = kept.rollouts.counted(rollout)
        if found is None:
            raise NothingKnown(f"there is no rollout {rollout}; `rollouts` lists those that are")
        return _rows_of(kept, kept.trail.of_rollout(rollout, found.push.id, limit, before))


def export(storage: Storage, choice: Choice) -> Iterator[EntryRow]:
    """Yield the entries that are wanted, and of those between the first and the last of them all but what they say.

    So the chain can be checked from the first to the last, by whoever has no more than this. Raises :class:`UpdaterError` at an
    entry that somebody changed so that it cannot be read.
    """
    wanted = {entry.sequence for entry in storage.trail.entries() if choice.has(entry)}
    if not wanted:
        return
    first, last = min(wanted), max(wanted)
    previous = storage.trail.hash_of(first - 1) or NOTHING_BEFORE
    for entry in storage.trail.entries(first - 1, last):
        if entry.content is not None and content_of(entry) is None:
            raise UpdaterError(
                f"entry {entry.sequence} was changed and cannot be read; `audit verify` tells all that is wrong"
            )
        row, previous = _row(entry, previous), entry.hash
        yield row if entry.sequence in wanted else {**row, "content": None, "says": "(not asked for)"}


def _looked_back(
    kept: Storage, limit: int, before: int | None, choice: Choice
) -> tuple[list[Entry], int | None]:
    found: list[Entry] = []
    looked_at = characters = 0
    while True:
        part = kept.trail.newest(_TOGETHER, before, choice.since, choice.until)
        for entry in part:
            if len(found) == limit or looked_at == _LOOKED_BACK_AT or characters > _LONGEST_LOOK:
                return found, before
            looked_at, characters, before = (
                looked_at + 1,
                characters + len(entry.content or ""),
                entry.sequence,
            )
            if choice.has(entry):
                found.append(entry)
        if len(part) < _TOGETHER:
            return found, None


def _rows_of(kept: Storage, entries: Sequence[Entry]) -> list[EntryRow]:
    previous = kept.trail.hashes_of([entry.sequence - 1 for entry in entries])
    return [_row(entry, previous.get(entry.sequence - 1, NOTHING_BEFORE)) for entry in entries]


def _row(entry: Entry, previous: str) -> EntryRow:
    return {
        "sequence": entry.sequence,
        "at": moment_text(entry.at),
        "kind": entry.kind,
        "event": entry.event,
        "rollout": entry.rollout,
        "says": sentence(entry),
        "content": content_of(entry),
        "content_hash": entry.content_hash,
        "previous": previous,
        "hash": entry.hash,
    }


def _nobody_runs(entry: Entry) -> Sequence[int]:
    """Return the numbers of the pushes of which an entry says that nobody runs them."""
    pushes = (content_of(entry) or {"facts": {}})["facts"].get("nobody_runs")
    return pushes if isinstance(pushes, list) else ()


def _images(content: dict[str, Any]) -> set[str]:
    images = {content["facts"].get("image"), *(row.get("image") for row in _rows(content, "rollouts"))} - {
        None
    }
    return images | {image.partition("/")[2] for image in images}


def _names(content: dict[str, Any]) -> set[str]:
    return {f"{row.get('repository')}:{row.get('tag')}" for row in _rows(content, "events")}


def _without_host(image: str) -> str:
    """Return an image's name without its registry's host, which is told from a part of a repository as Docker does."""
    first, _, rest = image.partition("/")
    return rest if rest and (first == "localhost" or "." in first or ":" in first) else image


def _hosts(content: dict[str, Any]) -> set[str]:
    places = {str(row.get("place")).removeprefix("host ") for row in _rows(content, "outcomes")}
    return places | set(content["facts"].get("hosts", ()))


def _persons(content: dict[str, Any]) -> set[str]:
    pushers = [row.get("actor") for row in _rows(content, "events")]
    return {content["facts"].get("name"), *pushers, *map(pusher_of, pushers)} - {None}


def _rows(content: dict[str, Any], table: str) -> Iterable[dict[str, Any]]:
    rows: Iterable[dict[str, Any]] = content.get("rows", {}).get(table, ())
    return rows
