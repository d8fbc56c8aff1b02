"""When a message is sent: as soon as it is due, again where a channel failed, and never in the way of an update."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.notifications.news import Topic
from registry_docker_updater.core.notifications.routing import Part


class MessageState(StrEnum):
    """Where a message stands."""

    DUE = "due"
    SENT = "sent"
    NOBODY = "nobody told"
    GIVEN_UP = "given up"
    OVERTAKEN = "overtaken"


class Purpose(StrEnum):
    """Why several news are one message."""

    AT_ONCE = "at once"
    DIGEST = "digest"


@dataclass(frozen=True)
class Message:
    """A message to a receiver, of what came first of the ``topic`` that is the gravest in it.

    ``channels`` are those still to be sent to, None for all; ``results`` what became of it on each, ``ok`` or why not.
    ``error`` is why not everybody has it, ``sent_at`` when everybody had. It fails since ``failing_since``.
    """

    id: int
    receiver: str
    topic: Topic
    state: MessageState
    created_at: datetime
    purpose: Purpose = Purpose.AT_ONCE
    attempts: int = 0
    due_at: datetime | None = None
    failing_since: datetime | None = None
    channels: tuple[str, ...] | None = None
    results: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    sent_at: datetime | None = None

    @property
    def is_untried(self) -> bool:
        """Whether more can be said in it: nobody has been sent it."""
        return self.state is MessageState.DUE and self.attempts == 0


@dataclass(frozen=True)
class SendResult:
    """What came of sending: of each channel ``ok`` or why not; or the ``error`` for which none was tried.

    ``nobody`` is why there is nobody to tell, ``retry_after`` how long a channel asked to be left alone.
    """

    results: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    nobody: str | None = None
    retry_after: Mapping[str, timedelta] = field(default_factory=dict)

    @property
    def failed(self) -> dict[str, str]:
        """The channels that failed, with reasons."""
        return {name: why for name, why in self.results.items() if why != OK}


@dataclass(frozen=True)
class SendingPolicy:
    """How messages are sent: how long one waits for the news of rollouts that run, and for how long it is tried, how often."""

    bundle: timedelta
    backoff: Backoff
    keep_trying: timedelta


OK = "ok"
_LONGEST_PAUSE = timedelta(hours=1)
# As many news as a message takes: a run of the playbook is to render them in time.
MOST_NEWS = 200
# A clock that was set forward makes nobody give up what was hardly tried.
_FEWEST_ATTEMPTS = 10


def due_at(part: Part, now: datetime, not_before: datetime) -> tuple[datetime, Purpose]:
    """Return when somebody is to be told of a part of some news, and whether as a digest of the day."""
    # A clock that was wrong dated it, if it is later than any pause.
    begin = not_before if now < not_before < now + _LONGEST_PAUSE else now
    receiver = part.receiver
    if receiver.digest and part.topic in receiver.digest_topics:
        return receiver.digest.next(begin), Purpose.DIGEST
    until = receiver.quiet.until(begin) if receiver.quiet and part.topic not in receiver.urgent else None
    return until or begin, Purpose.AT_ONCE


def waits_for_others(
    message: Message, own: Collection[int], running: Collection[int], now: datetime, bundle: timedelta
) -> datetime | None:
    """Return until when a message that is due waits at most for rollouts that run, None where it waits for none.

    ``own`` are the rollouts that it tells of. What a push to a base image sets going is told together.
    """
    until = (message.due_at or now) + bundle
    is_alone = not set(running) - set(own)
    return None if not message.is_untried or is_alone or until <= now else until


def after_sending(message: Message, result: SendResult, now: datetime, policy: SendingPolicy) -> Message:
    """Return the message after an attempt to send it."""
    tried = replace(message, attempts=message.attempts + 1, results={**message.results, **result.results})
    failed = result.failed
    if not failed and result.error is None:
        is_sent = OK in tried.results.values()
        state = MessageState.SENT if is_sent else MessageState.NOBODY
        ended = replace(tried, state=state, due_at=None, channels=None, failing_since=None)
        return replace(ended, error=None if is_sent else result.nobody, sent_at=now if is_sent else None)
    since = message.failing_since or now
    asked = max((result.retry_after.get(name, timedelta()) for name in failed), default=timedelta())
    again = now + max(policy.backoff.after(tried.attempts), asked)
    is_over = again > since + policy.keep_trying and tried.attempts >= _FEWEST_ATTEMPTS
    return replace(
        tried,
        state=MessageState.GIVEN_UP if is_over else MessageState.DUE,
        due_at=None if is_over else again,
        failing_since=since,
        channels=tuple(sorted(failed)) or message.channels,
        error="; ".join(f"{name}: {why}" for name, why in sorted(failed.items())) or result.error,
    )


def next_to_send(due: Sequence[Message], sending: Collection[str], now: datetime) -> tuple[Message, ...]:
    """Return which of the messages that are ``due``, the first first, are sent now: one to a receiver at a time."""
    first: dict[str, Message] = {}
    for one in due:
        if one.due_at and one.due_at <= now and one.receiver not in sending:
            first.setdefault(one.receiver, one)
    return tuple(first.values())


def failing_alike(message: Message, others: Sequence[Message]) -> Message | None:
    """Return the message of ``others`` to the same receiver that waits for the same channels: they become one, None if none does.

    So a channel that comes back after hours is told of them in one message.
    """
    if message.state is not MessageState.DUE:
        return None
    alike = (
        one
        for one in others
        if one.id < message.id
        and (one.receiver, one.channels, one.state) == (message.receiver, message.channels, message.state)
        and one.attempts
    )
    return next(alike, None)


def overtaken(message: Message, why: str) -> Message:
    """Return a message that is not sent any more, for nothing that it was to tell is left, or it is told elsewhere: ``why``."""
    return replace(message, state=MessageState.OVERTAKEN, due_at=None, channels=None, error=why)


def joinable(untried: Sequence[Message], due: datetime, purpose: Purpose, now: datetime) -> Message | None:
    """Return the message in which news are told that are to be told at ``due``, None where none of the receiver's is that.

    It has not been sent to anybody, and goes out at the same time: what is urgent does not wait for what is not.
    """
    for one in untried:
        is_now = one.due_at is not None and max(one.due_at, due) <= now
        if one.is_untried and one.purpose is purpose and (is_now or one.due_at == due):
            return one
    return None


def graver(one: Topic, other: Topic) -> Topic:
    """Return the topic of the two that comes first in a message."""
    order = list(Topic)
    return min(one, other, key=order.index)
