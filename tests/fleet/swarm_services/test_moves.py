# SPDX-License-Identifier: Apache-2.0
"""Services on real swarms that move to another tag of their repository."""

import pytest

from fleet.services_module import outcome_of
from fleet.services_place import Place, on_both_engines
from lab import images

pytestmark = pytest.mark.lab


def later(place: Place) -> str:
    """The image name to which services move."""
    return f"{place.image.rpartition(':')[0]}:2"


def push_later(place: Place, image: images.Image) -> str:
    return place.lab.registry(place.registry).push(f"{place.name}/app", "2", image)


@on_both_engines
def test_a_service_moves_to_another_tag_and_digest_and_a_second_run_changes_nothing(place: Place) -> None:
    old = place.push(images.good("1"))
    place.create("--replicas=2")
    place.wait_until_up(2)
    new = push_later(place, images.healthy("2"))
    move = {"image": later(place), "moves_from": place.image}

    result = place.update(new, **move)

    moved = f"{later(place)}@{new}"
    assert outcome_of(result) == "updated"
    assert result["before"] == {"image": place.pinned(old), "digest": old}
    assert result["after"] == {"image": moved, "digest": new}
    assert result["message"].endswith(
        ", moved from 1 to 2; a compose or stack file that still says 1 brings that back when it is deployed"
    )
    assert place.running() == [moved] * 2

    assert outcome_of(place.update(new, **move)) == "unchanged"


@on_both_engines
def test_a_service_moves_although_its_digest_stays(place: Place) -> None:
    image = images.good("1")
    place.push(image)
    place.create()
    place.wait_until_up()
    same = push_later(place, image)

    assert outcome_of(place.update(same, image=later(place), moves_from=place.image)) == "updated"
    assert place.image_in_spec() == f"{later(place)}@{same}"


@on_both_engines
def test_a_move_that_does_not_come_up_is_taken_back_to_the_old_tag(place: Place) -> None:
    old = place.push(images.good("1"))
    place.create("--update-failure-action=pause")
    place.wait_until_up()

    result = place.update(push_later(place, images.crashing("2")), image=later(place), moves_from=place.image)

    assert outcome_of(result) == "rolled_back"
    assert result["after"] == {"image": place.pinned(old), "digest": old}
    assert place.image_in_spec() == place.pinned(old)
    assert place.running() == [place.pinned(old)]


@on_both_engines
def test_a_move_that_was_cut_off_is_finished_by_the_next_run(place: Place) -> None:
    old = place.push(images.good("1"))
    place.create()
    place.wait_until_up()
    # Long enough for another run to begin before it is up.
    new = push_later(place, images.slow("2", 10))
    moved = f"{later(place)}@{new}"
    move = {"image": later(place), "moves_from": place.image}
    running = place.start(new, **move)
    place.wait(lambda: place.image_in_spec() == moved, "the move was begun")
    running.kill()

    result = place.update(new, **move)

    assert outcome_of(result) == "updated"
    assert result["before"] == {"image": place.pinned(old), "digest": old}
    assert place.running() == [moved]


@on_both_engines
def test_a_move_that_was_cut_off_and_does_not_come_up_is_put_back_by_the_next_run(place: Place) -> None:
    old = place.push(images.good("1"))
    place.create("--update-failure-action=pause")
    place.wait_until_up()
    new = push_later(place, images.never_healthy("2"))
    move = {"image": later(place), "moves_from": place.image}
    running = place.start(new, **move)
    place.wait(lambda: place.image_in_spec() == f"{later(place)}@{new}", "the move was begun")
    running.kill()

    result = place.update(new, found_image=place.pinned(old), **move)

    assert outcome_of(result) == "rolled_back"
    assert place.image_in_spec() == place.pinned(old)


@on_both_engines
def test_a_service_does_not_move_from_the_name_of_another_repository(place: Place) -> None:
    old = place.push(images.good("1"))
    place.create()
    place.wait_until_up()
    new = push_later(place, images.good("2"))

    result = place.update(new, image=later(place), moves_from=place.image.replace("/app:", "/other:"))

    assert result["failed"]
    assert "does not move to" in result["msg"]
    assert place.image_in_spec() == place.pinned(old)
