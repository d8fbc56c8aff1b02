# SPDX-License-Identifier: Apache-2.0
"""What became of targets, in lines: those that are alike are one line, and what somebody has to look at comes first. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Set, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.notification.cleaning import (
    log_lines,
    plain,
    reason,
    short_digest,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import (
    BEGUN,
    OUTCOMES,
    UPDATED,
    WAITS,
    is_good,
    is_open,
    rank,
)

_NAMED_PLACES = 3
# What is counted of targets of which nothing has come to an end.
_OPEN = {WAITS: "waiting", BEGUN: "begun"}
# The beginnings of ``where``, longest first, and what such a place is.
_PLACES = (("swarm of ", "swarm"), ("swarm ", "swarm"), ("host ", "host"))

Counts = Dict[str, int]
"""How many there are of each sort, by a word for people."""


def alike(outcomes: Sequence[Mapping[str, Any]]) -> List[List[Mapping[str, Any]]]:
    """Return the outcomes in groups of targets that differ in nothing but where they are; bad ones first."""
    groups: Dict[Tuple[str, ...], List[Mapping[str, Any]]] = {}
    for one in outcomes:
        parts = (one.get("kind"), one.get("name"), one.get("outcome"), one.get("was"), one.get("message"))
        key = tuple(str(part)[:500] for part in (*parts, digest(one, "before"), digest(one, "after")))
        groups.setdefault(key, []).append(one)
    return sorted(groups.values(), key=lambda group: rank(group[0].get("outcome")))


def counts(outcomes: Sequence[Mapping[str, Any]]) -> Counts:
    """Return how many targets ended how, bad ones first; words that nobody knows count as ``other``."""
    ends = sorted((one.get("outcome") for one in outcomes), key=rank)
    return added(*({word_of(end): 1} for end in ends))


def added(*numbers: Mapping[str, int]) -> Counts:
    """Return the sums of numbers by word, in the order in which the words come first."""
    found: Counts = {}
    for some in numbers:
        for word, number in some.items():
            found[word] = found.get(word, 0) + number
    return found


def counted(numbers: Mapping[str, int]) -> str:
    """Return numbers by word as people read them, such as ``2 failed, 10 updated``."""
    return ", ".join(f"{number} {word}" for word, number in numbers.items())


def and_more(numbers: Mapping[str, int]) -> str:
    """Return the line about what is left out, such as ``and 12 more: 10 updated, 2 unchanged``; ``""`` where nothing is."""
    return f"and {sum(numbers.values())} more: {counted(numbers)}" if numbers else ""


def word_of(outcome: Any) -> str:
    """Return an outcome as a word for people."""
    if is_open(outcome):
        return _OPEN[outcome]
    return str(outcome).replace("_", " ") if outcome in OUTCOMES else "other"


def mark_of(outcome: Any) -> str:
    """Return ``✗`` where somebody has to look, ``✓`` where something was updated, and ``·`` where nothing was to be done, or has ended."""
    return "✓" if outcome == UPDATED else "·" if is_good(outcome) or is_open(outcome) else "✗"


def digest(outcome: Mapping[str, Any], when: str) -> Any:
    """Return the digest of a target ``before`` or ``after``; None where it is not known."""
    side = outcome.get(when)
    return side.get("digest") if isinstance(side, Mapping) else None


def place(outcome: Mapping[str, Any]) -> Tuple[str, str]:
    """Return what kind of place a target is in, and which: two targets of one swarm are in one place."""
    where = str(outcome.get("where") or "")
    for beginning, noun in _PLACES:
        if where.startswith(beginning):
            swarm = outcome.get("swarm") if noun == "swarm" else None
            return noun, plain(swarm or where[len(beginning) :], 60)
    return "place", plain(where, 60)


def places(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """Return in how many places targets are, such as ``2 swarms, 250 hosts``."""
    found = [place(one) for one in outcomes if one.get("where")]
    nouns: Dict[str, Set[str]] = {}
    for noun, name in found:
        nouns.setdefault(noun, set()).add(name)
    order = ("swarm", "host", "place")
    return ", ".join(
        f"{len(nouns[noun])} {noun}{'s' if len(nouns[noun]) > 1 else ''}" for noun in order if noun in nouns
    )


def line(group: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the line of targets that are alike: ``mark``, ``text``, ``reason``, ``log``, ``outcome`` and ``count``."""
    one = group[0]
    outcome = one.get("outcome")
    said = plain("begun" if outcome is BEGUN else str(outcome).replace("_", " "), 20)
    was = one.get("was")
    if was is not None and was != outcome and not is_good(was):
        said += f" (was {plain(str(was).replace('_', ' '), 20)})"
    text = f"{plain(one.get('kind'), 20)} {plain(one.get('name'))}".strip()
    return {
        "mark": mark_of(outcome),
        "text": f"{text}{_on(group)}: {said}{_digests(one)}{_names(group)}",
        "reason": reason(one.get("message")),
        "log": [] if is_good(outcome) or is_open(outcome) else log_lines(one.get("log")),
        "outcome": word_of(outcome),
        "count": len(group),
    }


def _on(group: Sequence[Mapping[str, Any]]) -> str:
    if len(group) == 1:
        where = plain(group[0].get("where"))
        return f" on {where}" if where else ""
    return f" on {places(group)}" if places(group) else f", {len(group)} times"


def _names(group: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(place(one)[1] for one in group if one.get("where")))
    if len(group) == 1 or not names:
        return ""
    shown = [plain(name, 40) for name in names[:_NAMED_PLACES]]
    left = len(names) - len(shown)
    if left:
        return f" ({', '.join(shown)} and {left} more)"
    return f" ({' and '.join(filter(None, (', '.join(shown[:-1]), shown[-1])))})"


def _digests(one: Mapping[str, Any]) -> str:
    before, after = (short_digest(digest(one, when)) for when in ("before", "after"))
    if before and after and before != after:
        return f", {before} → {after}"
    if before or after:
        still = after or one.get("outcome") == WAITS
        return f", {'is' if still else 'was'} at {after or before}"
    return ""
