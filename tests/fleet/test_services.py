# SPDX-License-Identifier: Apache-2.0
"""The module swarm_service on real swarms: what it changes, how it finds the end, what it does when it fails."""

import base64
import copy
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from fleet.services_module import outcome_of
from fleet.services_place import QUICK, Place, Stage, on_both_engines, stage_of
from fleet.services_proxy import Proxy
from fleet.services_spec import full_spec
from lab import Lab, LabSpec, RegistrySpec, SwarmSpec, images

PASSWORD = "s3cret-Pass"
pytestmark = pytest.mark.lab

_FLEET = LabSpec(
    "services",
    swarms=(
        SwarmSpec("alpha", managers=1, workers=1, suite="bookworm"),
        SwarmSpec("beta", managers=3, suite="trixie"),
    ),
    registries=(
        RegistrySpec("registry"),
        RegistrySpec("closed", 5001, username="app", password=PASSWORD),
    ),
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.running(_FLEET) as lab:
        yield lab


@pytest.fixture(scope="module")
def stage(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Stage]:
    stage = stage_of(lab, request)
    yield stage
    stage.close()


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
    assert place.running() == [place.pinned(old)]


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
def test_what_a_person_changes_while_an_update_goes_on_is_kept(place: Place) -> None:
    place.push(images.good("1"))
    place.create("--replicas=2", "--update-delay=2s")
    place.wait_until_up(2)
    new = place.push(images.good("2"))

    running = place.start(new)
    place.wait(lambda: place.image_in_spec() == place.pinned(new), "updated by us")
    place.docker("service", "update", "--detach", "--env-add=BY=hand", "--replicas=3", place.name)
    result = running.result()

    assert outcome_of(result) == "updated"
    assert place.spec()["TaskTemplate"]["ContainerSpec"]["Env"] == ["BY=hand"]
    assert place.running() == [place.pinned(new)] * 3


@on_both_engines
def test_a_rollback_takes_back_the_image_and_not_what_a_person_changed_meanwhile(place: Place) -> None:
    old = place.push(images.good("1"))
    place.create()
    place.wait_until_up()
    new = place.push(images.slow("2", seconds=600))

    running = place.start(new, time_limit=10)
    place.wait(lambda: place.image_in_spec() == place.pinned(new), "updated by us")
    place.docker("service", "update", "--detach", "--env-add=BY=hand", place.name)
    result = running.result()

    assert outcome_of(result) == "rolled_back"
    assert place.spec()["TaskTemplate"]["ContainerSpec"]["Env"] == ["BY=hand"]
    assert place.running() == [place.pinned(old)]


@on_both_engines
def test_a_service_whose_image_a_person_changes_meanwhile_is_left_to_them(place: Place) -> None:
    place.push(images.good("1"))
    place.create()
    place.wait_until_up()
    new = place.push(images.slow("2", seconds=600))
    third = place.push(images.good("3"))

    running = place.start(new)
    place.wait(lambda: place.image_in_spec() == place.pinned(new), "updated by us")
    by_hand = place.pinned(third)
    place.docker("service", "update", "--detach", f"--image={by_hand}", place.name)
    result = running.result()

    assert outcome_of(result) == "superseded"
    assert result["failed"]
    assert place.image_in_spec() == by_hand


@on_both_engines
def test_a_service_that_a_person_rolls_back_meanwhile_is_left_to_them(place: Place) -> None:
    old = place.push(images.good("1"))
    place.create()
    place.wait_until_up()
    new = place.push(images.slow("2", seconds=600))

    running = place.start(new)
    place.wait(lambda: place.image_in_spec() == place.pinned(new), "updated by us")
    place.docker("service", "rollback", "--detach", place.name)
    result = running.result()

    assert outcome_of(result) == "superseded"
    assert "by hand" in result["message"]
    assert place.image_in_spec() == place.pinned(old)


@on_both_engines
def test_a_service_that_a_person_changed_since_the_scan_is_left_to_them(place: Place) -> None:
    found = place.pinned(place.push(images.good("1")))
    place.create()
    by_hand = place.pinned(place.push(images.good("2")))
    place.docker("service", "update", "--detach", f"--image={by_hand}", place.name)
    new = place.push(images.good("3"))

    result = place.update(new, found_image=found)

    assert outcome_of(result) == "superseded"
    assert place.image_in_spec() == by_hand


@on_both_engines
def test_a_service_that_is_removed_meanwhile_is_superseded(place: Place) -> None:
    place.push(images.good("1"))
    place.create()
    place.wait_until_up()
    new = place.push(images.slow("2", seconds=600))

    running = place.start(new)
    place.wait(lambda: place.image_in_spec() == place.pinned(new), "updated by us")
    place.remove()

    assert outcome_of(running.result()) == "superseded"


@on_both_engines
def test_an_update_that_was_cut_off_is_followed_to_its_end_by_the_next_run(place: Place) -> None:
    found = place.pinned(place.push(images.good("1")))
    place.create()
    place.wait_until_up()
    new = place.push(images.slow("2", seconds=5))
    running = place.start(new)
    place.wait(lambda: place.image_in_spec() == place.pinned(new), "updated by us")
    running.kill()

    result = place.update(new)

    assert outcome_of(result) == "updated"
    assert result["before"]["image"] == found
    assert place.running() == [place.pinned(new)]


@on_both_engines
def test_an_update_that_was_cut_off_and_fails_is_rolled_back_by_the_next_run(place: Place) -> None:
    found = place.pinned(place.push(images.good("1")))
    place.create("--update-failure-action=continue")
    place.wait_until_up()
    new = place.push(images.crashing("2"))
    running = place.start(new)
    place.wait(lambda: place.image_in_spec() == place.pinned(new), "updated by us")
    running.kill()

    result = place.update(new, found_image=found, time_limit=8)

    assert outcome_of(result) == "rolled_back"
    assert place.running() == [found]


@on_both_engines
def test_a_digest_that_a_person_deployed_and_that_does_not_come_up_is_not_rolled_back(place: Place) -> None:
    place.push(images.good("1"))
    place.create()
    place.wait_until_up()
    new = place.push(images.crashing("2"))
    place.docker(
        "service", "update", "--detach", "--update-failure-action=continue",
        f"--image={place.pinned(new)}", place.name,
    )  # fmt: skip
    place.wait(lambda: place.update_state() == "completed", "swarm calls it completed")

    result = place.update(new, time_limit=3)

    assert outcome_of(result) == "failed"
    assert not result["changed"]
    assert place.image_in_spec() == place.pinned(new)


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


@on_both_engines
def test_the_platforms_are_those_of_a_multi_architecture_index(place: Place) -> None:
    place.push(images.good("1"))
    place.create()
    place.wait_until_up()
    mine = images.native_architecture()
    new = place.lab.registry().push_index(
        f"{place.name}/app",
        "1",
        {
            f"linux/{mine}": images.good("2"),
            "linux/s390x": images.build("2", architecture="s390x"),
            "linux/arm": images.build("2", architecture="arm"),
            "unknown/unknown": images.build("attestation", architecture="unknown"),
        },
    )

    result = place.update(new)

    assert outcome_of(result) == "updated"
    platforms = place.spec()["TaskTemplate"]["Placement"]["Platforms"]
    assert sorted((each.get("OS"), each.get("Architecture", "")) for each in platforms) == sorted(
        [("linux", mine), ("linux", "s390x"), ("linux", "")]
    )
    assert place.running() == [place.pinned(new)]


@on_both_engines
def test_a_digest_that_the_registry_does_not_have_leaves_the_service_alone(place: Place) -> None:
    place.push(images.good("1"))
    place.create()
    version = place.service()["Version"]
    result = place.update("sha256:" + "0" * 64)

    assert outcome_of(result) == "failed"
    assert "manifest unknown" in result["message"]
    assert not result["changed"]
    assert place.service()["Version"] == version


@on_both_engines
def test_every_field_but_the_image_and_the_platforms_stays_as_it_was(place: Place) -> None:
    old = place.push(images.good("1"))
    engine = place.engine
    engine.post("/services/create", body=full_spec(engine, place.name, place.pinned(old)))
    place.wait_until_up(2)
    before = place.spec()
    new = place.push(images.good("2"))

    result = place.update(new)

    assert outcome_of(result) == "updated"
    expected = copy.deepcopy(before)
    expected["TaskTemplate"]["ContainerSpec"]["Image"] = place.pinned(new)
    expected["TaskTemplate"]["Placement"]["Platforms"] = [
        {"Architecture": images.native_architecture(), "OS": "linux"}
    ]
    assert place.spec() == expected


@on_both_engines
def test_a_registry_that_cannot_be_asked_leaves_the_service_alone(place: Place) -> None:
    nowhere = f"{place.lab.address}:5999/{place.name}/app:1"
    place.create("--no-resolve-image", image=nowhere)
    version = place.service()["Version"]

    result = place.update("sha256:" + "0" * 64, image=nowhere)

    assert outcome_of(result) == "failed"
    assert "connection refused" in result["message"]
    assert place.service()["Version"] == version


@on_both_engines
def test_a_service_that_names_the_registry_by_an_alias_keeps_that_name(place: Place) -> None:
    place.push(images.good("1"))
    alias = place.lab.registry().host_name
    own = place.image.replace(place.lab.registry().address, alias)
    place.create(image=own)
    new = place.push(images.good("2"))

    assert outcome_of(place.update(new)) == "superseded"
    result = place.update(new, aliases=[alias])

    assert outcome_of(result) == "updated"
    assert place.image_in_spec() == f"{own}@{new}"


def _closed(place: Place, folder: Path) -> tuple[Place, str]:
    """Make a service of an image that needs a password, on another node than the manager's; push a new image."""
    place = replace(place, registry="closed")
    place.push(images.good("1"))
    _configure(folder, place, {"auth": base64.b64encode(f"app:{PASSWORD}".encode()).decode()})
    place.manager.run("mkdir", "-p", f"/root/{place.name}")
    config = (folder / "config.json").read_text()
    place.manager.run("tee", f"/root/{place.name}/config.json", input=config)
    elsewhere = f"--constraint=node.hostname!={place.manager.name}"
    place.docker(
        "--config", f"/root/{place.name}", "service", "create", "--detach", "--with-registry-auth",
        "--name", place.name, *QUICK, elsewhere, place.image,
    )  # fmt: skip
    place.wait_until_up()
    return place, place.push(images.good("2"))


def _configure(folder: Path, place: Place, account: dict[str, str], **more: object) -> None:
    host = place.lab.registry("closed").address
    (folder / "config.json").write_text(json.dumps({"auths": {host: account}, **more}))


@on_both_engines
def test_the_password_of_a_docker_configuration_is_sent_to_the_nodes(place: Place) -> None:
    with TemporaryDirectory() as name:
        place, new = _closed(place, Path(name))

        result = place.update(new, config_directory=name)

    assert outcome_of(result) == "updated"
    assert place.running() == [place.pinned(new)]
    assert PASSWORD not in json.dumps(result)


@on_both_engines
def test_the_password_of_a_credential_helper_is_sent_to_the_nodes(place: Place) -> None:
    with TemporaryDirectory() as name:
        place, new = _closed(place, Path(name))
        host = place.lab.registry("closed").address
        _configure(Path(name), place, {}, credHelpers={host: "test"})
        helper = Path(name, "docker-credential-test")
        answer = json.dumps({"ServerURL": host, "Username": "app", "Secret": PASSWORD})
        helper.write_text(f"#!/bin/sh\n[ \"$1 $(cat)\" = 'get {host}' ] && echo '{answer}'\n")
        helper.chmod(0o755)

        result = place.update(
            new, config_directory=name, environment={"PATH": f"{name}:{os.environ['PATH']}"}
        )

    assert outcome_of(result) == "updated"
    assert place.running() == [place.pinned(new)]
    assert PASSWORD not in json.dumps(result)


@on_both_engines
def test_credentials_of_the_inventory_come_first_and_wrong_ones_leave_the_service_alone(place: Place) -> None:
    with TemporaryDirectory() as name:
        place, new = _closed(place, Path(name))
        version = place.service()["Version"]
        for account, complaint in (
            ({"auth": "no base64!"}, "are not base64"),
            ({"auth": base64.b64encode(b"app:wr0ng").decode()}, "does not give"),
        ):
            _configure(Path(name), place, account)
            result = place.update(new, config_directory=name)
            assert outcome_of(result) == "failed"
            assert complaint in result["message"]
            assert "wr0ng" not in json.dumps(result)
            assert place.service()["Version"] == version
        host = place.lab.registry("closed").address
        given = [{"registry": host, "account": {"username": "app", "password": PASSWORD}}]

        result = place.update(new, config_directory=name, credentials=given)

    assert outcome_of(result) == "updated"
    assert place.image in result["before"]["image"]
    assert place.running() == [place.pinned(new)]
    assert PASSWORD not in json.dumps(result)


@on_both_engines
def test_an_update_out_of_sequence_is_sent_again_for_the_service_as_it_is_then(place: Place) -> None:
    place.push(images.good("1"))
    place.create()
    new = place.push(images.good("2"))

    def by_hand() -> None:
        place.docker("service", "update", "--detach", "--label-add=by=hand", place.name)

    proxy = Proxy(place.socket, before=by_hand)
    with TemporaryDirectory() as name, proxy.at(Path(name, "socket")) as socket:
        result = place.update(new, socket=socket)

    assert outcome_of(result) == "updated"
    assert len(proxy.changes) == 2
    assert place.spec()["Labels"]["by"] == "hand"


@on_both_engines
def test_a_request_without_an_answer_that_was_carried_out_is_not_repeated(place: Place) -> None:
    old = place.push(images.good("1"))
    place.create()
    new = place.push(images.good("2"))
    proxy = Proxy(place.socket, swallow=True)

    with TemporaryDirectory() as name, proxy.at(Path(name, "socket")) as socket:
        result = place.update(new, socket=socket)

    assert outcome_of(result) == "updated"
    assert len(proxy.changes) == 1
    previous = place.service()["PreviousSpec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    assert previous == place.pinned(old)


@on_both_engines
def test_a_person_who_is_faster_than_the_rollback_is_respected(place: Place) -> None:
    place.push(images.good("1"))
    place.create()
    place.wait_until_up()
    by_hand = place.pinned(place.push(images.good("3")))
    new = place.push(images.crashing("2"))

    def faster() -> None:
        place.docker("service", "update", "--detach", f"--image={by_hand}", place.name)

    proxy = Proxy(place.socket, of=b"rollback=previous", before=faster)
    with TemporaryDirectory() as name, proxy.at(Path(name, "socket")) as socket:
        result = place.update(new, socket=socket)

    assert outcome_of(result) == "superseded"
    assert len(proxy.changes) == 2
    assert place.image_in_spec() == by_hand
