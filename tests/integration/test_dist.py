"""What is given to others: built of a clean clone by ``make dist``, the same bytes each time, and installed from those files."""

import email
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import dist
from registry_docker_updater import __version__

ROOT = Path(__file__).parents[2]
CHANGES = "CHANGELOG.md"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (ROOT / ".git").exists(), reason="it is built of a commit, and this is no checkout of git"
    ),
]


def cut(folder: Path) -> None:
    """Have nothing under `## Unreleased`, as where a version is cut."""
    text = (folder / CHANGES).read_text()
    (folder / CHANGES).write_text(re.sub(r"(?ms)^## Unreleased$.*?(?=^## )", "", text))


def committed(clone: Path) -> None:
    """Commit what was changed, the same each time."""
    names = {f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2026-11-27T12:00:00Z")
    command = ["git", "commit", "-q", "--allow-empty", "--all", "--message", "Cut a version"]
    subprocess.run(command, cwd=clone, check=True, env={**os.environ, **names, **dates})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """What was built of the last commit, its version cut, twice: in clones at different places, which others made at different times."""
    found = []
    for name in ("here", "there"):
        clone = tmp_path_factory.mktemp(name) / "clone"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        cut(clone)
        committed(clone)
        done = subprocess.run(
            [sys.executable, str(clone / "tools/dist.py")], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        found.append(clone / "dist")
    here, there = found
    return here, there


@pytest.fixture(scope="module")
def files(built: tuple[Path, Path]) -> Path:
    return built[0]


def test_the_same_commit_gives_the_same_bytes(built: tuple[Path, Path]) -> None:
    here, there = ({file.name: file.read_bytes() for file in folder.iterdir()} for folder in built)
    assert len(here) == 4
    assert here == there


def test_the_check_sums_are_those_of_the_files_as_sha256sum_reads_them(files: Path) -> None:
    lines = (files / "SHA256SUMS").read_text().splitlines()
    assert {line.partition("  ")[2] for line in lines} == {one.name for one in files.iterdir()} - {
        "SHA256SUMS"
    }
    for line in lines:
        total, _, name = line.partition("  ")
        assert total == hashlib.sha256((files / name).read_bytes()).hexdigest()


def test_the_wheel_is_a_whole_installation(files: Path, tmp_path: Path) -> None:
    (wheel,) = files.glob("*.whl")
    place = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    install = [
        "-m",
        "pip",
        "--python",
        str(place),
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        str(wheel),
    ]
    subprocess.run([sys.executable, *install], check=True)
    (packages,) = place.glob("lib/python*/site-packages")
    # What it depends on is not fetched: it is found where these tests find it, behind what was installed.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    answered = subprocess.run(
        [place / "bin/registry-docker-updater", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert __version__ in answered.stdout
    where = "import registry_docker_updater as one; print(one.__file__)"
    found = subprocess.run(
        [place / "bin/python", "-c", where], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert found.stdout.startswith(str(packages))
    assert (packages / "ansible_collections/registry/docker_updater/playbooks/update.yml").exists()


def test_the_wheel_says_what_it_is_and_where_more_is_told(files: Path) -> None:
    (wheel,) = files.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        answered = email.message_from_bytes(archive.read(metadata))
    assert answered["Version"] == __version__
    assert answered["License-Expression"] == "Apache-2.0"
    assert {one.partition(",")[0] for one in answered.get_all("Project-URL", [])} == {
        "Homepage",
        "Documentation",
        "Issues",
        "Changelog",
    }
    assert "Typing :: Typed" in answered.get_all("Classifier", [])
    assert "registry_docker_updater/py.typed" in names


def test_the_collection_is_installed_by_ansible_galaxy_and_holds_what_runs_on_its_own(
    files: Path, tmp_path: Path
) -> None:
    (collection,) = files.glob("registry-docker_updater-*.tar.gz")
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    # Of the one that is installed beside these tests it would say that nothing is to be done.
    where = ["--force", "--offline", "--collections-path", str(tmp_path)]
    install = ["collection", "install", str(collection), *where]
    done = subprocess.run([galaxy, *install], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    held = {path.name for path in (tmp_path / "ansible_collections/registry/docker_updater").iterdir()}
    assert held >= {
        "playbooks",
        "plugins",
        "roles",
        "meta",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "MANIFEST.json",
    }
    assert not held & {"tests", "benchmarks", "operator", "tools", "pyproject.toml", "constraints.txt"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What versions stand in, as it is in the checkout once its version is cut."""
    for name in ("galaxy.yml", CHANGES, dist.VERSION_FILE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    cut(tmp_path)
    return tmp_path


def test_the_version_of_this_checkout_can_be_built(tree: Path) -> None:
    assert dist.version_of(tree) == __version__
    assert dist.problems(tree) == []


def test_a_version_that_stands_elsewhere_otherwise_or_that_nothing_is_told_of_is_not_built(
    tree: Path,
) -> None:
    file = tree / dist.VERSION_FILE
    file.write_text(file.read_text().replace(__version__, "7.0.0"))
    galaxy, changes = dist.problems(tree)
    assert f"galaxy.yml has version {__version__}, and {dist.VERSION_FILE} has 7.0.0" in galaxy
    assert "CHANGELOG.md has no section `## 7.0.0 - YYYY-MM-DD`" in changes


@pytest.mark.parametrize(
    ("below", "is_built"), [("", True), ("\n", True), ("\n### Fixed\n\n- This.\n\n", False)]
)
def test_what_no_version_is_told_to_have_is_not_built_as_one_that_is_out(
    tree: Path, below: str, is_built: bool
) -> None:
    file = tree / CHANGES
    before, heading, after = file.read_text().partition(f"## {__version__} - ")
    file.write_text(f"{before}## Unreleased\n{below}{heading}{after}")
    found = dist.problems(tree)
    assert [one.startswith("CHANGELOG.md has changes under `## Unreleased`") for one in found] == [True] * (
        not is_built
    )
