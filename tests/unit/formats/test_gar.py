"""What each message of Google Artifact Registry means, in the envelope of Pub/Sub and without."""

import json
import shlex
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import UNKNOWN_TIME
from registry_docker_updater.core.events.formats.gar import FORMAT
from registry_docker_updater.core.events.pushes import (
    Event,
    Ignored,
    Malformed,
    Push,
    Unreadable,
    UnresolvedPush,
)
from registry_docker_updater.core.events.receiving import ReadDelivery, read
from unit.formats.damaged import damaged

PAYLOADS = Path(__file__).parents[2] / "payloads"
DIGEST = "sha256:4d094b6ff1f5075bcb3f8a5bd345563eb03403bc69c74356188df529db2f6383"
IMAGE = "us-west1-docker.pkg.dev/my-project/my-repo/hello-world"
DATA = {"action": "INSERT", "digest": f"{IMAGE}@{DIGEST}", "tag": f"{IMAGE}:1.1"}
AT = datetime(2021, 2, 26, 19, 13, 55, 749000, tzinfo=UTC)
METADATA = {
    "x-goog-pubsub-message-id": "2070443601311540",
    "x-goog-pubsub-publish-time": "2021-02-26T19:13:55.749Z",
    "x-goog-pubsub-subscription-name": "projects/my-project/subscriptions/registry-events",
}
REPOSITORY = "my-project/my-repo/hello-world"
PUSH = Push("production", REPOSITORY, "1.1", DIGEST, AT, "2070443601311540")


def payload(name: str = "gar-pubsub-insert-tag") -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def wrapped(data: Any, /, **changed: Any) -> dict[str, Any]:
    body: dict[str, Any] = payload()
    coded = b64encode(json.dumps(data).encode()).decode()
    return {**body, "message": {**body["message"], "data": coded, **changed}}


def reading(content: Any, headers: dict[str, str] | None = None) -> Event:
    (one,) = FORMAT.read("production", Delivery(json.dumps(content).encode(), headers or {}))
    return one


def test_a_pushed_tag_is_a_push_of_exactly_that_digest_and_its_host_is_not_believed() -> None:
    assert reading(payload()) == PUSH
    assert reading(wrapped(DATA)) == PUSH


def test_a_message_without_its_envelope_is_the_same() -> None:
    assert reading(DATA, METADATA) == PUSH


def test_a_tag_without_a_digest_is_a_push_to_be_resolved() -> None:
    expected = UnresolvedPush("production", REPOSITORY, "1.1", AT, "2070443601311540")
    for data in ({"action": "INSERT", "tag": DATA["tag"]}, {**DATA, "digest": ""}, {**DATA, "digest": 7}):
        assert reading(wrapped(data)) == expected
        assert reading(data, METADATA) == expected


def test_of_a_message_that_nothing_tells_from_its_repeats_the_registry_is_asked_the_digest() -> None:
    assert reading(DATA) == UnresolvedPush("production", REPOSITORY, "1.1", UNKNOWN_TIME, "")
    assert reading(wrapped(DATA, messageId=None)) == UnresolvedPush("production", REPOSITORY, "1.1", AT, "")


def test_a_message_without_a_time_is_of_when_it_comes() -> None:
    push = reading(wrapped(DATA, publishTime=None))
    assert isinstance(push, Push)
    assert push.occurred_at == UNKNOWN_TIME


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (payload("gar-pubsub-insert-no-tag"), "manifest without a tag"),
        (wrapped({**DATA, "tag": ""}), "manifest without a tag"),
        (wrapped({**DATA, "tag": f"{IMAGE}:{DIGEST.replace(':', '-')}.sig"}), "signature or attestation"),
        (wrapped({"action": "DELETE", "tag": DATA["tag"]}), "DELETE"),
        ({"action": "DELETE", "digest": DATA["digest"]}, "DELETE"),
    ],
)
def test_what_is_no_push_of_a_tag_is_ignored_for_a_reason(content: Any, reason: str) -> None:
    assert reading(content) == Ignored(reason)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"tag": "hello-world"}, "is not a repository name"),
        ({"tag": IMAGE}, "is not a repository name"),
        ({"tag": "us-west1-docker.pkg.dev/hello-world"}, "is not a repository name"),
        ({"tag": f"{IMAGE}:1 2"}, "is not a tag"),
        ({"digest": IMAGE}, "is not a digest"),
        ({"digest": DIGEST}, "is not a digest"),
    ],
)
def test_a_push_that_makes_no_sense_is_unreadable(changed: dict[str, str], named: str) -> None:
    for one in (reading(wrapped({**DATA, **changed})), reading({**DATA, **changed}, METADATA)):
        assert isinstance(one, Unreadable)
        assert named in one.reason


def test_what_cannot_be_read_is_kept_as_it_came() -> None:
    content = wrapped(DATA, publishTime="yesterday")
    one = reading(content)
    assert isinstance(one, Unreadable)
    assert "is not a time" in one.reason
    assert one.content == content


@pytest.mark.parametrize(
    "content",
    [
        *(None, [], 7, "INSERT", {}, {"message": "INSERT"}, {"message": {}}, {"action": 7}),
        *(wrapped(None), wrapped([]), wrapped({}), wrapped({"action": None})),
        *(wrapped({}, data=None), wrapped({}, data=7), wrapped({}, data="é"), wrapped({}, data="aGVsbG8=")),
    ],
)
def test_what_is_no_message_of_artifact_registry_is_malformed_and_kept(content: Any) -> None:
    delivery = Delivery(json.dumps(content).encode())
    with pytest.raises(Malformed):
        FORMAT.read("production", delivery)
    found = read("production", FORMAT, delivery)
    assert found == ReadDelivery(found.kept)
    assert isinstance(found.kept[0], Unreadable)


def test_nothing_of_a_wrong_type_is_an_error_of_ours() -> None:
    for content in (*damaged(payload()), *damaged(DATA), *map(wrapped, damaged(DATA))):
        for headers in ({}, METADATA, dict.fromkeys(METADATA, "x")):
            try:
                assert isinstance(reading(content, headers), Event)
            except Malformed:
                continue


@pytest.mark.parametrize(
    ("delivery", "is_known"),
    [
        (Delivery(b"", in_path="s3cret"), True),
        (Delivery(b"", {"authorization": "Bearer s3cret"}), True),
        (Delivery(b"", {"authorization": "Bearer a.signed.token"}, in_path="s3cret"), True),
        (Delivery(b"", {"authorization": "Bearer a.signed.token"}, in_path="S3cret"), False),
        (Delivery(b"", in_path=""), False),
    ],
)
def test_the_secret_is_in_the_address_or_in_a_header(delivery: Delivery, is_known: bool) -> None:
    assert FORMAT.proves(delivery, "s3cret") is is_known
    assert not FORMAT.proves(delivery, "")


def test_what_google_must_be_told_is_commands() -> None:
    address = "https://updater.example.com/events/production"
    snippet = FORMAT.snippet.format(name="production", address=json.dumps(address))
    assert f"--push-endpoint={address}/SECRET" in shlex.split(snippet, comments=True)
    assert FORMAT.has_secret_in_path
