"""Which of what is kept is asked for: what people and programs look by."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Function, or_

from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import MENTIONS
from registry_docker_updater.storage.statements import by_no_index


@dataclass(frozen=True)
class Choice:
    """What meets all of it, with a ``text`` somewhere in it, whatever its case.

    Of a ``registry``, a ``repository``, a ``tag``, a ``digest``; pushed by an ``actor``; received from ``since`` on, and before
    ``until``.
    """

    text: str | None = None
    registry: str | None = None
    repository: str | None = None
    tag: str | None = None
    digest: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def _of_events(self) -> Iterator[ColumnElement[bool]]:
        e = tables.events.c
        for column, wanted in (
            (e.registry, self.registry),
            (e.repository, self.repository),
            (e.tag, self.tag),
            (e.digest, self.digest),
            (e.actor, self.actor),
        ):
            if wanted is not None:
                # The order is that of the numbers, whatever else there is an index for.
                yield by_no_index(column) == wanted
        if self.since:
            yield e.received_at >= self.since
        if self.until:
            yield e.received_at < self.until


@dataclass(frozen=True)
class EventChoice(Choice):
    """Which events: of a ``kind`` too, or those that a registry is to be asked about (``waits``)."""

    kind: str | None = None
    waits: bool | None = None

    @property
    def wheres(self) -> list[ColumnElement[bool]]:
        """The same as SQL, for a query of events that is joined with the claims."""
        e = tables.events.c
        found = list(self._of_events())
        if self.kind:
            found.append(e.kind == self.kind)
        if self.waits is not None:
            is_claim = tables.claims.c.event.is_not(None)
            found.append(is_claim if self.waits else ~is_claim)
        if self.text:
            found.append(_mentions(self.text, e.repository, e.tag, e.digest, e.actor, e.registry, e.reason))
        return found


@dataclass(frozen=True)
class RolloutChoice(Choice):
    """Which rollouts: in a ``state`` too."""

    state: RolloutState | None = None

    @property
    def wheres(self) -> list[ColumnElement[bool]]:
        """The same as SQL, for a query of rollouts that is joined with their pushes."""
        e, r = tables.events.c, tables.rollouts.c
        found = list(self._of_events())
        if self.state:
            found.append(by_no_index(r.state) == self.state)
        if self.text:
            found.append(_mentions(self.text, r.image, e.digest, e.actor, r.note))
        return found


# What an event can be.
EVENT_KINDS = (tables.PUSH, tables.UNRESOLVED, tables.UNREADABLE)
ALL_EVENTS, ALL_ROLLOUTS = EventChoice(), RolloutChoice()


def _mentions(text: str, *columns: Column[Any]) -> ColumnElement[bool]:
    if text.isascii():
        return or_(*(column.icontains(text, autoescape=True) for column in columns))
    # SQLite knows the case of ASCII only. A call of ours takes longer, so it is made where it is needed, and once for a row.
    return Function(MENTIONS, text.casefold(), *columns, type_=Boolean())
