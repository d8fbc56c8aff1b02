# SPDX-License-Identifier: Apache-2.0
"""The page of the first steps as steps, and the machine of a newcomer to take them on.

A lab's host has no internet. All that stands in its place is here: wheels for pip, and two public images.
"""

import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pexpect
from pexpect.replwrap import REPLWrapper

from lab import wheels
from lab.host import Host
from lab.images import good

ROOT = Path(__file__).parents[2]
USER = "newcomer"
_BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
# As of the public image: what is given is the file of the settings.
_REGISTRY = (
    *("--change", 'ENTRYPOINT ["docker-registry", "serve"]'),
    *("--change", 'CMD ["/etc/docker/registry/config.yml"]'),
)


@dataclass(frozen=True)
class Step:
    """Commands that are pasted together, and what the page says is seen then."""

    commands: str
    seen: str

    def is_seen_in(self, output: str) -> bool:
        """Tell if its lines stand in the output in this order, with `…` for whatever differs; no lines, in any output."""
        if not self.seen:
            return True
        lines = (re.escape(line).replace("…", ".*") for line in self.seen.splitlines())
        return re.search(r"^" + r"\n(?:.*\n)*?".join(lines) + r"$", output, re.MULTILINE) is not None


def steps() -> Iterator[Step]:
    """Every block of commands of the page, in its order."""
    for commands, seen in _BLOCK.findall((ROOT / "docs/first-steps.md").read_text()):
        yield Step(commands, seen)


def prepare(host: Host, folder: Path) -> None:
    """Give the host what the page asks for and what the internet would give it; `folder` is for what is on the way."""
    host.run("useradd", "--create-home", "--shell", "/bin/bash", "--groups", "docker", USER)
    checkout = host.machine.inside(f"/home/{USER}/registry-docker-updater")
    left_out = shutil.ignore_patterns(".*", "build", "tests", "__pycache__")
    # A link leads back to the checkout.
    shutil.copytree(ROOT, checkout, symlinks=True, ignore=left_out)
    host.run("chown", "--recursive", f"{USER}:", f"/home/{USER}")
    _provide_index(host, folder / "wheels")
    _provide_images(host, folder)


def _provide_index(host: Host, folder: Path) -> None:
    """Have pip find, in place of the package index, the same versions in a folder."""
    python = host.run("python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").stdout.strip()
    folder.mkdir()
    wheels.fetch(folder, python, *wheels.of_checkout())
    shutil.copytree(folder, host.machine.inside("/wheels"))
    host.machine.inside("/etc/pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n")


def _provide_images(host: Host, folder: Path) -> None:
    """Have the engine know `busybox` and `registry:2` already, so that it pulls neither.

    The registry is Debian's build of the same program and version, told where its settings are as the public image is.
    """
    program = shutil.which("docker-registry") or ""
    libraries = re.findall(r"(/\S+) \(", subprocess.check_output(("ldd", program), text=True))
    (folder / "busybox.tar").write_bytes(good("1").layers[0])
    with tarfile.open(folder / "registry.tar", "w") as root:
        for path in (program, *libraries):
            root.add(Path(path).resolve(), path)
    for name, changes in (("busybox", ()), ("registry:2", _REGISTRY)):
        archive = f"{name.partition(':')[0]}.tar"
        shutil.copy(folder / archive, host.machine.inside(f"/var/tmp/{archive}"))
        host.docker("import", *changes, f"/var/tmp/{archive}", name)


class Terminal:
    """A terminal of the newcomer, in the checkout: what is typed is run by an interactive shell."""

    def __init__(self, host: Host) -> None:
        enter = ("--mount", "--uts", "--ipc", "--net", "--pid", "--", "su", "--login", USER)
        child = pexpect.spawn(
            "nsenter",
            [f"--target={host.machine.init.pid}", *enter],
            encoding="utf-8",
            echo=False,
            env={"TERM": "dumb", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
        )
        self._shell = REPLWrapper(child, r"\$ ", "PS1='{0}' PS2='{1}' PROMPT_COMMAND=''")
        # The prompt by which it is seen that a command has ended is to stay as it is.
        self.type("export VIRTUAL_ENV_DISABLE_PROMPT=1; cd registry-docker-updater")

    def type(self, commands: str, seconds: float = 30) -> str:
        """Return what commands print, until the prompt is there again.

        Raises `pexpect.TIMEOUT` after `seconds`, and `ValueError` where the shell waits for the rest of a command.
        """
        return str(self._shell.run_command(commands, timeout=seconds)).replace("\r", "")

    def close(self) -> None:
        """Hang up."""
        self._shell.child.close(force=True)
