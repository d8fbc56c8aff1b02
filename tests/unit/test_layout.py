"""The shape of the project: what must never be there, and what an installation must carry."""

import ast
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator/registry_docker_updater"
COLLECTION = "ansible_collections/registry/docker_updater"
MODULES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in (PACKAGE, ROOT / "plugins")
    for path in folder.rglob("*.py")
    if "__pycache__" not in path.parts
)


def test_the_source_root_does_not_shadow_the_standard_library() -> None:
    """With this file, ``import collections`` fails wherever the checkout is first on the path."""
    assert not (ROOT / "operator/__init__.py").exists()


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_is(module: str) -> None:
    assert ast.get_docstring(ast.parse((ROOT / module).read_text()))


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all files in a wheel built from the checkout."""
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")))
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_a_wheel_carries_the_whole_collection(carried: set[str]) -> None:
    for folder in ("playbooks", "roles", "plugins", "meta"):
        files = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert files
        assert {f"{COLLECTION}/{name}" for name in files} <= carried
    assert f"{COLLECTION}/galaxy.yml" in carried


def test_a_wheel_carries_the_operator_and_nothing_of_the_checkout_beside_it(carried: set[str]) -> None:
    assert "registry_docker_updater/cli/main.py" in carried
    tops = {name.partition("/")[0] for name in carried}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "registry_docker_updater",
        "ansible_collections",
    }
    assert not [name for name in carried if "__pycache__" in name or "/tests/" in name]


def test_the_command_is_installed(carried: set[str]) -> None:
    assert any(name.endswith(".dist-info/entry_points.txt") for name in carried)
