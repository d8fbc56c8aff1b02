"""What our own format means, and that nothing misspelt in it vanishes."""

import json
import shlex
from datetime import UTC, datetime
from typing import Any

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import UNKNOWN_TIME
from registry_docker_updater.core.events.formats.generic import FORMAT
from registry_docker_updater.core.events.pushes import (
    Event,
    Ignored,
    Malformed,
    Push,
    Unreadable,
    UnresolvedPush,
)
from registry_docker_updater.core.events.receiving import read
from unit.formats.damaged import damaged

APP = "sha256:0154d72cf363861a4c1435b3a6c9743f66283c89f39c9831f23a906d3a12a9bd"
MULTI = "sha256:de27aef8953e87e0ceb5e3f5976b76de9ef8e569ab9192b4c047520fb5030d5d"
LEAST = {"repository": "team/app", "tag": "1.4"}
PUSH = {**LEAST, "digest": APP, "time": "2026-11-22T12:00:00+02:00", "actor": "alice", "id": "job 7"}


def reading(event: Any) -> Event:
    (one,) = FORMAT.read("production", Delivery(json.dumps(event).encode()))
    return one


def key(**changed: Any) -> str:
    push = reading({**PUSH, **changed})
    assert isinstance(push, Push | UnresolvedPush)
    return push.key


def test_a_pushed_tag_is_a_push_of_exactly_that_digest() -> None:
    push = reading(PUSH)
    assert isinstance(push, Push)
    noon = datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert push == Push("production", "team/app", "1.4", APP, noon, push.key, "alice")


@pytest.mark.parametrize("nothing", [{}, dict.fromkeys(("digest", "time", "actor", "id"))])
def test_a_repository_and_a_tag_are_enough(nothing: dict[str, None]) -> None:
    push = reading({**LEAST, **nothing})
    assert push == UnresolvedPush("production", "team/app", "1.4", UNKNOWN_TIME, "", None)


def test_several_events_come_as_a_list() -> None:
    body = json.dumps([PUSH, LEAST]).encode()
    assert FORMAT.read("production", Delivery(body)) == [reading(PUSH), reading(LEAST)]
    assert FORMAT.read("production", Delivery(b"[]")) == []


def test_repeats_of_an_event_have_one_key_and_no_others_have_it() -> None:
    assert key() == key(time="2026-11-22T12:00:01Z", actor=None)
    others: list[dict[str, Any]] = [
        {"id": "job 8"},
        {"tag": "1.5"},
        {"repository": "team/web"},
        {"digest": MULTI},
        {"digest": None},
    ]
    assert len({key(), *(key(**other) for other in others)}) == 6


def test_without_an_id_a_push_is_known_by_its_time_and_without_either_by_nothing() -> None:
    assert key(id=None) == key(id="") == key(id=None, time="2026-11-22T10:00:00Z")
    assert key(id=None, time="2026-11-22T10:00:01Z") != key(id=None)
    assert key(id=None, time=None) == ""
    assert key(id=None, digest=None) == ""


def test_a_push_by_digest_and_a_signature_are_ignored() -> None:
    assert reading({**PUSH, "tag": APP}) == Ignored("manifest without a tag")
    assert reading({**PUSH, "tag": APP.replace(":", "-")}) == Ignored("signature or attestation")


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ({**PUSH, "digets": APP}, "unknown fields: 'digets'"),
        ({**PUSH, "Tag": "1.4", "registry": "evil.example.com"}, "unknown fields: 'Tag', 'registry'"),
        ({**PUSH, "half \ud83d": 1}, "unknown fields"),
        ({**PUSH, "id": 7}, "not text: id"),
        ({**PUSH, "tag": 1.4, "actor": ["alice"]}, "not text: tag, actor"),
        ({"repository": "team/app"}, "is not a tag"),
        ({**PUSH, "tag": ""}, "is not a tag"),
        ({"tag": "1.4"}, "is not a repository name"),
        ({**PUSH, "repository": "registry.example.com:5000/team/app"}, "is not a repository name"),
        ({**PUSH, "digest": ""}, "is not a digest"),
        ({**PUSH, "digest": "latest"}, "is not a digest"),
        ({**PUSH, "time": ""}, "is not a time"),
        ({**PUSH, "time": "yesterday"}, "is not a time"),
        ("team/app:1.4", "no object"),
        (None, "no object"),
        ([], "no object"),
    ],
)
def test_what_makes_no_sense_is_unreadable_and_named(event: Any, named: str) -> None:
    (one,) = FORMAT.read("production", Delivery(json.dumps([event]).encode()))
    assert isinstance(one, Unreadable)
    assert named in one.reason
    assert one.content == event


def test_a_list_with_something_misspelt_is_refused_as_a_whole() -> None:
    with pytest.raises(Malformed, match="'digets'"):
        read("production", FORMAT, Delivery(json.dumps([PUSH, {**PUSH, "digets": APP}]).encode()))


def test_a_reason_names_a_few_of_many_unknown_fields() -> None:
    one = reading({**PUSH, **{"x" * 1000 + str(number): 1 for number in range(100)}})
    assert isinstance(one, Unreadable)
    assert len(one.reason) < 400


@pytest.mark.parametrize("body", [b"null", b"7", b'"team/app:1.4"', b"team/app:1.4", b""])
def test_what_is_neither_object_nor_list_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        FORMAT.read("production", Delivery(body))


def test_nothing_of_a_wrong_type_is_an_error_of_ours() -> None:
    for event in (*damaged(PUSH), *damaged([PUSH])):
        try:
            assert all(
                isinstance(one, Event)
                for one in FORMAT.read("production", Delivery(json.dumps(event).encode()))
            )
        except Malformed:
            continue


@pytest.mark.parametrize("header", ["authorization", "x-registry-docker-updater-secret"])
def test_the_secret_is_in_either_header(header: str) -> None:
    for value, is_known in (("s3cret", True), ("Bearer s3cret", True), ("S3cret", False), ("", False)):
        assert FORMAT.proves(Delivery(b"", {header: value}), "s3cret") is is_known
        assert not FORMAT.proves(Delivery(b"", {header: value}), "")
    assert not FORMAT.proves(Delivery(b"", {"x-secret": "s3cret"}), "s3cret")


def test_what_is_to_be_pasted_is_a_command_whose_data_are_a_push() -> None:
    snippet = FORMAT.snippet.format(
        name="production", address='"https://updater.example.com/events/production"'
    )
    command = shlex.split(snippet.replace("\\\n", " "), comments=True)
    assert command[0] == "curl"
    assert "https://updater.example.com/events/production" in command
    assert "Authorization: Bearer SECRET" in command
    assert reading(json.loads(command[command.index("--data") + 1])) == reading(LEAST)
