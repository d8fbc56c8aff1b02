"""What a channel has no room for is left out in whole lines, worst kept, and counted; programs get more."""

import json
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils.notification.cleaning import weight
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.fitting import fitted
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.message import (
    message_words,
)

from unit.test_notification_words import NEW, OLD, SILENT, message, outcome, rollout


def alone(*outcomes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return message_words(message(rollout(*outcomes, **more)), "https://updater.example.com")


def texts(said: dict[str, Any]) -> list[str]:
    """Every text that a template may show, once."""
    found = [said["title"], said["link"], said["rest"]]
    for one in said["news"]:
        found += [one["title"], one["link"], one["rest"], *one["then"]]
        found += [f"{fact['label']}: {fact['value']}" for fact in one["facts"]]
        for target in one["targets"]:
            found += [target["text"], target["reason"], *target["log"]]
    return [text for text in found if text]


MANY = [*(outcome(f"good{n}") for n in range(50)), *(outcome(f"bad{n}", "failed") for n in range(5))]


def test_what_fits_is_left_as_it_is() -> None:
    said = alone(*MANY[-3:])
    assert fitted(said, 10_000, 20, 10) == said


def test_of_too_many_targets_the_worst_are_listed_and_the_rest_is_counted() -> None:
    (one,) = fitted(alone(*MANY), 100_000, 11)["news"]
    assert [target["text"].split()[1] for target in one["targets"]] == [
        *(f"bad{n}" for n in range(5)),
        *(f"good{n}" for n in range(5)),
    ]
    assert one["rest"] == "and 45 more: 45 updated"
    again = fitted({**alone(*MANY), "news": [one]}, 100_000, 4)["news"][0]
    assert again["rest"] == "and 52 more: 2 failed, 50 updated"


def test_lines_that_stand_for_many_count_as_many() -> None:
    same = [outcome("agent", where=f"host a{n}") for n in range(7)]
    (one,) = fitted(alone(*same, outcome("api", "failed")), 100_000, 2)["news"]
    assert one["rest"] == "and 7 more: 7 updated"


def test_no_size_is_passed_and_no_line_is_cut() -> None:
    said = alone(
        *(outcome(f"{n}" + "x" * n, "failed", message="m" * n, log=["l" * n] * 5) for n in range(90))
    )
    whole = {target["text"]: target for target in said["news"][0]["targets"]}
    for size in range(600, 9_000, 300):
        less = fitted(said, size, 100, 7)
        # The title and the link of the only piece of news are those of the message.
        shown = [text for text in texts(less) if text not in (said["title"], said["link"])]
        assert sum(weight(text) + 7 for text in (*shown, said["title"], said["link"])) <= size
        (one,) = less["news"]
        assert all(target == whole[target["text"]] for target in one["targets"])
        assert len(one["targets"]) + sum(one["left_out"].values()) == 90


def test_of_a_bundle_the_failures_are_told_with_their_targets_before_what_went_well_is_named() -> None:
    good = [rollout(*MANY[:4], id=n) for n in range(30)]
    bad = [rollout(*MANY[-4:], id=n, topic="update failed") for n in (98, 99)]
    said = message_words(message(*good, *bad))
    less = fitted(said, 100_000, 12)
    assert [(one["word"], len(one["targets"]), one["rest"]) for one in less["news"]] == [
        ("failed", 3, "and 1 more: 1 failed"),
        ("failed", 3, "and 1 more: 1 failed"),
        *[("updated", 0, "and 4 more: 4 updated")] * 4,
    ]
    assert less["rest"] == "and 26 more: 26 updated"
    small = fitted(said, 900, 100)
    assert sum(map(weight, texts(small))) <= 900
    assert 0 < len(small["news"]) < 10


def test_where_nothing_fits_the_title_stays_and_what_facts_there_is_room_for() -> None:
    said = alone(outcome("web"), actor="a" * 80, registry="r" * 80, retry_at="tomorrow")
    (one,) = fitted(said, 225, 10)["news"]
    assert [fact["label"] for fact in one["facts"]] == ["Image", "Targets", "Where", "Rollout"]
    assert (one["then"], one["targets"], one["rest"]) == ([], [], "and 1 more: 1 updated")


def test_programs_get_everything_in_full() -> None:
    said = message_words(
        message(
            SILENT,
            rollout(
                outcome("web", swarm="alpha", log=["quiet"]),
                outcome("api", "rolled_back", was="failed", message="bad", log=["token=abc"], after=None),
                topic="update failed",
                attempt="2",
                targets=5,
                waits_for="a person",
                actor="alice",
            ),
        ),
        "https://updater.example.com",
    )["data"]

    rolled_back, updated = said["items"][0].pop("outcomes")
    assert said == {
        "receiver": "team-a",
        "sent_for": None,
        "topic": "update failed",
        "headline": "2 pieces of news: 1 failed, 1 other",
        "link": "https://updater.example.com/rollouts",
        "items": [
            {
                "topic": "update failed",
                "recovered": False,
                "headline": "Update failed",
                "link": "https://updater.example.com/rollouts/12",
                "id": 12,
                "attempt": "2",
                "image": "registry.example.com/app:1",
                "digest": NEW,
                "actor": "alice",
                "registry": None,
                "pushed_at": None,
                "started_at": None,
                "finished_at": None,
                "retry_at": None,
                "waits_for": "a person",
                "insisted": [],
                "targets": 5,
                "outcomes_total": 2,
            },
            {
                "topic": "registry silent",
                "recovered": False,
                "headline": "Registry production is silent",
                "link": "https://updater.example.com/registries/production",
                "title": "Registry production is silent",
                "text": "It sent nothing for 3 h.",
                "then": "It is asked every 5 min.",
                "at": "2026-11-22T14:00:00Z",
            },
        ],
        "items_total": 2,
    }
    assert rolled_back == {
        "kind": "container",
        "name": "api",
        "where": "host solo",
        "swarm": None,
        "outcome": "rolled_back",
        "was": "failed",
        "reason": None,
        "digest_before": OLD,
        "digest_after": None,
        "message": "bad",
        "log": ["token=***"],
    }
    assert (updated["swarm"], updated["log"], updated["digest_after"]) == ("alpha", [], NEW)


def test_programs_get_no_more_than_they_take() -> None:
    quick = {"kind": "service", "name": "web", "outcome": "updated"}
    two = [rollout(*[quick] * 700), rollout(*[quick] * 700)]
    data = message_words(message(*two))["data"]
    assert [(len(item["outcomes"]), item["outcomes_total"]) for item in data["items"]] == [
        (700, 700),
        (300, 700),
    ]
    assert data["items"][0]["targets"] == 700

    long = [outcome("x" * 80, "failed", where="y" * 80, message="m" * 300, log=["l" * 160] * 5)] * 900
    heavy = message_words(message(rollout(*long), rollout(*long)))["data"]
    assert len(json.dumps(heavy)) < 241_000
    assert 100 < len(heavy["items"][0]["outcomes"]) < 900
    assert heavy["items"][1]["outcomes"] == []

    texts = [{"topic": "x", "title": "\u8239" * 50, "text": "\u8239" * 200, "then": "\u8239" * 99}] * 400
    many = message_words(message(*texts))["data"]
    assert (len(many["items"]) < 300, many["items_total"]) == (True, 400)
    assert len(json.dumps(many)) < 241_000
