"""What each event of zot means, and how zot proves who it is."""

import json
from base64 import b64encode
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import UNKNOWN_TIME
from registry_docker_updater.core.events.formats.zot import FORMAT
from registry_docker_updater.core.events.pushes import Event, Ignored, Malformed, Push, Unreadable
from unit.formats.damaged import WRONG, damaged

PAYLOADS = Path(__file__).parents[2] / "payloads"
DIGEST = "sha256:3a9b7f4c01165588a36d5cf7288551833186eb046cc178ff3567cf64ebe2b6ca"
CAPTURED = "sha256:de27aef8953e87e0ceb5e3f5976b76de9ef8e569ab9192b4c047520fb5030d5d"
HEADERS = {
    "ce-id": "c6c1a3d2-0c0b-4b8a-8f0d-6b0f3f4f9a10",
    "ce-source": "zotregistry.dev",
    "ce-specversion": "1.0",
    "ce-time": "2026-11-22T10:59:05.43994005Z",
    "ce-type": "zotregistry.image.updated",
    "content-type": "application/json",
}
OF_CAPTURED = {
    **HEADERS,
    "ce-id": "abd8ef1a-e223-44a1-ba2a-0810d350ab77",
    "ce-time": "2026-11-25T08:19:33.237678491Z",
}


def payload(name: str = "zot-image-updated") -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def reading(data: Any, **attributes: str) -> Event:
    headers = HEADERS | {f"ce-{name}": value for name, value in attributes.items()}
    (event,) = FORMAT.read("production", Delivery(json.dumps(data).encode(), headers))
    return event


def structured(data: Any, **attributes: Any) -> Delivery:
    event = {
        "specversion": "1.0",
        "type": "zotregistry.image.updated",
        "id": "1",
        "source": "zotregistry.dev",
    }
    return Delivery(json.dumps({**event, "data": data, **attributes}).encode())


@pytest.mark.parametrize(
    ("name", "headers", "tag", "digest", "actor", "time"),
    [
        ("zot-image-updated", HEADERS, "v1.4.2", DIGEST, "alice", "2026-11-22T10:59:05.439940Z"),
        ("zot-image-updated-sync-no-actor", HEADERS, "v1.4.2", DIGEST, None, "2026-11-22T10:59:05.439940Z"),
        ("zot21-image-updated-binary-mode", OF_CAPTURED, "v9", CAPTURED, None, "2026-11-25T08:19:33.237678Z"),
    ],
)
def test_a_pushed_tag_is_a_push_of_exactly_that_digest(
    name: str, headers: dict[str, str], tag: str, digest: str, actor: str | None, time: str
) -> None:
    (push,) = FORMAT.read("production", Delivery((PAYLOADS / f"{name}.json").read_bytes(), headers))
    assert isinstance(push, Push)
    assert (push.registry, push.repository, push.tag) == ("production", "team/app", tag)
    assert (push.digest, push.actor) == (digest, actor)
    assert push.occurred_at == datetime.fromisoformat(time)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("zot-image-deleted", "zotregistry.image.deleted"),
        ("zot-image-lint-failed", "zotregistry.image.lint_failed"),
        ("zot-image-scanned", "zotregistry.image.scanned"),
    ],
)
def test_what_is_no_push_is_ignored_by_its_type(name: str, kind: str) -> None:
    assert reading(payload(name), type=kind) == Ignored(kind)


def test_a_push_by_digest_and_one_of_no_image_are_ignored() -> None:
    assert reading({**payload(), "reference": DIGEST}) == Ignored("manifest without a tag")
    signature = DIGEST.replace(":", "-") + ".sig"
    assert reading({**payload(), "reference": signature}) == Ignored("signature or attestation")
    assert reading({**payload(), "reference": ""}) == Ignored("manifest without a tag")
    assert reading({**payload(), "mediaType": "application/json"}) == Ignored("not an image manifest")


def test_a_prefix_of_ones_own_changes_no_meaning() -> None:
    assert isinstance(reading(payload(), type="com.example.registry.image.updated"), Push)
    kind = "com.example.registry.image.deleted"
    assert reading(payload(), type=kind) == Ignored(kind)


def test_an_event_is_the_same_in_structured_mode() -> None:
    attributes = {name: HEADERS[f"ce-{name}"] for name in ("id", "time", "type", "source")}
    (push,) = FORMAT.read("production", structured(payload(), **attributes))
    assert push == reading(payload())


def test_attributes_in_a_body_of_their_type_count_more_than_headers() -> None:
    body = structured(payload(), id="of the body").body
    headers = {**HEADERS, "content-type": "Application/CloudEvents+JSON; charset=utf-8"}
    assert FORMAT.read("production", Delivery(body, headers)) == FORMAT.read("production", Delivery(body))


def test_repeats_of_an_event_have_one_key_and_no_others_have_it() -> None:
    events = [
        reading(payload()),
        reading(payload()),
        reading(payload(), id="another"),
        reading(payload(), source="another"),
    ]
    keys = [one.key for one in events if isinstance(one, Push)]
    assert len(keys) == 4
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_an_event_without_a_time_is_of_when_it_comes() -> None:
    (push,) = FORMAT.read("production", structured(payload()))
    assert isinstance(push, Push)
    assert push.occurred_at == UNKNOWN_TIME


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"digest": "sha256:abc"}, "is not a digest"),
        ({"digest": None}, "is not a digest"),
        ({"name": "Team/App"}, "is not a repository name"),
        ({"name": 7}, "is not a repository name"),
        ({"reference": "v1 rm -rf"}, "is not a tag"),
    ],
)
def test_a_push_that_makes_no_sense_is_unreadable(changed: dict[str, Any], named: str) -> None:
    event = reading({**payload(), **changed})
    assert isinstance(event, Unreadable)
    assert named in event.reason
    assert event.content == {**payload(), **changed}


@pytest.mark.parametrize("data", [None, [], "team/app", 7])
def test_a_push_without_data_is_unreadable(data: Any) -> None:
    assert reading(data) == Unreadable("a push without data", data)


def test_data_that_are_no_json_are_none() -> None:
    for body, kind in ((b"", "application/json"), (b"<image/>", "text/xml")):
        headers = {**HEADERS, "content-type": kind}
        assert FORMAT.read("production", Delivery(body, headers)) == [Unreadable("a push without data", None)]


@pytest.mark.parametrize(
    "delivery",
    [
        Delivery(b"{}"),
        Delivery(b"[]"),
        Delivery(b"null"),
        Delivery(b"zot"),
        Delivery(b"zot", HEADERS),
        Delivery(b"{}", {**HEADERS, "ce-id": ""}),
        Delivery(b"{}", {**HEADERS, "ce-type": ""}),
        Delivery(b"{}", {**HEADERS, "ce-time": "yesterday"}),
        Delivery(b"{}", {"ce-type": "zotregistry.image.updated"}),
        Delivery(b"{}", {"content-type": "application/cloudevents+json"}),
        structured({}, id=None),
        structured({}, type=7),
        structured({}, time=7),
    ],
)
def test_what_is_no_cloud_event_is_malformed(delivery: Delivery) -> None:
    with pytest.raises(Malformed):
        FORMAT.read("production", delivery)


def test_nothing_of_a_wrong_type_is_an_error_of_ours() -> None:
    bodies = [structured(data) for data in damaged(payload())]
    bodies += [structured(payload(), **{name: value}) for name in ("id", "type", "time") for value in WRONG]
    for delivery in (*bodies, *(Delivery(one.body, HEADERS) for one in bodies)):
        try:
            assert all(isinstance(one, Event) for one in FORMAT.read("production", delivery))
        except Malformed:
            continue


@pytest.mark.parametrize(
    ("header", "is_known"),
    [
        ("Bearer s3cret", True),
        ("s3cret", True),
        ("Basic " + b64encode(b"zot:s3cret").decode(), True),
        ("Basic " + b64encode(b"s3cret:zot").decode(), False),
        ("Bearer S3cret", False),
        ("", False),
    ],
)
def test_zot_knows_the_secret_as_token_or_password(header: str, is_known: bool) -> None:
    assert FORMAT.proves(Delivery(b"", {"authorization": header}), "s3cret") is is_known
    assert not FORMAT.proves(Delivery(b""), "s3cret")
    assert not FORMAT.proves(Delivery(b"", {"authorization": header}), "")


def test_what_zot_must_be_told_is_json_below_its_comment() -> None:
    address = "https://updater.example.com/events/production"
    lines = FORMAT.snippet.format(name="production", address=json.dumps(address)).splitlines()
    config = json.loads("".join(line for line in lines if not line.startswith("#")))
    (sink,) = config["extensions"]["events"]["sinks"]
    assert sink["address"] == address
    assert sink["credentials"]["password"] == "SECRET"
