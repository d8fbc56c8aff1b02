"""What is told of a push that waits: of which reasons, once, in which words, and to whom what."""

from dataclasses import replace
from typing import Any

import pytest

from registry_docker_updater.core.events.pushes import KeptPush
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.notifications.news import USUAL_TOPICS, News, Topic
from registry_docker_updater.core.notifications.receivers import Gets, Receiver, Receivers
from registry_docker_updater.core.notifications.routing import item_of, route
from registry_docker_updater.core.notifications.waiting import news_of_wait, still_waiting, with_links
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.verdicts import (
    APPROVAL,
    BY_NAME,
    OPTED_OUT,
    WATCHED,
    WINDOW,
    Verdict,
)
from registry_docker_updater.core.rollouts.waits import Wait
from unit.builders import NEW, OLD, at, container, desired, fleet, rollout, service
from unit.notifications.newsroom import receivers

WEB = replace(container("web"), notify=("team-a",))
DB = replace(container("db"), notify=("team-b",))
API = service()
PUSH = KeptPush(1, "production", "test/app", "1", NEW, "alice", at(60))
PERSON, WAITS = Topic.WAITING_FOR_A_PERSON, Topic.UPDATE_WAITS
OPENS = WINDOW.saying("waits for its window (daily), which opens at 22:00 UTC", at(3600))


def wait(*targets: tuple[Target, Verdict], before: tuple[str, ...] = ()) -> Wait:
    known = rollout(RolloutState.WAITING, runs=0, waits=before)
    return Wait(desired(), known, targets, at(60))


def came(*targets: tuple[Target, Verdict], **more: Any) -> News:
    found = news_of_wait(wait(*targets), rollout(RolloutState.WAITING, runs=0), PUSH, at(61), **more)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "topic", "title"),
    [
        ("approval", PERSON, "Waits for approval"),
        ("unreadable", PERSON, "Rules cannot be read"),
        ("lapsed", PERSON, "Approval lapsed"),
        ("declined", WAITS, "Refused"),
        ("frozen", WAITS, "Frozen"),
        ("window", WAITS, "Waits for its window"),
        ("soaking", WAITS, "Waits for what comes before it"),
        ("too_young", WAITS, "Waits until the push is old enough"),
        ("watched", WAITS, "Update available"),
    ],
)
def test_every_rule_is_told_in_a_few_words_and_says_what_is_waited_for(
    name: str, topic: Topic, title: str
) -> None:
    news = came((WEB, BY_NAME[name]))
    assert (news.topic, news.item["title"], news.subject) == (topic, title, name)
    assert news.item["waits_for"]


def test_nobody_is_told_of_a_target_that_opted_out_or_waits_by_no_rule() -> None:
    others = {one for one in BY_NAME.values() if not one.is_by_rule} | {OPTED_OUT}
    for one in others:
        assert news_of_wait(wait((WEB, one)), rollout(RolloutState.WAITING), PUSH, at(61)) is None
    assert news_of_wait(wait(), rollout(RolloutState.WAITING), PUSH, at(61)) is None


def test_a_push_that_waits_is_told_with_its_targets_what_they_run_and_what_it_waits_for() -> None:
    news = came((WEB, OPENS))
    assert (news.at, news.due_at, news.rollout, news.run, news.is_of_wait) == (at(61), at(61), 7, 0, True)
    assert news.item == {
        "id": 7,
        "title": "Waits for its window",
        "image": "registry.example.com/test/app:1",
        "digest": NEW,
        "actor": "alice",
        "registry": "production",
        "repository": "test/app",
        "pushed_at": "2026-11-22T12:01:00.000Z",
        "attempt": None,
        "started_at": None,
        "finished_at": None,
        "retry_at": None,
        "at": "2026-11-22T12:01:01.000Z",
        "path": "/rollouts/7",
        "waits_for": "its window",
        "outcomes": [
            {
                "key": WEB.key,
                "kind": "container",
                "name": "web",
                "where": "host solo",
                "outcome": "waits",
                "before": {"image": WEB.image, "digest": OLD},
                "after": None,
                "message": "waits for its window (daily), which opens at 22:00 UTC",
                "reason": "window",
            }
        ],
    }
    assert came((replace(WEB, digests=frozenset()), OPENS)).item["outcomes"][0]["before"] is None


def test_the_page_that_is_opened_can_be_another() -> None:
    assert came((WEB, APPROVAL), path="/approve?signature=x").item["path"] == "/approve?signature=x"


def test_what_waits_for_approval_leads_to_the_page_where_that_is_given() -> None:
    approval, window = came((container(), APPROVAL)), came((container(), WINDOW))
    first, second = with_links([approval, window], lambda rollout: f"/approve/{rollout}")
    assert (first.item["path"], second) == (f"/approve/{approval.rollout}", window)


def test_of_several_reasons_the_gravest_is_the_title_and_all_are_said() -> None:
    news = came((WEB, WATCHED), (DB, OPENS), (API, APPROVAL))
    assert (news.topic, news.subject) == (PERSON, "approval window watched")
    assert news.item["title"] == "Waits for approval"
    assert news.item["waits_for"] == (
        "approval: `approve 7` gives it, `refuse 7` refuses it; its window;"
        " a person: it is only watched, and not updated"
    )


def test_only_what_is_new_is_told_and_each_reason_once() -> None:
    both = ((WEB, OPENS), (DB, APPROVAL))
    of = rollout(RolloutState.WAITING)
    asked = {"approval": {DB.key}}
    news = news_of_wait(wait(*both, before=("approval",)), of, PUSH, at(61), known=asked)
    assert news is not None
    assert [one["key"] for one in news.item["outcomes"]] == [WEB.key]
    again = news_of_wait(wait(*both), of, PUSH, at(61), known={"window": {WEB.key}})
    assert again is not None
    assert (again.subject, [one["key"] for one in again.item["outcomes"]]) == ("approval", [DB.key])
    assert news_of_wait(wait(*both, before=("approval", "window")), of, PUSH, at(61), known=asked) is None
    both_known = {"window": {WEB.key}, **asked}
    assert news_of_wait(wait(*both), of, PUSH, at(61), known=both_known) is None


def test_a_target_that_waits_for_approval_later_than_others_is_told_and_the_others_not_again() -> None:
    waits = wait((WEB, OPENS), (DB, APPROVAL), (API, APPROVAL), before=("approval", "window"))
    known = {"approval": {DB.key}, "window": {DB.key}}
    news = news_of_wait(waits, rollout(RolloutState.WAITING), PUSH, at(61), known=known)
    assert news is not None
    assert (news.topic, news.subject) == (PERSON, "approval")
    assert [one["key"] for one in news.item["outcomes"]] == [API.key]


def test_each_team_is_told_what_its_own_targets_wait_for() -> None:
    news = came((WEB, OPENS), (DB, APPROVAL))
    nobody = Receiver("default", Gets.LABELLED)
    parts = {part.receiver.name: part for part in route(news, receivers(nobody), fleet(WEB, DB))}
    assert {name: part.topic for name, part in parts.items()} == {"team-a": WAITS, "team-b": PERSON}
    mine = item_of(news, parts["team-a"].keys)
    assert (mine["topic"], mine["title"], mine["waits_for"]) == (
        "update waits",
        "Waits for its window",
        "its window",
    )
    assert ([one["key"] for one in mine["outcomes"]], mine["targets"], mine["recovered"]) == (
        [WEB.key],
        1,
        False,
    )
    other = item_of(news, parts["team-b"].keys)
    assert (other["topic"], other["title"]) == ("waiting for a person", "Waits for approval")


def test_what_waits_is_told_to_whom_nothing_else_is_said_and_to_nobody_who_wants_other_topics() -> None:
    assert WAITS in USUAL_TOPICS
    news = came((API, OPENS))
    assert [part.topic for part in route(news, Receivers(), fleet(API))] == [WAITS]
    only = receivers(Receiver("default", Gets.EVERYTHING, (PERSON, Topic.UPDATE_FAILED)))
    assert route(news, only, fleet(API)) == ()


def test_news_of_which_nobody_knows_the_reasons_any_more_are_told_all_the_same() -> None:
    news = came((WEB, OPENS))
    (one,) = news.item["outcomes"]
    later = replace(news, item={**news.item, "outcomes": [{**one, "reason": "phase of the moon"}]})
    said = item_of(later, None)
    assert (said["topic"], said["title"], said["waits_for"]) == ("update waits", None, None)


def test_news_hold_for_the_targets_whose_reason_still_keeps_the_rollout_waiting() -> None:
    news = came((WEB, OPENS), (DB, APPROVAL))
    of = rollout(RolloutState.WAITING, waits=("approval", "window"))
    assert still_waiting(news, of) == (WEB.key, DB.key)
    assert still_waiting(news, replace(of, waits=("window",))) == (WEB.key,)
    assert still_waiting(news, replace(of, waits=())) == ()
    assert still_waiting(news, replace(of, state=RolloutState.SUPERSEDED)) == ()
