"""The oldest and the newest ansible-core that we support: tests of playbooks run again with each, on a Python that it supports.

Ours, of ``constraints.txt``, is what all other tests run with.
"""

import os
import subprocess
from pathlib import Path

import pytest

from integration import ansibles
from integration.test_checkout import PLAYBOOKS, with_a_control_host

pytestmark = pytest.mark.slow

TESTS = "tests/integration"
# One test of each way in which we use Ansible: its events, its forks, our modules, filters and roles, handlers, and by hand.
SHORT = (
    f"{TESTS}/test_playbooks.py::test_a_run_returns_results_of_modules_and_statistics",
    f"{TESTS}/test_fork_server.py::test_runs_are_forked_from_one_process_that_has_imported_ansible",
    f"{TESTS}/test_repairing_playbooks.py::test_a_run_by_hand_finishes_it_on_a_host_that_does_not_run_the_image",
    f"{TESTS}/test_rolling_playbooks.py::test_production_is_left_alone_when_nothing_of_test_answers",
    f"{TESTS}/notification/test_telling.py::test_with_no_channel_set_it_says_that_nobody_is_told_and_how_to_set_one",
    f"{TESTS}/test_own_plays.py::test_a_team_is_told_by_a_play_of_its_own",
    f"{TESTS}/test_own_plays.py::test_tasks_around_updates_can_be_tried",
)
WHOLE = (
    f"{TESTS}/notification",
    f"{TESTS}/test_at_once_playbooks.py",
    f"{TESTS}/test_fork_server.py",
    f"{TESTS}/test_moving_playbooks.py",
    f"{TESTS}/test_own_plays.py",
    f"{TESTS}/test_playbooks.py",
    f"{TESTS}/test_repairing_playbooks.py",
    f"{TESTS}/test_rolling_playbooks.py",
)


@pytest.fixture(scope="module", params=[ansibles.OLDEST, ansibles.NEWEST])
def programs(request: pytest.FixtureRequest) -> Path:
    """Where that Ansible's programs are, in an environment with the checkout and all that its tests need."""
    return ansibles.whole(request.param)


@pytest.mark.parametrize("version", [ansibles.OLDEST, ansibles.NEWEST])
def test_the_versions_are_those_that_are_promised(version: str) -> None:
    said = _run(ansibles.whole(version) / "ansible-playbook", "--version").stdout
    assert said.startswith(f"ansible-playbook [core {version}.")
    assert f'requires_ansible: ">={ansibles.OLDEST}.0"' in (ansibles.ROOT / "meta/runtime.yml").read_text()
    assert f'"ansible-core>={ansibles.OLDEST}",' in (ansibles.ROOT / "pyproject.toml").read_text()


def test_every_playbook_is_taken_by_its_name_in_the_collection(programs: Path, tmp_path: Path) -> None:
    names = [f"registry.docker_updater.{name.removesuffix('.yml')}" for name in PLAYBOOKS]
    inventory = with_a_control_host(tmp_path)
    done = _run(programs / "ansible-playbook", "-i", inventory, "--syntax-check", *names)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_we_use_of_ansible_works(programs: Path) -> None:
    assert "skipped" not in _test(programs, *SHORT)


@pytest.mark.extended
def test_all_that_is_tested_of_playbooks_works(programs: Path) -> None:
    _test(programs, *WHOLE)


def _test(programs: Path, *tests: str) -> str:
    done = _run(programs / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTEST_"))
    }
    environment |= {
        "PATH": f"{Path(command[0]).parent}:{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "true",
    }
    return subprocess.run(
        command, cwd=ansibles.ROOT, env=environment, capture_output=True, text=True, check=False
    )
