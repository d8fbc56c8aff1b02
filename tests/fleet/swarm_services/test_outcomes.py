# SPDX-License-Identifier: Apache-2.0
"""The module swarm_service on real swarms: how it finds the end of an update, and when it rolls back."""

import pytest

from fleet.services_module import outcome_of
from fleet.services_place import Place, on_both_engines
from lab import images

pytestmark = pytest.mark.lab


@on_both_engines
def test_a_good_image_is_updated_and_a_second_run_changes_nothing(place: Place) -> None:
    old = place.push(images.good("1"))
    place.create("--replicas=2")
    new = place.push(images.healthy("2"))

    result = place.update(new)

    assert outcome_of(result) == "updated"
    assert result["changed"]
    assert result["before"] == {"image": place.pinned(old), "digest": old}
    assert result["after"] == {"image": place.pinned(new), "digest": new}
    assert place.running() == [place.pinned(new)] * 2
    version = place.service()["Version"]

    again = place.update(new)

    assert outcome_of(again) == "unchanged"
    assert not again["changed"]
    assert place.service()["Version"] == version


@on_both_engines
def test_check_mode_tells_what_would_change_and_changes_nothing(place: Place) -> None:
    old = place.push(images.good("1"))
    place.create()
    place.wait_until_up()
    new = place.push(images.good("2"))
    version = place.service()["Version"]

    result = place.update(new, _ansible_check_mode=True, _ansible_diff=True)

    assert result["changed"]
    assert "outcome" not in result
    assert result["diff"]["before"]["image"] == place.pinned(old)
    assert result["diff"]["after"]["image"] == place.pinned(new)
    assert place.service()["Version"] == version
    assert not place.update(old, _ansible_check_mode=True)["changed"]


@on_both_engines
def test_a_crashing_image_that_swarm_pauses_at_is_rolled_back(place: Place) -> None:
    old = place.push(images.good("1"))
    place.create("--replicas=2", "--update-failure-action=pause")
    place.wait_until_up(2)

    result = place.update(place.push(images.crashing("2")))

    assert outcome_of(result) == "rolled_back"
    assert result["failed"]
    assert "exit" in result["message"]
    assert result["log"] == ["cannot work"]
    assert result["after"]["digest"] == old
    assert place.running() == [place.pinned(old)] * 2


@on_both_engines
def test_a_crashing_image_that_swarm_rolls_back_itself_is_no_success(place: Place) -> None:
    old = place.push(images.good("1"))
    place.create("--update-failure-action=rollback")
    place.wait_until_up()

    result = place.update(place.push(images.crashing("2")))

    assert outcome_of(result) == "rolled_back"
    assert "exit" in result["message"]
    assert result["log"] == ["cannot work"]
    assert place.running() == [place.pinned(old)]


@on_both_engines
def test_the_log_of_a_bad_image_is_told_where_its_driver_keeps_one(place: Place) -> None:
    place.push(images.good("1"))
    place.create("--log-driver=none", "--update-failure-action=pause")
    place.wait_until_up()

    result = place.update(place.push(images.crashing("2")))

    assert outcome_of(result) == "rolled_back"
    assert result["log"] == []


@on_both_engines
def test_a_crashing_image_that_swarm_calls_completed_is_rolled_back(place: Place) -> None:
    old = place.push(images.good("1"))
    place.create("--update-failure-action=continue")
    place.wait_until_up()

    result = place.update(place.push(images.crashing("2")), time_limit=12)

    assert outcome_of(result) == "rolled_back"
    assert "exit" in result["message"]
    assert place.running() == [place.pinned(old)]


@on_both_engines
def test_an_image_that_never_gets_healthy_is_rolled_back(place: Place) -> None:
    old = place.push(images.healthy("1"))
    place.create()
    place.wait_until_up()

    result = place.update(place.push(images.never_healthy("2")))

    assert outcome_of(result) == "rolled_back"
    assert "unhealthy" in result["message"]
    assert place.running() == [place.pinned(old)]


@on_both_engines
def test_an_image_that_starts_slowly_is_waited_for(place: Place) -> None:
    place.push(images.good("1"))
    place.create()
    place.wait_until_up()
    new = place.push(images.slow("2", seconds=6))

    result = place.update(new)

    assert outcome_of(result) == "updated"
    assert result["seconds"] > 6
    assert place.running() == [place.pinned(new)]


@on_both_engines
def test_an_image_that_does_not_come_up_in_time_is_rolled_back(place: Place) -> None:
    old = place.push(images.good("1"))
    place.create()
    place.wait_until_up()

    result = place.update(place.push(images.slow("2", seconds=600)), time_limit=6)

    assert outcome_of(result) == "rolled_back"
    assert "not done within 6 s" in result["message"]
    assert place.running() == [place.pinned(old)]


@on_both_engines
def test_a_rollback_that_fails_too_is_told_as_such(place: Place) -> None:
    once = "test -e /data/seen && exit 7; : > /data/seen; " + images.SLEEP
    old = place.push(images.build("1", {"Cmd": ["/bin/sh", "-c", once]}))
    here = f"--constraint=node.hostname=={place.manager.name}"
    place.create(here, f"--mount=type=volume,source={place.name},target=/data")
    place.wait_until_up()

    result = place.update(place.push(images.crashing("2")))

    assert outcome_of(result) == "rollback_failed"
    assert "exit (1)" in result["message"]
    assert "exit (7)" in result["message"]
    assert result["after"]["digest"] == old


@on_both_engines
def test_a_service_of_no_tasks_is_updated_at_once(place: Place) -> None:
    place.push(images.good("1"))
    place.create("--replicas=0")
    new = place.push(images.good("2"))

    result = place.update(new)

    assert outcome_of(result) == "updated"
    assert result["seconds"] < 10
    assert place.image_in_spec() == place.pinned(new)


@on_both_engines
def test_a_global_service_is_updated_on_every_node(place: Place) -> None:
    place.push(images.good("1"))
    place.create("--mode=global")
    nodes = len(place.swarm.nodes)
    place.wait_until_up(nodes)
    new = place.push(images.good("2"))

    result = place.update(new)

    assert outcome_of(result) == "updated"
    assert place.running() == [place.pinned(new)] * nodes


@on_both_engines
def test_a_global_service_without_an_eligible_node_is_updated_with_a_warning(place: Place) -> None:
    place.push(images.good("1"))
    place.create("--mode=global", "--constraint=node.labels.nowhere==true")
    new = place.push(images.good("2"))

    result = place.update(new)

    assert outcome_of(result) == "updated"
    assert any("no node is eligible" in warning for warning in result["warnings"])
    assert place.image_in_spec() == place.pinned(new)


@on_both_engines
def test_a_task_that_no_node_can_take_is_not_waited_for_without_end(place: Place) -> None:
    place.push(images.good("1"))
    place.create("--constraint=node.labels.nowhere==true")
    new = place.push(images.good("2"))

    result = place.update(new, time_limit=5)

    assert outcome_of(result) == "rolled_back"
    assert "no suitable node" in result["message"]


@on_both_engines
def test_a_port_of_the_host_that_leaves_no_room_for_two_tasks_ends_the_update_early(place: Place) -> None:
    old = place.push(images.good("1"))
    only_here = f"--constraint=node.hostname=={place.manager.name}"
    place.create("--update-order=start-first", "--publish=mode=host,target=80,published=8099", only_here)
    place.wait_until_up()
    new = place.push(images.good("2"))

    result = place.update(new, placement_limit=3)

    assert outcome_of(result) == "rolled_back"
    assert "no node can take it" in result["message"]
    assert "host-mode port already in use" in result["message"]
    assert place.running() == [place.pinned(old)]


@on_both_engines
def test_a_job_is_skipped_unless_its_label_asks_for_it(place: Place) -> None:
    old = place.push(images.build("1", {"Cmd": ["/bin/true"]}))
    place.docker(
        "service", "create", "--detach", "--name", place.name, "--mode=replicated-job", "--replicas=2",
        "--restart-condition=none", place.image,
    )  # fmt: skip
    new = place.push(images.build("2", {"Cmd": ["/bin/true"]}))

    skipped = place.update(new)

    assert outcome_of(skipped) == "skipped"
    assert not skipped.get("failed")
    assert place.image_in_spec() == place.pinned(old)

    place.docker("service", "update", "--detach", "--label-add=registry-docker-updater.jobs=true", place.name)
    result = place.update(new)

    assert outcome_of(result) == "updated"
    complete = [task for task in place.tasks() if task["Status"]["State"] == "complete"]
    assert [task["Spec"]["ContainerSpec"]["Image"] for task in complete].count(place.pinned(new)) == 2


@on_both_engines
def test_a_job_that_fails_is_told_and_not_run_once_more(place: Place) -> None:
    place.push(images.build("1", {"Cmd": ["/bin/true"]}))
    place.docker(
        "service", "create", "--detach", "--name", place.name, "--mode=global-job",
        "--restart-condition=none", "--label=registry-docker-updater.jobs=true", place.image,
    )  # fmt: skip
    new = place.push(images.crashing("2"))

    result = place.update(new, time_limit=6)

    assert outcome_of(result) == "failed"
    assert place.image_in_spec() == place.pinned(new)
