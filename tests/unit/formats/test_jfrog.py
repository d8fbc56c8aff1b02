"""What the events of JFrog Artifactory mean."""

import json
from typing import Any

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import UNKNOWN_TIME
from registry_docker_updater.core.events.formats.jfrog import FORMAT
from registry_docker_updater.core.events.pushes import Ignored, Malformed, UnresolvedPush
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
    unresolved,
    without,
)

IGNORED = {
    "jfrog-docker-deleted": "docker deleted",
    "jfrog-docker-pushed-child": "manifest without a tag",
}
PUSH = sample("jfrog-docker-pushed")


def test_a_pushed_tag_is_a_push_whose_digest_is_to_be_asked_for() -> None:
    assert unresolved(FORMAT, PUSH) == UnresolvedPush(
        registry="production",
        repository="docker-local/library/ubuntu",
        tag="latest",
        occurred_at=UNKNOWN_TIME,
        key="",
        actor="jfrog/user@example.com",
    )


@pytest.mark.parametrize(("name", "reason"), IGNORED.items())
def test_what_is_no_push_of_a_tag_is_ignored_for_a_reason(name: str, reason: str) -> None:
    assert read_one(FORMAT, sample(name)) == Ignored(reason)


def test_every_example_is_tested() -> None:
    assert names("jfrog") == {"jfrog-docker-pushed", *IGNORED}


@pytest.mark.parametrize("kind", ["oci", None])
def test_an_image_may_be_of_the_oci_or_of_no_kind(kind: str | None) -> None:
    assert unresolved(FORMAT, changed(PUSH, "data", "image_type", to=kind)).tag == "latest"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"domain": "artifact", "event_type": "deployed", "data": {}}, "artifact deployed"),
        (changed(PUSH, "event_type", to="promoted"), "docker promoted"),
        (changed(PUSH, "data", "image_type", to="helmoci"), "not a container image"),
        (changed(PUSH, "data", "tag", to=None), "manifest without a tag"),
        (changed(PUSH, "data", "tag", to=APP), "manifest without a tag"),
        (changed(PUSH, "data", "tag", to=APP.replace(":", "-") + ".sig"), "signature or attestation"),
    ],
)
def test_what_is_no_push_of_an_image_is_ignored(content: Any, reason: str) -> None:
    assert read_one(FORMAT, content) == Ignored(reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (without(PUSH, "data"), "a push without data"),
        (without(PUSH, "data", "repo_key"), "is not a repository name"),
        (without(PUSH, "data", "image_name"), "is not a repository name"),
        (changed(PUSH, "data", "tag", to="v1 rm -rf"), "is not a tag"),
    ],
)
def test_a_push_that_makes_no_sense_is_unreadable_and_refused(content: Any, reason: str) -> None:
    assert unreadable(FORMAT, content).content == content
    with pytest.raises(Malformed, match=reason):
        read("production", FORMAT, delivery(content))


@pytest.mark.parametrize("field", ["domain", "event_type"])
def test_what_has_no_domain_and_type_is_no_event_of_artifactory(field: str) -> None:
    with pytest.raises(Malformed, match=field):
        FORMAT.read("production", delivery(without(PUSH, field)))


def test_the_host_in_an_event_is_not_believed() -> None:
    assert "jfrog.io" not in repr(unresolved(FORMAT, PUSH))


@pytest.mark.parametrize(
    ("header", "secret", "is_known"),
    [
        (signature(b"body"), SECRET, True),
        (SECRET, SECRET, True),
        (signature(b"another"), SECRET, False),
        ("another", SECRET, False),
        (signature(b"body"), "its successor", False),
        (SECRET, "its successor", False),
        (signature(b"body", "its successor"), "its successor", True),
        ("its successor", "its successor", True),
        (signature(b"body", ""), "", False),
        ("", SECRET, False),
        ("", "", False),
    ],
)
def test_a_sender_proves_itself_by_the_secret_or_by_its_signature(
    header: str, secret: str, is_known: bool
) -> None:
    assert FORMAT.proves(Delivery(b"body", {"x-jfrog-event-auth": header}), secret) is is_known
    assert not FORMAT.proves(Delivery(b"body"), secret)
    assert FORMAT.is_signed
    assert not FORMAT.is_resolved


def test_whatever_is_in_an_event_is_read_or_refused() -> None:
    assert_whatever_is_in_it_is_read_or_refused(FORMAT, "jfrog-docker-pushed")
    assert_no_other_body_is_taken(FORMAT)


def test_what_artifactory_is_told_is_json() -> None:
    shown = json.loads("".join(line for line in snippet(FORMAT).splitlines() if line[:1] in "{ }"))
    assert shown["event_filter"]["event_types"] == ["pushed"]
    assert shown["handlers"][0]["secret"] == "SECRET"
