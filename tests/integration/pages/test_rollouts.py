"""What pages of rollouts show."""

import re

import pytest

from browser.filled import Served
from integration.pages.browsing import Browser, said
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.runs.results import TaskStart
from registry_docker_updater.storage.actions import keep_outcome
from registry_docker_updater.views.rollouts import ending, rollouts
from unit.builders import NEWER, OLD
from unit.builders import rollout as made_up


def test_the_worst_that_became_of_targets_of_a_large_rollout_is_shown_first(
    browser: Browser, site: Served
) -> None:
    outcomes = {f"far{n:03}": Outcome.UPDATED for n in range(250)}
    outcomes |= {"far010": Outcome.UNREACHABLE, "far020": Outcome.ROLLED_BACK, "far249": Outcome.FAILED}
    outcomes |= {"far040": Outcome.ROLLBACK_FAILED}
    number = said(site, outcomes)
    answer = browser.get(f"/rollouts/{number}")
    found = re.findall(r'class="then">on (far\d+)<', answer.markup)
    assert found[:5] == ["far040", "far249", "far020", "far010", "far000"]
    assert "1 to 100 of 250" in answer.text
    last = re.findall(r'class="then">on (far\d+)<', browser.get(f"/rollouts/{number}?page=3").markup)
    assert len({*last}) == 50
    assert last[-1] == "far248"


def test_what_has_just_ended_in_a_run_is_shown_though_nothing_of_it_is_kept(
    browser: Browser, site: Served
) -> None:
    (worker,) = [one for one in site.fleet.targets.values() if one.name == "worker"]
    site.progress.task(4, TaskStart("swarm-m1", "Pull the image"), utc_now())
    assert "Pull the image" in browser.get("/rollouts/4").text
    ended = TargetOutcome(
        worker.key, worker.kind, worker.name, worker.place, Outcome.FAILED, OLD, NEWER, "no space left"
    )
    site.progress.ended(4, ended, utc_now())
    shown = browser.get("/rollouts/4").text
    assert "no space left" in shown
    assert "Pull the image" not in shown
    assert NEWER[7:19] in shown


@pytest.mark.parametrize(
    ("outcomes", "ending"),
    [
        ([Outcome.UPDATED, Outcome.UNCHANGED], "ended well"),
        ([Outcome.UPDATED, Outcome.ROLLBACK_FAILED], "ended, not well"),
        ([Outcome.UPDATED, Outcome.UNREACHABLE], "ended, not well"),
        ([Outcome.SUPERSEDED], "nothing to do"),
        ([Outcome.SKIPPED], "nothing to do"),
    ],
)
def test_a_rollout_says_how_it_ended(site: Served, outcomes: list[Outcome], ending: str) -> None:
    said(site, {f"far{n}": one for n, one in enumerate(outcomes)})
    (row,) = rollouts(site.storage, 1)
    assert row["ending"] == ending


@pytest.mark.parametrize(
    ("state", "left_alone", "held", "says"),
    [
        (RolloutState.FINISHED, 0, 0, "ended well"),
        (RolloutState.FINISHED, 1, 0, "ended, not well"),
        (RolloutState.FINISHED, 0, 1, "ended, not well"),
        (RolloutState.WAITING, 0, 0, None),
        (RolloutState.RUNNING, 0, 0, None),
        (RolloutState.SUPERSEDED, 0, 0, None),
    ],
)
def test_a_rollout_that_left_a_target_alone_did_not_end_well_and_one_that_goes_on_has_not_ended(
    state: RolloutState, left_alone: int, held: int, says: str | None
) -> None:
    assert ending(made_up(state), {Outcome.UPDATED: 3}, left_alone, held) == says


def test_the_last_lines_of_what_did_not_come_up_are_shown_as_they_are_and_do_nothing(
    browser: Browser, site: Served
) -> None:
    (worker,) = [one for one in site.fleet.targets.values() if one.name == "worker"]
    log = ("<script>alert(1)</script>", "  at {{ 7 * 7 }}\u202e")
    ended = TargetOutcome(
        worker.key, worker.kind, worker.name, worker.place, Outcome.ROLLED_BACK, OLD, OLD, "it ended", log=log
    )
    assert '<pre class="log">' not in browser.get("/rollouts/4").markup
    site.progress.ended(4, ended, utc_now())
    shown = '<pre class="log">\n&lt;script&gt;alert(1)&lt;/script&gt;\n  at {{ 7 * 7 }}\\u202e\n</pre>'
    assert shown in browser.get("/rollouts/4").markup
    keep_outcome(site.storage, 4, NEWER, ended, utc_now())
    assert shown in browser.get(f"/targets/{worker.key}").markup
