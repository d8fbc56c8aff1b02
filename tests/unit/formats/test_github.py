"""What the events of GitHub Packages mean."""

import json
from typing import Any
from urllib.parse import quote_plus

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import UNKNOWN_TIME
from registry_docker_updater.core.events.formats.github import FORMAT
from registry_docker_updater.core.events.pushes import Event, Ignored, Malformed, Push
from registry_docker_updater.core.events.receiving import read
from unit.formats.samples import (
    APP,
    SECRET,
    assert_no_other_body_is_taken,
    assert_whatever_is_in_it_is_read_or_refused,
    changed,
    delivery,
    names,
    read_one,
    sample,
    signature,
    snippet,
    unreadable,
    without,
)

PUSHES = {"github-package-published", "github-registry-package-published"}
IGNORED = {
    "github-package-published-chart": "helm chart",
    "github-package-published-no-tag": "manifest without a tag",
    "github-ping": "not an event of a package",
}
PUSH = sample("github-package-published")
VERSION = ("package", "package_version")
METADATA = (*VERSION, "container_metadata")
DELIVERED = {"x-github-delivery": "72d3162e"}


def key(event: Event) -> str:
    assert isinstance(event, Push)
    return event.key


@pytest.mark.parametrize("name", sorted(PUSHES))
def test_a_pushed_tag_is_a_push_of_exactly_that_digest(name: str) -> None:
    assert read_one(FORMAT, sample(name), DELIVERED) == Push(
        registry="production",
        repository="team/sub/app",
        tag="v1",
        digest=APP,
        occurred_at=UNKNOWN_TIME,
        key="72d3162e/team/sub/app:v1",
        actor="alice",
    )


@pytest.mark.parametrize(("name", "reason"), IGNORED.items())
def test_what_is_no_push_of_a_tag_is_ignored_for_a_reason(name: str, reason: str) -> None:
    assert read_one(FORMAT, sample(name)) == Ignored(reason)


def test_every_example_is_tested() -> None:
    assert names("github") == {*PUSHES, *IGNORED}


def test_the_same_push_in_another_delivery_is_another_event() -> None:
    again = read_one(FORMAT, PUSH, {"x-github-delivery": "another"})
    assert key(again) != key(read_one(FORMAT, PUSH, DELIVERED))
    nameless = read_one(FORMAT, PUSH)
    later = read_one(FORMAT, changed(PUSH, "package", "updated_at", to="2026-11-23T00:00:00Z"))
    assert key(nameless) == key(read_one(FORMAT, PUSH, {"x-github-delivery": ""})) != key(later)


def test_a_form_is_read_as_the_json_in_it() -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", **DELIVERED}
    body = b"payload=" + quote_plus(json.dumps(PUSH)).encode()
    assert FORMAT.read("production", Delivery(body, headers)) == [read_one(FORMAT, PUSH, DELIVERED)]
    with pytest.raises(Malformed, match="JSON"):
        FORMAT.read("production", Delivery(b"payload=", headers))
    with pytest.raises(Malformed, match="JSON"):
        FORMAT.read("production", Delivery(b"other=1", headers))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (changed(PUSH, "action", to="deleted"), "deleted"),
        (changed(PUSH, "action", to=7), "no action"),
        (changed(PUSH, "package", to=7), "not an event of a package"),
        (
            changed(changed(PUSH, "package", "package_type", to="npm"), "package", "ecosystem", to=7),
            "not a container image",
        ),
        (changed(PUSH, *METADATA, "tag", to=None), "manifest without a tag"),
        (changed(PUSH, *METADATA, "tag", "name", to=APP), "manifest without a tag"),
        (
            changed(PUSH, *METADATA, "tag", "name", to=APP.replace(":", "-") + ".sig"),
            "signature or attestation",
        ),
        (changed(PUSH, *METADATA, "manifest", "media_type", to="text/plain"), "not an image manifest"),
    ],
)
def test_what_is_no_push_of_an_image_is_ignored(content: Any, reason: str) -> None:
    assert read_one(FORMAT, content) == Ignored(reason)


@pytest.mark.parametrize("manifest", [None, 7, {}, {"config": None}])
def test_an_image_whose_manifest_is_not_described_is_a_push(manifest: Any) -> None:
    assert key(read_one(FORMAT, changed(PUSH, *METADATA, "manifest", to=manifest)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (changed(PUSH, *VERSION, to=None), "without its version"),
        (without(PUSH, *METADATA), "without its version"),
        (changed(PUSH, *VERSION, "version", to="sha256:6c62fb45"), "is not a digest"),
        (changed(PUSH, *VERSION, "package_url", to=""), "is not a repository name"),
        (changed(PUSH, *VERSION, "package_url", to="ghcr.io/team/app:v2"), "is not a repository name"),
        (changed(PUSH, *METADATA, "tag", "name", to="v1 rm -rf"), "is not a"),
    ],
)
def test_a_push_that_makes_no_sense_is_unreadable_and_refused(content: Any, reason: str) -> None:
    assert unreadable(FORMAT, content).content == content
    with pytest.raises(Malformed, match=reason):
        read("production", FORMAT, delivery(content))


@pytest.mark.parametrize("action", ["updated", "create"])
def test_a_tag_that_is_pushed_again_is_a_push(action: str) -> None:
    assert key(read_one(FORMAT, changed(PUSH, "action", to=action)))


def test_the_host_in_an_event_is_not_believed() -> None:
    content = changed(PUSH, *VERSION, "package_url", to="evil.example.com/team/app:v1")
    assert "evil" not in repr(read_one(FORMAT, content))


@pytest.mark.parametrize(
    ("header", "secret", "is_known"),
    [
        (f"sha256={signature(b'body')}", SECRET, True),
        (signature(b"body"), SECRET, False),
        (f"sha256={signature(b'another')}", SECRET, False),
        (f"sha1={signature(b'body', algorithm='sha1')}", SECRET, False),
        (f"sha256={signature(b'body')}", "its successor", False),
        (f"sha256={signature(b'body', 'its successor')}", "its successor", True),
        (f"sha256={signature(b'body', '')}", "", False),
        ("sha256=", SECRET, False),
        ("", SECRET, False),
        ("", "", False),
        (SECRET, SECRET, False),
    ],
)
def test_a_sender_proves_itself_by_the_signature_of_the_body(
    header: str, secret: str, is_known: bool
) -> None:
    assert FORMAT.proves(Delivery(b"body", {"x-hub-signature-256": header}), secret) is is_known
    assert not FORMAT.proves(Delivery(b"body"), secret)
    assert FORMAT.is_signed


def test_of_a_form_the_form_is_signed() -> None:
    body = b"payload=%7B%7D"
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-hub-signature-256": f"sha256={signature(body)}",
    }
    assert FORMAT.proves(Delivery(body, headers), SECRET)


def test_whatever_is_in_an_event_is_read_or_refused() -> None:
    for name in PUSHES:
        assert_whatever_is_in_it_is_read_or_refused(FORMAT, name)
    assert_no_other_body_is_taken(FORMAT)


def test_what_github_is_told_is_json() -> None:
    shown = json.loads(
        "".join(line for line in snippet(FORMAT).splitlines() if not line.startswith(("#", "replace")))
    )
    assert shown["events"] == ["package"]
    assert shown["config"]["secret"] == "SECRET"
