"""What is kept of messages: to whom, which news each tells, and whether it is still to be sent."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, exists, func, insert, or_, select, update

from registry_docker_updater.core.notifications.news import News, Topic
from registry_docker_updater.core.notifications.receivers import DEFAULT
from registry_docker_updater.core.notifications.routing import Part, item_of
from registry_docker_updater.core.notifications.schedule import Message, MessageState, Purpose
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import Connections
from registry_docker_updater.storage.news import news_of_row, remove_items
from registry_docker_updater.storage.written import removed, wrote, wrote_where

# News of which take the place of older ones of the same rollout.
OVERTAKING = (Topic.UPDATE_FAILED, Topic.IMAGE_UPDATED)
# Of so many of the newest messages it is known whether channels took them.
_LOOKED_AT = 300
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_n, _m, _i, _r = tables.news.c, tables.messages.c, tables.message_items.c, tables.rollouts.c


# A message, and the run of a rollout of which it tells.
MessageOfRun = tuple[Message, int]


class NotificationStore:
    """Keeps messages to receivers."""

    def __init__(self, connections: Connections) -> None:
        """Keep them through ``connections``."""
        self._connections = connections

    def add(self, new: Message) -> Message:
        """Keep a message, whose number is not known so far, and return it with that."""
        row = {**asdict(new), "results": dict(new.results)}
        del row["id"]
        with self._connections.writing() as connection:
            number = connection.scalars(insert(tables.messages).values(row).returning(_m.id)).one()
            wrote_where(connection, tables.messages, _m.id == number)
        return replace(new, id=number)

    def add_item(self, message: int, news: int, keys: Sequence[str] | None) -> None:
        """Have a message tell some news, of the targets with ``keys``, None for all."""
        row = {"message": message, "news": news, "target_keys": None if keys is None else list(keys)}
        with self._connections.writing() as connection:
            connection.execute(insert(tables.message_items).values(row))
            wrote(connection, tables.message_items, row)

    def move_items(self, source: int, destination: int) -> None:
        """Have one message tell what another was to tell, as far as it does not tell that itself."""
        with self._connections.writing() as connection:
            there = select(_i.news).where(_i.message == destination)
            remove_items(connection, (_i.message == source) & _i.news.in_(there))
            moved = list(connection.scalars(select(_i.news).where(_i.message == source)))
            removed(connection, tables.message_items, ((source, news) for news in moved))
            connection.execute(
                update(tables.message_items).where(_i.message == source).values(message=destination)
            )
            wrote_where(connection, tables.message_items, (_i.message == destination) & _i.news.in_(moved))

    def drop_overtaken(self, new: News, part: Part, busy: Collection[int]) -> list[int]:
        """Have messages to a receiver, which nobody sends just now, not tell what ``new`` tells newer; return those left empty."""
        if new.rollout is None or new.topic not in OVERTAKING:
            return []
        # What waits is told all the same: what became of other targets says nothing of it.
        older = select(_n.id).where(_n.rollout == new.rollout, _n.id < new.id, _n.subject.is_(None))
        due = select(_m.id).where(
            _m.receiver == part.receiver.name, _m.state == MessageState.DUE, _m.id.not_in(busy)
        )
        with self._connections.writing() as connection:
            gone = remove_items(connection, _i.news.in_(older) & _i.message.in_(due))
            messages = {message for message, _ in gone}
            left = set(connection.scalars(select(_i.message).where(_i.message.in_(messages))))
        return sorted(messages - left)

    def drop_outdone(self, message: Message) -> bool:
        """Have a message not tell what newer news of the same rollout tell the same receiver; return whether any is left."""
        newer, other = tables.news.alias(), tables.message_items.alias()
        elsewhere = tables.messages.alias()
        is_outdone = exists().where(
            newer.c.rollout == _n.rollout,
            newer.c.id > _n.id,
            _n.subject.is_(None),
            newer.c.topic.in_(OVERTAKING),
            other.c.news == newer.c.id,
            other.c.message == elsewhere.c.id,
            elsewhere.c.id != message.id,
            elsewhere.c.receiver == message.receiver,
        )
        old = select(_i.news).join(tables.news, _n.id == _i.news).where(_i.message == message.id, is_outdone)
        with self._connections.writing() as connection:
            remove_items(connection, (_i.message == message.id) & _i.news.in_(list(connection.scalars(old))))
            left = connection.scalar(select(func.count()).where(_i.message == message.id))
        return bool(left)

    def counts_of_news(self, messages: Collection[int]) -> dict[int, int]:
        """Return how many news each of some messages tells."""
        query = select(_i.message, func.count()).where(_i.message.in_(messages)).group_by(_i.message)
        with self._connections.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def runs_of(self, message: int) -> dict[int, int]:
        """Return the rollouts of which a message tells, each with the last of its runs."""
        query = (
            select(_n.rollout, func.max(_n.run))
            .join(tables.message_items, _i.news == _n.id)
            .where(_i.message == message, _n.rollout.is_not(None))
            .group_by(_n.rollout)
        )
        with self._connections.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def keep(self, after: Message) -> None:
        """Keep where a message stands."""
        with self._connections.writing() as connection:
            row = {**asdict(after), "results": dict(after.results)}
            connection.execute(update(tables.messages).where(_m.id == after.id).values(row))
            wrote_where(connection, tables.messages, _m.id == after.id)

    def due(self) -> tuple[Message, ...]:
        """Return the messages that are due, now or later, the first first."""
        query = select(tables.messages).where(_m.state == MessageState.DUE).order_by(_m.due_at, _m.id)
        with self._connections.reading() as connection:
            return tuple(map(_message, connection.execute(query)))

    def get(self, number: int) -> Message | None:
        """Return the message with a number, None where there is none."""
        with self._connections.reading() as connection:
            row = connection.execute(select(tables.messages).where(_m.id == number)).first()
        return _message(row) if row else None

    def news_of(self, message: int) -> tuple[News, ...]:
        """Return what a message tells, the first first: of a rollout only what its targets are that the receiver hears of."""
        query = (
            select(tables.news, _i.target_keys)
            .join(tables.message_items, _i.news == _n.id)
            .where(_i.message == message)
            .order_by(_n.id)
        )
        with self._connections.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(replace(one := news_of_row(row), item=item_of(one, row.target_keys)) for row in rows)

    def rollouts_of(self, messages: Collection[int]) -> dict[int, frozenset[int]]:
        """Return of which rollouts each of some messages tells."""
        query = (
            select(_i.message, _n.rollout)
            .join(tables.news, _n.id == _i.news)
            .where(_i.message.in_(messages), _n.rollout.is_not(None))
        )
        found: dict[int, set[int]] = {}
        with self._connections.reading() as connection:
            for message, rollout in connection.execute(query):
                found.setdefault(message, set()).add(rollout)
        return {message: frozenset(rollouts) for message, rollouts in found.items()}

    def counts(self) -> tuple[int, int]:
        """Return how many messages are due, now or later, and how many of these were tried in vain."""
        tried = func.count().filter(_m.attempts > 0)
        query = select(func.count(), tried).where(_m.state == MessageState.DUE)
        with self._connections.reading() as connection:
            due, failing = connection.execute(query).one()
        unrouted = select(func.count()).where(_n.is_routed.is_not(True))
        with self._connections.reading() as connection:
            return due + (connection.scalar(unrouted) or 0), failing

    def of_rollout(self, rollout: int) -> tuple[MessageOfRun, ...]:
        """Return the messages about a rollout, the last first, each with the run of which it tells."""
        query = _with_news(_n.run).where(_n.rollout == rollout).order_by(_m.id.desc())
        before = select(tables.notifications).where(tables.notifications.c.rollout == rollout)
        with self._connections.reading() as connection:
            found = tuple((_message(row), row.run) for row in connection.execute(query))
            row = None if found else connection.execute(before).first()
        return ((_before_receivers(row), row.run),) if row else found

    def newest(self, limit: int, before: int | None = None) -> tuple[Message, ...]:
        """Return the newest ``limit`` messages ``before`` the one with that number, the newest first."""
        query = select(tables.messages).order_by(_m.id.desc()).limit(limit)
        with self._connections.reading() as connection:
            return tuple(
                map(_message, connection.execute(query if before is None else query.where(_m.id < before)))
            )

    def untold(self, since: datetime) -> tuple[tuple[Message, int | None, str | None], ...]:
        """Return the messages that not everybody has, the newest first, each with a rollout of which it tells, and its image.

        Of those that were given up, those created ``since`` a moment.
        """
        is_late = (_m.state == MessageState.DUE) & (_m.attempts > 0)
        was_given_up = (_m.state == MessageState.GIVEN_UP) & (_m.created_at >= since)
        query = (
            _with_news(func.max(_r.id).label("rollout"), _r.image)
            .outerjoin(tables.rollouts, _r.id == _n.rollout)
            .where(_m.state.in_([MessageState.DUE, MessageState.GIVEN_UP]), or_(is_late, was_given_up))
            .group_by(_m.id)
            .order_by(_m.id.desc())
        )
        with self._connections.reading() as connection:
            return tuple((_message(row), row.rollout, row.image) for row in connection.execute(query))

    def standing_of_channels(self) -> dict[tuple[str, str], tuple[str, datetime]]:
        """Return what became of the last message on each channel of each receiver, and since when that is so, of the newest messages."""
        newest = (
            select(tables.messages)
            .where(_m.attempts > 0, _m.state != MessageState.OVERTAKEN)
            .order_by(_m.id.desc())
            .limit(_LOOKED_AT)
        )
        with self._connections.reading() as connection:
            found = [_message(row) for row in connection.execute(newest)]
        standing: dict[tuple[str, str], tuple[str, datetime]] = {}
        for one in found:
            for channel, result in one.results.items():
                since = one.failing_since or one.sent_at or one.created_at
                standing.setdefault((one.receiver, channel), (result, since))
        return standing


def _with_news(*columns: Any) -> Select[Any]:
    return (
        select(tables.messages, *columns)
        .join(tables.message_items, _i.message == _m.id)
        .join(tables.news, _n.id == _i.news)
    )


def _message(row: Any) -> Message:
    return Message(
        id=row.id,
        receiver=row.receiver,
        topic=Topic(row.topic),
        state=MessageState(row.state),
        created_at=row.created_at,
        purpose=Purpose(row.purpose),
        attempts=row.attempts,
        due_at=row.due_at,
        failing_since=row.failing_since,
        channels=tuple(row.channels) if row.channels else None,
        results=row.results or {},
        error=row.error,
        sent_at=row.sent_at,
    )


def _before_receivers(row: Any) -> Message:
    """Return what was told before there were receivers; when it was to be told is not kept."""
    return Message(
        id=0,
        receiver=DEFAULT,
        topic=Topic.IMAGE_UPDATED,
        state=MessageState(row.state),
        created_at=row.sent_at or _LONG_AGO,
        attempts=row.attempts,
        due_at=row.due_at,
        channels=tuple(row.channels) if row.channels else None,
        error=row.error,
        sent_at=row.sent_at,
    )
