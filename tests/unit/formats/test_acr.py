"""What the events of Azure Container Registry mean."""

from datetime import UTC, datetime

import pytest

from registry_docker_updater.core.events.formats.acr import FORMAT
from registry_docker_updater.core.events.pushes import Ignored, Malformed, Push
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
    without,
)

IGNORED = {
    "acr-delete": "delete",
    "acr-ping": "ping",
    "acr-push-no-tag": "manifest without a tag",
}


def test_a_pushed_tag_is_a_push_of_exactly_that_digest() -> None:
    assert read_one(FORMAT, sample("acr-push")) == Push(
        registry="production",
        repository="team/app",
        tag="v1",
        digest=APP,
        occurred_at=datetime(2026, 11, 22, 10, 59, 5, 514908, UTC),
        key="1f6f1d0c-8a3e-4b7c-9d52-6e0a7b8c9d1e",
        actor=None,
    )


@pytest.mark.parametrize(("name", "reason"), IGNORED.items())
def test_what_is_no_push_of_a_tag_is_ignored_for_a_reason(name: str, reason: str) -> None:
    assert read_one(FORMAT, sample(name)) == Ignored(reason)


def test_every_example_is_tested() -> None:
    assert names("acr") == {"acr-push", *IGNORED}


@pytest.mark.parametrize("action", ["chart_push", "chart_delete", "quarantine"])
def test_other_actions_are_ignored_by_their_names(action: str) -> None:
    assert read_one(FORMAT, changed(sample("acr-push"), "action", to=action)) == Ignored(action)


def test_a_push_of_something_else_than_an_image_is_ignored() -> None:
    content = changed(
        sample("acr-push"), "target", "mediaType", to="application/vnd.cncf.helm.config.v1+json"
    )
    assert read_one(FORMAT, content) == Ignored("not an image manifest")


def test_a_push_without_a_digest_is_unreadable_and_refused() -> None:
    content = without(sample("acr-push"), "target", "digest")
    assert unreadable(FORMAT, content).content == content
    with pytest.raises(Malformed, match="is not a digest"):
        read("production", FORMAT, delivery(content))


def test_events_without_an_id_are_known_by_what_they_say() -> None:
    nameless = without(sample("acr-push"), "id")
    again = read_one(FORMAT, nameless)
    later = read_one(FORMAT, changed(nameless, "timestamp", to="2026-11-22T11:00:00Z"))
    assert isinstance(again, Push)
    assert isinstance(later, Push)
    assert read_one(FORMAT, nameless) == again
    assert again.key != later.key


def test_the_host_in_an_event_is_not_believed() -> None:
    assert "azurecr" not in repr(read_one(FORMAT, sample("acr-push")))


def test_whatever_is_in_an_event_is_read_or_refused() -> None:
    assert_whatever_is_in_it_is_read_or_refused(FORMAT, "acr-push")
    assert_no_other_body_is_taken(FORMAT)
    with pytest.raises(Malformed, match="action"):
        FORMAT.read("production", delivery({"action": 7}))


def test_what_the_registry_is_told_is_one_command() -> None:
    text = snippet(FORMAT)
    assert '--headers "Authorization=Bearer SECRET"' in text
    assert "--actions push \\\n" in text
