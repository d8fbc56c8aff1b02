"""What a notification says: of what, how it went, where, and what happens next."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.filter import notification_fitted, notification_words

OLD, NEW = "sha256:" + "0a" * 32, "sha256:" + "1b" * 32
SHORT_OLD, SHORT_NEW = OLD[:19], NEW[:19]
LINK = "https://updater.example.com/"

words = notification_words.FilterModule().filters()["notification_words"]
fitted = notification_fitted.FilterModule().filters()["notification_fitted"]


def outcome(name: str, became: str = "updated", **more: Any) -> dict[str, Any]:
    return {
        "kind": "container",
        "name": name,
        "where": "host solo",
        "outcome": became,
        "before": {"digest": OLD},
        "after": {"digest": NEW if became == "updated" else OLD},
        **more,
    }


def rollout(*outcomes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "topic": "image updated",
        "id": 12,
        "image": "registry.example.com/app:1",
        "digest": NEW,
        "outcomes": list(outcomes),
        **more,
    }


SILENT = {
    "topic": "registry silent",
    "title": "Registry production is silent",
    "text": "It sent nothing for 3 h.",
    "then": "It is asked every 5 min.",
    "path": "/registries/production",
    "at": "2026-11-22T14:00:00Z",
}


def message(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "m1", "receiver": "team-a", "sent_for": None, "items": list(items), **more}


def one(*outcomes: dict[str, Any], **more: Any) -> dict[str, Any]:
    (said,) = words(message(rollout(*outcomes, **more)), LINK)["news"]
    found: dict[str, Any] = said
    return found


def facts(*outcomes: dict[str, Any], **more: Any) -> dict[str, str]:
    return {fact["label"]: fact["value"] for fact in one(*outcomes, **more)["facts"]}


def lines(*outcomes: dict[str, Any]) -> list[str]:
    return [f"{target['mark']} {target['text']}" for target in one(*outcomes)["targets"]]


def test_a_rollout_tells_what_changed_who_pushed_when_and_how_long_it_took() -> None:
    assert facts(
        outcome("web"),
        actor="alice",
        registry="production",
        attempt=2,
        pushed_at="2026-11-22T10:00:00.000Z",
        started_at="2026-11-22T10:00:01Z",
        finished_at="2026-11-22T10:02:05Z",
    ) == {
        "Image": "registry.example.com/app:1",
        "Targets": "1 updated",
        "Where": "1 host",
        "Digest": f"{SHORT_OLD} → {SHORT_NEW}",
        "Pushed": "by alice at 2026-11-22 10:00:00 UTC to production",
        "Took": "2 min 5 s from the push to the end",
        "Rollout": "12, attempt 2, began 2026-11-22 10:00:01 UTC, ended 2026-11-22 10:02:05 UTC",
    }


def test_what_is_not_known_is_not_told() -> None:
    assert facts(digest=None, id=None) == {"Image": "registry.example.com/app:1"}
    assert facts(outcome("web", before=None), id=None)["Digest"] == SHORT_NEW
    assert words(message({"topic": "image updated", "image": "a:1"}))["news"][0]["targets"] == []


def test_several_old_digests_are_told_with_the_targets() -> None:
    two = (outcome("a"), outcome("b", before={"digest": "sha256:" + "2c" * 32}))
    assert facts(*two)["Digest"] == f"several → {SHORT_NEW}"


def test_how_many_targets_there_are_is_told_with_how_many_the_rollout_has() -> None:
    assert facts(outcome("a"), outcome("b", "failed"), targets=2)["Targets"] == "1 failed, 1 updated"
    assert facts(outcome("a"), targets=7)["Targets"] == "1 updated (of 7 that the rollout has)"
    assert facts(targets=7)["Targets"] == "7"
    assert facts(outcome("a", "exploded"), outcome("b", "imploded"))["Targets"] == "2 other"


def test_bad_targets_come_first_with_why_and_the_end_of_their_logs() -> None:
    said = one(
        outcome("web", log=["all is well"]),
        outcome("api", "rolled_back", message="not\nhealthy", log=["token=abc", "FATAL"]),
    )
    assert [(target["mark"], target["reason"], target["log"]) for target in said["targets"]] == [
        ("✗", "not healthy", ["token=***", "FATAL"]),
        ("✓", "", []),
    ]


def test_a_target_is_told_with_where_it_is_and_what_it_runs() -> None:
    service = {"kind": "service", "where": "swarm of m1", "swarm": "alpha"}
    assert lines(
        outcome("api", "rolled_back", **service),
        outcome("cache", "unreachable", before=None, after=None),
        outcome("db", "failed", after=None),
        outcome("web", **service),
        outcome("new", was="failed"),
        outcome("old", "unchanged", where=None, before="x"),
    ) == [
        f"✗ service api on swarm of m1: rolled back, is at {SHORT_OLD}",
        "✗ container cache on host solo: unreachable",
        f"✗ container db on host solo: failed, was at {SHORT_OLD}",
        f"✓ service web on swarm of m1: updated, {SHORT_OLD} → {SHORT_NEW}",
        f"✓ container new on host solo: updated (was failed), {SHORT_OLD} → {SHORT_NEW}",
        f"· container old: unchanged, is at {SHORT_OLD}",
    ]


@pytest.mark.parametrize(
    ("places", "text"),
    [
        ([f"host a{n}" for n in range(250)], "on 250 hosts: updated, {} (a0, a1, a2 and 247 more)"),
        (["host a", "host b"], "on 2 hosts: updated, {} (a and b)"),
        (["host a", "host b", "host c"], "on 3 hosts: updated, {} (a, b and c)"),
        (["host a", "host a"], "on 1 host: updated, {} (a)"),
        (["swarm of m1", "swarm m2", "host a"], "on 2 swarms, 1 host: updated, {} (m1, m2 and a)"),
        (["attic", "cellar"], "on 2 places: updated, {} (attic and cellar)"),
        ([None, None], ", 2 times: updated, {}"),
    ],
)
def test_targets_that_are_alike_in_many_places_are_one_line(places: list[str | None], text: str) -> None:
    (line,) = lines(*(outcome("agent", where=place) for place in places))
    begin = "✓ container agent" + ("" if text.startswith(",") else " ")
    assert line == begin + text.format(f"{SHORT_OLD} → {SHORT_NEW}")


def test_a_swarm_is_one_place_whichever_manager_acted_for_it() -> None:
    two = [outcome("web", where=f"swarm of m{n}", swarm="alpha") for n in (1, 2)]
    assert facts(*two)["Where"] == "1 swarm"


def test_what_happens_next_is_told() -> None:
    assert one(retry_at="2026-11-22T11:00:00Z", waits_for="a person: `retry 12`")["then"] == [
        "Tried again by itself at 2026-11-22 11:00:00 UTC.",
        "Waits for a person: `retry 12`",
    ]


def test_news_that_is_no_rollout_tells_its_title_text_and_what_is_next() -> None:
    said = words(message(SILENT), LINK)
    (news,) = said["news"]
    assert (said["title"], said["subject"], said["mark"]) == (SILENT["title"], SILENT["title"], "✗")
    assert news["facts"] == [
        {"label": "What", "value": "It sent nothing for 3 h."},
        {"label": "At", "value": "2026-11-22 14:00:00 UTC"},
    ]
    assert news["then"] == ["It is asked every 5 min."]
    assert said["link"] == news["link"] == "https://updater.example.com/registries/production"
    assert said["time"] == "2026-11-22T14:00:00Z"


@pytest.mark.parametrize(
    ("item", "headline", "mark"),
    [
        (rollout(), "Image updated", "✓"),
        (rollout(topic="update failed"), "Update failed", "✗"),
        (rollout(recovered=True), "Recovered", "✓"),
        (rollout(topic="started"), "Update started", "·"),
        (rollout(topic="waiting for a person"), "Waiting for a person", "·"),
        (rollout(topic="waiting for a person", title="Waits for approval"), "Waits for approval", "·"),
        (rollout(topic="update waits"), "Update waits", "·"),
        (rollout(topic="update waits", title="Frozen"), "Frozen", "·"),
        (rollout(topic="something new", title="not of rollouts"), "News", "·"),
        ({"topic": "registry silent"}, "Registry silent", "✗"),
        ({"topic": "registry silent", "recovered": True}, "Recovered", "✓"),
        ({"topic": "registry silent", "recovered": True, "title": "It is back"}, "It is back", "✓"),
    ],
)
def test_every_topic_has_its_headline(item: dict[str, Any], headline: str, mark: str) -> None:
    said = words(message(item))
    assert (said["headline"], said["mark"]) == (headline, mark)


def test_the_page_of_the_rollout_is_linked() -> None:
    assert one()["link"] == "https://updater.example.com/rollouts/12"
    for number in ("12/../../evil", -1, None, "²"):
        assert one(id=number)["link"] == ""
    assert words(message(rollout()))["link"] == ""
    assert words(message(rollout(), rollout()), LINK)["link"] == "https://updater.example.com/rollouts"


def test_a_rollout_may_name_the_page_that_is_linked_which_is_one_of_the_operator() -> None:
    signed = "/rollouts/12?until=2026-11-25T12:00:00Z&signature=a-_b="
    assert one(path=signed)["link"] == f"https://updater.example.com{signed}"
    for path in ("https://evil.example.com", "javascript:alert(1)", "/a b", "/<b>", ".evil.example.com", 7):
        assert one(path=path)["link"] == "https://updater.example.com/rollouts/12"
    assert words(message(rollout(path=signed)))["link"] == ""


def waits(name: str, why: str, **more: Any) -> dict[str, Any]:
    return outcome(name, "waits", after=None, message=why, **more)


def test_what_waits_is_told_with_what_it_runs_and_why_and_is_nothing_that_is_wrong() -> None:
    said = one(waits("web", "waits for its window"), outcome("db", "failed"), topic="update waits")
    assert [(target["mark"], target["text"], target["reason"]) for target in said["targets"]] == [
        ("✗", f"container db on host solo: failed, is at {SHORT_OLD}", ""),
        ("·", f"container web on host solo: waits, is at {SHORT_OLD}", "waits for its window"),
    ]
    assert said["counts"] == "1 failed, 1 waiting"
    assert [target["outcome"] for target in said["targets"]] == ["failed", "waiting"]


def test_a_run_that_began_is_told_as_begun_and_as_nothing_that_is_wrong() -> None:
    begun = {"kind": "service", "name": "web", "where": "swarm of m1", "outcome": None}
    said = one(begun, {**begun, "name": "api"}, outcome("db"), topic="started")
    assert [f"{target['mark']} {target['text']}" for target in said["targets"]] == [
        "· service web on swarm of m1: begun",
        "· service api on swarm of m1: begun",
        f"✓ container db on host solo: updated, {SHORT_OLD} → {SHORT_NEW}",
    ]
    assert said["counts"] == "2 begun, 1 updated"


def test_what_waits_comes_after_what_a_person_is_to_do_and_before_what_went_well() -> None:
    said = words(
        message(
            *(
                rollout(topic=one)
                for one in ("started", "image updated", "update waits", "waiting for a person")
            ),
            SILENT,
        )
    )
    assert [news["topic"] for news in said["news"]] == [
        "registry silent",
        "waiting for a person",
        "update waits",
        "image updated",
        "started",
    ]
    assert (
        said["headline"]
        == "5 pieces of news: 1 other, 1 waiting for a person, 1 waiting, 1 updated, 1 started"
    )


def test_a_bundle_says_how_many_of_what_it_tells_and_the_worst_first() -> None:
    said = words(
        message(rollout(id=1), rollout(id=2, topic="update failed"), rollout(id=3, recovered=True)), LINK
    )
    assert said["headline"] == said["title"] == "3 rollouts: 1 failed, 1 updated, 1 recovered"
    assert (said["topic"], said["event"], said["mark"]) == ("update failed", "update-failed", "✗")
    assert [news["title"] for news in said["news"]] == [
        "Update failed: registry.example.com/app:1",
        "Image updated: registry.example.com/app:1",
        "Recovered: registry.example.com/app:1",
    ]
    assert [fact["label"] for fact in said["news"][0]["facts"]] == ["Digest"]
    good_again = rollout(topic="update failed", recovered=True)
    order = [
        news["word"] for news in words(message(good_again, rollout(topic="waiting for a person")))["news"]
    ]
    assert order == ["waiting for a person", "recovered"]
    mixed = words(message(rollout(), SILENT, rollout(topic="x")))
    assert mixed["headline"] == "3 pieces of news: 2 other, 1 updated"
    assert words(message(rollout(topic="started"), rollout()))["mark"] == "·"


def test_digests_and_tests_say_what_they_are() -> None:
    digest = words(message(rollout(), rollout(), sent_for="digest"))
    assert digest["subject"] == "Digest: 2 rollouts: 2 updated"
    test = words(message(rollout(outcome("web")), sent_for="test"))
    assert (test["headline"], test["is_test"]) == ("Test: Image updated, nothing happened", True)
    assert test["subject"] == "Test: Image updated: registry.example.com/app:1 (1 updated), nothing happened"


def test_a_message_without_news_says_so() -> None:
    said = words({"sent_for": "digest"})
    assert (said["title"], said["id"], said["event"]) == ("Digest: nothing to tell", "unnamed", "other")
    assert (said["time"], said["mark"]) == ("", "·")
    assert fitted(said, 1000, 10)["news"] == []


def test_a_subject_shortens_the_name_of_the_image_and_nothing_else() -> None:
    long = words(message(rollout(outcome("web"), image="registry.example.com/" + "x" * 250)))
    assert long["subject"].startswith("Image updated: registry.example.com/xxx")
    assert long["subject"].endswith("x… (1 updated)")
    assert len(long["subject"].encode()) == 200
    assert len(long["title"].encode()) == 150
    other = words(message({"topic": "x", "title": "&" * 500}, sent_for="digest"))
    assert len(other["title"]) < 40


def test_the_newest_moment_is_that_of_the_message() -> None:
    said = words(
        message(
            rollout(started_at="2026-11-22T10:00:00z", finished_at="not known"),
            rollout(started_at="2026-11-22T09:00:00Z", finished_at="2026-11-22T09:30:00Z"),
        )
    )
    assert said["time"] == "2026-11-22T10:00:00Z"


def test_what_templates_get_is_bounded_and_the_rest_counted() -> None:
    said = words(message(*(rollout(*(outcome(str(n)) for n in range(9))) for _ in range(400)), rollout()))
    assert len(said["news"]) == 300
    assert said["rest"] == "and 101 more: 101 updated"
    assert sum(len(news["targets"]) for news in said["news"]) == 300
    assert said["news"][-1]["rest"] == "and 9 more: 9 updated"


def test_who_wanted_it_though_a_rule_speaks_against_it_is_said_before_what_happens_next() -> None:
    said = rollout(
        outcome("web"),
        insisted=["As ann\x1b wants, though it is frozen by bob: end of year", *"1234"],
        waits_for="a person",
    )
    given = {"id": "m1", "receiver": "default", "sent_for": None, "items": [said]}
    message = words(given, LINK)
    assert message["news"][0]["then"] == [
        "As ann wants, though it is frozen by bob: end of year.",
        *("1.", "2.", "3."),
        "Waits for a person",
    ]
    assert message["data"]["items"][0]["insisted"] == message["news"][0]["then"][:4]
    others: list[Any] = [None, "text", [], 7]
    for nothing in others:
        message = words({**given, "items": [{**said, "insisted": nothing}]}, LINK)
        assert message["data"]["items"][0]["insisted"] == []
