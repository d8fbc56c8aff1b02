"""When each target passed the stages of a rollout, and how that is shown."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.stages import ages

from registry_docker_updater.cli.stages import picture
from registry_docker_updater.core.rollouts.stages import moments, read_ages, timeline
from registry_docker_updater.core.runs.reading import ReportedOutcome, read
from registry_docker_updater.core.runs.results import ModuleResult
from unit.builders import NEW, OLD, at


def test_a_host_tells_stages_as_ages_for_its_clock_is_its_own() -> None:
    assert ages({"proven": 9.0, "reached": 5.0, "of no stage": 1.0}, 10.0) == {"reached": 5.0, "proven": 1.0}


def test_the_stages_of_a_target_come_in_their_order_between_the_push_and_the_message() -> None:
    of_target = moments({"proven": 1.0, "reached": 5.0, "ready": 6.0}, at(10))
    found = timeline(of_target, received=at(0), planned=at(1), kept=at(10), sent_at=at(12))
    assert list(found) == [
        ("received", at(0)),
        ("planned", at(1)),
        ("ready", at(4)),
        ("reached", at(5)),
        ("proven", at(9)),
        ("kept", at(10)),
        ("told", at(12)),
    ]


def test_what_the_clocks_of_two_processes_disagree_on_is_told_in_order_all_the_same() -> None:
    found = timeline(
        moments({"reached": 9.001, "looked": 9.002}, at(10)),
        received=at(0),
        planned=at(1),
        kept=at(10),
        sent_at=None,
    )
    times = [moment for _, moment in found]
    assert times == sorted(times)


def test_of_a_target_whose_run_told_of_no_stages_there_is_nothing_to_show() -> None:
    assert list(timeline({}, received=at(0), planned=at(1), kept=at(2), sent_at=None)) == []
    assert list(picture([target("web")])) == []


@pytest.mark.parametrize(
    "said",
    [
        None,
        "5",
        [],
        {"proven": "5"},
        {"proven": -1},
        {"proven": float("nan")},
        {"proven": 1e12},
        {"other": 1.0},
    ],
)
def test_what_a_host_says_that_can_be_no_age_is_left_out(said: Any) -> None:
    assert read_ages(said) == {}


def test_an_outcome_comes_with_its_stages() -> None:
    said = {
        "kind": "container",
        "id": "1",
        "name": "web",
        "outcome": "updated",
        "before": {"digest": OLD},
        "after": {"digest": NEW},
        "stages": {"reached": 3.5, "ready": None},
    }
    (one,) = read(
        ModuleResult("solo", "runner_item_on_ok", "registry.docker_updater.standalone_container", said)
    )
    assert isinstance(one, ReportedOutcome)
    assert one.stages == {"reached": 3.5}


def target(name: str, *stages: tuple[str, float]) -> Any:
    shown = [{"stage": stage, "at": at(seconds).isoformat()} for stage, seconds in stages]
    return {"kind": "container", "name": name, "place": "host solo", "stages": shown}


def test_the_picture_is_of_the_target_that_took_longest_with_a_bar_for_each_stage() -> None:
    quick = target("quick", ("received", 0), ("kept", 1))
    slow = target("slow", ("received", 0), ("planned", 0.01), ("reached", 2), ("kept", 4))
    head, received, planned, reached, kept = picture([quick, slow])
    assert head.endswith("container slow at host solo")
    assert received.split() == ["received", "0.00", "|"]
    assert planned.split() == ["planned", "0.01", "|"]
    assert reached.split()[:3] == ["host", "reached", "2.00"]
    assert (reached.count("#"), kept.count("#")) == (24, 24)
    assert kept.rindex("#") - kept.index("#") == 23
    assert reached.rindex("#") < kept.index("#")
