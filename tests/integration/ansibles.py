"""Other versions of ansible-core than ours, each in an environment of its own, on a Python that it supports.

They stay in ``.venv/ansibles``; what they are made of comes from uv's cache the next time.
"""

import functools
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.release import __version__

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".venv/ansibles"
# The oldest and the newest that we support, each with the Pythons that its controller may have, as Ansible's release and
# maintenance page lists them.
OLDEST, NEWEST = "2.17", "2.21"
PYTHONS = {OLDEST: ("3.11", "3.12", "3.10"), NEWEST: ("3.13", "3.12", "3.14")}
# What constraints.txt pins for the ansible-core that is ours.
_PINNED_FOR_OURS = ("ansible-core==", "resolvelib==")
_UV = Path(sys.executable).with_name("uv")


def since(version: str, before: str) -> pytest.MarkDecorator:
    """Skip a test with an ansible-core before ``version``; ``before`` says how it differs there."""
    ours, wanted = (tuple(map(int, one.split(".")[:2])) for one in (__version__, version))
    return pytest.mark.skipif(ours < wanted, reason=f"ansible-core before {version} {before}")


def bare(version: str) -> Path:
    """Return the folder of programs of an environment with that ansible-core, and nothing of ours.

    Where no Python that it supports is to be had, the test is skipped, or fails when CI counts on it.
    """
    return _environment(f"bare-{version}", version, (f"ansible-core=={version}.*",))


def whole(version: str) -> Path:
    """Return the folder of programs of an environment with that ansible-core, the checkout, and all that its tests need.

    Without a Python it ends as :func:`bare` does.
    """
    constraints = PLACE / f"constraints-{version}.txt"
    lines = (ROOT / "constraints.txt").read_text().splitlines(keepends=True)
    PLACE.mkdir(parents=True, exist_ok=True)
    constraints.write_text("".join(line for line in lines if not line.startswith(_PINNED_FOR_OURS)))
    wanted = ("--constraint", str(constraints), f"ansible-core=={version}.*", "--editable", f"{ROOT}[test]")
    programs = _environment(f"whole-{version}", version, wanted)
    # As `make setup` does: a checkout is worked on, so it is linked.
    (installed,) = (programs.parent / "lib").glob("python*/site-packages")
    link = installed / "ansible_collections/registry/docker_updater"
    if not link.is_symlink():
        subprocess.run(["rm", "-rf", link], check=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(ROOT)
    return programs


def _environment(name: str, version: str, wanted: tuple[str, ...]) -> Path:
    place, made_of = PLACE / name, PLACE / f"{name}.json"
    python = python_for(version)
    files = [(ROOT / file).read_bytes() for file in ("pyproject.toml", "constraints.txt")]
    key = json.dumps([*wanted, str(python), *(hashlib.sha256(content).hexdigest() for content in files)])
    if not (made_of.exists() and made_of.read_text() == key):
        _uv("venv", "--clear", "--python", str(python), str(place))
        _uv("pip", "install", "--python", str(place / "bin/python"), *wanted)
        made_of.write_text(key)
    return place / "bin"


@functools.cache
def python_for(version: str) -> Path:
    """Return a Python that Ansible ``version`` supports: one that is installed, or one that uv gets."""
    wanted = PYTHONS[version]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for one in wanted:
        if sys.version.startswith(f"{one}."):
            return Path(sys.executable)
        for folder in (
            *map(Path, os.environ.get("PATH", "").split(":")),
            *sorted(pyenv.glob(f"{one}.*/bin")),
        ):
            if _is_python(folder / f"python{one}", one):
                return folder / f"python{one}"
    try:
        _uv("python", "install", wanted[0])
        found = _uv("python", "find", "--managed-python", wanted[0])
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        reason = f"ansible-core {version} needs Python {' or '.join(wanted)}: none is installed, and uv cannot get one"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return Path(found.strip())


def _is_python(program: Path, version: str) -> bool:
    """Tell whether it is there and runs: one of pyenv's is there for each version, whether or not it is to be had."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.startswith(f"Python {version}.")


def _uv(*arguments: str) -> str:
    return subprocess.run(
        [_UV, "--quiet", *arguments], text=True, stdout=subprocess.PIPE, timeout=400, check=True
    ).stdout
