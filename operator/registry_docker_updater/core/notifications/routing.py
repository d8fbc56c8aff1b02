"""Routing: which receivers news concern, and what of them each is to be told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils import outcomes

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.notifications.news import News, Topic
from registry_docker_updater.core.notifications.receivers import Concerned, Gets, Receiver, Receivers
from registry_docker_updater.core.notifications.waiting import topic_of_waits, words_of_waits

Outcome = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """What of some news one receiver is told: those of the targets with ``keys``, None for all that there is; and their topic."""

    receiver: Receiver
    topic: Topic
    keys: tuple[str, ...] | None = None
    recovered: bool = False


def route(news: News, receivers: Receivers, fleet: Fleet) -> tuple[Part, ...]:
    """Return what of ``news`` whom concerns; a receiver that is not told anything new, or does not want to hear it, is left out."""
    if news.rollout is None:
        recovered = bool(news.item.get("recovered"))
        concerned = Concerned(str(news.item.get("registry")))
        names = _names(receivers, concerned, ())
        parts = [Part(receivers.get(name), news.topic, recovered=recovered) for name in names]
    else:
        parts = list(_of_rollout(news, receivers, fleet))
    return tuple(part for part in parts if part.receiver.wants(part.topic, recovered=part.recovered))


def item_of(news: News, keys: Iterable[str] | None) -> dict[str, Any]:
    """Return what a message says of ``news`` to somebody who hears of the targets with ``keys`` only; None for all of them."""
    item = news.item
    if news.rollout is None:
        return {**item, "topic": str(news.topic)}
    chosen = None if keys is None else frozenset(keys)
    mine = [one for one in item["outcomes"] if chosen is None or one.get("key") in chosen]
    said = {**item, "topic": str(_topic(news, mine)), "outcomes": mine, "recovered": _recovered(mine)}
    if news.is_of_wait:
        return {**said, **words_of_waits(item["id"], mine), "targets": len(mine)}
    # What happens next to others is of no use to whose targets are all well.
    then = {} if any(map(_needs_something, mine)) else {"retry_at": None, "waits_for": None}
    return {**said, **then, "targets": len(item["outcomes"])}


def _of_rollout(news: News, receivers: Receivers, fleet: Fleet) -> Iterator[Part]:
    registry, repository = str(news.item.get("registry")), news.item.get("repository")
    by_receiver: dict[str, list[Outcome]] = {}
    for one in news.item["outcomes"]:
        concerned, labels = _where(one, registry, repository, fleet)
        for name in _names(receivers, concerned, labels):
            by_receiver.setdefault(name, []).append(one)
    for name, mine in by_receiver.items():
        if _concerns(news.topic, mine):
            is_all = len(mine) == len(news.item["outcomes"])
            keys = None if is_all else tuple(str(one.get("key")) for one in mine)
            yield Part(receivers.get(name), _topic(news, mine), keys, _recovered(mine))


def _concerns(topic: Topic, mine: Iterable[Outcome]) -> bool:
    """Tell whether there is something to tell of these targets; of a rollout that waits, nothing of them is new."""
    if topic is Topic.WAITING_FOR_A_PERSON:
        return any(_needs_something(one) for one in mine)
    return any(one.get("is_new", True) for one in mine)


def _needs_something(one: Outcome) -> bool:
    return bool(one.get("left_alone")) or not outcomes.is_good(one["outcome"])


def _names(receivers: Receivers, concerned: Concerned, labels: Sequence[str]) -> list[str]:
    """Return the names of those who are told: whom the label names, whose rules say so; and where nobody is, who gets the rest."""
    names = [*labels, *(one.name for one in receivers.all if one.covers(concerned))]
    rest = [one.name for one in receivers.all if one.gets is Gets.THE_REST]
    return list(dict.fromkeys(names or rest))


def _where(
    one: Outcome, registry: str, repository: str | None, fleet: Fleet
) -> tuple[Concerned, tuple[str, ...]]:
    """Return what an outcome is of, and whom its target's label names, as far as the fleet is known."""
    target = fleet.targets.get(str(one.get("key")))
    if target is None:
        return Concerned(registry, repository), ()
    known = [fleet.hosts[host] for host in target.hosts if host in fleet.hosts]
    swarms = {host.swarm for host in known if host.swarm}
    names = frozenset(swarms | {host for swarm in swarms for host in fleet.swarms.get(swarm, ())})
    groups = frozenset(group for host in known for group in host.groups)
    return Concerned(registry, repository, names, groups), target.notify


def _topic(news: News, mine: Iterable[Outcome]) -> Topic:
    """Return the topic of what one receiver is told: what failed for others only is no failure of its own."""
    if news.is_of_wait:
        return topic_of_waits(mine)
    if news.topic in (Topic.STARTED, Topic.WAITING_FOR_A_PERSON):
        return news.topic
    return (
        Topic.IMAGE_UPDATED if all(outcomes.is_good(one["outcome"]) for one in mine) else Topic.UPDATE_FAILED
    )


def _recovered(mine: Sequence[Outcome]) -> bool:
    """Tell whether a target is well that was not, and none is not."""
    was_bad = any(one.get("was") and not outcomes.is_good(one["was"]) for one in mine)
    return was_bad and all(outcomes.is_good(one["outcome"]) for one in mine)
