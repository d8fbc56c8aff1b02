"""Keeping what registries sent: many deliveries in one transaction, in statements whose number is the same for any number.

What that costs does not depend on how much is kept already.
"""

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.audit.kinds import EVENT_IGNORED, EVENT_RECEIVED
from registry_docker_updater.core.events.newest import newest_after
from registry_docker_updater.core.events.pushes import Push, Unreadable, UnresolvedPush
from registry_docker_updater.core.rollouts.desired import PushedName
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.chain import Happened, append_all, driver_cursor, in_database
from registry_docker_updater.storage.claims import open_claims
from registry_docker_updater.storage.ignored import Ignored, count_ignored
from registry_docker_updater.storage.newest import keep_newest, newest_of
from registry_docker_updater.storage.statements import batches, by_registry
from registry_docker_updater.storage.written import Written, recorded_row, taken

_Event = Push | UnresolvedPush | Unreadable
# What a claim has of its event.
_OF_CLAIM = ("registry", "repository", "tag", "occurred_at", "received_at")

_e = tables.events.c
# Made once: with every delivery, making them took longer than having them executed.
_KEPT_KEYS = select(_e.key).where(
    _e.registry == bindparam("of"), _e.key.in_(bindparam("keys", expanding=True))
)
# To the driver itself, as entries of the trail are.
_COLUMNS = tuple(column.name for column in _e)
_INSERT = f"INSERT INTO events ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_LAST = "SELECT coalesce(max(id), 0) FROM events"


@dataclass(frozen=True)
class Arrived:
    """What one delivery of ``registry`` held, when it came ``at``: events to keep, and why others are ignored.

    ``address`` is that of who sent it, where it was sent.
    """

    registry: str
    found: Sequence[Push | UnresolvedPush | Unreadable]
    at: datetime
    ignored: Sequence[str] = ()
    address: str | None = None


@dataclass(frozen=True)
class Recorded:
    """How many pushes were new, and how many had been seen before; ``pushes`` are those of the former that are no claims.

    ``fresh`` are those and the claims, each with its number; ``first_ignored`` are the reasons for which nothing of the registry
    was ignored before.
    """

    accepted: int
    duplicates: int
    unreadable: int
    pushes: tuple[int, ...] = ()
    first_ignored: tuple[str, ...] = ()
    fresh: tuple[tuple[int, Push | UnresolvedPush], ...] = field(default=(), compare=False)


@dataclass
class _Count:
    pushes: list[int] = field(default_factory=list)
    fresh: list[tuple[int, Push | UnresolvedPush]] = field(default_factory=list)
    duplicates: int = 0
    unreadable: int = 0


def keep_arrived(connection: Connection, arrived: Sequence[Arrived]) -> list[Recorded]:
    """Keep what several deliveries held, in their order; return what was made of each."""
    counts = [_Count() for _ in arrived]
    events = [
        (count, delivery, event, _row(delivery, event))
        for count, delivery in zip(counts, arrived, strict=True)
        for event in delivery.found
    ]
    seen = _kept_keys(connection, [row for *_, row in events])
    fresh = []
    for entry in events:
        count, _, event, row = entry
        itself = (row["registry"], row["key"])
        if isinstance(event, Unreadable):
            count.unreadable += 1
        elif itself in seen:
            count.duplicates += 1
        if itself not in seen:
            seen.add(itself)
            fresh.append(entry)
    _insert(connection, [row for *_, row in fresh])
    pushes: list[tuple[Arrived, Push, int]] = []
    claims: list[Mapping[str, Any]] = []
    for count, delivery, event, row in fresh:
        number = row["id"]
        if isinstance(event, Push):
            count.pushes.append(number)
            count.fresh.append((number, event))
            pushes.append((delivery, event, number))
        elif isinstance(event, UnresolvedPush):
            count.fresh.append((number, event))
            claims.append({**{name: row[name] for name in _OF_CLAIM}, "event": number})
    newest = _keep_newest(connection, pushes)
    open_claims(connection, claims)
    first = count_ignored(connection, [Ignored(one.registry, one.ignored, one.at) for one in arrived])
    append_all(connection, [*_received(fresh, newest), *_ignored(arrived, first)])
    return [
        Recorded(
            len(one.fresh),
            one.duplicates,
            one.unreadable,
            tuple(one.pushes),
            tuple(reasons),
            tuple(one.fresh),
        )
        for one, reasons in zip(counts, first, strict=True)
    ]


def push_row(push: Push | UnresolvedPush, now: datetime) -> dict[str, Any]:
    """Return a push that was heard of at ``now`` as it is kept, but for its registry.

    One that nothing tells from others, an empty key, is none that was kept before.
    """
    digest = push.digest if isinstance(push, Push) else push.claimed
    return {
        "kind": tables.PUSH if digest else tables.UNRESOLVED,
        "key": push.key or f"unnamed {uuid.uuid4()}",
        "occurred_at": min(push.occurred_at, now),
        "repository": push.repository,
        "tag": push.tag,
        "digest": digest,
        "actor": push.actor,
        "reason": None,
        "content": None,
    }


def _row(delivery: Arrived, event: Push | UnresolvedPush | Unreadable) -> dict[str, Any]:
    row = _unreadable_row(event) if isinstance(event, Unreadable) else push_row(event, delivery.at)
    return {"registry": delivery.registry, "received_at": delivery.at, **row}


def _unreadable_row(found: Unreadable) -> dict[str, Any]:
    content = json.dumps(found.content, sort_keys=True)
    key = hashlib.sha256(content.encode()).hexdigest()
    nothing = dict.fromkeys(("occurred_at", "repository", "tag", "digest", "actor"))
    return {
        "kind": tables.UNREADABLE,
        "key": key,
        "reason": found.reason,
        "content": found.content,
        **nothing,
    }


def _kept_keys(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
    return {
        (registry, key)
        for registry, keys in by_registry((row["registry"], row["key"]) for row in rows)
        for some in batches(keys)
        for key in connection.scalars(_KEPT_KEYS, {"of": registry, "keys": some})
    }


def _insert(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert events, and give them their numbers: whoever writes has the table for itself, so that they are free."""
    if rows:
        cursor = driver_cursor(connection)
        (last,) = cursor.execute(_LAST).fetchone()
        for number, row in enumerate(rows, start=last + 1):
            row["id"] = number
        cursor.executemany(_INSERT, map(_for_driver, rows))


def _for_driver(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the values of an event as SQLAlchemy would hand them on."""
    values = {
        **row,
        "received_at": in_database(row["received_at"]),
        "occurred_at": in_database(row["occurred_at"]) if row["occurred_at"] else None,
        "content": json.dumps(row["content"]),
    }
    return tuple(values[name] for name in _COLUMNS)


def _received(
    fresh: Sequence[tuple[_Count, Arrived, _Event, Mapping[str, Any]]], newest: Written
) -> Iterator[Happened]:
    """Yield what the trail says of each new event, with what it made the newest push of its tag."""
    of_push = {row["push"]: row for row in newest.rows.get(tables.newest.name, ())}
    for _, delivery, event, row in fresh:
        facts = {"from": delivery.address, "is_claim": isinstance(event, UnresolvedPush)}
        written = Written({tables.events.name: [recorded_row(tables.events, row)]})
        if row["id"] in of_push:
            written.rows[tables.newest.name] = [of_push[row["id"]]]
        yield delivery.at, Step(EVENT_RECEIVED, facts, event=row["id"]), written


def _ignored(arrived: Sequence[Arrived], first: Sequence[Sequence[str]]) -> Iterator[Happened]:
    for delivery, reasons in zip(arrived, first, strict=True):
        for reason in reasons:
            facts = {"registry": delivery.registry, "reason": reason}
            yield delivery.at, Step(EVENT_IGNORED, facts), Written()


def _keep_newest(connection: Connection, pushes: Sequence[tuple[Arrived, Push, int]]) -> Written:
    names = {PushedName(one.registry, push.repository, push.tag) for one, push, _ in pushes}
    before = newest_of(connection, names)
    newest = dict(before)
    for delivery, push, number in pushes:
        name = PushedName(delivery.registry, push.repository, push.tag)
        if after := newest_after(push, number, newest.get(name), delivery.at):
            newest[name] = after
    keep_newest(connection, newest, before)
    return taken(connection)
