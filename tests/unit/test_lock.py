"""What the role operator installs: the versions that are tested here, each file by its hash."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
_LOCK = (ROOT / "roles/operator/files/requirements.txt").read_text()
_TASKS = ROOT / "roles/operator/tasks/release.yml"
_BLOCKS = re.split(r"\n(?=\S)", _LOCK.strip())


def _pins(lines: list[str]) -> dict[str, str]:
    pins = [line.partition(";")[0].strip().partition("==") for line in lines if line.strip()]
    return {canonicalize_name(name): version for name, _, version in pins}


def test_what_is_locked_is_what_is_tested() -> None:
    """`make lock` writes it anew; what is only for another system is not among the constraints."""
    tested = _pins((ROOT / "constraints.txt").read_text().splitlines())
    locked = _pins([block.splitlines()[0].rstrip(" \\") for block in _BLOCKS if "win32" not in block])
    assert {name: tested.get(name) for name in locked} == locked


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {canonicalize_name(Requirement(one).name) for one in project["dependencies"]}
    assert needed <= _pins([block.splitlines()[0].rstrip(" \\") for block in _BLOCKS]).keys()


def test_nothing_is_built_for_what_a_build_needs_has_no_hash() -> None:
    (installing,) = [task["block"] for task in yaml.safe_load(_TASKS.read_text()) if "block" in task]
    (arguments,) = [
        task["ansible.builtin.command"]["argv"]
        for task in installing
        if "install" in task.get("ansible.builtin.command", {}).get("argv", [])
    ]
    assert {"--require-hashes", "--only-binary=:all:"} <= set(arguments)


def test_every_file_is_known_by_its_hash() -> None:
    for block in _BLOCKS:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block.splitlines()[0]
