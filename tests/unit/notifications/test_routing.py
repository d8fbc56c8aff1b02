"""Whom news concern, and what of them each is told."""

from dataclasses import replace
from typing import Any

import pytest

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.notifications.news import News, Topic
from registry_docker_updater.core.notifications.receivers import Gets, Receiver, Receivers, Rule
from registry_docker_updater.core.notifications.routing import item_of, route
from unit.builders import container, fleet, host, service
from unit.notifications.newsroom import news, of_registry, receivers, said

WEB = replace(container("web"), notify=("team-a",))
DB = replace(container("db"), notify=("team-b",))
API = service("api", ("m1", "m2"))
FLEET = fleet(
    WEB,
    DB,
    API,
    hosts=(
        host("solo", groups=("edge",)),
        host("m1", swarm="cluster-1", groups=("managers",)),
        host("m2", swarm="cluster-1"),
    ),
)
QUIET = Receiver("default", Gets.THE_REST)


def whom(one: News, known: Receivers, of: Fleet = FLEET) -> dict[str, tuple[str, ...] | None]:
    return {part.receiver.name: part.keys for part in route(one, known, of)}


def test_without_receivers_the_default_one_is_told_everything() -> None:
    assert whom(news(said("unknown")), Receivers()) == {"default": None}


def test_each_team_is_told_only_of_the_targets_whose_label_names_it() -> None:
    one = news(said(WEB.key), said(DB.key), said(API.key))
    assert whom(one, Receivers()) == {"default": None, "team-a": (WEB.key,), "team-b": (DB.key,)}


def test_who_gets_the_rest_is_told_of_what_nobody_else_is() -> None:
    one = news(said(WEB.key), said(API.key))
    assert whom(one, receivers(QUIET)) == {"team-a": (WEB.key,), "default": (API.key,)}


@pytest.mark.parametrize(
    "rule",
    [
        Rule(registries=("prod*",)),
        Rule(repositories=("prod/*", "other")),
        Rule(swarms=("m2",)),
        Rule(swarms=("cluster-1",)),
        Rule(groups=("manag*",)),
        Rule(registries=("production",), repositories=("prod/app",), swarms=("m1",), groups=("managers",)),
    ],
)
def test_a_rule_gives_a_receiver_what_meets_it(rule: Rule) -> None:
    assert whom(news(said(API.key)), receivers(QUIET, Receiver("ops", (rule,)))) == {"ops": None}


@pytest.mark.parametrize(
    "rule",
    [
        Rule(registries=("test",)),
        Rule(repositories=("prod",)),
        Rule(swarms=("m3",)),
        Rule(groups=("edge",)),
        Rule(registries=("production",), groups=("edge",)),
    ],
)
def test_a_rule_of_which_a_condition_is_not_met_gives_nothing(rule: Rule) -> None:
    assert whom(news(said(API.key)), receivers(QUIET, Receiver("ops", (rule,)))) == {"default": None}


def test_of_a_target_that_is_gone_what_was_pushed_says_whom_it_concerns() -> None:
    by_push, by_group = Rule(repositories=("prod/*",)), Rule(groups=("*",))
    known = receivers(QUIET, Receiver("a", (by_push,)), Receiver("b", (by_group,)))
    assert whom(news(said("container/gone/x")), known) == {"a": None}


def test_who_hears_nothing_new_is_not_told() -> None:
    """Its own target was updated in an attempt of before, of which it was told."""
    one = news(said(WEB.key, "failed"), said(DB.key, is_new=False))
    assert whom(one, receivers(QUIET)) == {"team-a": (WEB.key,)}


def test_a_failure_of_others_is_none_of_a_teams_own() -> None:
    one = news(said(WEB.key, "failed"), said(DB.key), topic=Topic.UPDATE_FAILED)
    topics = {part.receiver.name: part.topic for part in route(one, receivers(QUIET), FLEET)}
    assert topics == {"team-a": Topic.UPDATE_FAILED, "team-b": Topic.IMAGE_UPDATED}


def wanting(*topics: Topic) -> Receivers:
    return receivers(Receiver("default", Gets.EVERYTHING, topics))


def test_who_wants_failures_only_is_told_of_them_and_of_their_end() -> None:
    known = wanting(Topic.UPDATE_FAILED)
    assert whom(news(said(WEB.key, "failed"), topic=Topic.UPDATE_FAILED), known, Fleet()) == {"default": None}
    assert whom(news(said(WEB.key)), known, Fleet()) == {}
    assert whom(news(said(WEB.key, "updated", "failed")), known, Fleet()) == {"default": None}
    still = news(said(WEB.key, "updated", "failed"), said(DB.key, "failed", is_new=False))
    assert route(still, known, Fleet())[0].topic is Topic.UPDATE_FAILED


def test_that_a_rollout_waits_for_a_person_is_told_to_whose_targets_it_is_for_though_nothing_of_them_is_new() -> (
    None
):
    one = news(
        said(WEB.key, "failed", is_new=False), said(DB.key, is_new=False), topic=Topic.WAITING_FOR_A_PERSON
    )
    assert whom(one, receivers(QUIET)) == {"team-a": (WEB.key,)}
    alone = news({**said(DB.key, is_new=False), "left_alone": True}, topic=Topic.WAITING_FOR_A_PERSON)
    assert whom(alone, receivers(QUIET)) == {"team-b": None}


def test_what_happens_next_is_told_to_those_only_whose_targets_are_not_well() -> None:
    one = news(said(WEB.key, "failed"), said(DB.key), retry_at="2026", waits_for="a person")
    assert (item(one, WEB.key)["retry_at"], item(one, WEB.key)["waits_for"]) == ("2026", "a person")
    assert (item(one, DB.key)["retry_at"], item(one, DB.key)["waits_for"]) == (None, None)


@pytest.mark.parametrize("topic", [Topic.STARTED, Topic.WAITING_FOR_A_PERSON])
def test_that_a_run_begins_and_that_one_waits_keep_their_topic_for_whomever(topic: Topic) -> None:
    one = news(said(WEB.key, "failed"), topic=topic)
    assert [part.topic for part in route(one, wanting(topic), Fleet())] == [topic]
    assert [part.topic for part in route(one, wanting(Topic.UPDATE_FAILED), Fleet())] == []


def test_that_a_run_begins_is_told_to_those_only_who_ask_for_it() -> None:
    assert whom(news(said(WEB.key), topic=Topic.STARTED), Receivers(), Fleet()) == {}


def test_news_of_a_registry_go_to_those_who_get_what_is_of_it() -> None:
    of_it = Receiver("ops", (Rule(registries=("production",)),))
    others = Receiver("dev", (Rule(registries=("test",)),))
    assert whom(of_registry(), receivers(QUIET, of_it, others)) == {"ops": None}
    assert whom(of_registry(), receivers(QUIET, others)) == {"default": None}


def item(one: News, *keys: str) -> dict[str, Any]:
    return item_of(one, keys)


def test_a_message_says_what_its_receiver_hears_of_and_of_how_many_targets_there_are() -> None:
    one = news(said(WEB.key, "failed"), said(DB.key, "updated", "failed"), topic=Topic.UPDATE_FAILED)
    mine = item(one, DB.key)
    assert [outcome["key"] for outcome in mine["outcomes"]] == [DB.key]
    assert (mine["topic"], mine["recovered"], mine["targets"]) == ("image updated", True, 2)
    everything = item_of(one, None)
    assert (len(everything["outcomes"]), everything["topic"], everything["recovered"]) == (
        2,
        "update failed",
        False,
    )


def test_a_message_about_a_registry_says_what_there_is() -> None:
    one = of_registry()
    assert item_of(one, None) == {**one.item, "topic": "registry silent"}
