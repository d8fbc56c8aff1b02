"""What the events of GitLab's registry mean."""

from datetime import UTC, datetime
from typing import Any

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.gitlab import FORMAT
from registry_docker_updater.core.events.pushes import Ignored, Push
from registry_docker_updater.core.events.receiving import read
from unit.formats.samples import (
    APP,
    assert_no_other_body_is_taken,
    assert_whatever_is_in_it_is_read_or_refused,
    changed,
    delivery,
    names,
    read_one,
    sample,
    snippet,
    unreadable,
)


def test_a_pushed_tag_is_a_push_of_exactly_that_digest() -> None:
    assert read_one(FORMAT, sample("gitlab-push-tag")) == Push(
        registry="production",
        repository="team/app",
        tag="v1",
        digest=APP,
        occurred_at=datetime(2026, 11, 22, 10, 59, 5, 514908, UTC),
        key="5b0f7d1e-3f64-4b0e-9a5d-2c8f1e7a9b31",
        actor="alice",
    )


def test_a_renamed_repository_asks_for_nothing() -> None:
    assert read_one(FORMAT, sample("gitlab-rename")) == Ignored("rename")


def test_every_example_is_tested() -> None:
    assert names("gitlab") == {"gitlab-push-tag", "gitlab-rename"}


def test_the_token_of_who_pushed_is_not_kept_with_what_cannot_be_read() -> None:
    content = changed(sample("gitlab-push-tag"), "events", 0, "timestamp", to=None)
    kept = unreadable(FORMAT, content)
    assert "token.of" not in repr(kept)
    assert kept.content == changed(
        content["events"][0], "actor", to={"name": "alice", "user_type": "personal_access_token"}
    )


@pytest.mark.parametrize("event", [None, 7, "x", [], {"actor": "alice"}])
def test_what_is_no_event_is_kept_as_it_is(event: Any) -> None:
    assert unreadable(FORMAT, {"events": [event]}).content == event


def test_what_cannot_be_read_is_not_refused_for_all_would_wait_behind_it() -> None:
    assert len(read("production", FORMAT, Delivery(b"no json")).kept) == 1


def test_whatever_is_in_an_event_is_read_or_refused() -> None:
    assert_whatever_is_in_it_is_read_or_refused(FORMAT, "gitlab-push-tag")
    assert_no_other_body_is_taken(FORMAT)


def test_what_the_registry_is_told_is_ruby_with_the_secret_in_a_header() -> None:
    text = snippet(FORMAT)
    assert "'headers' => { 'Authorization' => ['Bearer SECRET'] }" in text
    assert "{{" not in text


def test_events_of_one_envelope_are_read_one_by_one() -> None:
    push = sample("gitlab-push-tag")["events"][0]
    kinds = [type(one) for one in FORMAT.read("production", delivery({"events": [None, push]}))]
    assert kinds[1] is Push
