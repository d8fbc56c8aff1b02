# SPDX-License-Identifier: Apache-2.0
"""What a host of a lab installs from the package index, which it cannot reach: fetched by this machine's pip, to be copied there."""

import platform
import subprocess
import sys
import tomllib
from pathlib import Path

from lab.errors import CommandFailed

_CHECKOUT = Path(__file__).parents[2]
# glibc of Debian bookworm, the oldest a host has. pip wants every older one named, too.
_GLIBC = range(17, 37)


def fetch(folder: Path, python: str) -> None:
    """Fetch into `folder` the wheels with which pip installs this checkout on a host with `python`, such as "3.13".

    They are of constraints.txt. Raises `CommandFailed` with what pip said.
    """
    project = tomllib.loads((_CHECKOUT / "pyproject.toml").read_text())
    command = (
        *(sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder)),
        *("--only-binary=:all:", f"--python-version={python}"),
        *(f"--platform=manylinux_2_{minor}_{platform.machine()}" for minor in _GLIBC),
        *("--constraint", str(_CHECKOUT / "constraints.txt")),
        *(*project["project"]["dependencies"], *project["build-system"]["requires"]),
    )
    # With the caller's environment, which may name an index or a proxy.
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise CommandFailed(command, done.returncode, done.stdout, done.stderr)
