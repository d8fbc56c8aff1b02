"""The receivers in the settings: what they mean, and what is said of what nobody can mean."""

from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.notifications.hours import Daily, QuietHours
from registry_docker_updater.core.notifications.news import USUAL_TOPICS, Topic
from registry_docker_updater.core.notifications.receivers import Gets, Receiver, Rule
from registry_docker_updater.core.notifications.schedule import SendingPolicy
from registry_docker_updater.settings.notifying import notification_policy
from unit.settings.conftest import changed, problems, read

EVERYTHING = Receiver("default", Gets.EVERYTHING)


def test_without_a_word_the_default_receiver_is_told_of_everything_but_beginnings(folder: Path) -> None:
    policy = notification_policy(read(folder, changed("runs.keep", "everything")))
    assert policy.receivers.all == (EVERYTHING,)
    assert Topic.STARTED not in EVERYTHING.topics
    assert policy.sending == SendingPolicy(
        timedelta(seconds=30), Backoff(timedelta(seconds=10), timedelta(minutes=15)), timedelta(days=1)
    )
    assert policy.variables == {}


def test_receivers_mean_what_stands_there(folder: Path) -> None:
    (folder / "messages").mkdir()
    given = {
        "templates": "messages",
        "receivers": {
            "default": {"gets": "the rest", "topics": ["update failed", "started"]},
            "team-a": {
                "quiet_hours": {"begin": "22:00", "end": "7:05", "zone": "Europe/Berlin", "urgent": []}
            },
            "ops": {
                "gets": [{"repositories": ["prod/*"], "groups": ["edge"]}, {"swarms": ["m1"]}],
                "digest": {"at": "08:00"},
            },
        },
    }
    policy = notification_policy(read(folder, changed("notifications", given)))
    default, team, ops = policy.receivers.all
    assert default == Receiver(
        "default", Gets.THE_REST, (Topic.UPDATE_FAILED, Topic.STARTED), urgent=(), digest_topics=()
    )
    assert team.gets is Gets.LABELLED
    assert (team.quiet, team.urgent) == (QuietHours(time(22), time(7, 5), "Europe/Berlin"), ())
    assert ops.gets == (Rule(repositories=("prod/*",), groups=("edge",)), Rule(swarms=("m1",)))
    assert (ops.digest, ops.digest_topics, ops.topics) == (
        Daily(time(8)),
        (Topic.IMAGE_UPDATED,),
        USUAL_TOPICS,
    )
    assert policy.variables == {"notification_templates": str(folder / "messages")}


def test_a_time_that_yaml_takes_for_a_number_is_a_time(folder: Path) -> None:
    """Without quotes, 22:00 is 1320 in YAML 1.1."""
    quiet = {"begin": 1320, "end": 450}
    settings = read(folder, changed("notifications", {"receivers": {"a": {"quiet_hours": quiet}}}))
    assert settings.notifications.as_core.get("a").quiet == QuietHours(time(22), time(7, 30))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"receivers": {"team a": {}}},
            "notifications.receivers.team a: a name is letters, digits, _ . and -",
        ),
        ({"receivers": {"a": {"gets": "all"}}}, "notifications.receivers.a.gets"),
        ({"receivers": {"a": {"gets": [{}]}}}, "has no condition; write `gets: everything`"),
        (
            {"receivers": {"a": {"gets": [{"registries": ["pro*", "nope"]}]}}},
            "notifications.receivers.a.gets.0.registries.1: nope is for none of the registries, which are production",
        ),
        ({"receivers": {"a": {"topics": ["image update"]}}}, "notifications.receivers.a.topics.0"),
        ({"receivers": {"a": {"digest": {"at": "25:00"}}}}, "'25:00' is not a time of day such as 22:00"),
        (
            {"receivers": {"a": {"digest": {"at": "8:00", "zone": "Berlin"}}}},
            "'Berlin' is not a time zone such as",
        ),
        (
            {"receivers": {"a": {"digest": {"at": "8:00", "zone": "../etc"}}}},
            "'../etc' is not a time zone such as",
        ),
        (
            {"receivers": {"a": {"quiet_hours": {"begin": "8:00", "end": "8:00"}}}},
            "notifications.receivers.a.quiet_hours.end: is the same time as begin",
        ),
        ({"retry": {"first": "1h"}}, "notifications.retry.longest: first is longer than longest"),
        ({"templates": "nowhere"}, "does not exist"),
        ({"receiver": {}}, "notifications.receiver: is not a setting"),
    ],
)
def test_what_nobody_can_mean_is_said_with_its_path(folder: Path, given: dict[str, Any], said: str) -> None:
    found = problems(folder, changed("notifications", given))
    assert any(said in one for one in found), found
