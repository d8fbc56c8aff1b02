# SPDX-License-Identifier: Apache-2.0
"""Builds what is given to others of the last commit: wheel, sdist and collection, in ``dist/``, with their check sums.

    python tools/dist.py

With the same tools, the same commit gives the same bytes, whoever builds it and when: times are the commit's (reproducible-builds.org,
``SOURCE_DATE_EPOCH``), and owners nobody's.
"""

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
SUMS = "SHA256SUMS"
VERSION_FILE = Path("operator/registry_docker_updater/__init__.py")
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
# With anything but the next heading below it.
_UNRELEASED = re.compile(r"^## Unreleased\s+(?!## |\s|\Z)", re.MULTILINE)
# What an archive of Ansible's collections lists its files in, and what holds the check sum of that list.
_FILES, _MANIFEST = "FILES.json", "MANIFEST.json"


def version_of(tree: Path) -> str:
    """Return the version of a tree of files, of the one place where it stands."""
    found = _VERSION.search((tree / VERSION_FILE).read_text(encoding="utf-8"))
    if not found:
        sys.exit(f'{VERSION_FILE} has no line __version__ = "…"')
    return found[1]


def problems(tree: Path) -> list[str]:
    """Return why nothing is to be built of a tree, in sentences: its version stands elsewhere, too, or is not told of, or not all of it is."""
    version, found = version_of(tree), []
    galaxy = yaml.safe_load((tree / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    if galaxy != version:
        found.append(f"galaxy.yml has version {galaxy}, and {VERSION_FILE} has {version}: give both the same")
    changes = (tree / "CHANGELOG.md").read_text(encoding="utf-8")
    if _UNRELEASED.search(changes):
        said = f"CHANGELOG.md has changes under `## Unreleased`, which would be in another {version} than the one before"
        found.append(f"{said}: move them below the heading of the version that they are in")
    heading = rf"^## {re.escape(version)} - \d{{4}}-\d{{2}}-\d{{2}}$"
    if not re.search(heading, changes, re.MULTILINE):
        found.append(f"CHANGELOG.md has no section `## {version} - YYYY-MM-DD`: say there what is new in it")
    return found


def build(tree: Path, epoch: int, to: Path) -> list[Path]:
    """Build all of a tree into the folder ``to``, as of ``epoch`` (seconds since 1970); return the files."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    _run([sys.executable, "-m", "hatchling", "build", "--directory", str(to)], tree, environment)
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    _run([str(galaxy), "collection", "build", "--output-path", str(to)], tree, environment)
    collection = next(to.glob("*-docker_updater-*.tar.gz"))
    collection.write_bytes(same_each_time(collection.read_bytes(), epoch))
    files = sorted(to.iterdir())
    sums = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    (to / SUMS).write_text(sums, encoding="utf-8")
    return [*files, to / SUMS]


def same_each_time(archive: bytes, epoch: int) -> bytes:
    """Return the archive of a collection with its files in order, all of ``epoch`` and of nobody."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = {one.name: (one, tar.extractfile(one)) for one in tar}
        held = {name: file.read() if file else b"" for name, (_, file) in members.items()}
    files: dict[str, Any] = json.loads(held[_FILES])
    files["files"].sort(key=lambda one: one["name"])
    held[_FILES] = _json(files)
    manifest: dict[str, Any] = json.loads(held[_MANIFEST])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(held[_FILES]).hexdigest()
    held[_MANIFEST] = _json(manifest)
    made = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=made, mtime=epoch) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        # Who installs it reads the manifest first.
        for name in sorted(held, key=lambda one: (one not in (_MANIFEST, _FILES), one)):
            member = members[name][0]
            is_executable = member.isdir() or member.mode & 0o100
            member.size, member.mtime, member.mode = len(held[name]), epoch, 0o755 if is_executable else 0o644
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            tar.addfile(member, io.BytesIO(held[name]))
    return made.getvalue()


def main() -> None:
    """Build the last commit of this checkout."""
    with tempfile.TemporaryDirectory() as folder:
        tree, made = Path(folder) / "tree", Path(folder) / "made"
        made.mkdir()
        _export(tree)
        if found := problems(tree):
            sys.exit("\n".join(["nothing is built:", *found]))
        files = build(tree, int(_git("log", "-1", "--format=%ct")), made)
        shutil.rmtree(ROOT / "dist", ignore_errors=True)
        shutil.copytree(made, ROOT / "dist")
    for file in files:
        print(f"dist/{file.name}")


def _export(tree: Path) -> None:
    """Write the files of the last commit to ``tree``: what is not committed is in nothing that others get."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(tree, filter="data")
    if _git("status", "--porcelain", "--untracked-files=no"):
        print("note: what is changed and not committed is not in it", file=sys.stderr)


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def _json(content: object) -> bytes:
    return json.dumps(content, indent=True).encode()


if __name__ == "__main__":
    main()
