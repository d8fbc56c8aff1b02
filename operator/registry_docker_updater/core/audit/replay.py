"""What the tables have to hold, by the trail: every row as the last entry about it says, and no other."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from registry_docker_updater.core.audit.canonical import canonical
from registry_docker_updater.core.audit.entries import Entry
from registry_docker_updater.core.audit.flaws import Flaw
from registry_docker_updater.core.audit.kinds import PRUNED, TRAIL_BEGAN

Row = Mapping[str, Any]
# A tag: its registry, by its name in the settings, repository, and name.
Tag = tuple[str, str, str]
# Returns an entry by its number.
Find = Callable[[int], Entry]
_EVENTS = "events"


@dataclass
class Replay:
    """Goes through a trail, entry by entry; ``keys`` are the names of the columns of each table's primary key.

    ``later`` are columns of tables of which entries of before do not tell, each with the value that those rows have.

    ``removed`` are the first and last numbers of entries whose content was removed, by the trail itself.
    """

    keys: Mapping[str, Sequence[str]]
    later: Mapping[str, Row] = field(default_factory=dict)
    removed: list[tuple[int, int]] = field(default_factory=list)
    _rows: dict[tuple[str, str], tuple[bytes, int]] = field(default_factory=dict)
    _waiting: dict[Tag, Row] = field(default_factory=dict)
    _tags: dict[int, Tag] = field(default_factory=dict)
    _before: dict[int, Row] = field(default_factory=dict)

    def see(self, entry: Entry) -> Iterator[Flaw]:
        """Take in the next entry; yield that nobody can read it, if so."""
        if entry.content is None:
            return
        try:
            self._take_in(entry, json.loads(entry.content))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
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

    def compare_claims(self, claims: Iterable[tuple[Tag, int, Any]]) -> Iterator[Flaw]:
        """Yield what differs between the events that wait for a registry by the trail, and the table of them.

        Of each tag, the newest of its waiting events has a row there, with the time at which that occurred.
        """
        left = dict(self._waiting)
        for tag, event, occurred_at in claims:
            waiting = left.pop(tag, None)
            if waiting is None or (waiting["id"], waiting["occurred_at"]) != (event, occurred_at):
                yield Flaw(
                    f"claims: event {event}, {_said(tag)}, waits for its registry, and by the trail does not so"
                )
        for tag, waiting in left.items():
            yield Flaw(
                f"claims: of {_said(tag)} nothing waits for its registry, and by the trail event {waiting['id']} does"
            )

    def _take_in(self, entry: Entry, content: Row) -> None:
        facts, rows = content["facts"], content.get("rows", {})
        for table, written in rows.items():
            for row in written:
                self._rows[table, self._key(table, row)] = _digest(self._whole(table, row)), entry.sequence
        for event in rows.get(_EVENTS, ()):
            self._tags[event["id"]] = _tag(event)
            if entry.kind == TRAIL_BEGAN:
                self._before[event["id"]] = event
        for table, keys in content.get("removed", {}).items():
            for key in keys:
                self._rows.pop((table, canonical({"": key})), None)
                if table == _EVENTS:
                    self._forget(key[0])
        if entry.kind == PRUNED:
            self.removed += [(int(first), int(last)) for first, last in facts["entries"]]
        self._take_in_claims(facts, rows)

    def _take_in_claims(self, facts: Row, rows: Mapping[str, Sequence[Row]]) -> None:
        if facts.get("is_claim"):
            self._wait(rows[_EVENTS][0])
        for event in facts.get("claims", ()):
            self._wait(self._before.get(event))
        closed = self._tags.get(facts.get("closes") or 0)
        if closed:
            # What was told of a tag before is overtaken with it.
            self._waiting.pop(closed, None)

    def _wait(self, event: Row | None) -> None:
        """Note that an event waits for its registry, unless a newer one of its tag does: as the table of claims keeps them."""
        if event is None:
            return
        tag = _tag(event)
        known = self._waiting.get(tag)
        if (
            known is None
            or event["occurred_at"] >= known["occurred_at"]
            or event["received_at"] < known["occurred_at"]
        ):
            self._waiting[tag] = event

    def _forget(self, event: int) -> None:
        tag = self._tags.pop(event, None)
        if tag and self._waiting.get(tag, {}).get("id") == event:
            del self._waiting[tag]

    def _difference(self, table: str, row: Row, said: Entry) -> str:
        """Return in what a row differs from what an entry says of it."""
        written = json.loads(said.content or "{}").get("rows", {}).get(table, ())
        (before,) = [one for one in written if self._key(table, one) == self._key(table, row)][-1:] or [{}]
        now = json.loads(canonical(row))
        before = self._whole(table, before)
        different = sorted(name for name in now if now[name] != before.get(name))
        return f"{', '.join(different)} {'is' if len(different) == 1 else 'are'} not as entry {said.sequence} says"

    def _whole(self, table: str, row: Row) -> Row:
        return {**self.later[table], **row} if table in self.later else row

    def _key(self, table: str, row: Row) -> str:
        return canonical({"": [row[name] for name in self.keys[table]]})


def _digest(row: Row) -> bytes:
    return hashlib.sha256(canonical(row).encode()).digest()


def _name(itself: tuple[str, str]) -> str:
    table, key = itself
    return f"{table}, row {' '.join(map(str, json.loads(key)['']))}"


def _tag(event: Row) -> Tag:
    return event["registry"], event["repository"], event["tag"]


def _said(tag: Tag) -> str:
    return " ".join(map(str, tag))
