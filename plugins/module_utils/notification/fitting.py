# SPDX-License-Identifier: Apache-2.0
"""Words, fitted in what a channel takes: fewer lines, never a line cut, and what is left out is counted. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.notification.cleaning import weight
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.targets import (
    Counts,
    added,
    and_more,
)

# How many lines of targets each piece of news has among others.
_LINES_AMONG_OTHERS = 3


class Room:
    """What is left of a message's room: ``size`` in bytes as escaped, ``lines``, and ``each`` byte that a text costs besides."""

    def __init__(self, size: int, lines: int, each: int) -> None:
        self._size, self._lines, self._each = size, lines, each

    def takes(self, *texts: str, lines: int = 0) -> bool:
        """Take room for these texts and so many lines; tell whether there was room, and take none where there was not."""
        size = self._size - sum(weight(text) + self._each for text in texts if text)
        if size < 0 or self._lines < lines:
            return False
        self._size, self._lines = size, self._lines - lines
        return True


def fitted(words: Mapping[str, Any], size: int, lines: int, each: int = 0) -> Dict[str, Any]:
    """Return the words of a message, with as many of its news and targets as there is room for, worst first.

    ``size`` is how many bytes the texts may have once they are escaped, and ``each`` how many the form around one text costs. Every
    piece of news and every line of a target is one of ``lines``. Titles are always kept, and of the first piece of news as many
    facts as there is room for.
    """
    room = Room(size, lines, each)
    room.takes(words["title"], words["link"], and_more(_all_news(words)))
    is_alone = len(words["news"]) == 1 and not words["left_out"]
    most = lines if is_alone else _LINES_AMONG_OTHERS
    news: List[Dict[str, Any]] = []
    for one in words["news"]:
        if room.takes(*_head(one, is_alone=is_alone), lines=1):
            news.append({**one, "targets": _more_targets([], one, room, most, only_bad=True)})
        elif not news:
            room.takes(*_frame(one, is_alone=is_alone), lines=1)
            news.append(_shortened(one, room))
        else:
            break
    for one, whole in zip(news, words["news"]):
        one["targets"] = _more_targets(one["targets"], whole, room, most)
        one["left_out"] = added(*_numbers(whole["targets"][len(one["targets"]) :]), whole["left_out"])
        one["rest"] = and_more(one["left_out"])
    left = added(*({one["word"]: 1} for one in words["news"][len(news) :]), words["left_out"])
    return {**words, "news": news, "left_out": left, "rest": and_more(left)}


def _all_news(words: Mapping[str, Any]) -> Counts:
    return added(*({one["word"]: 1} for one in words["news"]), words["left_out"])


def _numbers(targets: Sequence[Mapping[str, Any]]) -> List[Counts]:
    return [{target["outcome"]: target["count"]} for target in targets]


def _head(one: Mapping[str, Any], *, is_alone: bool) -> List[str]:
    """Return the texts of a piece of news that stand there however few targets are listed."""
    return [*_frame(one, is_alone=is_alone), *map(_text, one["facts"]), *one["then"]]


def _frame(one: Mapping[str, Any], *, is_alone: bool) -> List[str]:
    titles = [] if is_alone else [one["title"], one["link"]]
    return [*titles, and_more(added(*_numbers(one["targets"]), one["left_out"]))]


def _text(fact: Mapping[str, str]) -> str:
    return f"{fact['label']}: {fact['value']}"


def _shortened(one: Mapping[str, Any], room: Room) -> Dict[str, Any]:
    """Return a piece of news with those of its facts and sentences for which there is room, and without targets."""
    facts = [fact for fact in one["facts"] if room.takes(_text(fact))]
    then = [sentence for sentence in one["then"] if room.takes(sentence)]
    return {**one, "facts": facts, "then": then, "targets": []}


def _more_targets(
    kept: Sequence[Mapping[str, Any]],
    one: Mapping[str, Any],
    room: Room,
    most: int,
    *,
    only_bad: bool = False,
) -> List[Mapping[str, Any]]:
    """Return ``kept`` and the targets after them for which there is room, of ``most``; bad ones are the first."""
    found = list(kept)
    for target in one["targets"][len(kept) : most]:
        is_wanted = target["mark"] == "✗" or not only_bad
        if not is_wanted or not room.takes(target["text"], target["reason"], *target["log"], lines=1):
            break
        found.append(target)
    return found
