"""What `completion` prints has the real shells complete commands, options, actions and names of files, as somebody types them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

COMMAND = Path(sys.executable).parent / "registry-docker-updater"
# How each is started without what its user has set, and told what `completion` printed, as its help says.
SHELLS = {
    "bash": (("--norc", "--noprofile", "-i"), "source _registry-docker-updater"),
    "zsh": (("-f", "-i"), "fpath=($PWD $fpath) && autoload -Uz compinit && compinit -u -D"),
    "fish": (("--no-config", "-i"), "source _registry-docker-updater"),
}
TYPED = {
    "registry-c": "registry-config",
    "rollouts --li": "rollouts --limit",
    "audit ver": "audit verify",
    "restore night": "restore nightly.tar.gz",
    "completion fi": "completion fish",
}
# What was completed is printed whole, however a shell draws the line.
_TO_THE_BEGINNING = "\x01"

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_what_is_typed(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}: `make lab-setup` installs it, as root")
    printed = subprocess.check_output([COMMAND, "completion", shell])
    (tmp_path / "_registry-docker-updater").write_bytes(printed)
    (tmp_path / "nightly.tar.gz").touch()
    options, reads = SHELLS[shell]
    environment = {
        **os.environ,
        "PATH": f"{COMMAND.parent}:{os.environ['PATH']}",
        "TERM": "vt100",
        "HOME": str(tmp_path),
    }
    typed = pexpect.spawn(
        shell,
        list(options),
        cwd=tmp_path,
        env=environment,
        encoding="utf-8",
        timeout=30,
        dimensions=(50, 200),
    )
    try:
        typed.sendline(f"{reads} && echo rea''dy")
        typed.expect_exact("ready")
        for line, expected in TYPED.items():
            typed.send(f"registry-docker-updater {line}\t{_TO_THE_BEGINNING}echo \r")
            typed.expect(rf"\n[^\n]*registry-docker-updater {expected}")
    finally:
        typed.close(force=True)
