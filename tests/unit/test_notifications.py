"""When the team is told, and of what."""

from datetime import timedelta

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.events.pushes import KeptPush
from registry_docker_updater.core.fleet.targets import Kind
from registry_docker_updater.core.notifications.message import compose
from registry_docker_updater.core.notifications.schedule import (
    Notification,
    NotificationState,
    SendResult,
    after_sending,
)
from registry_docker_updater.core.rollouts.desired import PushedName
from registry_docker_updater.core.rollouts.lifecycle import RunEnd
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.rollout import RetryPolicy, Rollout, RolloutState
from unit.builders import NEW, OLD, at

RETRY = RetryPolicy(Backoff(timedelta(seconds=10), timedelta(minutes=15)), 3)


def ended(outcome: Outcome, key: str = "container/solo/web") -> TargetOutcome:
    return TargetOutcome(key, Kind.CONTAINER, "web", "host solo", outcome)


def is_news(before: dict[str, Outcome], outcomes: list[TargetOutcome]) -> bool:
    return RunEnd(NEW, tuple(outcomes), {key: ended(outcome, key) for key, outcome in before.items()}).is_news


def test_an_update_and_every_kind_of_failure_is_news() -> None:
    for outcome in Outcome:
        quiet = outcome in (Outcome.UNCHANGED, Outcome.SKIPPED)
        assert is_news({}, [ended(outcome)]) is not quiet


def test_a_retry_that_ends_as_before_is_no_news() -> None:
    before = {"container/solo/web": Outcome.UNREACHABLE}
    assert not is_news(before, [ended(Outcome.UNREACHABLE)])
    assert is_news(before, [ended(Outcome.FAILED)])
    assert is_news(before, [ended(Outcome.UNREACHABLE), ended(Outcome.UPDATED, "container/solo/db")])
    assert not is_news(before, [])


def test_when_everybody_was_told_nothing_is_due() -> None:
    after = after_sending(
        Notification(7, NotificationState.DUE, due_at=at(0), run=2), SendResult(), at(1), RETRY
    )
    assert after == Notification(7, NotificationState.SENT, 1, run=2, sent_at=at(1))


def test_where_there_is_nobody_to_tell_nobody_is_said_to_be_told_and_nothing_is_due() -> None:
    notification = Notification(7, NotificationState.DUE, due_at=at(0), run=2)
    after = after_sending(notification, SendResult(nobody="no channel is set"), at(1), RETRY)
    assert after == Notification(7, NotificationState.NOBODY, 1, error="no channel is set", run=2)


def test_only_the_channels_that_failed_are_told_again() -> None:
    notification = Notification(7, NotificationState.DUE, due_at=at(0), run=2)
    after = after_sending(notification, SendResult({"teams": "HTTP 500", "mail": "refused"}), at(1), RETRY)
    assert after == Notification(
        7, NotificationState.DUE, 1, at(11), ("mail", "teams"), "mail: refused; teams: HTTP 500", run=2
    )
    again = after_sending(after, SendResult({"mail": "refused"}), at(20), RETRY)
    assert (again.channels, again.due_at) == (("mail",), at(40))


def test_when_nobody_could_be_tried_all_that_were_due_stay_due() -> None:
    notification = Notification(7, NotificationState.DUE, 1, at(0), ("mail",))
    after = after_sending(notification, SendResult(error="notify.yml ended as failed"), at(1), RETRY)
    assert (after.state, after.channels, after.error) == (
        NotificationState.DUE,
        ("mail",),
        "notify.yml ended as failed",
    )


def test_a_message_that_never_gets_through_is_given_up() -> None:
    notification = Notification(7, NotificationState.DUE, 2, at(0))
    after = after_sending(notification, SendResult({"mail": "refused"}), at(1), RETRY)
    assert (after.state, after.attempts, after.due_at) == (NotificationState.GIVEN_UP, 3, None)


def test_the_notification_is_given_every_target_with_its_image_and_digests() -> None:
    rollout = Rollout(
        id=7,
        push=3,
        name=PushedName("production", "app", "1"),
        image="r.example.com/app:1",
        state=RolloutState.WAITING,
        created_at=at(0),
        runs=2,
        started_at=at(1),
        ended_at=at(9),
    )
    push = KeptPush(3, "production", "app", "1", NEW, "alice", at(0))
    one = TargetOutcome(
        "container/solo/web",
        Kind.CONTAINER,
        "web",
        "host solo",
        Outcome.FAILED,
        OLD,
        None,
        "no space",
        log=("cannot work",),
    )
    assert compose(rollout, push, [one]) == {
        "id": 7,
        "image": "r.example.com/app:1",
        "digest": NEW,
        "actor": "alice",
        "registry": "production",
        "pushed_at": "2026-11-22T12:00:00.000Z",
        "attempt": 2,
        "started_at": "2026-11-22T12:00:01.000Z",
        "finished_at": "2026-11-22T12:00:09.000Z",
        "outcomes": [
            {
                "kind": "container",
                "name": "web",
                "where": "host solo",
                "outcome": "failed",
                "before": {"image": "r.example.com/app:1", "digest": OLD},
                "after": None,
                "message": "no space",
                "log": ["cannot work"],
            }
        ],
    }
