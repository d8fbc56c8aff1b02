"""What people type for a run, and what an inventory says for itself, against played engines."""

import json
from typing import Any

import pytest

from integration.conftest import Site, by_hand
from integration.test_rolling_playbooks import run
from registry_docker_updater.edges.runs.port import Playbook
from unit.builders import HOST, NEW, OLD, outcome_of

pytestmark = pytest.mark.slow

IMAGE = f"{HOST}/test/app:1"
# Each would break a run, or turn it into another.
OF_THE_INVENTORY = {
    "image": "logo.png",
    "digest": "none",
    "aliases": ["www.example.com", "not a host"],
    "skip_targets": ["container/one/web0"],
    "known_digests": {"container/one/web0": [OLD]},
    "pushed_at": "monday",
    "rollout": "blue",
    "update_failed": True,
    "update_is_left_alone": True,
}
TYPED = ("-e", f"image={IMAGE}", "-e", f"digest={NEW}")


def outcomes(site: Site, **variables: Any) -> list[str]:
    results = run(site, Playbook("update", variables))
    return [one.outcome.value for result in results if (one := outcome_of(result, {}))]


@pytest.fixture
def full(site: Site) -> Site:
    """A host that runs the image, in an inventory with variables of its own. Its engine can run nothing new."""
    site.add_host("one", IMAGE)
    site.hosts["one"] |= OF_THE_INVENTORY
    site.write()
    return site


def test_variables_of_the_inventory_with_plain_names_are_none_of_a_run_of_the_operator(full: Site) -> None:
    assert outcomes(full, docker_update_image=IMAGE, docker_update_digest=NEW) == ["failed"]


def test_variables_of_the_inventory_with_plain_names_are_none_of_a_run_by_hand(full: Site) -> None:
    done = by_hand(full, "update", *TYPED)
    assert "one" in done.stdout
    assert "web0" in done.stdout
    assert "not a host" not in done.stdout, done.stdout


def test_an_image_of_the_inventory_is_not_the_one_to_update(full: Site) -> None:
    done = by_hand(full, "update")
    assert done.returncode != 0
    assert "Give both: -e image=" in done.stdout
    assert full.engines["one"].asked == []


def test_the_plain_names_count_where_they_are_typed(full: Site) -> None:
    assert outcomes(full, image=IMAGE, digest=NEW, skip_targets=["container/one/web0"]) == []
    far = {"image": "far.example.com/test/app:1", "digest": NEW}
    assert outcomes(full, **far, aliases=[HOST]) == ["failed"]
    given = json.dumps({**far, "aliases": [HOST], "skip_targets": ["container/one/web0"]})
    done = by_hand(full, "update", "-e", given)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("playbook", ["notify", "rollout"])
def test_a_rollout_of_the_inventory_is_not_told_to_the_team(full: Site, playbook: str) -> None:
    if playbook == "notify":
        done = by_hand(full, "notify")
        assert done.returncode != 0
        assert "give the variable notification_rollout" in done.stdout + done.stderr
    else:
        done = by_hand(full, "rollout", *TYPED)
        assert f"update failed: {IMAGE}" in done.stdout.lower(), done.stdout
    assert "blue" not in done.stdout


@pytest.mark.parametrize(
    ("playbook", "more"), [("update", ()), ("update", ("--check", "--limit", "two")), ("rollout", ())]
)
def test_a_typo_in_the_image_fails_with_the_names_that_are_most_like_it(
    site: Site, playbook: str, more: tuple[str, ...]
) -> None:
    site.add_host("one", f"{HOST}/quite/another:2")
    site.add_host("two", IMAGE, f"{HOST}/test/app:2")
    done = by_hand(site, playbook, "-e", f"image={HOST}/test/ap:1", "-e", f"digest={NEW}", *more)
    said = f"no target of these hosts runs {HOST}/test/ap:1: did you mean {IMAGE} or {HOST}/test/app:2?"
    assert said in done.stdout + done.stderr, done.stdout
    assert done.returncode != 0
    assert "Tell the team" not in done.stdout


def test_the_operator_and_who_says_so_may_find_nothing_to_do(site: Site) -> None:
    site.add_host("one")
    done = by_hand(
        site,
        "update",
        "-e",
        "image=x.y/z:1",
        "-e",
        f"digest={NEW}",
        "-e",
        "docker_update_needs_a_target=false",
    )
    assert done.returncode == 0, done.stdout
