"""The database's tables."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

# Raised with every change of the tables; a database of a version that is not known is refused.
VERSION = 3
# What makes a database of a version into one of the next; new tables make themselves.
UPGRADES = {
    1: (
        "ALTER TABLE rollouts ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0",
        "UPDATE rollouts SET attempts = runs",
        "ALTER TABLE rollouts ADD COLUMN is_stopped BOOLEAN NOT NULL DEFAULT 0",
        "ALTER TABLE outcomes ADD COLUMN left_alone BOOLEAN NOT NULL DEFAULT 0",
        "ALTER TABLE tried ADD COLUMN left_alone BOOLEAN NOT NULL DEFAULT 0",
        "ALTER TABLE tried ADD COLUMN left_with JSON NOT NULL DEFAULT '[]'",
        "UPDATE tried SET left_with = json_array(coalesce(after, wanted))",
        "ALTER TABLE tried DROP COLUMN after",
        "ALTER TABLE tried DROP COLUMN wanted",
        "ALTER TABLE newest ADD COLUMN told VARCHAR",
        "ALTER TABLE hosts ADD COLUMN live TEXT",
        "ALTER TABLE hosts ADD COLUMN back_since DATETIME",
        "ALTER TABLE newest ADD COLUMN found_at DATETIME",
        "UPDATE newest SET told = (SELECT digest FROM events WHERE id = push AND key NOT LIKE 'by hand %')",
    ),
    2: (
        "ALTER TABLE hosts ADD COLUMN unfinished JSON NOT NULL DEFAULT '[]'",
        "ALTER TABLE hosts ADD COLUMN engine_id VARCHAR",
        "ALTER TABLE hosts ADD COLUMN engine_name VARCHAR",
        "ALTER TABLE hosts ADD COLUMN containers JSON NOT NULL DEFAULT '[]'",
        "ALTER TABLE newest ADD COLUMN received_at DATETIME NOT NULL DEFAULT '1970-01-01 00:00:00.000000'",
        "UPDATE newest SET received_at = (SELECT received_at FROM events WHERE id = push)",
        "ALTER TABLE tellings ADD COLUMN run INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE tellings ADD COLUMN content JSON",
        "UPDATE tellings SET run = (SELECT runs FROM rollouts WHERE id = rollout)",
    ),
}

metadata = MetaData()


class Moment(TypeDecorator[datetime]):
    """A moment in UTC; SQLite itself keeps no time zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Store in UTC."""
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return with its time zone."""
        return value.replace(tzinfo=UTC) if value else None


# Pushes, and what nobody could read. `key` is what repeated deliveries of one event have in common.
events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("registry", String, nullable=False),
    Column("key", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("occurred_at", Moment),
    Column("repository", String),
    Column("tag", String),
    Column("digest", String),
    Column("actor", String),
    Column("reason", Text),
    Column("content", JSON),
    UniqueConstraint("registry", "key"),
)

# The newest push of each repository and tag, so that planning does not read the whole history; `told` and `found_at`
# are those of `core.newest.Newest`, `received_at` is that of the event, put right when the clock was set since.
newest = Table(
    "newest",
    metadata,
    Column("registry", String, primary_key=True),
    Column("repository", String, primary_key=True),
    Column("tag", String, primary_key=True),
    Column("push", ForeignKey("events.id"), nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("told", String),
    Column("found_at", Moment),
)

hosts = Table(
    "hosts",
    metadata,
    Column("name", String, primary_key=True),
    Column("asked_at", Moment, nullable=False),
    Column("error", Text),
    Column("engine", String),
    Column("swarm", String),
    Column("is_manager", Integer, nullable=False),
    Column("warnings", JSON, nullable=False),
    Column("live", Text),
    Column("back_since", Moment),
    Column("unfinished", JSON, nullable=False, default=[]),
    Column("engine_id", String),
    Column("engine_name", String),
    Column("containers", JSON, nullable=False, default=[]),
)

targets = Table(
    "targets",
    metadata,
    Column("key", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("place", String, nullable=False),
    Column("hosts", JSON, nullable=False),
    Column("image", String, nullable=False),
    Column("reference", String),
    Column("digests", JSON, nullable=False),
    Column("since", Moment, nullable=False),
    Column("state", String),
)

# `runs` counts all runs of a rollout, `attempts` those since the push or since a person asked for it again.
rollouts = Table(
    "rollouts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("push", ForeignKey("events.id"), nullable=False, unique=True),
    Column("image", String, nullable=False),
    Column("state", String, nullable=False),
    Column("runs", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("due_at", Moment),
    Column("note", Text),
    Column("is_stopped", Boolean, nullable=False, default=False),
)

# What became of each target of a rollout: the last word, with the run that said it.
outcomes = Table(
    "outcomes",
    metadata,
    Column("rollout", ForeignKey("rollouts.id"), primary_key=True),
    Column("key", String, primary_key=True),
    Column("run", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("place", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("before", String),
    Column("after", String),
    Column("message", Text),
    Column("left_alone", Boolean, nullable=False, default=False),
)

# The last thing that became of each target, whatever the rollout.
last_attempts = Table(
    "last_attempts",
    metadata,
    Column("key", String, primary_key=True),
    Column("push", ForeignKey("events.id"), nullable=False),
    Column("outcome", String, nullable=False),
    Column("left_with", JSON, nullable=False),
    Column("at", Moment, nullable=False),
    Column("left_alone", Boolean, nullable=False, default=False),
)

# Digests that were rolled back on a target: they are not tried there again.
refused = Table(
    "refused",
    metadata,
    Column("key", String, primary_key=True),
    Column("digest", String, primary_key=True),
)

# What people asked for by hand: that a rollout be run again, or that a push be brought to a target which had refused
# it. Rows stay as evidence; the latter are done once the target has an outcome.
retries = Table(
    "retries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("rollout", ForeignKey("rollouts.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", String, nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("push", ForeignKey("events.id"), nullable=False),
    Column("key", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", String, nullable=False),
    Column("done_at", Moment),
)

# Messages to send: one row a rollout, renewed when there is something new to tell of it. `content` is what is told:
# the rollout as it stood after `run`.
notifications = Table(
    "notifications",
    metadata,
    Column("rollout", ForeignKey("rollouts.id"), primary_key=True),
    Column("run", Integer, nullable=False),
    Column("content", JSON),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment),
    Column("channels", JSON),
    Column("error", Text),
)
