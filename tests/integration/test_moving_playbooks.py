"""``update.yml`` with targets that move to another tag of their repository, against played engines, which can run nothing new."""

import json
from typing import Any

import pytest

from integration.conftest import Site, by_hand
from integration.test_at_once_playbooks import LOOK
from integration.test_rolling_playbooks import run
from registry_docker_updater.core.rollouts.outcomes import TargetOutcome
from registry_docker_updater.edges.runs.port import Playbook
from unit.builders import HOST, NEW, outcome_of

pytestmark = pytest.mark.slow

OLD_NAME, IMAGE = f"{HOST}/test/app:1.4.2", f"{HOST}/test/app:1.4.3"
MOVES = {"container/one/web0": OLD_NAME}


@pytest.fixture
def two(site: Site) -> Site:
    """Two hosts with a container each of the tag before; the first runs others, too."""
    site.add_host("one", OLD_NAME, OLD_NAME, f"{HOST}/test/app:1.3")
    site.add_host("two", OLD_NAME)
    return site


def update(site: Site, **variables: Any) -> tuple[dict[str, TargetOutcome], set[str]]:
    """Return what became of each target, and the hosts that were looked at before anything was done."""
    asked = {"docker_update_image": IMAGE, "docker_update_digest": NEW, **variables}
    results = run(site, Playbook("update", asked))
    said = {one.key: one for result in results if (one := outcome_of(result, {}))}
    return said, {result.host for result in results if result.action == LOOK}


def test_a_run_finds_what_moves_by_the_name_that_it_has_and_touches_nothing_else(two: Site) -> None:
    said, _ = update(two, docker_update_moves=MOVES)
    assert {key: one.outcome.value for key, one in said.items()} == {"container/one/web0": "failed"}
    created = [one for one in two.engines["one"].asked if one.what == "/containers/web0/json"]
    assert created


def test_a_target_that_runs_another_tag_by_now_does_not_move(two: Site) -> None:
    moves = {"container/one/web0": f"{HOST}/test/app:1.4.1"}
    assert update(two, docker_update_moves=moves, docker_update_needs_a_target=False)[0] == {}


def test_what_moves_can_do_so_at_once(two: Site) -> None:
    said, looked = update(
        two,
        docker_update_moves=MOVES,
        docker_update_at_once={"one": {"container/one/web0": None}},
        docker_update_planned={"container/one/web0": {"labels": {}}},
        docker_update_aliases=[],
        docker_update_pushed_at=0,
        docker_update_known_digests={},
    )
    assert {key: one.outcome.value for key, one in said.items()} == {"container/one/web0": "failed"}
    assert looked == set()


def test_nothing_moves_to_another_repository(two: Site) -> None:
    asked = {"image": f"{HOST}/test/other:1.4.3", "digest": NEW, "docker_update_moves": MOVES}
    done = by_hand(two, "update", "-e", json.dumps(asked))
    assert done.returncode != 0
    assert (
        f"{OLD_NAME} does not move to {HOST}/test/other:1.4.3, which is of another repository" in done.stdout
    )
    assert not [one for one in two.engines["one"].asked if one.method != "GET"]
