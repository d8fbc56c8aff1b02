# SPDX-License-Identifier: Apache-2.0
"""The words of one piece of news: what happened, of what, where, since when, and what happens next. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.notification.cleaning import (
    duration,
    link_to,
    moment,
    plain,
    reason,
    short_digest,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.targets import (
    alike,
    and_more,
    counted,
    counts,
    digest,
    line,
    places,
)

UPDATED, FAILED, STARTED, WAITING, SILENT, WAITS = (
    "image updated",
    "update failed",
    "started",
    "waiting for a person",
    "registry silent",
    "update waits",
)
GRAVEST_FIRST = (FAILED, SILENT, WAITING, WAITS, UPDATED, STARTED)

_HEADLINES = {
    UPDATED: "Image updated",
    FAILED: "Update failed",
    STARTED: "Update started",
    WAITING: "Waiting for a person",
    SILENT: "Registry silent",
    WAITS: "Update waits",
}
_MARKS = {UPDATED: "✓", FAILED: "✗", SILENT: "✗"}
# How a piece of news is counted among others.
_WORDS = {
    UPDATED: "updated",
    FAILED: "failed",
    STARTED: "started",
    WAITING: "waiting for a person",
    WAITS: "waiting",
}
# So many sentences say what a person broke.
_MOST_INSISTED = 4
# Of a rollout that waits, the title says for what.
_TITLED = (WAITING, WAITS)


def is_rollout(item: Mapping[str, Any]) -> bool:
    """Tell whether the news is that of a rollout."""
    return bool(item.get("image")) or "outcomes" in item


def gravity(item: Mapping[str, Any]) -> int:
    """Return a number by which news is put in order: what is bad comes first, and what is good again counts as good."""
    topic = item.get("topic")
    if item.get("recovered"):
        topic = UPDATED
    return GRAVEST_FIRST.index(topic) if topic in GRAVEST_FIRST else 1


def word(item: Mapping[str, Any]) -> str:
    """Return the word by which a piece of news is counted, such as ``failed`` or ``recovered``."""
    return "recovered" if item.get("recovered") else _WORDS.get(str(item.get("topic")), "other")


def headline(item: Mapping[str, Any]) -> str:
    """Return what the news is in a few words."""
    if item.get("title") and (not is_rollout(item) or item.get("topic") in _TITLED):
        return plain(item.get("title"), 110)
    if item.get("recovered"):
        return "Recovered"
    return _HEADLINES.get(str(item.get("topic")), "News")


def link(item: Mapping[str, Any], base: str) -> str:
    """Return the address of the page about the news; ``""`` where there is none."""
    page = link_to(base, item.get("path"))
    if page or not is_rollout(item):
        return page
    number = str(item.get("id"))
    return link_to(base, f"/rollouts/{number}") if number.isascii() and number.isdigit() else ""


def words(item: Mapping[str, Any], base: str, *, is_alone: bool, most: int) -> Dict[str, Any]:
    """Return the words of one piece of news, with at most ``most`` lines of targets.

    One that is not alone in its message says less of what was when.
    """
    outcomes: Sequence[Mapping[str, Any]] = item.get("outcomes") or ()
    groups = alike(outcomes)
    left = counts([one for group in groups[most:] for one in group])
    said, image = headline(item), plain(item.get("image"), 300)
    return {
        "topic": plain(item.get("topic"), 40),
        "word": word(item),
        "headline": said,
        "title": f"{said}: {plain(image, 120)}" if image else said,
        "image": image,
        "mark": "✓" if item.get("recovered") else _MARKS.get(str(item.get("topic")), "·"),
        "counts": counted(counts(outcomes)),
        "facts": _facts(item, outcomes, is_alone=is_alone) if is_rollout(item) else _other_facts(item),
        "targets": [line(group) for group in groups[:most]],
        "rest": and_more(left),
        "left_out": left,
        "then": _then(item),
        "link": link(item, base),
    }


def _facts(
    item: Mapping[str, Any], outcomes: Sequence[Mapping[str, Any]], *, is_alone: bool
) -> List[Dict[str, str]]:
    found = {
        "Image": plain(item.get("image"), 300),
        "Targets": _targets(item, outcomes),
        "Where": places(outcomes),
        "Digest": _digest(item, outcomes),
        "Pushed": " ".join(
            f"{by} {said}"
            for by, said in (
                ("by", plain(item.get("actor"))),
                ("at", moment(item.get("pushed_at"))),
                ("to", plain(item.get("registry"))),
            )
            if said
        ),
        "Took": _took(item),
        "Rollout": ", ".join(
            f"{what} {said}".strip()
            for what, said in (
                ("", plain(item.get("id"), 20)),
                ("attempt", plain(item.get("attempt"), 20)),
                ("began", moment(item.get("started_at"))),
                ("ended", moment(item.get("finished_at"))),
            )
            if said
        ),
    }
    shown = found if is_alone else [name for name in found if name not in ("Image", "Where", "Rollout")]
    return [{"label": name, "value": found[name]} for name in shown if found[name]]


def _other_facts(item: Mapping[str, Any]) -> List[Dict[str, str]]:
    found = {"What": plain(item.get("text"), 600), "At": moment(item.get("at"))}
    return [{"label": name, "value": value} for name, value in found.items() if value]


def _targets(item: Mapping[str, Any], outcomes: Sequence[Mapping[str, Any]]) -> str:
    said, total = counted(counts(outcomes)), item.get("targets")
    if not isinstance(total, int) or total <= len(outcomes):
        return said
    return f"{said} (of {total} that the rollout has)" if said else str(total)


def _digest(item: Mapping[str, Any], outcomes: Sequence[Mapping[str, Any]]) -> str:
    new = short_digest(item.get("digest"))
    old = {short_digest(digest(one, "before")) for one in outcomes} - {"", new}
    if not old or not new:
        return new
    return f"{old.pop()} → {new}" if len(old) == 1 else f"several → {new}"


def _took(item: Mapping[str, Any]) -> str:
    took = duration(item.get("pushed_at"), item.get("finished_at"))
    return f"{took} from the push to the end" if took else ""


def insisted(item: Mapping[str, Any]) -> List[str]:
    """Return who wanted it although a rule or a freeze speaks against it, in sentences."""
    given = item.get("insisted")
    return [f"{reason(one)}." for one in given[:_MOST_INSISTED]] if isinstance(given, list) else []


def _then(item: Mapping[str, Any]) -> List[str]:
    said = insisted(item)
    if item.get("retry_at"):
        said.append(f"Tried again by itself at {moment(item.get('retry_at'))}.")
    if item.get("waits_for"):
        said.append(f"Waits for {reason(item.get('waits_for'))}")
    if item.get("then"):
        said.append(reason(item.get("then")))
    return said
