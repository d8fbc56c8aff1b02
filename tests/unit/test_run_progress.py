"""How far a run is that goes on, for each of its targets."""

from datetime import datetime

from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.runs.progress import (
    STAGE_SENTENCES,
    RunProgress,
    TargetProgress,
    TargetStage,
)
from registry_docker_updater.core.runs.results import TaskStart
from unit.builders import NEW, OLD, at, container, desired, service

WEB, DB, API = container("web", "one"), container("db", "two"), service("api", ("m1", "m2"))
BEGUN = RunProgress(7, 2, "update", desired(), at(100), (WEB, DB, API))


def stages(run: RunProgress) -> dict[str, tuple[str, datetime, str | None]]:
    return {one.target.name: (one.stage.value, one.since, one.task) for one in run.of_targets()}


def updated(key: str = WEB.key) -> TargetOutcome:
    return TargetOutcome(key, WEB.kind, "web", "host one", Outcome.UPDATED, OLD, NEW, "web now runs it")


def test_every_target_of_a_run_that_has_just_begun_waits_for_its_turn() -> None:
    assert set(stages(BEGUN).values()) == {("waits", at(100), None)}
    assert BEGUN.counts() == {TargetStage.WAITS: 3}


def test_a_target_is_being_updated_as_soon_as_one_of_its_hosts_begins_a_task() -> None:
    run = BEGUN.at_task(TaskStart("one", "Pull the image"), at(110)).at_task(TaskStart("m2", "Look"), at(111))
    assert stages(run) == {
        "web": ("updating", at(110), "Pull the image"),
        "db": ("waits", at(100), None),
        "api": ("updating", at(111), "Look"),
    }


def test_of_several_hosts_the_one_that_began_a_task_last_says_what_its_target_is_at() -> None:
    run = BEGUN.at_task(TaskStart("m2", "Look"), at(111)).at_task(TaskStart("m1", "Update"), at(112))
    assert stages(run)["api"] == ("updating", at(112), "Update")
    assert stages(run.at_task(TaskStart("m2", "Wait"), at(113)))["api"] == ("updating", at(113), "Wait")


def test_a_target_has_ended_as_soon_as_its_outcome_is_known_whatever_its_host_does_then() -> None:
    run = BEGUN.at_task(TaskStart("one", "Update"), at(110)).after(updated(), at(120))
    run = run.at_task(TaskStart("one", "Clean up"), at(121))
    (web,) = (one for one in run.of_targets() if one.target is WEB)
    assert (web.stage, web.since) == (TargetStage.ENDED, at(120))
    assert web.ended is not None
    assert (web.ended.result, web.ended.run) == (updated(), 2)
    assert run.counts() == {TargetStage.ENDED: 1, TargetStage.WAITS: 2}


def test_a_target_is_lost_to_the_run_when_none_of_its_hosts_is_left() -> None:
    run = BEGUN.without_host("one", "no route to host").without_host("m1", "timed out")
    found = {one.target.name: (one.stage, one.trouble) for one in run.of_targets()}
    assert found["web"] == (TargetStage.LOST, "one: no route to host")
    assert found["api"] == (TargetStage.WAITS, None)
    (api,) = (one for one in run.without_host("m2", "gone").of_targets() if one.target is API)
    assert api == TargetProgress(API, TargetStage.LOST, at(100), trouble="m1: timed out; m2: gone")


def test_what_is_said_of_each_stage_is_a_sentence() -> None:
    assert set(STAGE_SENTENCES) == set(TargetStage)
