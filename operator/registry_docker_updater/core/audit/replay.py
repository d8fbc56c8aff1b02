"""What the tables have to hold, by the trail: every row as the last entry about it says, and no other."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from registry_docker_updater.core.audit.canonical import canonical
from registry_docker_updater.core.audit.entries import Entry
from registry_docker_updater.core.audit.flaws import Flaw
from registry_docker_updater.core.audit.kinds import PRUNED

Row = Mapping[str, Any]
# A tag: its registry, by its name in the settings, repository, and name.
Tag = tuple[str, str, str]
# Returns an entry by its number.
Find = Callable[[int], Entry]
_EVENTS = "events"


@dataclass
class Replay:
    """Goes through a trail, entry by entry; ``keys`` are the names of the columns of each table's primary key.

    ``removed`` are the first and last numbers of entries whose content was removed, by the trail itself.
    """

    keys: Mapping[str, Sequence[str]]
    removed: list[tuple[int, int]] = field(default_factory=list)
    _rows: dict[tuple[str, str], tuple[bytes, int]] = field(default_factory=dict)
    _waiting: dict[Tag, set[int]] = field(default_factory=dict)
    _tags: dict[int, Tag] = field(default_factory=dict)

    def see(self, entry: Entry) -> Iterator[Flaw]:
        """Take in the next entry; yield that nobody can read it, if so."""
        if entry.content is None:
            return
        try:
            self._take_in(entry, json.loads(entry.content))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            yield Flaw(
                f"entry {entry.sequence} ({entry.kind}): cannot be read: {error!r}", entry.sequence, entry.at
            )

    def compare(self, rows: Iterable[tuple[str, Row]], find: Find) -> Iterator[Flaw]:
        """Yield what differs between the trail and the ``rows`` of all tables, each with the name of its table."""
        left = dict(self._rows)
        for table, row in rows:
            itself = (table, self._key(table, row))
            digest, sequence = left.pop(itself, (None, 0))
            if digest is None:
                yield Flaw(f"{_name(itself)}: no entry says that it is there")
            elif digest != _digest(row):
                said = find(sequence)
                yield Flaw(f"{_name(itself)}: {self._difference(table, row, said)}", sequence, said.at)
        for itself, (_, sequence) in left.items():
            said = find(sequence)
            yield Flaw(
                f"{_name(itself)} is gone, of which entry {sequence} is the last to tell", sequence, said.at
            )

    def compare_claims(self, claims: Iterable[tuple[Tag, int]]) -> Iterator[Flaw]:
        """Yield what differs between the events that wait for a registry by the trail, and the table of them.

        Of each tag, one of its waiting events has a row there.
        """
        left = {tag: events for tag, events in self._waiting.items() if events}
        for tag, event in claims:
            if event not in left.pop(tag, ()):
                yield Flaw(
                    f"claims: event {event}, {_said(tag)}, waits for its registry, and by the trail does not"
                )
        for tag, events in left.items():
            numbers = ", ".join(map(str, sorted(events)))
            yield Flaw(
                f"claims: of {_said(tag)} nothing waits for its registry, and by the trail event {numbers} does"
            )

    def _take_in(self, entry: Entry, content: Row) -> None:
        facts, rows = content["facts"], content.get("rows", {})
        for table, written in rows.items():
            for row in written:
                self._rows[table, self._key(table, row)] = _digest(row), entry.sequence
                if table == _EVENTS:
                    self._tags[row["id"]] = (row["registry"], row["repository"], row["tag"])
        for table, keys in content.get("removed", {}).items():
            for key in keys:
                self._rows.pop((table, canonical({"": key})), None)
        if entry.kind == PRUNED:
            self.removed += [(first, last) for first, last in facts["entries"]]
        claimed = [row["id"] for row in rows[_EVENTS]] if facts.get("is_claim") else facts.get("claims", ())
        for event in claimed:
            self._waiting.setdefault(self._tags[event], set()).add(event)
        closed = self._tags.get(facts.get("closes"))
        if closed:
            # What was told of a tag before is overtaken with it.
            self._waiting.pop(closed, None)

    def _difference(self, table: str, row: Row, said: Entry) -> str:
        """Return in what a row differs from what an entry says of it."""
        written = json.loads(said.content or "{}").get("rows", {}).get(table, ())
        (before,) = [one for one in written if self._key(table, one) == self._key(table, row)][-1:] or [{}]
        now = json.loads(canonical(row))
        different = sorted(name for name in now if now[name] != before.get(name))
        return f"{', '.join(different)} {'is' if len(different) == 1 else 'are'} not as entry {said.sequence} says"

    def _key(self, table: str, row: Row) -> str:
        return canonical({"": [row[name] for name in self.keys[table]]})


def _digest(row: Row) -> bytes:
    return hashlib.sha256(canonical(row).encode()).digest()


def _name(itself: tuple[str, str]) -> str:
    table, key = itself
    return f"{table}, row {' '.join(map(str, json.loads(key)['']))}"


def _said(tag: Tag) -> str:
    return " ".join(map(str, tag))
