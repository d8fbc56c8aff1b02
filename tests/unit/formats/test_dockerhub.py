"""What the events of Docker Hub mean."""

from datetime import UTC, datetime
from typing import Any

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.dockerhub import FORMAT
from registry_docker_updater.core.events.pushes import Ignored, Malformed
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
    unresolved,
    without,
)

PUSH = sample("dockerhub-push")


def test_a_pushed_tag_is_a_push_whose_digest_is_to_be_asked_for() -> None:
    push = unresolved(FORMAT, PUSH)
    assert (push.registry, push.repository, push.tag, push.actor) == ("production", "team/app", "v1", "alice")
    assert push.occurred_at == datetime(2026, 11, 22, 10, 59, 5, tzinfo=UTC)


def test_a_chart_is_ignored() -> None:
    assert read_one(FORMAT, sample("dockerhub-push-chart")) == Ignored("helm chart")


def test_every_example_is_tested() -> None:
    assert names("dockerhub") == {"dockerhub-push", "dockerhub-push-chart"}


def test_one_push_that_is_announced_several_times_is_one_and_the_next_another() -> None:
    again = unresolved(FORMAT, changed(PUSH, "callback_url", to="https://registry.hub.docker.com/another/"))
    later = unresolved(FORMAT, changed(PUSH, "push_data", "pushed_at", to=1795345146))
    other = unresolved(FORMAT, changed(PUSH, "push_data", "tag", to="v2"))
    assert unresolved(FORMAT, PUSH).key == again.key
    assert len({again.key, later.key, other.key}) == 3


def test_a_time_with_a_fraction_is_a_time() -> None:
    push = unresolved(FORMAT, changed(PUSH, "push_data", "pushed_at", to=1795345145.25))
    assert push.occurred_at == datetime(2026, 11, 22, 10, 59, 5, 250000, UTC)


@pytest.mark.parametrize("kind", ["application/vnd.docker.container.image.v1+json", "", None, 7])
def test_whatever_else_is_said_to_be_pushed_may_be_an_image(kind: Any) -> None:
    assert unresolved(FORMAT, changed(PUSH, "push_data", "media_type", to=kind)).tag == "v1"


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("", "manifest without a tag"),
        (None, "manifest without a tag"),
        (APP, "manifest without a tag"),
        (APP.replace(":", "-") + ".att", "signature or attestation"),
    ],
)
def test_what_is_not_to_be_run_is_ignored(tag: Any, reason: str) -> None:
    assert read_one(FORMAT, changed(PUSH, "push_data", "tag", to=tag)) == Ignored(reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (changed(PUSH, "push_data", "pushed_at", to="yesterday"), "is not a time in seconds"),
        (changed(PUSH, "push_data", "pushed_at", to=10**30), "is not a time in seconds"),
        (without(PUSH, "push_data", "pushed_at"), "is not a time in seconds"),
        (without(PUSH, "repository", "repo_name"), "is not a repository name"),
        (changed(PUSH, "repository", "repo_name", to="Team/App"), "is not a repository name"),
        (changed(PUSH, "push_data", "tag", to="v1 rm -rf"), "is not a tag"),
    ],
)
def test_a_push_that_makes_no_sense_is_unreadable_and_refused(content: Any, reason: str) -> None:
    assert unreadable(FORMAT, content).content == content
    with pytest.raises(Malformed, match=reason):
        read("production", FORMAT, delivery(content))


@pytest.mark.parametrize(
    ("in_path", "secret", "is_known"),
    [
        (SECRET, SECRET, True),
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


def test_whatever_is_in_an_event_is_read_or_refused() -> None:
    assert_whatever_is_in_it_is_read_or_refused(FORMAT, "dockerhub-push")
    assert_no_other_body_is_taken(FORMAT)


def test_what_is_to_be_entered_says_that_the_secret_ends_the_address() -> None:
    assert '"https://updater.example.com/events/production" and behind it /SECRET' in snippet(FORMAT)
