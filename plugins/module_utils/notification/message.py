# SPDX-License-Identifier: Apache-2.0
"""The words of a whole message: what it is about in one line, and its news, worst first. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.notification import items
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.cleaning import (
    base_of,
    link_to,
    plain,
    weight,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.full import data
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.targets import (
    added,
    and_more,
    counted,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.times import nanoseconds

# What is kept for templates: more than any channel takes.
_MOST_NEWS = 300
_MOST_LINES = 300

# What Slack takes as a header, and the longest subject.
_TITLE = 150
_SUBJECT = 200


def message_words(message: Mapping[str, Any], link: Any = "") -> Dict[str, Any]:
    """Return all that templates say of ``message``, cleaned and bounded; ``link`` is the base URL of the operator."""
    base = base_of(link)
    given: List[Mapping[str, Any]] = sorted(message.get("items") or (), key=items.gravity)
    is_alone = len(given) == 1
    news: List[Dict[str, Any]] = []
    lines = _MOST_LINES
    for item in given[:_MOST_NEWS]:
        one = items.words(item, base, is_alone=is_alone, most=lines)
        lines -= len(one["targets"])
        news.append(one)
    left = _numbers(given[_MOST_NEWS:])
    topic = news[0]["topic"] if news else ""
    about = _about(given)
    first = news[0] if is_alone else {"image": "", "counts": "", "link": link_to(base, "/rollouts")}
    said: Dict[str, Any] = {
        "id": plain(message.get("id"), 100) or "unnamed",
        "receiver": plain(message.get("receiver"), 100),
        "sent_for": plain(message.get("sent_for"), 40),
        "is_test": message.get("sent_for") == "test",
        "topic": topic,
        "event": re.sub("[^a-z0-9]+", "-", topic.lower()).strip("-") or "other",
        "time": _time(given),
        "mark": _mark(news),
        "headline": _framed(message, about),
        "title": _titled(message, about, first["image"], "", _TITLE),
        "subject": _titled(message, about, first["image"], first["counts"], _SUBJECT),
        "operator": base,
        "link": first["link"],
        "news": news,
        "rest": and_more(left),
        "left_out": left,
    }
    said["data"] = data(said, given)
    return said


def _numbers(given: Sequence[Mapping[str, Any]]) -> Dict[str, int]:
    return added(*({items.word(item): 1} for item in given))


def _about(given: Sequence[Mapping[str, Any]]) -> str:
    if len(given) == 1:
        return items.headline(given[0])
    noun = "rollouts" if all(map(items.is_rollout, given)) else "pieces of news"
    return f"{len(given)} {noun}: {counted(_numbers(given))}" if given else "nothing to tell"


def _framed(message: Mapping[str, Any], about: str) -> str:
    if message.get("sent_for") == "digest":
        return f"Digest: {about}"
    return f"Test: {about}, nothing happened" if message.get("sent_for") == "test" else about


def _titled(message: Mapping[str, Any], about: str, image: str, counts: str, most: int) -> str:
    """Return a title that fits in ``most`` bytes: where it would not, the image's name is shortened."""
    after = f" ({counts})" if counts else ""
    room = most - weight(_framed(message, f"{about}: {after}"))
    if image and room >= 20:
        return _framed(message, f"{about}: {plain(image, room)}{after}")
    return plain(_framed(message, about + after), most)


def _time(given: Sequence[Mapping[str, Any]]) -> str:
    """Return the newest moment that the news tells of, as RFC 3339; ``""`` where it tells of none."""
    moments = [
        (moment, str(item.get(name)).upper())
        for item in given
        for name in ("finished_at", "started_at", "at")
        for moment in (nanoseconds(item.get(name)),)
        if moment is not None
    ]
    return max(moments)[1] if moments else ""


def _mark(news: Sequence[Mapping[str, Any]]) -> str:
    marks = {one["mark"] for one in news}
    return "✗" if "✗" in marks else "✓" if marks == {"✓"} else "·"
