"""Messages to teams as people and programs see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from typing_extensions import TypedDict

from registry_docker_updater.core.notifications.receivers import Gets, Receiver, Receivers, Rule
from registry_docker_updater.core.notifications.schedule import OK, Message, MessageState
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.values import moment


class MessageRow(TypedDict):
    """A message to a receiver: of what, and whether it has it, on which channels.

    ``results`` says what became of it on each channel, ``ok`` or why not; ``channels`` are those on which it is tried again,
    null for all. ``error`` is why not everybody has it, or why nobody is told.
    """

    id: int
    receiver: str
    topic: str
    purpose: str
    state: str
    attempts: int
    created_at: str
    due_at: str | None
    failing_since: str | None
    channels: list[str] | None
    results: dict[str, str]
    error: str | None
    sent_at: str | None


class RolloutMessageRow(MessageRow):
    """A message that tells of the ``run`` of a rollout, and maybe of others."""

    rollout: int
    run: int


class ChannelRow(TypedDict):
    """What became of the last message on a channel: ``ok`` or why not; ``at`` is when it was sent, or since when it fails."""

    name: str
    result: str
    is_working: bool
    at: str


class ReceiverRow(TypedDict):
    """Who is told: what a receiver gets, of which topics, and when it is left alone, in words; and its channels that were used."""

    name: str
    gets: list[str]
    topics: list[str]
    quiet_hours: str | None
    digest: str | None
    channels: list[ChannelRow]


class SampleRow(TypedDict):
    """What came of a sample: on each channel ``ok`` or why not; or the ``error`` for which none was tried."""

    receiver: str
    results: dict[str, str]
    error: str | None


# In the order in which people want to know.
_MATTERS = (
    MessageState.GIVEN_UP,
    MessageState.DUE,
    MessageState.NOBODY,
    MessageState.SENT,
    MessageState.OVERTAKEN,
)


def messages(storage: Storage, limit: int, before: int | None = None) -> list[MessageRow]:
    """Return the newest ``limit`` messages ``before`` the one with that number, the newest first."""
    return [message(one) for one in storage.notifications.newest(limit, before)]


def message(one: Message) -> MessageRow:
    """Return a message."""
    return {
        "id": one.id,
        "receiver": one.receiver,
        "topic": str(one.topic),
        "purpose": str(one.purpose),
        "state": str(one.state),
        "attempts": one.attempts,
        "created_at": moment(one.created_at),
        "due_at": moment(one.due_at),
        "failing_since": moment(one.failing_since),
        "channels": list(one.channels) if one.channels else None,
        "results": dict(one.results),
        "error": one.error,
        "sent_at": moment(one.sent_at),
    }


def message_of_rollout(rollout: int, run: int, one: Message) -> RolloutMessageRow:
    """Return a message that tells of the ``run`` of a rollout."""
    return {**message(one), "rollout": rollout, "run": run}


def said_of(one: MessageRow) -> str:
    """Return how it stands with a message, in a line."""
    details = details_of(one)
    return f"{one['state']}: {details}" if details else one["state"]


def details_of(one: MessageRow) -> str:
    """Return who has a message, and what happens next, and why, in a line; empty where nobody was sent it."""
    by = [name for name, result in sorted(one["results"].items()) if result == OK]
    when = f"{'again' if one['attempts'] else 'to be sent'} at {one['due_at']}" if one["due_at"] else ""
    return "; ".join(filter(None, (f"by {', '.join(by)}" if by else "", when, one["error"])))


def matters_most(rows: Sequence[RolloutMessageRow]) -> RolloutMessageRow | None:
    """Return of the messages about the last run of a rollout the one that people want to know of first."""
    last = max((one["run"] for one in rows), default=0)
    order = {str(state): place for place, state in enumerate(_MATTERS)}
    return min((one for one in rows if one["run"] == last), key=lambda one: order[one["state"]], default=None)


def receivers(storage: Storage, known: Receivers) -> list[ReceiverRow]:
    """Return the receivers that are set, and those that were told of something, by name."""
    standing = storage.notifications.standing_of_channels()
    names = sorted({one.name for one in known.all} | {receiver for receiver, _ in standing})
    return [
        {
            **receiver(known.get(one)),
            "channels": _channels({name: said for (of, name), said in standing.items() if of == one}),
        }
        for one in names
    ]


def receiver(one: Receiver) -> ReceiverRow:
    """Return a receiver, of whose channels nothing is known."""
    quiet, digest = one.quiet, one.digest
    urgent = f", but for {', '.join(one.urgent)}" if one.urgent else ""
    return {
        "name": one.name,
        "gets": _gets(one),
        "topics": [str(topic) for topic in one.topics],
        "quiet_hours": f"{quiet.begin:%H:%M} to {quiet.end:%H:%M} {quiet.zone}{urgent}" if quiet else None,
        "digest": f"{', '.join(one.digest_topics)} at {digest.at:%H:%M} {digest.zone}" if digest else None,
        "channels": [],
    }


def _channels(found: Mapping[str, tuple[str, datetime]]) -> list[ChannelRow]:
    return [
        {"name": channel, "result": result, "is_working": result == OK, "at": moment(at)}
        for channel, (result, at) in sorted(found.items())
    ]


def _gets(one: Receiver) -> list[str]:
    if isinstance(one.gets, tuple):
        return [_rule(rule) for rule in one.gets]
    labelled = "what targets label for it"
    return [labelled] if one.gets is Gets.LABELLED else [str(one.gets)]


def _rule(rule: Rule) -> str:
    conditions = {
        "registry": rule.registries,
        "repository": rule.repositories,
        "swarm": rule.swarms,
        "group": rule.groups,
    }
    return ", ".join(f"{name} {' or '.join(patterns)}" for name, patterns in conditions.items() if patterns)
