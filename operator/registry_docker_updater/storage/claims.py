"""Keeping claims, and what registries answer: which digest a tag has, and whether that is what somebody told of.

A claim is a push that is not believed yet. Of each tag one at most is open: the newest. Once the registry said that it is
so, its event is the newest push of the tag.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.audit.kinds import (
    CLAIM_BELIEVED,
    CLAIM_CONFIRMED,
    CLAIM_REJECTED,
    PUSH_FOUND,
    REGISTRY_ANSWERED,
)
from registry_docker_updater.core.events.newest import Answer, Finding, Newest, newest_after_claim, weigh
from registry_docker_updater.core.events.pushes import SWEEP, Claim
from registry_docker_updater.core.rollouts.desired import PushedName
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.chain import append, append_all
from registry_docker_updater.storage.database import Connections
from registry_docker_updater.storage.newest import NAMES_AT_ONCE, is_of_pairs, keep_newest, newest_of, pairs
from registry_docker_updater.storage.statements import batches, by_registry, putting_newer
from registry_docker_updater.storage.written import taken, wrote_where

_CLOSED_TOGETHER = 500
# What the keys of the pushes begin with that were found so, and of which an event was to tell before; hexadecimal digits follow.
FOUND = "sweep "
MISSED = f"{FOUND}missed "
# What an answer is in the trail that settles no claim.
_KINDS = {Finding.PUSH: PUSH_FOUND, Finding.FIRST: REGISTRY_ANSWERED}

_c, _e, _n = tables.claims.c, tables.events.c, tables.newest.c
_OPEN = putting_newer(tables.claims, tables.claims.c.occurred_at, tables.claims.c.received_at)
# As for the newest pushes: made once, and looked up as all pairs.
_CLAIMS = select(
    *(_c.event, _c.registry, _c.repository, _c.tag),
    *(_e.digest, _c.occurred_at, _c.received_at, _e.actor),
).join(tables.events, _e.id == _c.event)
_OF_NAMES = _CLAIMS.where(is_of_pairs(tables.claims))


def open_claims(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep claims, in the order of their coming: rows of their table. One that is older than an open one of its tag is none."""
    if rows:
        connection.execute(_OPEN, rows)


class ClaimStore:
    """Keeps claims until they are settled. Methods are as for :class:`~registry_docker_updater.storage.events.EventStore`."""

    def __init__(self, connections: Connections) -> None:
        """Keep them through ``connections``."""
        self._connections = connections

    def of(self, names: Collection[PushedName]) -> tuple[Claim, ...]:
        """Return the open claims of ``names``."""
        asked = set(names)
        with self._connections.reading() as connection:
            found = [
                Claim(**row)
                for registry, of_registry in by_registry((one.registry, one) for one in asked)
                for some in batches(of_registry, NAMES_AT_ONCE)
                for row in connection.execute(_OF_NAMES, pairs(registry, some)).mappings()
            ]
        return tuple(one for one in found if PushedName(one.registry, one.repository, one.tag) in asked)

    def in_repositories(self, registry: str, repositories: Collection[str]) -> tuple[Claim, ...]:
        """Return the open claims of all tags of ``repositories`` of a registry."""
        query = _CLAIMS.where(_c.registry == registry)
        with self._connections.reading() as connection:
            return tuple(
                Claim(**row)
                for some in batches(repositories)
                for row in connection.execute(query.where(_c.repository.in_(some))).mappings()
            )

    def counts(self) -> Mapping[str, int]:
        """Return how many claims of each registry are open, where any are."""
        with self._connections.reading() as connection:
            rows = connection.execute(select(_c.registry, func.count()).group_by(_c.registry))
            return dict(rows.tuples().all())

    def close_all(self, registry: str, now: datetime, *, believes: bool, reason: str | None) -> None:
        """Close the open claims of a registry that nobody asks for.

        Where it ``believes`` them, those with digests are; others are closed for ``reason``, or stay where there is none.
        """
        query = _CLAIMS.where(_c.registry == registry).order_by(_c.event).limit(_CLOSED_TOGETHER)
        last: int | None = 0
        while last is not None:
            # Deliveries wait meanwhile.
            with self._connections.writing() as connection:
                some = [Claim(**row) for row in connection.execute(query.where(_c.event > last)).mappings()]
                for claim in some:
                    if believes and claim.digest:
                        _believe(connection, claim, claim.digest, now)
                    elif reason:
                        _reject(connection, claim, reason, now)
            last = some[-1].event if some else None

    def newest_at(self) -> datetime | None:
        """Return when the newest open claim came, if there is one."""
        newest = select(func.max(_c.event)).scalar_subquery()
        with self._connections.reading() as connection:
            return connection.scalar(select(_c.received_at).where(_c.event == newest))

    def record(self, answer: Answer, now: datetime) -> Finding:
        """Keep what a registry answered, and return what it means; a push that nobody told of is recorded as one."""
        with self._connections.writing() as connection:
            finding, push = _keep(connection, answer, now)
            closed = answer.claim if answer.claim and answer.settles(finding) else None
            closes = closed.event if closed and _close(connection, closed) else None
            written = taken(connection)
            if written or closes:
                kind = CLAIM_CONFIRMED if closed else _KINDS[finding]
                facts = {"registry_says": answer.digest, "closes": closes}
                append_all(connection, [(now, Step(kind, facts, event=push or closes), written)])
        return finding

    def believe(self, claim: Claim, digest: str, now: datetime) -> bool:
        """Take a claim of ``digest`` for a push that is so; return whether it is the newest of its tag."""
        with self._connections.writing() as connection:
            return _believe(connection, claim, digest, now)

    def reject(self, claim: Claim, reason: str | None, now: datetime) -> bool:
        """Close a claim of which nothing comes, and keep why, where that is not known already; return whether it was open."""
        with self._connections.writing() as connection:
            return _reject(connection, claim, reason, now)


def _keep(connection: Connection, answer: Answer, now: datetime) -> tuple[Finding, int | None]:
    """Keep what a registry answered; return what it means, and which push it is of."""
    claim, name = answer.claim, PushedName(answer.registry, answer.repository, answer.tag)
    if claim and claim.digest == answer.digest and _keep_claimed(connection, claim, answer.digest, now):
        return Finding.PUSH, claim.event
    before = newest_of(connection, [name])
    finding, push = weigh(answer, before.get(name)), answer.known
    if finding is Finding.PUSH:
        push = claim.event if claim and answer.is_claimed else _insert(connection, answer, now)
        connection.execute(
            update(tables.events).where(_e.id == push).values(kind=tables.PUSH, digest=answer.digest)
        )
        wrote_where(connection, tables.events, _e.id == push)
        newest = Newest(push, answer.digest, min(answer.at, now), now, answer.digest, found_at=answer.at)
        keep_newest(connection, {name: newest}, before)
    elif finding is Finding.FIRST:
        connection.execute(
            update(tables.newest).where(_n.push == answer.known).values(registry_digest=answer.digest)
        )
        wrote_where(connection, tables.newest, _n.push == answer.known)
    return finding, push


def _believe(connection: Connection, claim: Claim, digest: str, now: datetime) -> bool:
    is_newest = _keep_claimed(connection, claim, digest, now)
    facts = {"closes": claim.event if _close(connection, claim) else None}
    append(connection, Step(CLAIM_BELIEVED, facts, event=claim.event), now)
    return is_newest


def _reject(connection: Connection, claim: Claim, reason: str | None, now: datetime) -> bool:
    was_open = _close(connection, claim)
    if was_open:
        connection.execute(update(tables.events).where(_e.id == claim.event).values(reason=reason))
        wrote_where(connection, tables.events, _e.id == claim.event)
        facts = {"closes": claim.event, "reason": reason}
        append(connection, Step(CLAIM_REJECTED, facts, event=claim.event), now)
    return was_open


def _keep_claimed(connection: Connection, claim: Claim, digest: str, now: datetime) -> bool:
    name = PushedName(claim.registry, claim.repository, claim.tag)
    before = newest_of(connection, [name])
    newest = newest_after_claim(claim, digest, before.get(name), now)
    if newest:
        keep_newest(connection, {name: newest}, before)
    return newest is not None


def _insert(connection: Connection, answer: Answer, now: datetime) -> int:
    row = {
        "registry": answer.registry,
        "key": f"{MISSED if answer.is_missed else FOUND}{uuid.uuid4()}",
        "kind": tables.PUSH,
        "received_at": now,
        "occurred_at": min(answer.at, now),
        "repository": answer.repository,
        "tag": answer.tag,
        "digest": answer.digest,
        "actor": SWEEP,
    }
    number: int = connection.scalars(insert(tables.events).values(row).returning(_e.id)).one()
    return number


def _close(connection: Connection, claim: Claim) -> bool:
    """Close a claim, unless a newer one has its place; return whether it was open."""
    closed = connection.execute(
        delete(tables.claims).where(
            _c.registry == claim.registry,
            _c.repository == claim.repository,
            _c.tag == claim.tag,
            _c.event == claim.event,
        )
    )
    return bool(closed.rowcount)
