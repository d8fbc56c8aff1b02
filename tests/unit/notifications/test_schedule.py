"""When a message is sent, with what others, and again."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from registry_docker_updater.core.notifications.hours import Daily, QuietHours
from registry_docker_updater.core.notifications.news import Topic
from registry_docker_updater.core.notifications.receivers import Receiver
from registry_docker_updater.core.notifications.routing import Part
from registry_docker_updater.core.notifications.schedule import (
    MessageState,
    Purpose,
    SendResult,
    after_sending,
    due_at,
    failing_alike,
    graver,
    joinable,
    next_to_send,
    overtaken,
    waits_for_others,
)
from unit.builders import at
from unit.notifications.newsroom import POLICY, message

HOUR = 3600
# It is noon.
QUIET = Receiver("a", quiet=QuietHours(time(11), time(13)))
DAILY = Receiver("a", digest=Daily(time(14)))


def test_when_everybody_was_told_nothing_is_due() -> None:
    after = after_sending(message(), SendResult({"slack": "ok", "email": "ok"}), at(1), POLICY)
    assert after == message(
        state=MessageState.SENT,
        attempts=1,
        due_at=None,
        sent_at=at(1),
        results={"slack": "ok", "email": "ok"},
    )


def test_where_there_is_nobody_to_tell_nobody_is_said_to_be_told_and_nothing_is_due() -> None:
    after = after_sending(message(), SendResult(nobody="no channel is set"), at(1), POLICY)
    assert after == message(state=MessageState.NOBODY, attempts=1, due_at=None, error="no channel is set")


def test_a_message_whose_channels_are_gone_before_any_took_it_was_sent_to_nobody() -> None:
    failed = message(attempts=1, results={"slack": "failed: HTTP 404"}, channels=("slack",))
    after = after_sending(failed, SendResult(nobody="no channel is set"), at(1), POLICY)
    assert (after.state, after.sent_at, after.error) == (MessageState.NOBODY, None, "no channel is set")


def test_only_the_channels_that_failed_are_told_again_and_what_the_others_said_is_kept() -> None:
    first = SendResult({"slack": "ok", "teams": "HTTP 500", "email": "refused"})
    after = after_sending(message(), first, at(1), POLICY)
    assert (after.state, after.channels, after.due_at, after.failing_since) == (
        MessageState.DUE,
        ("email", "teams"),
        at(11),
        at(1),
    )
    assert after.error == "email: refused; teams: HTTP 500"
    again = after_sending(after, SendResult({"teams": "ok", "email": "refused"}), at(20), POLICY)
    assert (again.channels, again.due_at, again.failing_since) == (("email",), at(40), at(1))
    assert again.results == {"slack": "ok", "teams": "ok", "email": "refused"}
    last = after_sending(again, SendResult({"email": "ok"}), at(50), POLICY)
    assert (last.state, last.error, last.failing_since, last.channels) == (
        MessageState.SENT,
        None,
        None,
        None,
    )


def test_a_channel_that_asks_to_be_left_alone_is() -> None:
    result = SendResult({"slack": "HTTP 429"}, retry_after={"slack": timedelta(hours=1)})
    assert after_sending(message(), result, at(0), POLICY).due_at == at(HOUR)
    short = replace(result, retry_after={"slack": timedelta(seconds=1)})
    assert after_sending(message(), short, at(0), POLICY).due_at == at(10), "the back-off is longer"


def test_when_nobody_could_be_tried_all_that_were_due_stay_due() -> None:
    before = message(channels=("email",), attempts=1)
    after = after_sending(before, SendResult(error="notify.yml ended as failed"), at(1), POLICY)
    assert (after.state, after.channels, after.error) == (
        MessageState.DUE,
        ("email",),
        "notify.yml ended as failed",
    )


def test_a_channel_that_comes_back_after_an_hour_is_told_and_one_that_never_does_is_given_up() -> None:
    refused = SendResult({"email": "refused"})
    one, now, attempts = message(), at(0), 0
    while one.state is MessageState.DUE:
        assert one.due_at
        now, attempts = one.due_at, attempts + 1
        one = after_sending(one, refused, now, POLICY)
        if now < at(HOUR):
            sent = after_sending(one, SendResult({"email": "ok"}), at(HOUR), POLICY)
            assert sent.state is MessageState.SENT
    assert (one.state, one.due_at) == (MessageState.GIVEN_UP, None)
    assert at(23 * HOUR) < now <= at(24 * HOUR)
    assert attempts < 110


def test_a_clock_that_is_set_forward_gives_up_nothing_that_was_hardly_tried() -> None:
    failing = message(attempts=3, failing_since=at(-48 * HOUR))
    after = after_sending(failing, SendResult({"email": "refused"}), at(0), POLICY)
    assert after.state is MessageState.DUE


def test_someone_is_told_at_once_without_quiet_hours_or_a_digest() -> None:
    part = Part(Receiver("a"), Topic.IMAGE_UPDATED)
    assert due_at(part, at(5), at(0)) == (at(5), Purpose.AT_ONCE)
    assert due_at(part, at(5), at(15)) == (at(15), Purpose.AT_ONCE)
    assert due_at(part, at(5), at(2 * HOUR)) == (at(5), Purpose.AT_ONCE), "dated by a clock that was ahead"


@pytest.mark.parametrize(("topic", "later"), [(Topic.IMAGE_UPDATED, HOUR), (Topic.UPDATE_FAILED, 0)])
def test_in_quiet_hours_only_what_is_urgent_is_told_and_the_rest_at_their_end(
    topic: Topic, later: int
) -> None:
    assert due_at(Part(QUIET, topic), at(0), at(0)) == (at(later), Purpose.AT_ONCE)
    everything = replace(QUIET, urgent=())
    assert due_at(Part(everything, topic), at(0), at(0))[0] == at(HOUR)


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        (Topic.IMAGE_UPDATED, (at(2 * HOUR), Purpose.DIGEST)),
        (Topic.UPDATE_FAILED, (at(0), Purpose.AT_ONCE)),
    ],
)
def test_a_digest_holds_what_it_is_for_and_the_rest_is_told_at_once(topic: Topic, expected: object) -> None:
    assert due_at(Part(DAILY, topic), at(0), at(0)) == expected


def test_a_message_waits_for_rollouts_that_run_so_that_they_are_told_together_but_not_for_long() -> None:
    bundle = POLICY.bundle
    assert waits_for_others(message(), {7}, {7, 8}, at(1), bundle) == at(30)
    assert waits_for_others(message(), {7}, {7}, at(1), bundle) is None, "nothing else runs"
    assert waits_for_others(message(), {7}, {8}, at(30), bundle) is None
    assert waits_for_others(message(attempts=1), {7}, {8}, at(1), bundle) is None, "it is tried again"


def test_news_join_a_message_that_goes_out_at_the_same_time_and_no_other() -> None:
    now = message(1, due_at=at(-5))
    later, digest = message(2, due_at=at(HOUR)), message(3, due_at=at(HOUR), purpose=Purpose.DIGEST)
    tried = message(4, due_at=at(-5), attempts=1)
    known = [tried, now, later, digest]
    assert joinable(known, at(0), Purpose.AT_ONCE, at(0)) == now
    assert joinable(known, at(HOUR), Purpose.AT_ONCE, at(0)) == later
    assert joinable(known, at(HOUR), Purpose.DIGEST, at(0)) == digest
    assert joinable(known, at(30), Purpose.AT_ONCE, at(0)) is None
    assert joinable([later], at(0), Purpose.AT_ONCE, at(0)) is None, "what is urgent does not wait"


def test_a_receiver_gets_one_message_at_a_time_and_holds_up_no_other() -> None:
    first, second = message(1, due_at=at(0)), message(2, due_at=at(1))
    other = message(3, receiver="b", due_at=at(1))
    later = message(4, receiver="c", due_at=at(60))
    assert next_to_send([first, second, other, later], (), at(5)) == (first, other)
    assert next_to_send([first, second, other, later], {"default"}, at(5)) == (other,)


def test_messages_that_wait_for_the_same_channel_become_one() -> None:
    failing = {"attempts": 1, "channels": ("slack",)}
    old, new = message(1, **failing), message(2, **failing)
    assert failing_alike(new, [old, new]) == old
    assert failing_alike(old, [old, new]) is None, "the first takes in the others"
    for other in (
        message(1, attempts=1, channels=("email",)),
        message(1, receiver="b", **failing),
        message(1),
    ):
        assert failing_alike(new, [other]) is None
    assert failing_alike(replace(new, state=MessageState.SENT), [old]) is None


def test_a_message_is_of_the_gravest_topic_of_its_news() -> None:
    assert graver(Topic.IMAGE_UPDATED, Topic.UPDATE_FAILED) is Topic.UPDATE_FAILED
    assert graver(Topic.REGISTRY_SILENT, Topic.STARTED) is Topic.REGISTRY_SILENT


def test_a_message_that_has_nothing_left_to_tell_is_not_sent_and_says_why() -> None:
    ended = overtaken(message(attempts=1, channels=("slack",)), "told elsewhere")
    assert (ended.state, ended.due_at, ended.channels, ended.error) == (
        MessageState.OVERTAKEN,
        None,
        None,
        "told elsewhere",
    )
