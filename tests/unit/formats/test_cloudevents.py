"""What CloudEvents of anybody mean, alone and in batches."""

import json
import shlex
from datetime import UTC, datetime
from typing import Any

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.cloudevents import FORMAT
from registry_docker_updater.core.events.formats.fields import UNKNOWN_TIME
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
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BATCH = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}
DATA: dict[str, Any] = {"repository": "team/app", "tag": "v1", "digest": APP, "actor": "alice"}


def event(data: Any = DATA, **attributes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": "com.example.image.pushed",
        "source": "https://ci.example.com",
        "id": "41",
        "time": "2026-11-22T12:00:00Z",
        "data": data,
        **attributes,
    }


def reading(content: Any) -> Event:
    (one,) = FORMAT.read("production", Delivery(json.dumps(content).encode()))
    return one


def of_batch(*contents: Any) -> list[Event]:
    return list(FORMAT.read("production", Delivery(json.dumps(contents).encode(), BATCH)))


def test_a_pushed_tag_is_a_push_of_exactly_that_digest() -> None:
    push = reading(event())
    assert isinstance(push, Push)
    assert push == Push("production", "team/app", "v1", APP, NOON, push.key, "alice")


def test_an_event_in_binary_mode_is_the_same() -> None:
    attributes = event()
    data = json.dumps(attributes.pop("data")).encode()
    headers = {f"ce-{name}": value for name, value in attributes.items()}
    assert FORMAT.read("production", Delivery(data, headers)) == [reading(event())]


@pytest.mark.parametrize("digest", [{}, {"digest": None}])
def test_a_push_without_a_digest_is_one_to_be_resolved(digest: dict[str, None]) -> None:
    push = reading(event({"repository": "team/app", "tag": "v1", **digest}))
    assert isinstance(push, UnresolvedPush)
    assert push == UnresolvedPush("production", "team/app", "v1", NOON, push.key, None)
    assert push.key


@pytest.mark.parametrize(
    "kind", ["image.pushed", "artifact.pushed", "harbor.artifact.pushed", "zotregistry.image.updated"]
)
def test_what_its_type_says_is_a_push(kind: str) -> None:
    assert isinstance(reading(event(type=kind)), Push)


@pytest.mark.parametrize("kind", ["com.example.image.deleted", "image.pushed.v2", "myimage.pushed"])
def test_any_other_type_is_ignored_whatever_it_holds(kind: str) -> None:
    assert reading(event(None, type=kind)) == Ignored(kind)


@pytest.mark.parametrize("tag", ["", None, APP, 7])
def test_a_push_without_a_tag_is_ignored(tag: Any) -> None:
    assert reading(event({**DATA, "tag": tag})) == Ignored("manifest without a tag")


def test_an_event_without_a_time_is_of_when_it_comes() -> None:
    push = reading(event(time=None))
    assert isinstance(push, Push)
    assert push.occurred_at == UNKNOWN_TIME


def test_an_event_is_known_by_its_source_and_its_id() -> None:
    events = [event(), event(), event(id="42"), event(source="/elsewhere"), event(source=None)]
    keys = [one.key for one in map(reading, events) if isinstance(one, Push)]
    assert keys[0] == keys[1]
    assert len(keys) == 5
    assert len(set(keys)) == 4


def test_of_a_batch_each_event_is_read_by_itself() -> None:
    assert of_batch() == []
    assert of_batch(event(), event(id="42", type="deleted")) == [reading(event()), Ignored("deleted")]


@pytest.mark.parametrize("content", [None, 7, [], {}, event(id=None), event(time="noon")])
def test_what_is_no_event_in_a_batch_is_unreadable_and_its_neighbours_count(content: Any) -> None:
    unreadable, push = of_batch(content, event())
    assert isinstance(unreadable, Unreadable)
    assert unreadable.content == content
    assert isinstance(push, Push)


def test_who_sends_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(Malformed, match="without data"):
        read("production", FORMAT, Delivery(json.dumps(event(None)).encode()))
    with pytest.raises(Malformed, match="a batch"):
        FORMAT.read("production", Delivery(json.dumps(event()).encode(), BATCH))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"digest": "latest"}, "is not a digest"),
        ({"digest": ""}, "is not a digest"),
        ({"digest": 7}, "is not a digest"),
        ({"repository": None}, "is not a repository name"),
        ({"tag": "v1 v2"}, "is not a tag"),
        ({"tag": "v1 v2", "digest": None}, "is not a tag"),
    ],
)
def test_a_push_that_makes_no_sense_is_unreadable(changed: dict[str, Any], named: str) -> None:
    one = reading(event({**DATA, **changed}))
    assert isinstance(one, Unreadable)
    assert named in one.reason
    assert one.content == {**DATA, **changed}


def test_nothing_of_a_wrong_type_is_an_error_of_ours() -> None:
    for content in damaged([event()]):
        body = json.dumps(content).encode()
        alone = [json.dumps(one).encode() for one in content] if isinstance(content, list) else []
        for delivery in (Delivery(body), Delivery(body, BATCH), *map(Delivery, alone)):
            try:
                assert all(isinstance(one, Event) for one in FORMAT.read("production", delivery))
            except Malformed:
                continue


@pytest.mark.parametrize("header", ["authorization", "x-registry-docker-updater-secret"])
def test_the_secret_is_in_either_header(header: str) -> None:
    for value, is_known in (("s3cret", True), ("Bearer s3cret", True), ("S3cret", False), ("", False)):
        assert FORMAT.proves(Delivery(b"", {header: value}), "s3cret") is is_known
        assert not FORMAT.proves(Delivery(b"", {header: value}), "")
    assert not FORMAT.proves(Delivery(b"", {"x-secret": "s3cret"}), "s3cret")


def test_what_is_shown_to_whom_sends_is_a_command_whose_data_are_a_push() -> None:
    snippet = FORMAT.snippet.format(
        name="production", address='"https://updater.example.com/events/production"'
    )
    command = shlex.split(snippet.replace("\\\n", " "), comments=True)
    assert "https://updater.example.com/events/production" in command
    assert "Authorization: Bearer SECRET" in command
    push = reading(json.loads(command[command.index("--data") + 1]))
    assert isinstance(push, UnresolvedPush)
    assert (push.repository, push.tag) == ("team/app", "1.4")
