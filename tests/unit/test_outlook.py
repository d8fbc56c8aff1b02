"""Why a target runs what it runs, and what comes next."""

from dataclasses import replace
from datetime import datetime

import pytest

from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts import verdicts
from registry_docker_updater.core.rollouts.history import History, LastAttempt
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.outlook import (
    FOREIGN,
    NOT_PUSHED,
    UNMATCHED,
    UPDATING,
    Outlook,
    Overview,
    overview,
)
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.verdicts import BUSY, CHANGED, CURRENT, DUE, LATER, Verdict
from unit.builders import HOST, NEW, NEWER, at, container, desired, fleet, host, rollout

WEB = container()
EVERY_VERDICT = [one for one in vars(verdicts).values() if isinstance(one, Verdict)]
EVERY_VERDICT += [UPDATING, NOT_PUSHED, FOREIGN, UNMATCHED]


def overview_of(
    *targets: Target, history: History | None = None, now: datetime = at(120), digest: str = NEW
) -> Overview:
    return overview(fleet(*targets), [desired(digest)], [HOST], history or History(), now)


def outlook(target: Target = WEB, history: History | None = None) -> Outlook:
    return overview_of(target, history=history).outlook(target.key)


def attempted(push: int = 1, outcome: Outcome = Outcome.FAILED) -> dict[str, LastAttempt]:
    return {WEB.key: LastAttempt(push, outcome, frozenset((NEW,)), at(100))}


def test_every_verdict_has_a_word_of_its_own_and_says_what_happens_next() -> None:
    assert len({one.name for one in EVERY_VERDICT}) == len(EVERY_VERDICT)
    assert all(one.sentence and one.then for one in EVERY_VERDICT)


def test_a_target_is_behind_what_was_pushed_until_it_runs_it() -> None:
    behind = outlook()
    assert (behind.is_behind, behind.verdict, behind.desired) == (True, DUE, desired())
    current = outlook(container(digest=NEW))
    assert (current.is_behind, current.verdict, current.desired) == (False, CURRENT, desired())


@pytest.mark.parametrize(
    ("image", "verdict"),
    [
        (f"{HOST}/test/other:1", NOT_PUSHED),
        (f"{HOST.upper()}/test/other:1", NOT_PUSHED),
        ("elsewhere.example.com/test/app:1", FOREIGN),
        (f"{HOST}/test/app@{NEW}", UNMATCHED),
    ],
)
def test_a_target_for_which_nothing_was_pushed_says_why(image: str, verdict: Verdict) -> None:
    found = outlook(container(image=image))
    assert (found.verdict, found.desired, found.is_behind) == (verdict, None, False)


def test_the_verdict_on_a_target_is_that_of_its_outlook() -> None:
    current = container("current", digest=NEW)
    seen = overview_of(WEB, current)
    assert [seen.verdict(one) for one in (WEB, current)] == [DUE, CURRENT]


def test_a_target_whose_image_cannot_be_read_is_matched_by_no_push() -> None:
    assert outlook(replace(WEB, reference=None)).verdict is UNMATCHED


def test_it_tells_its_own_rollout_that_updates_it_from_another_that_keeps_it_busy() -> None:
    own = History({1: rollout(RolloutState.RUNNING)}, attempted())
    assert outlook(history=own).verdict is UPDATING
    other = History({9: rollout(RolloutState.RUNNING, push=9)}, attempted(push=9))
    assert outlook(history=other).verdict is BUSY


def test_what_waits_says_until_when_and_what_does_not_wait_says_no_time() -> None:
    waiting = rollout(RolloutState.WAITING, at(300))
    found = outlook(history=History({1: waiting}, attempted()))
    assert (found.verdict, found.rollout, found.next_at) == (LATER, waiting, at(300))
    changed = outlook(container(since=at(61)), History({1: waiting}))
    assert (changed.verdict, changed.next_at) == (CHANGED, None)
    assert outlook().next_at is None


def test_hosts_that_do_not_answer_are_named_whether_it_is_behind_or_not() -> None:
    for target in (WEB, container(digest=NEW)):
        known = fleet(target, hosts=(host("solo", error="no route to host"),))
        assert overview(known, [desired()], [HOST], History(), at(120)).outlook(target.key).silent == (
            "solo",
        )
        assert overview_of(target).outlook(target.key).silent == ()


def test_only_the_names_that_targets_run_are_remembered() -> None:
    pushes = [desired(), desired(NEWER, push=2, tag="2")]
    found = overview(fleet(WEB), pushes, [HOST], History(), at(120))
    assert set(found.newest.values()) == {desired()}
    assert set(found.behind) == {WEB.key}
