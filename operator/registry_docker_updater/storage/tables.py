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
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

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


# What was done to these tables, by the names that `storage.migrations` has for it.
migrations = Table(
    "migrations",
    metadata,
    Column("name", String, primary_key=True),
)

# What an event is: a push, without a digest so far, and what nobody could read.
PUSH, UNRESOLVED, UNREADABLE = "push", "unresolved", "unreadable"

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

# The newest push of each repository and tag, so that planning does not read the whole history: those of which the registry
# was not to be asked, or said that it is so. `change` grows with each that is written; `registry_digest` and `found_at` are those of `core.events.newest.Newest`, `received_at` is that of the event, put right when the clock
# was set since.
newest = Table(
    "newest",
    metadata,
    Column("registry", String, primary_key=True),
    Column("repository", String, primary_key=True),
    Column("tag", String, primary_key=True),
    Column("change", Integer, nullable=False, index=True, server_default="0"),
    Column("push", ForeignKey("events.id"), nullable=False, index=True),
    Column("occurred_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("registry_digest", String),
    Column("found_at", Moment),
)

# The newest push of each repository and tag that is not believed before the registry was asked.
claims = Table(
    "claims",
    metadata,
    Column("registry", String, primary_key=True),
    Column("repository", String, primary_key=True),
    Column("tag", String, primary_key=True),
    Column("event", ForeignKey("events.id"), nullable=False, index=True),
    Column("occurred_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
)

# How many events were understood and asked for nothing, by the reason.
ignored = Table(
    "ignored",
    metadata,
    Column("registry", String, primary_key=True),
    Column("reason", String, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
)

hosts = Table(
    "hosts",
    metadata,
    Column("name", String, primary_key=True),
    Column("asked_at", Moment, nullable=False),
    Column("error", Text),
    Column("engine", String),
    Column("swarm", String),
    Column("is_manager", Boolean, nullable=False),
    Column("warnings", JSON, nullable=False),
    Column("live", Text),
    Column("back_since", Moment),
    Column("unfinished", JSON, nullable=False, default=[]),
    Column("engine_id", String),
    Column("engine_name", String),
    Column("containers", JSON, nullable=False, default=[]),
    Column("at_once", Boolean, nullable=False, server_default=false()),
    Column("groups", JSON, nullable=False, default=[]),
    Column("policy", JSON, nullable=False, default=[]),
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
    Column("at_once", Boolean, nullable=False, server_default=false()),
    Column("notify", JSON, nullable=False, default=[]),
    Column("labels", JSON, nullable=False, default=[]),
)

# `runs` counts all runs of a rollout, `attempts` those since the push or since a person asked for it again.
rollouts = Table(
    "rollouts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("push", ForeignKey("events.id"), nullable=False, unique=True),
    Column("image", String, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("runs", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("due_at", Moment),
    Column("note", Text),
    Column("is_stopped", Boolean, nullable=False, default=False),
    Column("waits", JSON, nullable=False, default=[]),
    Column("approval_of", String),
    Column("waiting_since", Moment),
)

# What became of each target of a rollout: the last word, with the run that said it.
outcomes = Table(
    "outcomes",
    metadata,
    Column("rollout", ForeignKey("rollouts.id"), primary_key=True),
    Column("key", String, primary_key=True, index=True),
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
    Column("stages", JSON, nullable=False, server_default="{}"),
    Column("log", JSON, nullable=False, default=[]),
    Column("held", Boolean, nullable=False, server_default=false()),
)

# The last thing that became of each target, whatever the rollout.
last_attempts = Table(
    "last_attempts",
    metadata,
    Column("key", String, primary_key=True),
    Column("push", ForeignKey("events.id"), nullable=False, index=True),
    Column("outcome", String, nullable=False),
    Column("possible_digests", JSON, nullable=False),
    Column("at", Moment, nullable=False),
    Column("left_alone", Boolean, nullable=False, default=False),
    Column("held", Boolean, nullable=False, server_default=false()),
    Column("given_up", Boolean),
    Column("is_unheard", Boolean, nullable=False, server_default=false()),
    Index("ix_last_attempts_unheard", "push", sqlite_where=text("is_unheard")),
)

# Digests that were rolled back on a target: they are not tried there again.
refusals = Table(
    "refusals",
    metadata,
    Column("key", String, primary_key=True),
    Column("digest", String, primary_key=True),
)

# What people asked for by hand: that a rollout be run again, or that a target be brought to a push whatever became of it
# before. Rows stay as evidence; the latter are closed once the target has an outcome.
retries = Table(
    "retries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("rollout", ForeignKey("rollouts.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", String, nullable=False),
)

overrides = Table(
    "overrides",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("push", ForeignKey("events.id"), nullable=False),
    Column("key", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", String, nullable=False),
    Column("closed_at", Moment),
    # The rules and freezes that the person broke, a sentence each.
    Column("breaks", JSON, nullable=False, default=[]),
)

# What there was to tell of before there were receivers: one row a rollout. They stay as evidence.
notifications = Table(
    "notifications",
    metadata,
    Column("rollout", ForeignKey("rollouts.id"), primary_key=True),
    Column("run", Integer, nullable=False),
    Column("content", JSON),
    Column("state", String, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment),
    Column("channels", JSON),
    Column("error", Text),
    Column("sent_at", Moment),
)

# What there is to tell of: of the run of a rollout, or of something else by its `subject`. `item` is what a message says of it;
# with `is_routed`, the messages for all whom it concerns have been made.
news = Table(
    "news",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("topic", String, nullable=False),
    Column("subject", String),
    Column("rollout", ForeignKey("rollouts.id"), index=True),
    Column("run", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("item", JSON, nullable=False),
    Column("is_routed", Boolean, nullable=False, default=False),
)
Index("ix_news_unrouted", news.c.id, sqlite_where=news.c.is_routed.is_not(True))
Index("ix_news_subject", news.c.topic, news.c.subject, sqlite_where=news.c.subject.is_not(None))

# Messages: each to one receiver. `results` says what became of it on each channel, `channels` which are still to be sent to.
messages = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("receiver", String, nullable=False),
    Column("topic", String, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("purpose", String, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment),
    Column("failing_since", Moment),
    Column("channels", JSON),
    Column("results", JSON, nullable=False),
    Column("error", Text),
    Column("sent_at", Moment),
)

# Which news each message tells, and of which of their targets: `target_keys`, null for all.
message_items = Table(
    "message_items",
    metadata,
    Column("message", ForeignKey("messages.id"), primary_key=True),
    Column("news", ForeignKey("news.id"), primary_key=True, index=True),
    Column("target_keys", JSON),
)

# What people know of, and want to hear nothing of until a moment, unless somebody ends it before. Rows stay as evidence.
silences = Table(
    "silences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subject", String, nullable=False),
    Column("of", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", String, nullable=False),
    Column("ended_at", Moment),
    Column("ended_by", String),
)

# What people decided of pushes that waited for them: for the targets with the keys `target_keys`. Rows stay as evidence, as
# long as their push.
decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("push", ForeignKey("events.id"), nullable=False, index=True),
    Column("target_keys", JSON, nullable=False),
    Column("person", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("is_approval", Boolean, nullable=False),
    Column("reason", Text),
)

# What people want nothing updated of until a moment, or until somebody ends it. Rows stay as evidence.
freezes = Table(
    "freezes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scope", String, nullable=False),
    Column("of", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("until", Moment),
    Column("reason", Text, nullable=False),
    Column("actor", String, nullable=False),
    Column("ended_at", Moment),
    Column("ended_by", String),
)

# Pushes that were too young for a target when they were looked at, and when they came: newer ones may take their place.
delays = Table(
    "delays",
    metadata,
    Column("push", Integer, primary_key=True),
    Column("registry", String, nullable=False),
    Column("repository", String, nullable=False),
    Column("tag", String, nullable=False),
    Column("at", Moment, nullable=False),
)

# What was answered to what people and programs asked for under a key of theirs, packed by zlib; kept for a day, and no evidence.
answers = Table(
    "answers",
    metadata,
    Column("person", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("fingerprint", String, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("at", Moment, nullable=False),
)

# What happened, chained by hashes (`core.audit.entries`). `content` goes when it has been kept for long enough. Numbers are
# given once: SQLite remembers the last.
trail = Table(
    "trail",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("kind", String, nullable=False),
    Column("event", Integer, index=True),
    Column("rollout", Integer),
    Column("content", Text),
    Column("content_hash", String, nullable=False),
    Column("hash", String, nullable=False),
    sqlite_autoincrement=True,
)
# Most entries are of events, and of no rollout.
Index("ix_trail_rollout", trail.c.rollout, sqlite_where=trail.c.rollout.is_not(None))
