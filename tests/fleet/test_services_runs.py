# SPDX-License-Identifier: Apache-2.0
"""playbooks/update.yml on whole swarms: who acts, side by side, visible, and carried on when a manager is lost."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from fleet.services_module import outcome_of
from fleet.services_place import Place
from lab import Host, Lab, LabSpec, RegistrySpec, SwarmSpec, images

pytestmark = pytest.mark.lab

_ROOT = Path(__file__).parents[2]
_PASSWORD = "s3cret-Pass"
_FLEET = LabSpec(
    "services-runs",
    swarms=(
        SwarmSpec("alpha", managers=1, workers=1, suite="bookworm"),
        SwarmSpec("beta", managers=3, suite="trixie"),
    ),
    registries=(RegistrySpec("registry"), RegistrySpec("closed", 5001, username="app", password=_PASSWORD)),
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.running(_FLEET) as lab:
        yield lab


class Playbook:
    """A run of update.yml, its output kept as it comes."""

    def __init__(self, lab: Lab, image: str, digest: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                *(
                    "-i",
                    str(lab.inventory),
                    "playbooks/update.yml",
                    "-e",
                    f"image={image}",
                    "-e",
                    f"digest={digest}",
                ),
                *arguments,
            ],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "ANSIBLE_FORCE_COLOR": "0", "PYTHONUNBUFFERED": "1"},
        )
        self.output = ""

    def wait_for(self, text: str) -> None:
        """Read the output until it holds ``text``."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output += line
            if text in line:
                return
        pytest.fail(f"{text!r} was not told:\n{self.output}")

    def end(self, timeout: float = 240) -> int:
        """Read the rest; return the exit code."""
        rest, _ = self._process.communicate(timeout=timeout)
        self.output += rest
        return self._process.returncode


@pytest.fixture
def web(lab: Lab) -> Iterator[Place]:
    """A service of two tasks on beta, with the image of version 1."""
    place = Place(lab, lab.swarm("beta"))
    place.push(images.good("1"))
    place.create("--replicas=2")
    place.wait_until_up(2)
    yield place
    place.remove()


def test_services_are_updated_side_by_side_within_the_limit_and_show_their_progress(lab: Lab) -> None:
    alpha = Place(lab, lab.swarm("alpha"))
    alpha.push(images.good("1"))
    names = [f"{alpha.name}-{number}" for number in range(3)]
    for name in names:
        alpha.create("--name", name)
    beta = Place(lab, lab.swarm("beta"), name=alpha.name)
    beta.create("--name", f"{alpha.name}-beta")
    new = alpha.push(images.slow("2", seconds=4))

    playbook = Playbook(lab, alpha.image, new, "-e", "swarm_service_parallel=2")
    assert playbook.end() == 0, playbook.output

    for name in names:
        assert f"alpha-m1 | {name} | " in playbook.output
        assert "starting on" in playbook.output
    first = playbook.output.index("alpha-m1 | ")
    third = max(playbook.output.index(f"alpha-m1 | {name} | ") for name in names)
    ended = sorted(playbook.output.index(f"alpha-m1 | {name} | {_ended(playbook, name)}") for name in names)
    assert first < ended[0] < ended[1] < third
    assert "beta-m2 | " not in playbook.output

    for name in (*names, f"{alpha.name}-beta"):
        (beta if name.endswith("beta") else alpha).docker("service", "rm", name)


def _ended(playbook: Playbook, name: str) -> str:
    return next(
        line.split(" | ")[2]
        for line in playbook.output.splitlines()
        if f"alpha-m1 | {name} | " in line and ": updated: " in line
    )


@pytest.mark.extended
def test_check_mode_of_the_playbook_shows_the_difference_and_changes_nothing(lab: Lab, web: Place) -> None:
    old = web.image_in_spec()
    new = web.push(images.good("2"))
    version = web.service()["Version"]

    playbook = Playbook(lab, web.image, new, "--check", "--diff")

    assert playbook.end() == 0, playbook.output
    assert f'-    "image": "{old}"' in playbook.output
    assert f'+    "image": "{web.pinned(new)}"' in playbook.output
    assert web.service()["Version"] == version


@pytest.mark.extended
def test_a_second_run_of_the_playbook_changes_nothing(lab: Lab, web: Place) -> None:
    new = web.push(images.good("2"))
    assert Playbook(lab, web.image, new).end() == 0
    version = web.service()["Version"]

    again = Playbook(lab, web.image, new)

    assert again.end() == 0, again.output
    assert f"{web.name} | 0 s: unchanged: " in again.output
    assert "changed=1" not in again.output
    assert web.service()["Version"] == version


@pytest.mark.extended
def test_a_service_that_is_rolled_back_fails_the_run_and_says_why(lab: Lab, web: Place) -> None:
    new = web.push(images.crashing("2"))

    playbook = Playbook(lab, web.image, new)

    assert playbook.end() == 2
    assert f"{web.name}: update paused due to failure" in playbook.output


@pytest.mark.extended
def test_services_named_to_be_skipped_are_not_touched(lab: Lab, web: Place) -> None:
    version = web.service()["Version"]
    skip = yaml.safe_dump(
        {"skip_targets": [f"service/{web.service()['ID']}"]}, default_flow_style=True
    ).strip()

    playbook = Playbook(lab, web.image, web.push(images.good("2")), "-e", skip)

    assert playbook.end() == 0, playbook.output
    assert web.service()["Version"] == version


def test_passwords_of_the_inventory_reach_the_nodes_and_no_output(lab: Lab, tmp_path: Path) -> None:
    place = Place(lab, lab.swarm("alpha"), registry="closed")
    place.push(images.good("1"))
    place.docker("login", "--username=app", f"--password={_PASSWORD}", lab.registry("closed").address)
    place.create("--with-registry-auth", "--constraint=node.hostname==alpha-w1")
    place.wait_until_up()
    place.docker("logout", lab.registry("closed").address)
    new = place.push(images.good("2"))
    vault = tmp_path / "vault.yml"
    account = {"username": "app", "password": _PASSWORD}
    vault.write_text(yaml.safe_dump({"registry_credentials": {lab.registry("closed").address: account}}))

    without = Playbook(lab, place.image, new)
    assert without.end() == 2
    assert "no credentials for it are configured" in without.output
    playbook = Playbook(lab, place.image, new, "-e", f"@{vault}", "-vvv")
    assert playbook.end() == 0, playbook.output

    assert place.running() == [place.pinned(new)]
    assert _PASSWORD not in playbook.output
    left = "ls -d /root/.ansible_async/* /tmp/registry-docker-updater.* 2>/dev/null"
    assert lab.host("alpha-m1").run("sh", "-c", left, check=False).stdout == ""
    place.remove()


@pytest.mark.parametrize("swarm", ["alpha", "beta"])
def test_a_global_service_does_not_wait_for_a_node_that_is_paused_or_drained(lab: Lab, swarm: str) -> None:
    place = Place(lab, lab.swarm(swarm))
    *_, node = lab.swarm(swarm).nodes
    others = len(lab.swarm(swarm).nodes) - 1
    old = place.push(images.good("1"))
    place.create("--mode=global")
    place.wait_until_up(others + 1)
    try:
        place.docker("node", "update", "--availability=pause", node.name)
        second = place.push(images.good("2"))
        paused = place.update(second)
        assert outcome_of(paused) == "updated"
        assert any(f"node {node.name} is paused" in warning for warning in paused["warnings"])
        assert sorted(place.running()) == sorted([place.pinned(second)] * others + [place.pinned(old)])

        place.docker("node", "update", "--availability=drain", node.name)
        third = place.push(images.good("3"))
        assert outcome_of(place.update(third)) == "updated"
        assert place.running() == [place.pinned(third)] * others
    finally:
        place.docker("node", "update", "--availability=active", node.name)
        place.remove()


@pytest.mark.extended
@pytest.mark.parametrize("swarm", ["alpha", "beta"])
def test_a_service_does_not_wait_for_a_node_that_is_down(lab: Lab, swarm: str) -> None:
    place = Place(lab, lab.swarm(swarm))
    *_, node = lab.swarm(swarm).nodes
    others = len(lab.swarm(swarm).nodes) - 1
    place.push(images.good("1"))
    place.create("--mode=global")
    place.wait_until_up(others + 1)
    node.kill_engine()
    try:
        place.wait(lambda: "Down" in place.docker("node", "ls"), f"{node.name} is down", 60)
        new = place.push(images.good("2"))
        assert outcome_of(place.update(new)) == "updated"
        assert place.running() == [place.pinned(new)] * others
    finally:
        node.start_engine()
        place.remove()
        lab.swarm(swarm).wait_until_ready()


@pytest.mark.extended
def test_a_swarm_without_quorum_is_a_clear_error_and_works_again_later(lab: Lab, web: Place) -> None:
    first, *others = lab.swarm("beta").managers
    new = web.push(images.good("2"))
    for other in others:
        other.kill_engine()
    try:
        web.wait(lambda: first.run("docker", "node", "ls", check=False).returncode != 0, "no quorum", 60)
        result = web.update(new)
    finally:
        for other in others:
            other.start_engine()
        lab.swarm("beta").wait_until_ready(deadline=120)

    assert outcome_of(result) == "failed"
    assert result["lost"]
    assert not result["changed"]
    assert "does not answer this manager" in result["message"]
    assert outcome_of(web.update(new)) == "updated"


@pytest.mark.extended
def test_another_manager_takes_over_when_the_engine_of_the_first_dies(lab: Lab, web: Place) -> None:
    _another_takes_over(lab, web, lab.swarm("beta").leader(), web.push(images.slow("2", seconds=20)))


@pytest.mark.parametrize("tag", ["1", pytest.param("2", marks=pytest.mark.extended)], ids=["push", "move"])
def test_another_manager_takes_over_from_one_whose_engine_dies_while_it_updates_at_once(
    lab: Lab, web: Place, tag: str
) -> None:
    acting = lab.swarm("beta").leader()
    image, key = f"{web.image.rpartition(':')[0]}:{tag}", f"service/{web.service()['ID']}"
    new = lab.registry().push(f"{web.name}/app", tag, images.slow("2", seconds=20))
    asked = {
        "docker_update_image": image,
        "docker_update_digest": new,
        "docker_update_aliases": [],
        "docker_update_pushed_at": 0,
        "docker_update_at_once": {acting.name: {key: None}},
        "docker_update_planned": {key: {"labels": {}}},
        "docker_update_moves": {key: web.image},
    }

    # When all hosts are looked at then, the engine of that one is down, and the run says so.
    said = _another_takes_over(lab, web, acting, new, "-e", json.dumps(asked), code=2)

    assert "Keep what was found on the host" not in said.partition(f"{acting.name} | {web.name} | ")[0]
    assert web.image_in_spec() == f"{image}@{new}"
    assert ("moved from 1 to 2;" in said) == (tag == "2")


def _another_takes_over(lab: Lab, web: Place, acting: Host, new: str, *arguments: str, code: int = 0) -> str:
    """See that the service is updated once, by another manager, when the engine of the acting one dies; return what was said."""
    playbook = Playbook(lab, web.image, new, *arguments)
    playbook.wait_for(f"{acting.name} | {web.name} | ")
    acting.kill_engine()
    try:
        assert playbook.end() == code, playbook.output
    finally:
        acting.start_engine()
        lab.swarm("beta").wait_until_ready(deadline=120)

    said = [line for line in playbook.output.splitlines() if ": updated: " in line]
    assert len(said) == 1, playbook.output
    assert not said[0].startswith(f"{acting.name} | ")
    return playbook.output


# The last one: a manager that was cut off takes more than a minute to be heard by its swarm again.
@pytest.mark.extended
def test_another_manager_takes_over_from_one_that_is_cut_off_in_the_middle(lab: Lab, web: Place) -> None:
    acting = lab.swarm("beta").leader()
    others = [manager for manager in lab.swarm("beta").managers if manager is not acting]
    new = web.push(images.slow("2", seconds=20))

    playbook = Playbook(lab, web.image, new)
    playbook.wait_for(f"{acting.name} | {web.name} | ")
    acting.cut_off()
    try:
        assert playbook.end() == 0, playbook.output
    finally:
        acting.reconnect()

    said = [line for line in playbook.output.splitlines() if ": updated: " in line]
    assert len(said) == 1, playbook.output
    assert said[0].split(" | ")[0] in [other.name for other in others]
    assert f"{acting.name} | {web.name} | " in playbook.output
