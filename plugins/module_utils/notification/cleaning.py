# SPDX-License-Identifier: Apache-2.0
"""Texts of other people, made fit to be told: one line, nothing that is not seen, no secret, not too long. Pure."""

from __future__ import annotations

import re
from typing import Any, List, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.references import is_digest
from ansible_collections.registry.docker_updater.plugins.module_utils.times import SECOND, nanoseconds

# Control characters, what takes no room, what turns the direction of writing, halves of pairs, and tags.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u3000\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
# Of what a channel's syntax escapes, the most bytes that any of them makes of it: JSON, HTML, and Slack's three entities.
_ESCAPED = {"&": 5, "<": 4, ">": 4, '"': 6, "'": 5, "\\": 2}
_HEAVY = re.compile("[&<>\"'\\\\]")

# ECMA-48: control sequences, strings that end with BEL or ST, and the rest of what begins with ESC.
_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?"
)

_NAME = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?|signature|api[_.-]?key|access[_.-]?key|private[_.-]?key|"
    r"account[_.-]?key|encryption[_.-]?key|session[_.-]?id)"
)
_VALUE = r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|\\["'][^"'\\]*\\?["']?|[^\s"']\S*)"""
# Whoever has one of these addresses can post: webhooks of Slack, of Discord, and of Teams (Logic Apps, Power Automate, Office 365
# connectors). Libraries tell of the host and the path apart. One that is signed has its key in `sig`.
_WEBHOOKS = (
    r"(?:https?://hooks\.slack(?:-gov)?\.com(?::\d+)?)?/(?:services|workflows|triggers)/[TE][0-9A-Z]{5,20}/[\w/-]+",
    r"https?://hooks\.slack(?:-gov)?\.com/[^\s\"'<>]+",
    r"(?:https?://(?:\w{1,20}\.)?discord(?:app)?\.com(?::\d+)?)?/api/(?:v\d{1,3}/)?webhooks/\d+/[\w-]+",
    r"https?://[\w.-]{1,200}\.(?:logic\.azure\.com|api\.powerplatform\.com|webhook\.office\.com)[:/][^\s\"'<>]*",
)
# As GitHub, GitLab, Slack and Amazon make them.
_TOKENS = (
    r"\b(?:gh[oprsu]_|github_pat_)\w{8,}",
    r"\b(?:gl[a-z]{1,8}t-|xox[a-z]-|xapp-)[\w-]{8,}",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    # JWS and JWE in the compact form (RFC 7515, 7516).
    r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*){0,3}",
)
_SECRETS: Tuple[Tuple["re.Pattern[str]", str], ...] = (
    (re.compile("|".join(_WEBHOOKS)), "***"),
    (re.compile(r"(?i)([?&]sig=)[^\s&\"'<>]+"), r"\1***"),
    (re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(\\?[\"']?\s{0,9}[:=]).*"), r"\1\2 ***"),
    (re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]{6,}"), r"\1 ***"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,20}://)[^\s/]*@"), r"\1***@"),
    (re.compile(rf"(?i)({_NAME}[\w.-]{{0,20}}\\?[\"']?\s{{0,9}}(?:=>|[=:])\s{{0,9}}){_VALUE}"), r"\1***"),
    (re.compile(rf"(?i)(?<!\S)(--?[\w-]{{0,40}}?{_NAME}[\w-]{{0,20}}\s{{1,9}}){_VALUE}"), r"\1***"),
    (re.compile("|".join(_TOKENS)), "***"),
)

_LOG_LINES = 5
_LOG_CHARACTERS = 160
_LOG_WEIGHT = 320
_READ_OF_A_LINE = 1000


def weight(text: str) -> int:
    """Return the most bytes of UTF-8 that ``text``, which holds no half of a pair, takes once a channel has escaped it."""
    heavy = _HEAVY.findall(text)
    return len(text.encode("utf-8")) + sum(_ESCAPED[one] - 1 for one in heavy)


def plain(text: Any, most: int = 80) -> str:
    """Return ``text`` as one line of at most ``most`` bytes, as :func:`weight` counts them; ``""`` for None.

    What is longer ends with ``…``, after a word where one ends in its second half.
    """
    whole = "" if text is None else str(text)
    line = " ".join(_UNSEEN.sub(" ", whole[: 8 * most]).split())
    if len(whole) <= 8 * most and weight(line) <= most:
        return line
    room = most - len("…".encode())
    end = 0
    for character in line:
        room -= _ESCAPED.get(character) or len(character.encode("utf-8"))
        if room < 0:
            break
        end += 1
    kept = line[:end]
    space = kept.rfind(" ")
    if space > end // 2 and line[end : end + 1] not in ("", " "):
        kept = kept[:space]
    return kept.rstrip() + "…"


def masked(text: str) -> str:
    """Return ``text`` with ``***`` for what looks like a secret in it: passwords, tokens, headers that log in."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def reason(text: Any) -> str:
    """Return why something happened as one short line without secrets."""
    return plain(masked("" if text is None else str(text)[:_READ_OF_A_LINE]), 300)


def log_lines(log: Any) -> List[str]:
    """Return the last lines of a log that say something, at most 5 of 160 characters each, without colours or secrets."""
    given = log if isinstance(log, (list, tuple)) else [log]
    lines = [line for one in given[-50:] if one is not None for line in str(one).splitlines()[-50:]]
    kept: List[str] = []
    for line in reversed(lines):
        seen = plain(masked(_ANSI.sub("", line[:_READ_OF_A_LINE])), 1200)
        if seen:
            short = seen if len(seen) <= _LOG_CHARACTERS else seen[: _LOG_CHARACTERS - 1].rstrip() + "…"
            kept.insert(0, plain(short, _LOG_WEIGHT))
        if len(kept) == _LOG_LINES:
            break
    return kept


def short_digest(text: Any) -> str:
    """Return a digest as ``sha256:`` and 12 digits; what is none, shortened."""
    return str(text)[:19] if is_digest(text) else plain(text, 24)


def moment(text: Any) -> str:
    """Return a moment as people read it, in the zone that it was written in; what is none, shortened."""
    if nanoseconds(text) is None:
        return plain(text, 40)
    written = str(text)
    zone = written[19:].lstrip(".0123456789")
    return f"{written[:10]} {written[11:19]} {'UTC' if zone in ('Z', 'z', '+00:00') else zone}"


def duration(since: Any, until: Any) -> str:
    """Return how long it is from one moment to another, such as ``2 min 5 s``; ``""`` where that is not known."""
    begin, end = nanoseconds(since), nanoseconds(until)
    if begin is None or end is None or end < begin:
        return ""
    seconds = (end - begin) // SECOND
    for larger, smaller, words in (
        (86400, 3600, "{} d {} h"),
        (3600, 60, "{} h {} min"),
        (60, 1, "{} min {} s"),
    ):
        if seconds >= larger:
            return words.format(seconds // larger, seconds % larger // smaller)
    return f"{seconds} s"


def base_of(link: Any) -> str:
    """Return the base URL that links begin with, without a slash at its end; ``""`` where it is none that a browser opens."""
    text = "" if link is None else str(link).rstrip("/")
    return (
        text
        if re.fullmatch(r"https?://[A-Za-z0-9\[][!#$%&()*+,./:;=?@\[\]\w~-]{0,400}", text, re.ASCII)
        else ""
    )


def link_to(base: str, path: Any) -> str:
    """Return the address of a page of the operator; ``""`` without a base, or for what is no path."""
    text = "" if path is None else str(path)
    return base + text if base and re.fullmatch(r"/[\w./~%?&=:@+-]{0,300}", text, re.ASCII) else ""
