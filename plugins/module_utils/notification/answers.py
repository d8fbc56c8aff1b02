# SPDX-License-Identifier: Apache-2.0
"""What a webhook's answer means: whether the message was taken, else why not and when to come again. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Mapping, NamedTuple, Optional

from ansible_collections.registry.docker_updater.plugins.module_utils.json_text import decode_json

SLACK, TEAMS, ANY = "slack", "teams", "any"
KINDS = (SLACK, TEAMS, ANY)

_LONGEST_WAIT = 86400
_SHORT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{1,59}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HTTP_DATE = re.compile(r"\w{3}, (\d{2}) (\w{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT")
# No page, no sentence, and no word for what went wrong.
_PLAIN_WORD = re.compile(r"(?!.*(error|fail))\w{1,20}", re.IGNORECASE)
_TEAMS_INNER_ERROR = re.compile(r"returned HTTP error (\d{3})")


class Reply(NamedTuple):
    """What the other side said: the HTTP status, the beginning of the body, and the header ``Retry-After``."""

    status: int
    body: str = ""
    retry_after: Optional[str] = None


class Answer(NamedTuple):
    """Whether the message was taken; else ``reason``, a sentence, and the seconds the other side asks to wait."""

    sent: bool
    reason: str = ""
    retry_after: Optional[int] = None


def classify(kind: str, reply: Reply, url: str, now: datetime) -> Answer:
    """Tell what ``reply`` to a message for a receiver of this ``kind`` means.

    Slack answers an incoming webhook 200 with the text ``ok``, or an HTTP error with the error's short name as text
    (docs.slack.dev, "Sending messages using incoming webhooks", "Handling errors"); a relay that speaks as Slack's Web
    API does answers JSON with ``ok`` and ``error`` (docs.slack.dev, "Evaluating responses"), Rocket.Chat's, which takes the
    same messages, JSON with ``success``. A workflow of Microsoft Teams answers 202; the older connector 200 with ``1``, and
    with an error of Teams as text under a 200 (learn.microsoft.com, "Create and send messages", "Rate limiting for
    connectors"). What is a page, as of a proxy that wants a login, is no answer of theirs. Others count with any 2xx.

    Of an answer's body only a short name is told, and only one that is no part of ``url``, which may be a secret.
    """
    sent, status = _is_taken(kind, reply)
    if sent:
        return Answer(True)
    asked = _seconds(reply.retry_after, now) if status in (429, 503) else None
    return Answer(False, _reason(reply, status, _short_name(reply.body, url)), asked)


def _is_taken(kind: str, reply: Reply) -> "tuple[bool, int]":
    """Tell whether the message was taken, and which status says why not."""
    status, text = reply.status, reply.body.strip()
    is_fine = 200 <= status < 300
    if kind == ANY or not is_fine or text.lower() in ("", "ok") or (kind == TEAMS and status == 202):
        return is_fine, status
    found = _json(text)
    if found:
        return "error" not in found and found.get("ok", True) is True and bool(
            found.get("success", True)
        ), status
    inner = _TEAMS_INNER_ERROR.search(text) if kind == TEAMS else None
    return kind == TEAMS and bool(_PLAIN_WORD.fullmatch(text)), int(inner.group(1)) if inner else status


def _reason(reply: Reply, status: int, name: str) -> str:
    named = f" ({name})" if name else ""
    if 300 <= status < 400:
        return f"HTTP {status}: it redirects elsewhere, which is not followed"
    if status != reply.status:
        return f"HTTP {reply.status}, and in it the error {status} of Microsoft Teams"
    if 200 <= status < 300:
        return f"HTTP {status}, but the answer {f'is an error{named}' if named else 'does not say that it was taken'}"
    return f"HTTP {status}{named}"


def _short_name(body: str, url: str) -> str:
    """Return the error's name where the body is one, or JSON with one."""
    text = body.strip()
    found = _json(text)
    error = found.get("error")
    named = error.get("code") if isinstance(error, Mapping) else error or found.get("code") or text
    if not isinstance(named, str) or not _SHORT_NAME.fullmatch(named) or named.lower() in url.lower():
        return ""
    return named


def _json(text: str) -> Mapping[str, object]:
    try:
        found = decode_json(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(given: Optional[str], now: datetime) -> Optional[int]:
    """Read ``Retry-After``, seconds or an HTTP date (RFC 9110, 10.2.3), within a day; None where it is neither."""
    text = (given or "").strip()
    if re.fullmatch("[0-9]{1,20}", text):
        return min(int(text), _LONGEST_WAIT)
    date = _HTTP_DATE.fullmatch(text)
    if not date or date.group(2) not in _MONTHS:
        return None
    day, month, year, hour, minute, second = date.groups()
    try:
        then = datetime(
            int(year),
            _MONTHS.index(month) + 1,
            int(day),
            int(hour),
            int(minute),
            int(second),
            tzinfo=timezone.utc,
        )
    except ValueError:
        return None
    return max(0, min(int((then - now).total_seconds()), _LONGEST_WAIT))
