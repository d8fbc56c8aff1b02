"""What brings a database to the tables of this version: named functions, each of which is done once, in order."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select, text, update

from registry_docker_updater import __version__
from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.audit.kinds import TRAIL_BEGAN
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.chain import append
from registry_docker_updater.storage.standing import Standing, standing
from registry_docker_updater.storage.written import RECORDED, wrote

Migration = Callable[[Connection], object]
FIRST, TRAIL = "0001 the first tables", "0006 the trail"
_TAKEN_OVER_TOGETHER = 500
_MESSAGES = """
CREATE TABLE news (
    id INTEGER NOT NULL PRIMARY KEY, topic VARCHAR NOT NULL, subject VARCHAR, rollout INTEGER, run INTEGER NOT NULL,
    at DATETIME NOT NULL, due_at DATETIME NOT NULL, item JSON NOT NULL, is_routed BOOLEAN NOT NULL,
    FOREIGN KEY(rollout) REFERENCES rollouts (id)
);
CREATE INDEX ix_news_rollout ON news (rollout);
CREATE INDEX ix_news_subject ON news (topic, subject) WHERE subject IS NOT NULL;
CREATE INDEX ix_news_unrouted ON news (id) WHERE is_routed IS NOT 1;
CREATE TABLE messages (
    id INTEGER NOT NULL PRIMARY KEY, receiver VARCHAR NOT NULL, topic VARCHAR NOT NULL, state VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL, created_at DATETIME NOT NULL, attempts INTEGER NOT NULL, due_at DATETIME,
    failing_since DATETIME, channels JSON, results JSON NOT NULL, error TEXT, sent_at DATETIME
);
CREATE INDEX ix_messages_state ON messages (state);
CREATE TABLE message_items (
    message INTEGER NOT NULL, news INTEGER NOT NULL, target_keys JSON, PRIMARY KEY (message, news),
    FOREIGN KEY(message) REFERENCES messages (id), FOREIGN KEY(news) REFERENCES news (id)
);
CREATE INDEX ix_message_items_news ON message_items (news)
"""


def _at_once(connection: Connection) -> None:
    """Nothing is known of it until the next scan."""
    for table in (tables.hosts, tables.targets):
        connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN at_once BOOLEAN NOT NULL DEFAULT 0"))


def _stages(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE outcomes ADD COLUMN stages JSON NOT NULL DEFAULT '{}'"))
    connection.execute(text("ALTER TABLE notifications ADD COLUMN sent_at DATETIME"))


def _ignored(connection: Connection) -> None:
    connection.execute(
        text(
            "CREATE TABLE ignored (registry VARCHAR NOT NULL, reason VARCHAR NOT NULL, count INTEGER NOT NULL,"
            " first_at DATETIME NOT NULL, last_at DATETIME NOT NULL, PRIMARY KEY (registry, reason))"
        )
    )
    connection.execute(text("CREATE INDEX ix_newest_push ON newest (push)"))
    connection.execute(text("CREATE INDEX ix_rollouts_state ON rollouts (state)"))


def _claims(connection: Connection) -> None:
    connection.execute(
        text(
            "CREATE TABLE claims (registry VARCHAR NOT NULL, repository VARCHAR NOT NULL, tag VARCHAR NOT NULL,"
            " event INTEGER NOT NULL, occurred_at DATETIME NOT NULL, received_at DATETIME NOT NULL,"
            " PRIMARY KEY (registry, repository, tag), FOREIGN KEY(event) REFERENCES events (id))"
        )
    )
    connection.execute(text("CREATE INDEX ix_claims_event ON claims (event)"))
    connection.execute(text("ALTER TABLE newest ADD COLUMN change INTEGER NOT NULL DEFAULT 0"))
    connection.execute(text("UPDATE newest SET change = push"))
    connection.execute(text("CREATE INDEX ix_newest_change ON newest (change)"))


def _trail(connection: Connection) -> None:
    connection.execute(
        text(
            "CREATE TABLE trail (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, at DATETIME NOT NULL, kind VARCHAR NOT NULL,"
            " event INTEGER, rollout INTEGER, content TEXT, content_hash VARCHAR NOT NULL, hash VARCHAR NOT NULL)"
        )
    )
    connection.execute(text("CREATE INDEX ix_trail_event ON trail (event)"))
    connection.execute(text("CREATE INDEX ix_trail_rollout ON trail (rollout) WHERE rollout IS NOT NULL"))


def _looking(connection: Connection) -> None:
    """Let what became of a target be found."""
    connection.execute(text("CREATE INDEX ix_outcomes_key ON outcomes (key)"))


def _silences(connection: Connection) -> None:
    connection.execute(
        text(
            'CREATE TABLE silences (id INTEGER NOT NULL PRIMARY KEY, subject VARCHAR NOT NULL, "of" VARCHAR NOT NULL,'
            " at DATETIME NOT NULL, until DATETIME NOT NULL, reason TEXT NOT NULL, actor VARCHAR NOT NULL,"
            " ended_at DATETIME, ended_by VARCHAR)"
        )
    )
    connection.execute(text("CREATE INDEX ix_notifications_state ON notifications (state)"))


def _answers(connection: Connection) -> None:
    connection.execute(
        text(
            "CREATE TABLE answers (person VARCHAR NOT NULL, key VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL,"
            " content BLOB NOT NULL, at DATETIME NOT NULL, PRIMARY KEY (person, key))"
        )
    )


def _logs(connection: Connection) -> None:
    """Of the receivers and groups, nothing is known until the next scan."""
    for table, column in (("outcomes", "log"), ("targets", "notify"), ("hosts", '"groups"')):
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column} JSON NOT NULL DEFAULT '[]'"))


def _messages(connection: Connection) -> None:
    """Make room for news and messages to receivers; what was due before is taken over when an operator starts."""
    for statement in _MESSAGES.split(";"):
        connection.execute(text(statement))


def _rules(connection: Connection) -> None:
    """Of the labels and the inventory's policy, nothing is known until the next scan."""
    connection.execute(
        text(
            "CREATE TABLE decisions (id INTEGER NOT NULL PRIMARY KEY, push INTEGER NOT NULL, target_keys JSON NOT NULL,"
            " person VARCHAR NOT NULL, at DATETIME NOT NULL, is_approval BOOLEAN NOT NULL, reason TEXT,"
            " FOREIGN KEY(push) REFERENCES events (id))"
        )
    )
    connection.execute(text("CREATE INDEX ix_decisions_push ON decisions (push)"))
    connection.execute(
        text(
            'CREATE TABLE freezes (id INTEGER NOT NULL PRIMARY KEY, scope VARCHAR NOT NULL, "of" VARCHAR NOT NULL,'
            " at DATETIME NOT NULL, until DATETIME, reason TEXT NOT NULL, actor VARCHAR NOT NULL, ended_at DATETIME,"
            " ended_by VARCHAR)"
        )
    )
    for table, column in (("targets", "labels"), ("hosts", "policy")):
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column} JSON NOT NULL DEFAULT '[]'"))
    for table in ("outcomes", "last_attempts"):
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN held BOOLEAN NOT NULL DEFAULT 0"))
    connection.execute(text("ALTER TABLE last_attempts ADD COLUMN given_up BOOLEAN"))
    connection.execute(text("CREATE INDEX ix_last_attempts_push ON last_attempts (push)"))
    connection.execute(
        text(
            "CREATE TABLE delays (push INTEGER NOT NULL PRIMARY KEY, registry VARCHAR NOT NULL, repository VARCHAR NOT NULL,"
            " tag VARCHAR NOT NULL, at DATETIME NOT NULL)"
        )
    )
    connection.execute(text("ALTER TABLE rollouts ADD COLUMN waits JSON NOT NULL DEFAULT '[]'"))
    connection.execute(text("ALTER TABLE overrides ADD COLUMN breaks JSON NOT NULL DEFAULT '[]'"))
    connection.execute(text("ALTER TABLE rollouts ADD COLUMN approval_of VARCHAR"))
    connection.execute(text("ALTER TABLE rollouts ADD COLUMN waiting_since DATETIME"))


def _unheard(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE last_attempts ADD COLUMN is_unheard BOOLEAN NOT NULL DEFAULT 0"))
    connection.execute(text("CREATE INDEX ix_last_attempts_unheard ON last_attempts (push) WHERE is_unheard"))


def _versions(connection: Connection) -> None:
    """Let an older version say which one it meets."""
    connection.execute(text("ALTER TABLE migrations ADD COLUMN version VARCHAR"))


# By name, what changes the tables of the version before. One that was released is never changed.
MIGRATIONS: Mapping[str, Migration] = {
    "0002 what may be updated at once": _at_once,
    "0003 the stages of rollouts": _stages,
    "0004 what is ignored": _ignored,
    "0005 what is to be asked of registries": _claims,
    TRAIL: _trail,
    "0007 what people look for": _looking,
    "0008 silences": _silences,
    "0009 what was answered": _answers,
    "0010 the logs of what failed": _logs,
    "0011 messages to receivers": _messages,
    "0012 rules, and what people decide": _rules,
    "0013 ends of which nobody heard": _unheard,
    "0014 which version changed the tables": _versions,
}


# All that can have been done to tables that this version knows.
KNOWN = (FIRST, *MIGRATIONS)


def has_trail(standing: Standing | None) -> bool:
    """Tell whether a database that stands so has a trail; one that is up to date (None) has."""
    return standing is None or TRAIL in standing.done


def migrate(
    connection: Connection,
    path: Path,
    now: datetime,
    *,
    may_upgrade: bool,
    migrations: Mapping[str, Migration] = MIGRATIONS,
) -> None:
    """Make the tables in an empty database at ``path``, or bring those that are there to this version, ``now``.

    One that is in use (not ``may_upgrade``) is left as it is: whoever uses it would not know its tables any more. Raises
    :class:`StoreUnavailable` where it cannot be used.
    """
    existing = inspect(connection).get_table_names()
    if not existing:
        tables.metadata.create_all(connection)
        rows = [{"name": name, "version": __version__} for name in (FIRST, *migrations)]
        connection.execute(insert(tables.migrations), rows)
        _begin_trail(connection, now)
        return
    if tables.migrations.name not in existing:
        raise StoreUnavailable(
            f"{path} was written by another version, of before the first release; move it away, and a new one is made:"
            " what runs, and what was pushed, is found again"
        )
    missing = standing(path, _done(connection), (FIRST, *migrations)).missing
    if missing and not may_upgrade:
        raise StoreUnavailable(
            f"{path} is of a version before, and in use: by a command that brings it up to date, so try again in a while; or by"
            " an operator of that version: restart that, and it is brought up to date"
        )
    for name in missing:
        migrations[name](connection)
        connection.execute(insert(tables.migrations).values(name=name))
    # The first of them may have had no column for it.
    by_us = tables.migrations.c.name.in_(missing)
    connection.execute(update(tables.migrations).where(by_us).values(version=__version__))
    if TRAIL in missing:
        # With the columns of all migrations.
        _begin_trail(connection, now)


def _done(connection: Connection) -> dict[str, str | None]:
    """Return what was done, and by which version, as far as that is known."""
    rows = connection.execute(text("SELECT * FROM migrations")).mappings()
    return {row["name"]: row.get("version") for row in rows}


def _begin_trail(connection: Connection, now: datetime) -> None:
    """Begin the trail with what is there already: who changes that later is found out, too."""
    append(connection, Step(TRAIL_BEGAN, {"trail": uuid.uuid4().hex}), now)
    for table in RECORDED.values():
        rows = [dict(row) for row in connection.execute(select(table)).mappings()]
        for begin in range(0, len(rows), _TAKEN_OVER_TOGETHER):
            wrote(connection, table, *rows[begin : begin + _TAKEN_OVER_TOGETHER])
            append(connection, Step(TRAIL_BEGAN), now)
    claims = list(connection.scalars(select(tables.claims.c.event)))
    if claims:
        append(connection, Step(TRAIL_BEGAN, {"claims": claims}), now)
