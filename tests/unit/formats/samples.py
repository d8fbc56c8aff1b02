"""The examples of one sender beside the tests, and what is made of them."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.pushes import (
    Event,
    Ignored,
    Malformed,
    Push,
    Unreadable,
    UnresolvedPush,
)

_PAYLOADS = Path(__file__).parents[2] / "payloads"
APP = "sha256:5f1c3c1f3a1d5b8a2c7e9d0b4f6a8e2d1c3b5a79680f1e2d3c4b5a6978870f1e"
SECRET = "s3cret of the sender"
# No sender writes these into any field; the last two cannot be encoded, and cannot be held.
_WRONG: tuple[Any, ...] = (None, 7, [], {}, "x", True, ["x"], {"x": "x"}, "\ud83d", 10**400)


def names(sender: str) -> set[str]:
    return {path.stem for path in _PAYLOADS.glob(f"{sender}-*.json")}


def sample(name: str) -> Any:
    return json.loads((_PAYLOADS / f"{name}.json").read_text())


def delivery(content: Any, headers: Mapping[str, str] | None = None) -> Delivery:
    return Delivery(json.dumps(content).encode(), headers or {})


def changed(content: Any, *path: str | int, to: Any) -> Any:
    """Return a copy of the content with another value at the path."""
    if not path:
        return to
    copy = content.copy()
    copy[path[0]] = changed(content[path[0]] if path[1:] else None, *path[1:], to=to)
    return copy


def without(content: Any, *path: str | int) -> Any:
    """Return a copy of the content that lacks the field at the path."""
    name, *inner = path
    if inner:
        return {**content, name: without(content[name], *inner)}
    return {key: value for key, value in content.items() if key != name}


def read_one(sender: Format, content: Any, headers: Mapping[str, str] | None = None) -> Event:
    (event,) = sender.read("production", delivery(content, headers))
    return event


def unresolved(sender: Format, content: Any, headers: Mapping[str, str] | None = None) -> UnresolvedPush:
    event = read_one(sender, content, headers)
    assert isinstance(event, UnresolvedPush)
    return event


def unreadable(sender: Format, content: Any) -> Unreadable:
    event = read_one(sender, content)
    assert isinstance(event, Unreadable)
    return event


def signature(body: bytes, secret: str = SECRET, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()


def assert_whatever_is_in_it_is_read_or_refused(sender: Format, name: str) -> None:
    for content in _with_one_wrong(sample(name)):
        try:
            events = sender.read("production", delivery(content))
        except Malformed:
            continue
        assert isinstance(events, list)
        for event in events:
            assert isinstance(event, Push | UnresolvedPush | Ignored | Unreadable)


def assert_no_other_body_is_taken(sender: Format) -> None:
    others: tuple[Any, ...] = (None, 7, "x", [], [{}], {}, True, {"x": "x"})
    bodies = (b"", b"{", b"\xff\xfe", b"NaN", b"[" * 200 + b"]" * 200)
    for body in (*bodies, *(json.dumps(content).encode() for content in others)):
        with pytest.raises(Malformed):
            sender.read("production", Delivery(body))


def snippet(sender: Format) -> str:
    text = sender.snippet.format(name="production", address='"https://updater.example.com/events/production"')
    assert "production" in text.splitlines()[0]
    assert '"https://updater.example.com/events/production"' in text
    assert "SECRET" in text
    return text


def _with_one_wrong(content: Any) -> Iterator[Any]:
    yield from _WRONG
    if isinstance(content, dict | list):
        for place in range(len(content)) if isinstance(content, list) else list(content):
            for inner in _with_one_wrong(content[place]):
                copy = content.copy()
                copy[place] = inner
                yield copy
