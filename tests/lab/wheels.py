# SPDX-License-Identifier: Apache-2.0
"""What a host of a lab installs from the package index, which it cannot reach: fetched by this machine's pip, to be copied there."""

import platform
import subprocess
import sys
import tomllib
from pathlib import Path

from lab.errors import CommandFailed

_CHECKOUT = Path(__file__).parents[2]
# glibc of Debian bookworm, the oldest a host has, and all before it: pip wants each named, the best first.
_GLIBC = (*range(36, 16, -1), 12, 5)


def fetch(folder: Path, python: str, *what: str) -> None:
    """Fetch into `folder` the wheels that a host with `python`, such as "3.13", takes of `what` pip is asked for.

    Raises `CommandFailed` with what pip said.
    """
    command = (
        *(sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder)),
        *("--only-binary=:all:", f"--python-version={python}"),
        *(f"--platform=manylinux_2_{minor}_{platform.machine()}" for minor in _GLIBC),
        *what,
    )
    # With the caller's environment, which may name an index or a proxy.
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    if done.returncode:
        raise CommandFailed(command, done.returncode, done.stdout, done.stderr)


def of_checkout() -> tuple[str, ...]:
    """What pip installs this checkout with, by constraints.txt."""
    project = tomllib.loads((_CHECKOUT / "pyproject.toml").read_text())
    wanted = (*project["project"]["dependencies"], *project["build-system"]["requires"])
    return ("--constraint", str(_CHECKOUT / "constraints.txt"), *wanted)
