# SPDX-License-Identifier: Apache-2.0
"""The module swarm_service on real swarms: people who change services meanwhile, and runs that are cut off."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from fleet.services_module import outcome_of
from fleet.services_place import Place, on_both_engines
from fleet.services_proxy import Proxy
from lab import images

pytestmark = pytest.mark.lab


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
