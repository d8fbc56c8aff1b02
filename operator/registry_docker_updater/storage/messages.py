"""What happens to news and messages: each function reads what is kept, has the core decide, and keeps it, as one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from registry_docker_updater.core.audit.entries import Person, Step
from registry_docker_updater.core.audit.kinds import NEWS_CAME, NEWS_ROUTED, TEAM_NOT_TOLD, TEAM_TOLD
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.notifications.news import (
    News,
    Topic,
    news_of_registry,
    news_of_start,
    news_taken_over,
    registries_to_tell_of,
)
from registry_docker_updater.core.notifications.receivers import DEFAULT, Receivers
from registry_docker_updater.core.notifications.routing import Part, route
from registry_docker_updater.core.notifications.schedule import (
    MOST_NEWS,
    Message,
    MessageState,
    SendResult,
    due_at,
    failing_alike,
    graver,
    joinable,
    overtaken,
)
from registry_docker_updater.core.notifications.withholding import withheld
from registry_docker_updater.core.rollouts.rollout import Rollout
from registry_docker_updater.core.schedules.registries import RegistryStanding
from registry_docker_updater.core.silences import Silences
from registry_docker_updater.storage.storage import Storage

# So many news are routed in one transaction: others want to write, too.
_TOGETHER = 50
_NEWER = "something newer is told of the rollout"


@dataclass(frozen=True)
class Audience:
    """Whom news concern: the receivers that are set, and the fleet, whose targets name receivers and lie in places."""

    receivers: Receivers
    fleet: Fleet


def keep_start(storage: Storage, rollout: Rollout, targets: Iterable[Target], now: datetime) -> None:
    """Keep the news that a run began."""
    with storage.transaction() as kept:
        news = news_of_start(rollout, kept.events.push(rollout.push), targets, now)
        kept.news.add(news)
        step = Step(NEWS_CAME, {"topic": news.topic, "run": rollout.runs}, rollout.push, rollout.id)
        kept.trail.append(step, now)


def keep_registries(storage: Storage, standings: Sequence[RegistryStanding], now: datetime) -> bool:
    """Keep the news that registries went silent, or tell of their pushes again; return whether there were any."""
    names = [one.name for one in standings]
    last = storage.news.last_of(Topic.REGISTRY_SILENT, names)
    changed = registries_to_tell_of(standings, last)
    if not changed:
        return False
    with storage.transaction() as kept:
        for one in changed:
            kept.news.add(news_of_registry(one))
            facts = {"topic": Topic.REGISTRY_SILENT, "subject": one.name, "says": one.sentence}
            kept.trail.append(Step(NEWS_CAME, facts), now)
    return True


def take_over(storage: Storage, now: datetime) -> None:
    """Keep as news what was still to be told when there were no receivers."""
    if not storage.news.before_receivers():
        return
    with storage.transaction() as kept:
        for row in kept.news.before_receivers():
            rollout = kept.rollouts.get(row["rollout"])
            news = news_taken_over(rollout, row["run"], row["content"], now)
            kept.news.add(news)
            facts = {"topic": news.topic, "run": news.run}
            kept.trail.append(Step(NEWS_CAME, facts, rollout.push, rollout.id), now)
        kept.news.overtake_before_receivers()
        kept.trail.append(Step(NEWS_CAME, {"topic": "what was due is told as news"}), now)


def route_news(storage: Storage, audience: Audience, busy: Collection[int], now: datetime) -> bool:
    """Make the messages for all whom news concern that came since; return whether there may be more.

    ``busy`` are the messages that are being sent: nothing more can be said in them.
    """
    if not storage.news.unrouted(1):
        return False
    with storage.transaction() as kept:
        silences = Silences.that_count(kept.silences.counting(now), now)
        unrouted = kept.news.unrouted(_TOGETHER)
        for news in unrouted:
            _route(kept, news, audience, silences, busy, now)
    return len(unrouted) == _TOGETHER


def keep_sent(
    storage: Storage, after: Message, run: Mapping[str, Any], now: datetime, busy: Collection[int] = ()
) -> None:
    """Keep where a message stands after an attempt to send it; ``run`` says what is left of that playbook run.

    Where it failed as another to the same receiver does, which is not among the ``busy``, the two become one.
    """
    kind = TEAM_TOLD if after.state is MessageState.SENT else TEAM_NOT_TOLD
    with storage.transaction() as kept:
        runs = kept.notifications.runs_of(after.id)
        kept.notifications.keep(after)
        if after.state is MessageState.DUE:
            _join(kept, after, busy)
        facts = {
            "message": after.id,
            "receiver": after.receiver,
            "channels": after.channels,
            "results": dict(after.results),
            "error": after.error,
        }
        # Of attempts that change nothing there are many: one entry each, and not one a rollout.
        is_new = after.state is not MessageState.DUE or after.attempts == 1
        for number, (rollout, of_run) in enumerate(runs.items() if is_new else [*runs.items()][:1]):
            push, left = kept.rollouts.get(rollout).push, run if number == 0 else {}
            kept.trail.append(Step(kind, {"run": of_run, **facts, **left}, push, rollout), now)
        if not runs:
            kept.trail.append(Step(kind, {"run": 0, **facts, **run}), now)


def _join(kept: Storage, failed: Message, busy: Collection[int]) -> None:
    """Have what a message could not tell be told with another that waits for the same, unless something newer is told of it."""
    store = kept.notifications
    if not store.drop_outdone(failed):
        store.keep(overtaken(failed, _NEWER))
        return
    others = [one for one in store.due() if one.id not in busy and one.receiver == failed.receiver]
    counts = store.counts_of_news([failed.id, *(one.id for one in others)])
    room = MOST_NEWS - counts.get(failed.id, 0)
    alike = failing_alike(failed, [one for one in others if counts.get(one.id, 0) <= room])
    if alike:
        store.move_items(failed.id, alike.id)
        said = f"told with message {alike.id}, which waits for the same channels: {failed.error}"
        store.keep(overtaken(failed, said))
        due = max(filter(None, (alike.due_at, failed.due_at)))
        store.keep(replace(alike, topic=graver(failed.topic, alike.topic), due_at=due))


def keep_test(  # noqa: PLR0913, PLR0917 - what was sent, to whom, for whom
    storage: Storage, receiver: str, result: SendResult, run: Mapping[str, Any], who: Person, now: datetime
) -> None:
    """Keep that a person had a sample sent, and what came of it; ``run`` says what is left of that playbook run."""
    is_sent = not result.failed and not result.error and not result.nobody
    facts = {
        "run": 0,
        "message": "test",
        "receiver": receiver,
        "results": dict(result.results),
        "error": result.error or result.nobody,
        **asdict(who),
        **run,
    }
    with storage.transaction() as kept:
        kept.trail.append(Step(TEAM_TOLD if is_sent else TEAM_NOT_TOLD, facts), now)


def _route(  # noqa: PLR0913, PLR0917 - what is told, to whom, when
    kept: Storage,
    news: News,
    audience: Audience,
    silences: Silences,
    busy: Collection[int],
    now: datetime,
) -> None:
    why = _withheld(kept, news, silences)
    parts = () if why else route(news, audience.receivers, audience.fleet)
    receivers = {part.receiver.name: _give(kept, news, part, busy, now) for part in parts}
    if not parts and news.topic is not Topic.STARTED:
        error = why or f'no receiver is to be told of "{news.topic}"'
        nobody = Message(0, DEFAULT, news.topic, MessageState.NOBODY, now, error=error)
        kept.notifications.add_item(kept.notifications.add(nobody).id, news.id, None)
    kept.news.note_routed([news.id])
    push = kept.rollouts.get(news.rollout).push if news.rollout is not None else None
    facts = {"topic": news.topic, "run": news.run, "receivers": receivers, "nobody": why}
    kept.trail.append(Step(NEWS_ROUTED, facts, push, news.rollout), now)


def _withheld(kept: Storage, news: News, silences: Silences) -> str | None:
    """Return why nobody is told of news: all that failed is silenced; None where there is something to tell."""
    if news.rollout is None or news.topic is Topic.STARTED or news.is_of_wait:
        return None
    outcomes = [one.result for one in kept.rollouts.outcomes(news.rollout)]
    return withheld(kept.rollouts.get(news.rollout), outcomes, silences)


def _give(kept: Storage, news: News, part: Part, busy: Collection[int], now: datetime) -> int:
    """Have a receiver told its part of some news, in a message that is still to be sent or in a new one; return its number."""
    store = kept.notifications
    for empty in store.drop_overtaken(news, part, busy):
        left = store.get(empty)
        if left:
            store.keep(overtaken(left, _NEWER))
    due, purpose = due_at(part, now, news.due_at)
    others = [one for one in store.due() if one.receiver == part.receiver.name and one.id not in busy]
    counts = store.counts_of_news([one.id for one in others])
    message = joinable([one for one in others if counts.get(one.id, 0) < MOST_NEWS], due, purpose, now)
    if message is None:
        new = Message(0, part.receiver.name, part.topic, MessageState.DUE, now, purpose, due_at=due)
        message = store.add(new)
    elif graver(part.topic, message.topic) is not message.topic:
        store.keep(replace(message, topic=part.topic))
    store.add_item(message.id, news.id, part.keys)
    return message.id
