"""What the notifications of Quay mean."""

from typing import Any

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import UNKNOWN_TIME
from registry_docker_updater.core.events.formats.quay import FORMAT
from registry_docker_updater.core.events.pushes import Ignored, Malformed, Unreadable, UnresolvedPush
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
    snippet,
    unreadable,
    without,
)

PUSHES = {
    "quay-repo-push": ["v1", "latest"],
    "quay-repo-push-2013": ["v1"],
}
IGNORED = {
    "quay-repo-mirror-sync-started": "not a push",
    "quay-test-notification": "test notification",
}


@pytest.mark.parametrize(("name", "tags"), PUSHES.items())
def test_each_updated_tag_is_a_push_whose_digest_is_to_be_asked_for(name: str, tags: list[str]) -> None:
    assert FORMAT.read("production", delivery(sample(name))) == [
        UnresolvedPush("production", "team/app", tag, UNKNOWN_TIME, key="") for tag in tags
    ]


@pytest.mark.parametrize(("name", "reason"), IGNORED.items())
def test_what_is_no_push_of_a_tag_is_ignored_for_a_reason(name: str, reason: str) -> None:
    assert read_one(FORMAT, sample(name)) == Ignored(reason)


def test_every_example_is_tested() -> None:
    assert names("quay") == {*PUSHES, *IGNORED}


def test_a_push_of_no_tags_is_nothing() -> None:
    assert FORMAT.read("production", delivery({"repository": "team/app", "updated_tags": []})) == []


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("", "a tag that is no text"),
        (7, "a tag that is no text"),
        (None, "a tag that is no text"),
        ("half \ud83d of one", "is not a tag"),
        ("v1 rm -rf", "is not a tag"),
    ],
)
def test_a_tag_that_is_none_is_unreadable_and_its_neighbours_count(tag: Any, reason: str) -> None:
    body = delivery({"repository": "team/app", "updated_tags": [tag, "v1"]})
    first, second = FORMAT.read("production", body)
    assert isinstance(first, Unreadable)
    assert reason in first.reason
    assert isinstance(second, UnresolvedPush)


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        (APP, "manifest without a tag"),
        (APP.replace(":", "-") + ".sig", "signature or attestation"),
        (APP.replace(":", "-"), "signature or attestation"),
    ],
)
def test_what_is_not_to_be_run_is_ignored(tag: str, reason: str) -> None:
    content = changed(sample("quay-repo-push"), "updated_tags", to=[tag])
    assert read_one(FORMAT, content) == Ignored(reason)


@pytest.mark.parametrize("tags", [None, 7, "v1", True])
def test_a_push_whose_tags_are_no_list_is_refused(tags: Any) -> None:
    content = changed(sample("quay-repo-push"), "updated_tags", to=tags)
    assert unreadable(FORMAT, content).content == content
    with pytest.raises(Malformed, match="without a list of tags"):
        read("production", FORMAT, delivery(content))


def test_a_notification_that_names_no_repository_is_none() -> None:
    with pytest.raises(Malformed, match="repository"):
        FORMAT.read("production", delivery(without(sample("quay-repo-push"), "repository")))


def test_the_host_in_a_notification_is_not_believed() -> None:
    content = changed(sample("quay-repo-push"), "updated_tags", to=["v1"])
    assert "quay.example" not in repr(read_one(FORMAT, content))


@pytest.mark.parametrize(
    ("in_path", "secret", "is_known"),
    [
        (SECRET, SECRET, True),
        (f"{SECRET}/", SECRET, False),
        ("another", SECRET, False),
        (SECRET, "its successor", False),
        ("its successor", "its successor", True),
        ("", SECRET, False),
        ("", "", False),
    ],
)
def test_a_sender_proves_itself_by_the_secret_in_the_path(in_path: str, secret: str, is_known: bool) -> None:
    assert FORMAT.proves(Delivery(b"", {"authorization": SECRET}, in_path), secret) is is_known
    assert FORMAT.has_secret_in_path
    assert not FORMAT.is_resolved


def test_whatever_is_in_a_notification_is_read_or_refused() -> None:
    for name in PUSHES:
        assert_whatever_is_in_it_is_read_or_refused(FORMAT, name)
    assert_no_other_body_is_taken(FORMAT)


def test_what_is_to_be_entered_says_that_the_secret_ends_the_address() -> None:
    assert '"https://updater.example.com/events/production" and behind it /SECRET' in snippet(FORMAT)
