"""One played engine under two names of the inventory: what `check` and `fleet` say, and what runs of update.yml do."""

import pytest

from integration.conftest import Run, Site, by_hand
from integration.test_rolling_playbooks import run as run_playbook
from registry_docker_updater.edges.runs.port import Playbook
from unit.builders import HOST, NEW, OLD, outcome_of

pytestmark = pytest.mark.slow

IMAGE = f"{HOST}/test/app:1"
SAME = "its engine is that of one under another name: its containers are named once, with one"


@pytest.fixture
def two(site: Site) -> Site:
    site.add_host("one", IMAGE)
    site.hosts["two"] = site.hosts["one"]
    site.write()
    return site


@pytest.mark.usefixtures("two")
def test_check_and_fleet_name_the_targets_once_and_say_why(run: Run) -> None:
    code, out, _ = run("check")
    assert code == 0
    assert f"note: host two: {SAME}" in out
    assert "2 of 2 hosts answer, 1 targets" in out
    out = run("fleet", "--scan")[1]
    assert f"note: two: {SAME}" in out
    assert out.count("web0") == 1


def test_by_hand_the_containers_are_updated_under_one_name_and_the_other_says_so(two: Site) -> None:
    """The played engine can run nothing new: the one failure is that of the one try."""
    done = by_hand(two, "update", "-e", f"image={IMAGE}", "-e", f"digest={NEW}")
    assert (
        "The engine of two is that of one under another name: its containers are updated there" in done.stdout
    )
    assert "superseded" not in done.stdout
    recap = {line.split()[0]: line for line in done.stdout.splitlines() if " ok=" in line}
    assert "failed=1" in recap["one"]
    assert "failed=0" in recap["two"]


@pytest.mark.parametrize("down", [None, "one"])
def test_a_run_of_the_operator_tells_of_the_target_once_under_a_name_that_answers(
    two: Site, down: str | None
) -> None:
    if down:
        two.hosts[down] = {"docker_engine": {"docker_host": "unix:///nowhere/docker.sock"}}
        two.write()
    keys = ["container/one/web0", "container/two/web0"]
    asked = {
        "docker_update_image": IMAGE,
        "docker_update_digest": NEW,
        "docker_update_known_digests": {key: [OLD] for key in keys},
        "docker_update_pushed_at": 0,
    }
    results = run_playbook(two, Playbook("update", asked))
    said = [one.key for result in results if (one := outcome_of(result, {}))]
    assert said == [keys[1] if down else keys[0]]
    skipped = run_playbook(two, Playbook("update", {**asked, "docker_update_skip": keys}))
    assert [outcome_of(result, {}) for result in skipped if outcome_of(result, {})] == []
