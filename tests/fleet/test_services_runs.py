# SPDX-License-Identifier: Apache-2.0
"""playbooks/update.yml on whole swarms: who acts, side by side, visible, and carried on when a manager is lost."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.services_place import Place
from lab import Lab, LabSpec, RegistrySpec, SwarmSpec, images

_REASON = Lab.why_not()
pytestmark = [pytest.mark.lab, pytest.mark.skipif(_REASON is not None, reason=_REASON or "")]

_ROOT = Path(__file__).parents[2]
_PASSWORD = "s3cret-Pass"
_FLEET = LabSpec(
    "services-runs",
    swarms=(
        SwarmSpec("alpha", managers=1, workers=1, suite="bookworm"),
        SwarmSpec("beta", managers=3, suite="trixie"),
    ),
    registries=(RegistrySpec("registry"), RegistrySpec("closed", 5001, username="app", password=_PASSWORD)),
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.running(_FLEET) as lab:
        yield lab


class Playbook:
    """A run of update.yml, its output kept as it comes."""

    def __init__(self, lab: Lab, image: str, digest: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                *("-i", str(lab.inventory), "playbooks/update.yml", "-e", f"image={image}", "-e", f"digest={digest}"),
                *arguments,
            ],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "ANSIBLE_FORCE_COLOR": "0", "PYTHONUNBUFFERED": "1"},
        )
        self.output = ""

    def wait_for(self, text: str) -> None:
        """Read the output until it holds ``text``."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output += line
            if text in line:
                return
        pytest.fail(f"{text!r} was not told:\n{self.output}")

    def end(self, timeout: float = 240) -> int:
        """Read the rest; return the exit code."""
        rest, _ = self._process.communicate(timeout=timeout)
        self.output += rest
        return self._process.returncode
