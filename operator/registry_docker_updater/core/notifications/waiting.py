"""News of what waits by a rule or for a person, or is only watched: of which topic they are, and in which words they are told."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import WAITS

from registry_docker_updater.core.events.pushes import KeptPush
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.core.notifications.news import Item, News, Topic, item_of_rollout
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.core.rollouts.verdicts import (
    APPROVAL,
    DECLINED,
    FROZEN,
    LAPSED,
    SOAKING,
    TOO_YOUNG,
    UNREADABLE,
    WATCHED,
    WINDOW,
    Verdict,
)
from registry_docker_updater.core.rollouts.waits import Wait


class _Telling(NamedTuple):
    """How a reason to wait is told: the ``title`` of a message, and what the rollout with the number ``{id}`` waits for."""

    topic: Topic
    title: str
    waits_for: str


# By the names of verdicts, the gravest first; nobody is told of other reasons.
_TOLD: Mapping[str, _Telling] = {
    APPROVAL.name: _Telling(
        Topic.WAITING_FOR_A_PERSON,
        "Waits for approval",
        "approval: `approve {id}` gives it, `refuse {id}` refuses it",
    ),
    UNREADABLE.name: _Telling(
        Topic.WAITING_FOR_A_PERSON,
        "Rules cannot be read",
        "a person who puts right, or removes, what cannot be read",
    ),
    LAPSED.name: _Telling(
        Topic.WAITING_FOR_A_PERSON, "Approval lapsed", "a newer push, or a person: `push` by hand asks anew"
    ),
    DECLINED.name: _Telling(Topic.UPDATE_WAITS, "Refused", "a newer push, or approval by whoever refused it"),
    FROZEN.name: _Telling(Topic.UPDATE_WAITS, "Frozen", "the end of the freeze, or a person who thaws it"),
    WINDOW.name: _Telling(Topic.UPDATE_WAITS, "Waits for its window", "its window"),
    SOAKING.name: _Telling(
        Topic.UPDATE_WAITS, "Waits for what comes before it", "what comes before it to run well"
    ),
    TOO_YOUNG.name: _Telling(
        Topic.UPDATE_WAITS, "Waits until the push is old enough", "the push to be old enough"
    ),
    WATCHED.name: _Telling(
        Topic.UPDATE_WAITS, "Update available", "a person: it is only watched, and not updated"
    ),
}


def news_of_wait(  # noqa: PLR0913, PLR0917 - what waits, of what, and what is known of it
    wait: Wait,
    rollout: Rollout,
    push: KeptPush,
    now: datetime,
    known: Mapping[str, Collection[str]] | None = None,
    path: str | None = None,
) -> News | None:
    """Return the news of what is new about a push that waits, None where nobody is to be told; they have no number so far.

    ``known`` are by the names of the reasons of which there were news before the keys of the targets of which these told. A reason is
    new once for a rollout; approval is for each target, for people are to decide on it. ``path`` is the page to be opened, that of
    the rollout by default.
    """
    known = known or {}
    asked, reasons = known.get(APPROVAL.name, ()), wait.new - known.keys()
    outcomes = [
        _outcome(target, verdict)
        for target, verdict in wait.targets
        if verdict.name in _TOLD
        and (target.key not in asked if verdict.name == APPROVAL.name else verdict.name in reasons)
    ]
    found = {one["reason"] for one in outcomes}
    new = [name for name in _TOLD if name in found]
    if not new:
        return None
    item = {
        **item_of_rollout(rollout, push),
        # What ran before, and when it is tried again, is of other targets.
        **dict.fromkeys(("attempt", "started_at", "finished_at", "retry_at")),
        **words_of_waits(rollout.id, outcomes),
        "at": rfc3339(now),
        "path": path or f"/rollouts/{rollout.id}",
        "outcomes": outcomes,
    }
    return News(0, topic_of_waits(outcomes), now, now, item, rollout.id, rollout.runs, subject=" ".join(new))


def with_links(news: Iterable[News], path: Callable[[int], str]) -> list[News]:
    """Return ``news`` of which those that wait for approval lead to the page that ``path`` gives for their rollout."""
    return [
        replace(one, item={**one.item, "path": path(one.rollout)})
        if one.rollout is not None and _waits_for_approval(one)
        else one
        for one in news
    ]


def _waits_for_approval(news: News) -> bool:
    return any(one.get("reason") == APPROVAL.name for one in news.item.get("outcomes") or ())


def topic_of_waits(outcomes: Iterable[Item]) -> Topic:
    """Return the topic of news of targets that wait: that of the gravest reason."""
    return next((one.topic for one in _tellings(outcomes)), Topic.UPDATE_WAITS)


def words_of_waits(rollout: int, outcomes: Iterable[Item]) -> dict[str, Any]:
    """Return the title of an item of targets of a rollout that wait, and what they wait for."""
    tellings = _tellings(outcomes)
    return {
        "title": tellings[0].title if tellings else None,
        "waits_for": "; ".join(one.waits_for.format(id=rollout) for one in tellings) or None,
    }


def still_waiting(news: News, rollout: Rollout) -> tuple[str, ...]:
    """Return the keys of the targets for which it holds what ``news`` of a wait say, as the ``rollout`` stands now."""
    if rollout.state is RolloutState.SUPERSEDED:
        return ()
    return tuple(one["key"] for one in news.item["outcomes"] if one["reason"] in rollout.waits)


def _tellings(outcomes: Iterable[Item]) -> list[_Telling]:
    reasons = {one.get("reason") for one in outcomes}
    return [telling for name, telling in _TOLD.items() if name in reasons]


def _outcome(target: Target, verdict: Verdict) -> dict[str, Any]:
    digest = min(target.digests, default=None)
    return {
        "key": target.key,
        "kind": str(target.kind),
        "name": target.name,
        "where": target.place,
        "outcome": WAITS,
        "before": {"image": target.image, "digest": digest} if digest else None,
        "after": None,
        "message": verdict.sentence,
        "reason": verdict.name,
    }
