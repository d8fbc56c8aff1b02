"""What ``notify.yml`` is given, and what it answers: a message in the shape that the role ``notification`` documents."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils import outcomes as words

from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.core.notifications.news import News, Topic
from registry_docker_updater.core.notifications.schedule import Message, Purpose, SendResult

# Longer than a day, no channel is left alone for what it says itself.
_LONGEST_SECONDS = 86400
# How many targets a message has in all, and how many of one of its news at least.
_MOST_OUTCOMES, _FEWEST = 20_000, 100


def message_of(message: Message, news: Sequence[News]) -> dict[str, Any]:
    """Return the variable ``notification_message``: a message that tells ``news``.

    The same message with the same news has the same id, by which a receiver knows a repetition, and no other has, also of
    another operator. Of very many targets it has the worst, and how many there are.
    """
    several = "digest" if message.purpose is Purpose.DIGEST else "bundle" if len(news) > 1 else None
    return {
        "id": f"m{message.id}-{_fingerprint(message, news)}",
        "receiver": message.receiver,
        "sent_for": several,
        "items": [_bounded(one.item, max(_FEWEST, _MOST_OUTCOMES // len(news))) for one in news],
    }


def _fingerprint(message: Message, news: Sequence[News]) -> str:
    said = [rfc3339(message.created_at), *(f"{one.id} {rfc3339(one.at)}" for one in news)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


def _bounded(item: Mapping[str, Any], most: int) -> Mapping[str, Any]:
    outcomes = item.get("outcomes") or ()
    if len(outcomes) <= most:
        return item
    return {**item, "outcomes": sorted(outcomes, key=lambda one: words.rank(one["outcome"]))[:most]}


def message_for_test(receiver: str, now: datetime) -> dict[str, Any]:
    """Return a sample, of which its receiver sees that it is one."""
    old, new = ("sha256:" + digit * 64 for digit in "01")
    image = "registry.example.com/test/sample:1"
    outcome: dict[str, Any] = {
        "key": "container/sample/sample",
        "kind": "container",
        "name": "sample",
        "where": "host sample",
        "outcome": "updated",
        "before": {"image": image, "digest": old},
        "after": {"image": image, "digest": new},
        "message": None,
        "was": None,
        "log": [],
    }
    at = rfc3339(now)
    item = {
        "topic": str(Topic.IMAGE_UPDATED),
        "id": 0,
        "image": image,
        "digest": new,
        "actor": "nobody",
        "registry": "sample",
        "pushed_at": at,
        "attempt": 1,
        "started_at": at,
        "finished_at": at,
        "retry_at": None,
        "waits_for": None,
        "recovered": False,
        "targets": 1,
        "outcomes": [outcome],
    }
    return {"id": f"test.{int(now.timestamp())}", "receiver": receiver, "sent_for": "test", "items": [item]}


def send_result(statistics: Mapping[str, Any], said: str) -> SendResult:
    """Return what came of a run of ``notify.yml``, by its ``statistics``; ``said`` is how it ended."""
    results = statistics.get("notification_results")
    if not isinstance(results, Mapping):
        return SendResult(error=f"{said} and said of nobody whether it was told")
    nobody = None if results else str(statistics.get("notification_nobody") or "no channel was used")
    asked = statistics.get("notification_retry_after")
    return SendResult(
        {str(name): str(result) for name, result in results.items()},
        nobody=nobody,
        retry_after={str(name): _wait(value) for name, value in asked.items()}
        if isinstance(asked, Mapping)
        else {},
    )


def _wait(seconds: Any) -> timedelta:
    is_number = isinstance(seconds, int | float) and 0 <= seconds < float("inf")
    return timedelta(seconds=min(float(seconds), _LONGEST_SECONDS) if is_number else 0)
