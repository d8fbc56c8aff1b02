"""What notify.yml is given, and what its answer means."""

from datetime import timedelta
from typing import Any

import pytest

from registry_docker_updater.core.notifications.message import message_for_test, message_of, send_result
from registry_docker_updater.core.notifications.schedule import Purpose, SendResult
from unit.builders import at
from unit.notifications.newsroom import message, news, said


def test_a_message_has_an_id_that_stays_while_it_says_the_same() -> None:
    first, second = news(said("a"), number=4), news(said("b"), number=5)
    made = message_of(message(), [first])
    assert (made["receiver"], made["sent_for"]) == ("default", None)
    assert made["id"].startswith("m7-")
    assert made["items"] == [first.item]
    assert message_of(message(attempts=3), [first])["id"] == made["id"]
    others = (
        message_of(message(), [first, second]),
        message_of(message(), [second]),
        message_of(message(created_at=at(0.001)), [first]),
        message_of(message(8), [first]),
    )
    assert len({made["id"], *(one["id"] for one in others)}) == 5


def test_of_very_many_targets_a_message_has_the_worst_and_says_how_many_there_are() -> None:
    outcomes = [said(f"{number}") for number in range(20_010)] + [said("bad", "failed")]
    (item,) = message_of(message(), [news(*outcomes, targets=20_011)])["items"]
    assert (len(item["outcomes"]), item["outcomes"][0]["key"], item["targets"]) == (20_000, "bad", 20_011)
    several = message_of(message(), [news(*outcomes, number=n) for n in range(400)])
    assert {len(one["outcomes"]) for one in several["items"]} == {100}


@pytest.mark.parametrize(("purpose", "said_for"), [(Purpose.AT_ONCE, "bundle"), (Purpose.DIGEST, "digest")])
def test_several_news_in_one_message_say_why(purpose: Purpose, said_for: str) -> None:
    several = [news(said("a"), number=4), news(said("b"), number=5)]
    assert message_of(message(purpose=purpose), several)["sent_for"] == said_for


def test_a_run_of_notify_that_used_no_channel_told_nobody_and_says_why() -> None:
    nobody = {"notification_results": {}, "notification_nobody": "no channel is set"}
    assert send_result(nobody, "it ended") == SendResult(nobody="no channel is set")
    assert send_result({"notification_results": {}}, "it ended").nobody == "no channel was used"


@pytest.mark.parametrize(
    ("asked", "waits"),
    [(30, 30), (1.5, 1.5), (10**9, 86400), (-1, 0), ("soon", 0), (float("nan"), 0), (None, 0)],
)
def test_a_channel_says_how_it_went_and_for_how_long_it_is_to_be_left_alone(asked: Any, waits: float) -> None:
    statistics = {
        "notification_results": {"slack": "ok", "email": "failed: no"},
        "notification_nobody": "",
        "notification_retry_after": {"email": asked},
    }
    result = send_result(statistics, "it ended")
    assert (result.results, result.nobody) == ({"slack": "ok", "email": "failed: no"}, None)
    assert result.retry_after == {"email": timedelta(seconds=waits)}


def test_a_run_of_notify_that_says_nothing_has_told_nobody_however_well_it_ended() -> None:
    assert send_result({}, "notify.yml ended as successful").error == (
        "notify.yml ended as successful and said of nobody whether it was told"
    )
    assert send_result({"notification_results": {}, "notification_retry_after": 5}, "").retry_after == {}


def test_a_sample_says_that_it_is_one_and_has_all_that_a_message_has() -> None:
    sample = message_for_test("team-a", at(0))
    assert (sample["receiver"], sample["sent_for"]) == ("team-a", "test")
    made = message_of(message(), [news(said("a"))])
    assert sample.keys() == made.keys()
    (item,) = sample["items"]
    assert item.keys() >= made["items"][0].keys() - {"repository"}
    assert message_for_test("team-a", at(1))["id"] != sample["id"]
