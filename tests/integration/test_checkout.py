"""A plain checkout on an Ansible that is not ours: no package of the project is installed there."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import ansible_runner
import pytest

from integration import ansibles
from integration.conftest import Site
from unit.builders import HOST, OLD
from unit.engines import Answer, container_of

pytestmark = pytest.mark.slow

IMAGE = f"{HOST}/test/app:1"
ROOT = ansibles.ROOT
# What of a checkout Ansible needs.
PARTS = ("ansible.cfg", "collections", "inventory.example", "meta", "playbooks", "plugins", "roles")
PLAYBOOKS = sorted(path.name for path in (ROOT / "playbooks").glob("*.yml"))

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module", params=[ansibles.OLDEST, ansibles.NEWEST])
def programs(request: pytest.FixtureRequest) -> Path:
    """Where that Ansible's programs are."""
    return ansibles.bare(request.param)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    place = tmp_path / "checkout"
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(
                ROOT / part, place / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            place.mkdir(exist_ok=True)
            shutil.copy(ROOT / part, place)
    return place


@pytest.fixture
def run(programs: Path, checkout: Path, tmp_path: Path) -> Run:
    """Run ansible-playbook as somebody who has it would, in the checkout."""
    environment = {name: os.environ[name] for name in ("LANG", "LC_ALL") if name in os.environ}
    environment |= {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path), "ANSIBLE_NOCOLOR": "1"}

    def play(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["ansible-playbook", *arguments],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return play


def with_a_control_host(folder: Path) -> str:
    """An inventory that has the group of `operator.yml`."""
    inventory = folder / "control.yml"
    inventory.write_text("registry_docker_updater: {hosts: {updater.example.com: {}}}")
    return str(inventory)


def test_the_link_to_the_collection_leads_to_the_checkout_wherever_that_is() -> None:
    link = ROOT / "collections/ansible_collections/registry/docker_updater"
    assert link.readlink() == Path("../../..")


def test_ansible_takes_every_playbook(run: Run, tmp_path: Path) -> None:
    done = run(
        "-i", with_a_control_host(tmp_path), "--syntax-check", *(f"playbooks/{name}" for name in PLAYBOOKS)
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_update_finds_its_targets_and_warns_of_nothing(run: Run, site: Site) -> None:
    """What is to be there runs already, for the engine is played and can run nothing new."""
    inventory = an_inventory(site)

    done = run("-i", inventory, "playbooks/update.yml", "--check", "--diff", *(f"-e{one}" for one in ASKED))

    assert done.returncode == 0, done.stdout
    assert was_looked_at(site)
    for word in ("WARNING", "DEPRECAT"):
        assert word not in done.stdout + done.stderr


def test_a_project_of_awx_runs_with_the_paths_that_awx_sets(
    programs: Path, checkout: Path, site: Site
) -> None:
    """By ansible-runner, as AWX has it: in the project's folder, with its own places before those of the project's ansible.cfg."""
    usual = "~/.ansible/{0}:/usr/share/ansible/{0}"
    said = {
        line.partition(" = ")[0]: line.partition(" = ")[2]
        for line in (checkout / "ansible.cfg").read_text().splitlines()
    }
    paths = {
        "ANSIBLE_COLLECTIONS_PATH": f"/runner/requirements_collections:{said['collections_path']}:{usual.format('collections')}",
        "ANSIBLE_ROLES_PATH": f"/runner/requirements_roles:{said['roles_path']}:{usual.format('roles')}",
    }
    project = site.folder / "private/project"
    shutil.copytree(checkout, project, symlinks=True)

    ended = ansible_runner.run(
        private_data_dir=str(project.parent),
        inventory=an_inventory(site),
        playbook="playbooks/update.yml",
        cmdline="--check",
        extravars=dict(one.split("=", 1) for one in ASKED),
        envvars={**paths, "PATH": f"{programs}:/usr/bin:/bin", "HOME": str(site.folder)},
        quiet=True,
    )

    assert ended.status == "successful", ended.stdout.read()
    assert was_looked_at(site)


ASKED = (f"image={IMAGE}", f"digest={OLD}")


def an_inventory(site: Site) -> str:
    """One host that runs the image."""
    site.add_host("one", IMAGE)
    site.engines["one"].answers["/containers/web0/json"] = Answer(container_of("web0", IMAGE))
    site.hosts["one"]["standalone_container_state_directory"] = str(site.state)
    site.write()
    return str(site.folder / "hosts.yml")


def was_looked_at(site: Site) -> bool:
    """Whether the container was to be updated: only then its engine is asked for it by name."""
    return "/containers/web0/json" in [asked.what for asked in site.engines["one"].asked]
