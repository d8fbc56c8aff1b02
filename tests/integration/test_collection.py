"""The collection as it is built, and the image that has it in it: what they carry, and what is said of it."""

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BESIDE = Path(sys.executable).parent
GALAXY: dict[str, Any] = yaml.safe_load((ROOT / "galaxy.yml").read_text())
BUILT = f"registry-docker_updater-{GALAXY['version']}.tar.gz"
PLUGINS = sorted(
    (folder, path.stem)
    for folder in ("filter", "lookup", "modules", "test")
    for path in (ROOT / "plugins" / folder).glob("*.py")
    if path.stem != "__init__"
)


def program(name: str, *arguments: str, folder: Path = ROOT) -> str:
    done = subprocess.run(
        [str(BESIDE / name), *arguments], cwd=folder, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    program("ansible-galaxy", "collection", "build", "--output-path", str(folder))
    return folder / BUILT


@pytest.fixture(scope="module")
def unpacked(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(built) as archive:
        archive.extractall(folder, filter="data")
    return folder


def test_it_carries_what_a_shop_needs_with_its_docs_and_nothing_else(unpacked: Path) -> None:
    assert {path.name for path in unpacked.iterdir()} == {
        "CHANGELOG.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md",
        "docs", "meta", "playbooks", "plugins", "roles",
    }  # fmt: skip
    assert not [path for path in unpacked.rglob("*") if path.is_symlink() or path.name == "__pycache__"]


def test_every_link_of_a_page_that_it_carries_leads_somewhere(unpacked: Path) -> None:
    pages = [*unpacked.rglob("*.md")]
    assert len(pages) > 20
    for page in pages:
        for link in re.findall(r"\]\(([^)#]+)", page.read_text()):
            assert link.startswith("https://") or (page.parent / link).exists(), (
                f"{page.relative_to(unpacked)}: {link}"
            )


def test_it_says_where_it_comes_from() -> None:
    for name in ("repository", "documentation", "homepage", "issues"):
        assert GALAXY[name].startswith("https://"), name


def test_every_module_that_opens_an_engine_is_in_the_action_group(unpacked: Path) -> None:
    runtime = yaml.safe_load((unpacked / "meta/runtime.yml").read_text())
    opening = {
        path.stem
        for path in (unpacked / "plugins/modules").glob("*.py")
        if "ENGINE_OPTION" in path.read_text()
    }
    assert set(runtime["action_groups"]["engine"]) == opening


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in PLUGINS}))
def test_ansible_doc_has_a_page_for_every_plugin(kind: str) -> None:
    names = [f"registry.docker_updater.{name}" for one, name in PLUGINS if one == kind]
    shown = yaml.safe_load(program("ansible-doc", "--type", kind.removesuffix("s"), "--json", *names))
    assert list(shown) == names
    for name, page in shown.items():
        assert page["doc"]["description"], name
        assert page["examples"], name
        assert page["return"], name


def test_the_execution_environment_is_one_that_ansible_builder_takes(built: Path, tmp_path: Path) -> None:
    """In a folder with the collection that was built, as docs/awx.md says; it holds that collection."""
    shutil.copy(ROOT / "execution-environment.yml", tmp_path)
    (tmp_path / "dist").mkdir()
    shutil.copy(built, tmp_path / "dist")
    program("ansible-builder", "create", "--output-filename", "Containerfile", folder=tmp_path)
    context = tmp_path / "context"
    assert (context / "_build/collections" / BUILT).exists()
    asked = yaml.safe_load((context / "_build/requirements.yml").read_text())["collections"]
    assert asked == [{"name": f"collections/{BUILT}", "type": "file"}]
    assert "ansible-core>=2.17" in (context / "Containerfile").read_text()


def test_what_a_checkout_requires_can_be_installed(tmp_path: Path) -> None:
    """As AWX does when it synchronises a project."""
    said = program(
        "ansible-galaxy", "collection", "install", "-r", "collections/requirements.yml", "-p", str(tmp_path)
    )
    assert "no requirements found" in said
