"""Targets that move to another tag of their repository: from where, under which name, and what people are told."""

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.moves import (
    concerns,
    moved,
    read_move,
    with_tag,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.references import (
    InvalidReference,
    Reference,
)

from unit.builders import NEW

PUSHED = Reference.parse("r.example.com/shop/app:1.4.3")
ALIASES = ["r.internal:5000"]


@pytest.mark.parametrize(
    "name", ["r.example.com/shop/app:1.4.2", "R.internal:5000/shop/app:1.4.2", "r.example.com/shop/app"]
)
def test_a_target_moves_within_its_repository_under_any_host_of_the_registry(name: str) -> None:
    assert read_move(name, PUSHED, ALIASES) == Reference.parse(name)


@pytest.mark.parametrize(
    "name", ["r.example.com/shop/other:1", "elsewhere.example.com/shop/app:1.4.2", "app:1.4.2"]
)
def test_nothing_moves_from_another_repository(name: str) -> None:
    with pytest.raises(
        InvalidReference, match=r"does not move to r\.example\.com/shop/app:1\.4\.3, which is of another"
    ):
        read_move(name, PUSHED, ALIASES)


@pytest.mark.parametrize("name", [None, ""])
def test_what_moves_from_nowhere_does_not_move(name: str | None) -> None:
    assert read_move(name, PUSHED, ALIASES) is None


@pytest.mark.parametrize(
    ("runs", "moves_from", "expected"),
    [
        ("r.example.com/shop/app:1.4.3", None, True),
        ("r.example.com/shop/app:1.4.2", None, False),
        ("r.example.com/shop/app:1.4.2", "r.example.com/shop/app:1.4.2", True),
        # Each host of the fleet writes the registry's name as it will.
        ("r.internal:5000/shop/app:1.4.2", "r.example.com/shop/app:1.4.2", True),
        ("r.example.com/shop/app:1.4.2", "r.internal:5000/shop/app:1.4.2", True),
        # It has moved already, or somebody moved it elsewhere.
        ("r.example.com/shop/app:1.4.3", "r.example.com/shop/app:1.4.2", True),
        ("r.example.com/shop/app:1.4.1", "r.example.com/shop/app:1.4.2", False),
        ("r.example.com/shop/other:1.4.2", "r.example.com/shop/app:1.4.2", False),
    ],
)
def test_a_push_is_for_what_runs_its_name_and_what_moves_to_it_from_the_one_it_runs(
    runs: str, moves_from: str | None, *, expected: bool
) -> None:
    move = read_move(moves_from, PUSHED, ALIASES)
    assert concerns(Reference.parse(runs), PUSHED, ALIASES, move) is expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("host:5000/app:1", "host:5000/app:2"),
        (f"host:5000/app:1@{NEW}", "host:5000/app:2"),
        ("host:5000/app", "host:5000/app:2"),
        ("docker.io/library/nginx:1", "docker.io/library/nginx:2"),
        ("nginx", "nginx:2"),
        ("nginx:latest", "nginx:2"),
    ],
)
def test_a_name_with_another_tag_is_written_as_it_was(written: str, expected: str) -> None:
    reference = Reference.parse(written)
    assert with_tag(written, reference, "2") == expected
    own = with_tag(written, reference, reference.tag)
    assert Reference.parse(own) == reference.without_digest()


def test_people_are_told_what_brings_the_old_tag_back() -> None:
    assert moved(f"app:1.4.2@{NEW}", f"app:1.4.3@{NEW}") == (
        ", moved from 1.4.2 to 1.4.3; a compose or stack file that still says 1.4.2 brings that back when it is deployed"
    )
    assert moved(f"app:1@{NEW}", "app:1") == ""
    assert moved("", "app:1") == ""
