"""New tags that a target is to move to: found in the registry's list, or told by an event, and asked for as any other tag."""

import logging
from datetime import timedelta

import pytest

from integration.sweep.conftest import Hand, Troubled, claims, events
from registry_docker_updater.core.policy.following import Follower, read_follow
from registry_docker_updater.errors import RegistryUnavailable, RepositoryUnavailable
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, NEW, NEWER, container, fleet

FOLLOWER = Follower("1.4.2", (read_follow("semver ^1.4"),))


def runs(hand: Hand, tag: str) -> None:
    hand.fleet = fleet(container(image=f"{HOST}/test/app:{tag}"))
    hand.followed = {"test/app": [Follower(tag, FOLLOWER.follows)]}


@pytest.fixture
def following(hand: Hand, client: Troubled) -> Hand:
    """A target that runs 1.4.2, and follows newer ones; the registry's list has two pages."""
    runs(hand, "1.4.2")
    client.pages = [("1.4.2", "1.5.0", "2.0.0"), ("1.6.0", "latest")]
    return hand


def found(store: Storage) -> list[str]:
    return sorted(row["tag"] or "" for row in events(store) if not row["waits"] and not row["reason"])


def test_the_newest_tag_that_is_followed_is_found_in_the_list_and_recorded_as_a_push(
    following: Hand, client: Troubled, store: Storage
) -> None:
    following.pass_time(10)
    assert sorted(client.asked) == ["test/app", "test/app", "test/app:1.4.2", "test/app:1.6.0"]
    assert found(store) == ["1.4.2", "1.6.0"]
    assert {row["actor"] for row in events(store)} == {"found by the sweep"}


def test_the_list_is_asked_for_once_in_an_interval_and_what_it_has_is_asked_for_until_somebody_runs_it(
    following: Hand, client: Troubled, store: Storage
) -> None:
    following.pass_time(300)
    client.asked.clear()
    following.pass_time(3 * 3600)
    assert client.asked.count("test/app") == 3 * len(client.pages)
    assert client.asked.count("test/app:1.6.0") == client.asked.count("test/app:1.4.2") == 3
    client.digest = NEWER
    following.pass_time(3600)
    assert found(store) == ["1.4.2", "1.4.2", "1.6.0", "1.6.0"]


def test_a_target_that_has_moved_has_the_list_asked_for_again_and_one_that_follows_no_more_has_not(
    following: Hand, client: Troubled
) -> None:
    following.pass_time(300)
    client.asked.clear()
    runs(following, "1.6.0")
    following.pass_time(10)
    assert client.asked == ["test/app", "test/app"]
    client.asked.clear()
    runs(following, "1.6.0")
    following.pass_time(10)
    assert client.asked == [], "though it was scanned again"
    following.followed = {}
    following.pass_time(2 * 3600)
    assert set(client.asked) == {"test/app:1.6.0"}


def test_a_push_in_the_repository_has_its_list_asked_for_soon(
    following: Hand, client: Troubled, store: Storage
) -> None:
    """One event can stand for several tags."""
    following.pass_time(300)
    client.asked.clear()
    client.pages.append(("1.7.0",))
    claims(following, NEW, tag="1.4.2")
    following.pass_time(5)
    assert client.asked.count("test/app") == 3
    assert "1.7.0" in found(store)


def test_an_event_of_a_tag_that_is_followed_is_asked_about_though_nobody_runs_it_and_one_of_others_is_not(
    following: Hand, client: Troubled, store: Storage
) -> None:
    following.pass_time(300)
    client.asked.clear()
    for tag in ("1.7.0", "1.5.1", "2.1.0"):
        claims(following, NEW, tag=tag)
    following.pass_time(0.1)
    assert client.asked[:2] == ["test/app:1.5.1", "test/app:1.7.0"]
    following.pass_time(300)
    assert "test/app:2.1.0" not in client.asked
    assert found(store) == ["1.4.2", "1.5.1", "1.6.0", "1.7.0"]
    assert [row["tag"] for row in events(store) if row["waits"]] == ["2.1.0"]


def test_of_events_only_what_is_the_newest_is_asked_for_again(following: Hand, client: Troubled) -> None:
    client.pages = [("1.4.2", "1.5.0", "1.5.1", "1.7.0")]
    following.pass_time(300)
    for tag in ("1.5.1", "1.7.0"):
        claims(following, NEW, tag=tag)
    following.pass_time(300)
    client.asked.clear()
    following.pass_time(3600)
    assert set(client.asked) == {"test/app", "test/app:1.4.2", "test/app:1.7.0"}


def test_a_forged_event_of_a_tag_that_is_followed_is_no_push(
    following: Hand, client: Troubled, store: Storage
) -> None:
    following.pass_time(300)
    claims(following, NEWER, tag="1.7.0")
    client.digest = None
    following.pass_time(300)
    (row,) = (row for row in events(store) if row["tag"] == "1.7.0")
    assert row["reason"] == "the registry says that there is no test/app:1.7.0"
    assert "1.7.0" not in found(store)


def test_where_the_registry_cannot_be_asked_events_of_tags_that_are_followed_are_believed(
    following: Hand, client: Troubled, store: Storage
) -> None:
    """Also those that came before the start, though the list tells nothing."""
    client.trouble = RegistryUnavailable("away")
    claims(following, NEW, tag="1.5.0")
    following.pass_time(120)
    claims(following, NEW, tag="1.7.0")
    following.pass_time(120)
    assert found(store) == ["1.5.0", "1.7.0"]


def test_a_list_that_is_not_told_is_said_once_and_hinders_no_tag_and_begins_again(
    following: Hand, client: Troubled, store: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    following.pass_time(0.1)
    assert client.asked == ["test/app"]
    client.trouble = RepositoryUnavailable("the tags of test/app are not told", timedelta(minutes=1))
    following.pass_time(2)
    client.trouble = None
    following.pass_time(10)
    assert "1.6.0" not in found(store)
    assert caplog.messages.count("the tags of test/app are not told") == 1
    following.pass_time(300)
    assert found(store) == ["1.4.2", "1.6.0"]
    assert "registry production: the tags of test/app can be asked again" in caplog.messages


def test_a_tag_that_is_listed_and_not_there_is_said_to_be_what_a_target_is_to_move_to(
    following: Hand, client: Troubled, caplog: pytest.LogCaptureFixture
) -> None:
    client.digest = None
    following.pass_time(10)
    assert "registry production has no test/app:1.6.0, though a target is to move to it" in caplog.messages
    assert "registry production has no test/app:1.4.2, though the fleet runs it" in caplog.messages


def test_a_list_that_nobody_wanted_to_the_end_begins_again_for_the_next_who_does(
    following: Hand, client: Troubled
) -> None:
    following.pass_time(0.1)
    assert client.asked == ["test/app"]
    following.followed = {}
    following.pass_time(10)
    client.asked.clear()
    runs(following, "1.4.2")
    following.pass_time(10)
    assert client.asked.count("test/app") == len(client.pages)


def notes(hand: Hand) -> list[str]:
    return list(hand.questions.last_poll.notes)


def test_tags_that_cannot_be_compared_are_logged_once_and_told_with_the_registry_until_nobody_follows(
    following: Hand, client: Troubled, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client.pages = [("1.4.2", "1.5.0"), ("01.6.0", "1.7")]
    note = "test/app: tags 01.6.0, 1.7 cannot be compared by `semver ^1.4`, and nothing moves to such a tag"
    following.pass_time(3 * 3600)
    assert notes(following) == [note]
    assert caplog.messages.count(f"registry production: {note}") == 1
    client.trouble = RegistryUnavailable("no route to host")
    following.pass_time(3600)
    assert following.questions.last_poll.error
    assert notes(following) == [note], "they are known all the same"
    client.trouble = None
    client.pages = [("1.4.2", "1.5.0")]
    following.pass_time(2 * 3600)
    assert notes(following) == []
    client.pages = [("01.6.0",)]
    following.pass_time(2 * 3600)
    assert notes(following)
    following.followed = {}
    following.pass_time(2 * 3600)
    assert notes(following) == []
