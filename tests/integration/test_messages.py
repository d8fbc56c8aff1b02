"""A message tells of the run after which it became due, and nobody is said to be told where there is nobody to tell."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from integration.keeping import begin as begin_run
from integration.keeping import due_messages, ended, record, send_all
from integration.keeping import end as end_run
from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.notifications.schedule import MessageState
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.plans import Plan
from registry_docker_updater.core.rollouts.rollout import RetryPolicy
from registry_docker_updater.storage import actions
from registry_docker_updater.storage.messages import keep_sent
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.rollouts import rollout as view
from unit.builders import NEW, at, container

WEB, DB = container("web"), container("db")
RETRY = RetryPolicy(Backoff(timedelta(seconds=40), timedelta(seconds=40)), 9)


@pytest.fixture
def store(storage: Storage) -> Storage:
    record(storage, now=at(1))
    return storage


def begin(store: Storage, now: datetime) -> None:
    begin_run(store, now, WEB, DB)


def both(web: Outcome, db: Outcome) -> tuple[TargetOutcome, ...]:
    return tuple(
        ended(outcome, target.key, None, name=target.name) for target, outcome in ((WEB, web), (DB, db))
    )


def end(store: Storage, now: datetime, web: Outcome, db: Outcome) -> None:
    end_run(
        store,
        now,
        *both(web, db),
        retry=RETRY,
    )


def said(store: Storage, now: datetime) -> tuple[Any, ...]:
    (due,) = due_messages(store, now)
    (news,) = store.notifications.news_of(due.id)
    message = news.item
    outcomes = {one["name"]: one["outcome"] for one in message["outcomes"]}
    return message["attempt"], message["started_at"], message["finished_at"], outcomes


FIRST = (
    1,
    "2026-11-22T12:00:10.000Z",
    "2026-11-22T12:00:20.000Z",
    {"web": "updated", "db": "failed"},
)


def test_a_message_that_is_sent_when_the_next_attempt_has_begun_tells_of_the_one_before(
    store: Storage,
) -> None:
    begin(store, at(10))
    end(store, at(20), Outcome.UPDATED, Outcome.FAILED)
    begin(store, at(60))
    assert said(store, at(61)) == FIRST
    actions.keep_outcome(store, 1, NEW, both(Outcome.UPDATED, Outcome.ROLLED_BACK)[1], at(65))
    assert said(store, at(66)) == FIRST


def test_a_message_still_due_when_a_later_attempt_was_no_news_or_was_superseded_tells_of_its_own(
    store: Storage,
) -> None:
    begin(store, at(10))
    end(store, at(20), Outcome.UPDATED, Outcome.FAILED)
    begin(store, at(60))
    end(store, at(70), Outcome.UNCHANGED, Outcome.FAILED)
    actions.keep_plan(store, Plan(supersede=(1,)), at(80))
    assert said(store, at(80)) == FIRST


def test_news_of_a_later_attempt_take_the_place_of_a_message_not_yet_sent(
    store: Storage,
) -> None:
    begin(store, at(10))
    end(store, at(20), Outcome.UPDATED, Outcome.FAILED)
    (first,) = due_messages(store, at(20))
    failed = replace(first, attempts=1, channels=("slack",), due_at=at(90), results={"slack": "HTTP 500"})
    keep_sent(store, failed, {}, at(21))
    begin(store, at(60))
    end(store, at(70), Outcome.UPDATED, Outcome.UPDATED)
    assert said(store, at(70))[::3] == (2, {"web": "updated", "db": "updated"})
    overtaken = store.notifications.get(first.id)
    assert overtaken is not None
    assert (overtaken.state, overtaken.error) == ("overtaken", "something newer is told of the rollout")


def test_the_message_of_an_interrupted_attempt_does_not_say_when_another_ended(
    store: Storage,
) -> None:
    begin(store, at(10))
    end(store, at(20), Outcome.FAILED, Outcome.FAILED)
    send_all(store, at(30))
    begin(store, at(60))
    actions.keep_outcome(store, 1, NEW, both(Outcome.UPDATED, Outcome.FAILED)[0], at(65))
    actions.interrupt_runs(store, at(90))
    assert said(store, at(90)) == (2, "2026-11-22T12:01:00.000Z", None, {"web": "updated", "db": "failed"})


def test_an_attempt_that_runs_is_not_shown_with_the_end_of_the_one_before(
    store: Storage,
) -> None:
    begin(store, at(10))
    end(store, at(20), Outcome.UPDATED, Outcome.FAILED)
    begin(store, at(60))
    row = view(store, 1)
    assert (row["started_at"], row["ended_at"]) == ("2026-11-22T12:01:00.000Z", None)


def test_an_attempt_during_which_the_clock_was_set_back_did_not_end_before_it_began(
    store: Storage,
) -> None:
    begin(store, at(86400))
    end(store, at(20), Outcome.UPDATED, Outcome.FAILED)
    assert said(store, at(21))[1:3] == ("2026-11-22T12:00:20.000Z", "2026-11-22T12:00:20.000Z")


def test_a_rollout_of_which_nobody_is_told_says_so(store: Storage) -> None:
    begin(store, at(10))
    end(store, at(20), Outcome.UPDATED, Outcome.UPDATED)
    (due,) = due_messages(store, at(20))
    nobody = replace(due, state=MessageState.NOBODY, due_at=None, error="no channel is set")
    keep_sent(store, nobody, {}, at(30))
    message = view(store, 1)["message"]
    assert message is not None
    assert (message["state"], message["error"]) == ("nobody told", "no channel is set")
    assert "content" not in message
    assert store.notifications.due() == ()
