"""What is kept of rollouts, of what was attempted, of what people insist on, and of what is to be told."""

from dataclasses import replace
from pathlib import Path

import pytest

from integration.keeping import (
    ANN,
    EVERYBODY,
    HOSTS,
    ONCE,
    WEB,
    begin,
    due_messages,
    end,
    ended,
    insist,
    push,
    record,
    reopened,
    send_all,
    start,
)
from registry_docker_updater.core.notifications.news import Topic
from registry_docker_updater.core.notifications.receivers import DEFAULT
from registry_docker_updater.core.notifications.schedule import Message, MessageState
from registry_docker_updater.core.rollouts.history import Override
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.plans import Plan
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.storage.actions import (
    interrupt_runs,
    keep_outcome,
    keep_plan,
    keep_repair,
    retry_rollout,
)
from registry_docker_updater.storage.messages import keep_sent, route_news
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.rollouts import rollout as view
from unit.builders import NEW, NEWER, OLD, at


def only(storage: Storage) -> Rollout:
    """The only rollout that runs or waits."""
    (rollout,) = storage.history(HOSTS, []).rollouts.values()
    return rollout


def outcomes(storage: Storage) -> list[Outcome]:
    return [one.result.outcome for one in storage.rollouts.outcomes(1)]


@pytest.fixture
def begun(storage: Storage) -> Storage:
    """A rollout runs for the first time."""
    record(storage, now=at(5))
    assert begin(storage, at(10)) == (1, 1, 1)
    return storage


def test_a_rollout_counts_its_runs_and_keeps_the_last_word_on_each_target(begun: Storage) -> None:
    assert begun.history(HOSTS, []).running == {1}
    end(begun, at(20), ended(Outcome.FAILED, after=None))
    rollout = only(begun)
    assert (rollout.state, rollout.runs, rollout.due_at) == (RolloutState.WAITING, 1, at(30))
    assert rollout.name == ("production", "test/app", "1")
    assert begin(begun, at(30)) == (1, 2, 2)
    end(begun, at(40), ended(Outcome.UPDATED))
    row = view(begun, 1)
    assert (row["state"], row["runs"], row["due_at"], row["note"]) == ("finished", 2, None, None)
    assert row["outcomes"] == {"updated": 1}
    assert [(one["run"], one["outcome"]) for one in row["targets"]] == [(2, "updated")]


def test_a_rollback_makes_the_digest_refused_on_that_target_for_good(begun: Storage) -> None:
    keep_outcome(begun, 1, NEW, ended(Outcome.ROLLED_BACK), at(11))
    keep_outcome(begun, 1, NEW, ended(Outcome.ROLLBACK_FAILED, "service/x"), at(11))
    keep_outcome(begun, 1, NEW, ended(Outcome.FAILED, "service/y"), at(11))
    refusals = begun.history(HOSTS, [WEB, "service/x", "service/y"]).refusals
    assert refusals == {(WEB, NEW), ("service/x", NEW)}


def test_an_outcome_is_known_before_its_run_ended(begun: Storage, path: Path) -> None:
    keep_outcome(begun, 1, NEW, ended(Outcome.UPDATED), at(11))
    other = reopened(path)
    assert outcomes(other) == [Outcome.UPDATED]
    assert other.history(HOSTS, [WEB]).last[WEB].possible_digests == {NEW}


def test_a_run_that_was_interrupted_is_due_again(begun: Storage) -> None:
    assert interrupt_runs(begun, at(20), busy={1}) == []
    assert [one.id for one in interrupt_runs(begun, at(20))] == [1]
    assert interrupt_runs(begun, at(21)) == []
    assert (only(begun).state, only(begun).due_at) == (RolloutState.WAITING, at(20))
    assert due_messages(begun, at(21)) == ()


def test_of_what_an_interrupted_run_did_the_team_is_told(begun: Storage) -> None:
    keep_outcome(begun, 1, NEW, ended(Outcome.UPDATED), at(11))
    interrupt_runs(begun, at(20))
    assert [one.due_at for one in due_messages(begun, at(15))] == [at(20)]


def test_what_a_run_before_did_is_no_news_of_one_that_was_interrupted(begun: Storage) -> None:
    end(begun, at(20), ended(Outcome.UNREACHABLE))
    send_all(begun, at(25))
    begin(begun, at(30))
    interrupt_runs(begun, at(40))
    assert due_messages(begun, at(40)) == ()


def test_what_a_run_that_begins_is_for_is_remembered_should_nobody_hear_of_its_end(begun: Storage) -> None:
    last = begun.history(HOSTS, [WEB]).last[WEB]
    assert (last.push, last.outcome.is_final) == (1, False)
    assert last.possible_digests == {NEW}


def test_a_superseded_rollout_ends_with_what_still_waited_in_it(begun: Storage) -> None:
    failed = replace(ended(Outcome.FAILED, "service/x", None), log=("cannot work",))
    end(begun, at(20), ended(Outcome.UPDATED), failed)
    assert [one["log"] for one in view(begun, 1)["targets"]] == [[], ["cannot work"]]
    record(begun, push(NEWER, at(30)), now=at(30))
    keep_plan(begun, Plan(supersede=(1,)), at(31))
    assert outcomes(begun) == [Outcome.UPDATED, Outcome.SUPERSEDED]
    row = view(begun, 1)
    assert [one["log"] for one in row["targets"]] == [[], []]
    assert (row["state"], row["due_at"], row["note"]) == ("superseded", None, "a newer push took its place")
    assert begun.history(HOSTS, []).rollouts == {}


def test_a_settled_rollout_waits_no_more(begun: Storage) -> None:
    interrupt_runs(begun, at(20))
    keep_plan(begun, Plan(settle=(only(begun),)), at(21))
    row = view(begun, 1)
    assert (row["state"], row["due_at"], row["note"]) == ("finished", None, "the run was interrupted")


def test_an_update_after_all_ends_the_refusal(begun: Storage) -> None:
    """A person said so, and it went well."""
    keep_outcome(begun, 1, NEW, ended(Outcome.ROLLED_BACK), at(11))
    keep_outcome(begun, 1, NEW, ended(Outcome.UPDATED), at(12))
    assert begun.history(HOSTS, [WEB]).refusals == frozenset()


def test_a_rollout_that_is_asked_for_again_has_all_its_attempts_again(begun: Storage) -> None:
    end(begun, at(20), ended(Outcome.FAILED))
    seen = begun.change_counter()

    assert retry_rollout(begun, 1, {}, ANN, at(30))

    assert begun.change_counter() > seen
    assert (only(begun).state, only(begun).due_at) == (RolloutState.WAITING, at(30))
    assert view(begun, 1)["note"] == "run again by hand, by ann"
    assert begin(begun, at(31)) == (1, 2, 1)


def test_a_run_for_a_host_that_is_back_takes_no_attempt_from_the_others(begun: Storage) -> None:
    """Nor does one after the rollout had ended count with those before."""
    end(begun, at(20), ended(Outcome.UNREACHABLE))
    assert begin(begun, at(25)) == (1, 2, 1)
    end(begun, at(60), ended(Outcome.FAILED, after=None))
    assert begin(begun, at(70)) == (1, 3, 2)
    end(begun, at(110), ended(Outcome.FAILED, after=None), retry=ONCE)
    assert begin(begun, at(900)) == (1, 4, 1)


def test_overrides_are_closed_when_nothing_is_left_to_do_and_when_others_spoke_against_the_image(
    begun: Storage,
) -> None:
    insist(begun, 1, WEB, "service/x", now=at(11))
    keep_plan(begun, Plan(closed_overrides=begun.overrides.open() - {Override("service/x", 1)}), at(12))
    assert begun.history(HOSTS, []).overrides == {Override("service/x", 1)}
    end(begun, at(20), ended(Outcome.ROLLED_BACK), ended(Outcome.SKIPPED, "service/x", left_alone=True))
    assert view(begun, 1)["is_stopped"]
    assert begun.history(HOSTS, []).overrides == frozenset()


def test_a_rollout_that_runs_cannot_be_asked_for_again(begun: Storage) -> None:
    assert not retry_rollout(begun, 1, {WEB: ()}, ANN, at(30))
    assert begun.history(HOSTS, [WEB]).overrides == frozenset()


def test_what_a_person_asks_for_is_kept_as_a_whole_or_not_at_all(begun: Storage) -> None:
    """A rollout that is due again without what was forced would leave alone what was to be updated."""
    interrupt_runs(begun, at(20))

    def cut_off() -> None:
        with begun.transaction() as kept:
            assert retry_rollout(kept, 1, {WEB: ()}, ANN, at(30))
            raise KeyboardInterrupt

    before = view(begun, 1)
    with pytest.raises(KeyboardInterrupt):
        cut_off()
    assert view(begun, 1) == before
    assert begun.overrides.open() == frozenset()


def test_what_was_asked_for_again_is_not_settled_by_who_had_not_seen_it(begun: Storage) -> None:
    interrupt_runs(begun, at(20))
    seen = only(begun)
    retry_rollout(begun, 1, {}, ANN, at(30))
    keep_plan(begun, Plan(settle=(seen,)), at(31))
    assert view(begun, 1)["state"] == "waiting"


def test_an_override_holds_until_the_target_has_an_outcome(begun: Storage) -> None:
    end(begun, at(20), ended(Outcome.ROLLED_BACK))
    retry_rollout(begun, 1, {WEB: ()}, ANN, at(30))
    begin(begun, at(31))
    keep_outcome(begun, 1, NEW, ended(Outcome.UNREACHABLE, after=None), at(32))
    keep_outcome(begun, 1, NEW, ended(Outcome.SKIPPED, left_alone=True), at(32))
    assert begun.history(HOSTS, [WEB]).overrides == {Override(WEB, 1)}
    assert begun.history(HOSTS, [WEB]).last[WEB].left_alone
    assert [one.result.left_alone for one in begun.rollouts.outcomes(1)] == [True]
    keep_outcome(begun, 1, NEW, ended(Outcome.ROLLED_BACK), at(33))
    assert begun.history(HOSTS, [WEB]).overrides == frozenset()


def test_the_history_of_more_targets_than_a_statement_can_hold(begun: Storage) -> None:
    keys = [WEB, *(f"container/solo/{number}" for number in range(2500))]
    assert set(begun.history(HOSTS, keys).last) == {WEB}
    assert set(begun.history(HOSTS, keys[::-1]).last) == {WEB}


def test_what_became_of_an_update_that_was_interrupted_is_kept_with_the_rollout_that_began_it(
    begun: Storage,
) -> None:
    end(begun, at(20), ended(Outcome.UNREACHABLE, after=None))
    keep_repair(begun, OLD, ended(Outcome.UPDATED), at(25))
    assert outcomes(begun) == [Outcome.UNREACHABLE], "another digest: an update by hand, of which no run told"
    keep_repair(begun, NEW, ended(Outcome.UPDATED), at(30))
    assert outcomes(begun) == [Outcome.UPDATED]
    assert [one.due_at for one in due_messages(begun, at(30))] == [at(30)]
    keep_repair(begun, NEW, ended(Outcome.ROLLED_BACK), at(40))
    assert outcomes(begun) == [Outcome.UPDATED], "that has ended already"
    keep_repair(begun, NEW, ended(Outcome.UPDATED, "container/solo/stranger"), at(50))


def test_news_are_told_until_they_are_told(begun: Storage) -> None:
    end(begun, at(20), ended(Outcome.UPDATED))
    assert begun.notifications.counts() == (1, 0), "also before it is known whom it concerns"
    (due,) = due_messages(begun, at(20))
    new = Message(1, DEFAULT, Topic.IMAGE_UPDATED, MessageState.DUE, at(20), due_at=at(20))
    assert due == new
    assert begun.notifications.counts() == (1, 0)
    later = replace(
        due,
        attempts=1,
        due_at=at(40),
        channels=("mail",),
        error="mail: refused",
        results={"mail": "refused"},
        failing_since=at(30),
    )
    keep_sent(begun, later, {}, at(30))
    assert begun.notifications.due() == (later,)
    assert begun.notifications.counts() == (1, 1)
    keep_sent(begun, replace(later, state=MessageState.SENT, due_at=None), {}, at(40))
    assert begun.notifications.due() == ()
    assert begun.notifications.counts() == (0, 0)


def test_news_that_come_while_the_team_is_told_are_told_too(begun: Storage) -> None:
    end(begun, at(20), ended(Outcome.FAILED))
    (first,) = due_messages(begun, at(20))
    begin(begun, at(30))
    end(begun, at(31), ended(Outcome.UPDATED))
    route_news(begun, EVERYBODY, [first.id], at(31))
    keep_sent(begun, replace(first, state=MessageState.SENT, due_at=None), {}, at(40))
    assert [one.due_at for one in begun.notifications.due()] == [at(31)]


def test_a_run_without_news_tells_nobody(begun: Storage) -> None:
    end(begun, at(20), ended(Outcome.UNCHANGED))
    assert due_messages(begun, at(20)) == ()


@pytest.mark.parametrize("number", [2, 0, -1, 10**30])
def test_a_rollout_that_is_none_is_said_to_be_none(storage: Storage, number: int) -> None:
    with pytest.raises(NothingKnown, match=f"there is no rollout {number}"):
        view(storage, number)


def test_a_rollout_of_a_push_is_shown_as_soon_as_there_is_one(storage: Storage) -> None:
    record(storage)
    assert start(storage).desired.push == 1
    begin(storage, at(10))
    assert view(storage, 1)["state"] == "running"
