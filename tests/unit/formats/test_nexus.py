"""What the events of Sonatype Nexus mean."""

from datetime import UTC, datetime
from typing import Any

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.nexus import FORMAT
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

PUSHES = {
    "nexus-component-created": datetime(2026, 11, 22, 10, 59, 5, 514000, UTC),
    "nexus-component-updated": datetime(2026, 11, 22, 10, 59, 6, 20000, UTC),
}
PUSH = sample("nexus-component-created")
DELIVERED = {"x-nexus-webhook-delivery": "72d3162e"}


@pytest.mark.parametrize(("name", "occurred_at"), PUSHES.items())
def test_a_pushed_tag_is_a_push_whose_digest_is_to_be_asked_for(name: str, occurred_at: datetime) -> None:
    assert unresolved(FORMAT, sample(name), DELIVERED) == UnresolvedPush(
        registry="production",
        repository="team/app",
        tag="v1",
        occurred_at=occurred_at,
        key="72d3162e/team/app:v1",
        actor="alice/192.0.2.7",
    )


def test_a_deleted_tag_asks_for_nothing() -> None:
    assert read_one(FORMAT, sample("nexus-component-deleted")) == Ignored("DELETED")


def test_every_example_is_tested() -> None:
    assert names("nexus") == {*PUSHES, "nexus-component-deleted"}


def test_deliveries_without_an_id_are_known_by_what_they_say() -> None:
    created, updated = (unresolved(FORMAT, sample(name)) for name in PUSHES)
    assert unresolved(FORMAT, PUSH) == created
    assert created.key != updated.key
    later = unresolved(FORMAT, changed(PUSH, "timestamp", to="2026-11-22T11:59:05.514+0000"))
    assert created.key != later.key


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (changed(PUSH, "action", to=7), "no action"),
        (
            changed(without(PUSH, "component"), "asset", to={"format": "docker"}),
            "not an event of a component",
        ),
        (changed(PUSH, "component", "format", to="maven2"), "not a container image"),
        (changed(PUSH, "component", "version", to=None), "manifest without a tag"),
        (changed(PUSH, "component", "version", to=APP), "manifest without a tag"),
        (
            changed(PUSH, "component", "version", to=APP.replace(":", "-") + ".sig"),
            "signature or attestation",
        ),
    ],
)
def test_what_is_no_push_of_an_image_is_ignored(content: Any, reason: str) -> None:
    assert read_one(FORMAT, content) == Ignored(reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (changed(PUSH, "timestamp", to=7), "is not a time"),
        (without(PUSH, "component", "name"), "is not a repository name"),
        (changed(PUSH, "component", "version", to="v1 rm -rf"), "is not a tag"),
    ],
)
def test_a_push_that_makes_no_sense_is_unreadable_and_refused(content: Any, reason: str) -> None:
    assert unreadable(FORMAT, content).content == content
    with pytest.raises(Malformed, match=reason):
        read("production", FORMAT, delivery(content))


@pytest.mark.parametrize(
    ("header", "secret", "is_known"),
    [
        (signature(b"body", algorithm="sha1"), SECRET, True),
        (signature(b"another", algorithm="sha1"), SECRET, False),
        (signature(b"body"), SECRET, False),
        (signature(b"body", algorithm="sha1"), "its successor", False),
        (signature(b"body", "its successor", "sha1"), "its successor", True),
        (signature(b"body", "", "sha1"), "", False),
        ("", SECRET, False),
        ("", "", False),
    ],
)
def test_a_sender_proves_itself_by_the_signature_of_the_body(
    header: str, secret: str, is_known: bool
) -> None:
    assert FORMAT.proves(Delivery(b"body", {"x-nexus-webhook-signature": header}), secret) is is_known
    assert not FORMAT.proves(Delivery(b"body"), secret)
    assert FORMAT.is_signed
    assert not FORMAT.is_resolved


def test_whatever_is_in_an_event_is_read_or_refused() -> None:
    assert_whatever_is_in_it_is_read_or_refused(FORMAT, "nexus-component-created")
    assert_no_other_body_is_taken(FORMAT)


def test_what_nexus_is_told_has_the_address_and_the_secret() -> None:
    assert snippet(FORMAT).splitlines()[-3:] == [
        "Event Types: component",
        'URL: "https://updater.example.com/events/production"',
        "Secret Key: SECRET",
    ]
