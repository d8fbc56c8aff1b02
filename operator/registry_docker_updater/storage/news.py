"""What is kept of news: what there is to tell of, and whether the messages that tell it have been made."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, select, update

from registry_docker_updater.core.notifications.news import News, Topic
from registry_docker_updater.core.notifications.schedule import MessageState
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import Connections
from registry_docker_updater.storage.written import removed, wrote_where

_n, _m, _i = tables.news.c, tables.messages.c, tables.message_items.c


class DueWait(NamedTuple):
    """What a message tells of a rollout that waits: of the targets with ``keys``, None for all of ``news``."""

    message: int
    news: News
    keys: Sequence[str] | None


class NewsStore:
    """Keeps news."""

    def __init__(self, connections: Connections) -> None:
        """Keep them through ``connections``."""
        self._connections = connections

    def add(self, new: News) -> int:
        """Keep news, whose number is not known so far, and return that."""
        row = {**asdict(new), "item": dict(new.item), "is_routed": False}
        del row["id"]
        with self._connections.writing() as connection:
            number: int = connection.scalars(insert(tables.news).values(row).returning(_n.id)).one()
            wrote_where(connection, tables.news, _n.id == number)
        return number

    def unrouted(self, limit: int) -> tuple[News, ...]:
        """Return the first news of which nobody knows whom they concern."""
        query = select(tables.news).where(_n.is_routed.is_not(True)).order_by(_n.id).limit(limit)
        with self._connections.reading() as connection:
            return tuple(map(news_of_row, connection.execute(query)))

    def last_of(self, topic: Topic, subjects: Collection[str]) -> dict[str, News]:
        """Return the last news of a topic about each of some subjects, where there was any."""
        last = select(func.max(_n.id)).where(_n.topic == topic, _n.subject.in_(subjects)).group_by(_n.subject)
        with self._connections.reading() as connection:
            found = map(news_of_row, connection.execute(select(tables.news).where(_n.id.in_(last))))
            return {str(one.subject): one for one in found}

    def reasons_told(self, rollout: int) -> Mapping[str, Collection[str]]:
        """Return by the names of the reasons to wait of which there were news for a rollout: of which targets, by their keys."""
        query = select(_n.item).where(_n.rollout == rollout, _n.subject.is_not(None)).order_by(_n.id)
        keys: dict[str, set[str]] = {}
        with self._connections.reading() as connection:
            for item in connection.scalars(query):
                for one in item["outcomes"]:
                    keys.setdefault(one["reason"], set()).add(one["key"])
        return keys

    def waits_due(self, now: datetime, busy: Collection[int]) -> tuple[DueWait, ...]:
        """Return what messages are to tell ``now`` of rollouts that wait, of messages that are not among the ``busy``."""
        query = (
            select(tables.news, _i.message, _i.target_keys)
            .join(tables.message_items, _i.news == _n.id)
            .join(tables.messages, _i.message == _m.id)
            .where(_m.state == MessageState.DUE, _m.due_at <= now, _m.id.not_in(busy))
            .where(_n.rollout.is_not(None), _n.subject.is_not(None))
            .order_by(_m.id, _n.id)
        )
        with self._connections.reading() as connection:
            return tuple(
                DueWait(row.message, news_of_row(row), row.target_keys) for row in connection.execute(query)
            )

    def narrow(self, message: int, news: int, keys: Sequence[str]) -> bool:
        """Have a message tell some news of the targets with ``keys`` only, or not at all; return whether anything is left in it."""
        where = (_i.message == message) & (_i.news == news)
        with self._connections.writing() as connection:
            if keys:
                narrowed = update(tables.message_items).where(where).values(target_keys=list(keys))
                connection.execute(narrowed)
                wrote_where(connection, tables.message_items, where)
                return True
            remove_items(connection, where)
            return connection.scalar(select(_i.news).where(_i.message == message).limit(1)) is not None

    def note_routed(self, news: Iterable[int]) -> None:
        """Keep that the messages for all whom some news concern have been made."""
        numbers = list(news)
        with self._connections.writing() as connection:
            connection.execute(update(tables.news).where(_n.id.in_(numbers)).values(is_routed=True))
            wrote_where(connection, tables.news, _n.id.in_(numbers))

    def before_receivers(self) -> tuple[Mapping[str, Any], ...]:
        """Return the messages that were due before there were receivers."""
        t = tables.notifications.c
        query = select(tables.notifications).where(t.state == MessageState.DUE, t.content.is_not(None))
        with self._connections.reading() as connection:
            return tuple(dict(row) for row in connection.execute(query).mappings())

    def overtake_before_receivers(self) -> None:
        """Keep that these are told as news."""
        t = tables.notifications.c
        with self._connections.writing() as connection:
            numbers = list(connection.scalars(select(t.rollout).where(t.state == MessageState.DUE)))
            state = {"state": MessageState.OVERTAKEN, "due_at": None}
            connection.execute(update(tables.notifications).where(t.rollout.in_(numbers)).values(state))
            wrote_where(connection, tables.notifications, t.rollout.in_(numbers))


def remove_of_rollouts(connection: Connection, rollouts: Collection[int], before: datetime) -> None:
    """Remove the news of some rollouts, and the messages that tell nothing else, or were overtaken ``before`` a time."""
    remove_news(connection, list(connection.scalars(select(_n.id).where(_n.rollout.in_(rollouts)))), before)


def remove_news(connection: Connection, news: Collection[int], before: datetime) -> None:
    """Remove some news, and the messages that tell nothing else; that with the highest number stays, which is given once."""
    gone = remove_items(connection, _i.news.in_(news))
    emptied = _m.id.in_({message for message, _ in gone}) & ~exists().where(_i.message == _m.id)
    for table, where in (
        (tables.messages, (emptied & (_m.id < _last())) | _is_empty(before)),
        (tables.news, _n.id.in_(news)),
    ):
        keys = connection.execute(delete(table).where(where).returning(*table.primary_key))
        removed(connection, table, [tuple(key) for key in keys])


def has_empty_messages(connection: Connection, before: datetime) -> bool:
    """Tell whether there are messages of before a time that tell nothing, for they were overtaken."""
    return connection.scalar(select(_m.id).where(_is_empty(before)).limit(1)) is not None


def _is_empty(before: datetime) -> ColumnElement[bool]:
    is_old = (_m.created_at < before) & (_m.state != MessageState.DUE)
    return and_(is_old, ~exists().where(_i.message == _m.id), _m.id < _last())


def _last() -> Any:
    return select(func.max(_m.id)).correlate(None).scalar_subquery()


def news_to_remove(connection: Connection, before: datetime, limit: int) -> list[int]:
    """Return the first news of other things than rollouts that came before a time, that are told, and newer ones are of the same."""
    newest = select(func.max(_n.id)).where(_n.subject.is_not(None)).group_by(_n.topic, _n.subject)
    is_due = exists().where(_i.news == _n.id, _i.message == _m.id, _m.state == MessageState.DUE)
    query = (
        select(_n.id)
        .where(_n.rollout.is_(None), _n.at < before, _n.is_routed, _n.id.not_in(newest), ~is_due)
        .order_by(_n.id)
        .limit(limit)
    )
    return list(connection.scalars(query))


def remove_items(connection: Connection, where: Any) -> list[tuple[int, int]]:
    """Have messages tell some news no more; return the numbers of each message and its news."""
    statement = delete(tables.message_items).where(where).returning(_i.message, _i.news)
    gone = [(row.message, row.news) for row in connection.execute(statement)]
    removed(connection, tables.message_items, gone)
    return gone


def news_of_row(row: Any) -> News:
    """Return the news of a row."""
    return News(
        id=row.id,
        topic=Topic(row.topic),
        at=row.at,
        due_at=row.due_at,
        item=row.item,
        rollout=row.rollout,
        run=row.run,
        subject=row.subject,
    )
