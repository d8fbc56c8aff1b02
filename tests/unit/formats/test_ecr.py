"""What each event of Amazon ECR means, by EventBridge and by SNS."""

import json
import shlex
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.ecr import FORMAT
from registry_docker_updater.core.events.pushes import Event, Ignored, Malformed, Push, Unreadable
from unit.formats.damaged import damaged

PAYLOADS = Path(__file__).parents[2] / "payloads"
INDEX = "sha256:" + "5f" * 32


def payload(name: str = "ecr-eventbridge-push-index-tag") -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def of_detail(**changed: Any) -> dict[str, Any]:
    event: dict[str, Any] = payload()
    return {**event, "detail": {**event["detail"], **changed}}


def by_sns(event: Any, **changed: Any) -> dict[str, Any]:
    return {**payload("ecr-sns-notification"), "Message": json.dumps(event), **changed}


def reading(event: Any) -> Event:
    (one,) = FORMAT.read("production", Delivery(json.dumps(event).encode()))
    return one


def test_a_pushed_tag_is_a_push_of_exactly_that_digest() -> None:
    at, key = datetime(2026, 11, 22, 11, 2, 18, tzinfo=UTC), "7a40f7b2-90d3-4c58-8a43-51c0a4f3a902"
    push = Push("production", "team/multi", "v1", INDEX, at, key)
    assert reading(payload()) == push
    assert reading(by_sns(payload())) == push


@pytest.mark.parametrize("name", ["ecr-eventbridge-push", "ecr-sns-notification"])
def test_a_digest_that_was_cut_as_in_the_documentation_is_unreadable(name: str) -> None:
    one = reading(payload(name))
    assert isinstance(one, Unreadable)
    assert "is not a digest" in one.reason
    assert one.content == payload("ecr-eventbridge-push")


def test_what_has_a_whole_digest_is_a_push_by_both_ways() -> None:
    event = payload("ecr-eventbridge-push")
    event["detail"]["image-digest"] = INDEX
    push = reading(event)
    assert isinstance(push, Push)
    assert (push.repository, push.tag) == ("team/app", "1.4")
    assert reading(by_sns(event)) == push


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (payload("ecr-eventbridge-delete"), "DELETE"),
        (payload("ecr-sns-subscription-confirmation"), "subscription to be confirmed"),
        (by_sns("You have chosen to", Type="UnsubscribeConfirmation"), "UnsubscribeConfirmation"),
        ({**payload(), "detail-type": "ECR Image Scan"}, "ECR Image Scan"),
        (by_sns({**payload(), "detail-type": "ECR Replication Action"}), "ECR Replication Action"),
        (of_detail(result="FAILURE"), "push that failed"),
        (of_detail(**{"image-tag": ""}), "manifest without a tag"),
        (of_detail(**{"image-tag": None}), "manifest without a tag"),
        (of_detail(**{"image-tag": INDEX}), "manifest without a tag"),
        (of_detail(**{"manifest-media-type": "application/json"}), "not an image manifest"),
    ],
)
def test_what_is_no_push_of_a_tag_is_ignored_for_a_reason(event: Any, reason: str) -> None:
    assert reading(event) == Ignored(reason)


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (of_detail(**{"image-digest": None}), "is not a digest"),
        (of_detail(**{"repository-name": "Team/App"}), "is not a repository name"),
        (of_detail(**{"image-tag": "v1 v2"}), "is not a tag"),
        ({**payload(), "time": None}, "is not a time"),
        ({**payload(), "detail": None}, "without detail-type and action-type"),
        (of_detail(**{"action-type": 7}), "without detail-type and action-type"),
    ],
)
def test_a_push_that_makes_no_sense_is_unreadable(event: Any, named: str) -> None:
    for one in (reading(event), reading(by_sns(event))):
        assert isinstance(one, Unreadable)
        assert named in one.reason
        assert one.content == event


@pytest.mark.parametrize("event", [None, [], "hello", 7, {}])
def test_a_message_of_something_else_is_unreadable(event: Any) -> None:
    assert reading(by_sns(event)) == Unreadable("an event without detail-type and action-type", event)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "PUSH",
        7,
        {},
        {"Type": "Notification"},
        {"Type": "Notification", "Message": 7},
        {"detail-type": 7},
    ],
)
def test_what_is_neither_event_nor_message_is_malformed(body: Any) -> None:
    with pytest.raises(Malformed, match="of SNS"):
        reading(body)


def test_a_message_that_is_no_json_is_malformed() -> None:
    for message in ("hello", "", "half \ud83d", "[" * 101 + "]" * 101):
        with pytest.raises(Malformed):
            reading(by_sns(None, Message=message))


def test_an_event_without_an_id_is_known_by_what_it_says() -> None:
    events = [
        payload() | {"id": None},
        payload() | {"id": ""},
        payload() | {"id": None, "time": "2025-09-25"},
    ]
    keys = [one.key for one in map(reading, events) if isinstance(one, Push)]
    assert keys[0] == keys[1]
    assert keys[2] != keys[0]
    assert payload()["id"] not in keys


def test_nothing_of_a_wrong_type_is_an_error_of_ours() -> None:
    events = list(damaged(payload()))
    for event in (*events, *map(by_sns, events), *damaged(by_sns(payload()))):
        try:
            assert isinstance(reading(event), Event)
        except Malformed:
            continue


@pytest.mark.parametrize(
    ("delivery", "is_known"),
    [
        (Delivery(b"", {"x-api-key": "s3cret"}), True),
        (Delivery(b"", {"authorization": "Bearer s3cret"}), True),
        (Delivery(b"", {"authorization": "Basic " + b64encode(b"aws:s3cret").decode()}), True),
        (Delivery(b"", in_path="s3cret"), True),
        (Delivery(b"", {"x-api-key": "S3cret", "authorization": "Bearer"}, in_path="production"), False),
        (Delivery(b"", {"x-api-key": ""}), False),
        (Delivery(b""), False),
    ],
)
def test_the_secret_is_in_a_header_of_the_connection_or_in_the_address(
    delivery: Delivery, is_known: bool
) -> None:
    assert FORMAT.proves(delivery, "s3cret") is is_known
    assert not FORMAT.proves(delivery, "")


def test_what_aws_must_be_told_is_commands_with_json() -> None:
    snippet = FORMAT.snippet.format(
        name="production", address='"https://updater.example.com/events/production"'
    )
    words = shlex.split(snippet.replace("\\\n", " "), comments=True)
    assert "https://updater.example.com/events/production" in words
    parameters = json.loads(words[words.index("--auth-parameters") + 1])
    assert parameters["ApiKeyAuthParameters"] == {"ApiKeyName": "X-Api-Key", "ApiKeyValue": "SECRET"}
    pattern = json.loads(words[words.index("--event-pattern") + 1])
    assert all(payload()[name] in pattern[name] for name in ("source", "detail-type"))
    assert payload()["detail"]["action-type"] in pattern["detail"]["action-type"]
    assert json.loads(words[words.index("--targets") + 1])
