# SPDX-License-Identifier: Apache-2.0
"""Running commands: with an environment that owes nothing to the caller's, and never for ever."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from lab.errors import CommandFailed, LabError

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
PROXIES = ("http_proxy", "https_proxy", "no_proxy")


def run(
    *command: str,
    check: bool = True,
    input: str | None = None,  # noqa: A002  # the name subprocess.run() made familiar
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a command and return what it said, as text.

    `timeout` is in seconds; after it the whole process group is killed. Raises `CommandFailed` for an
    exit code other than 0 if `check`, and `LabError` if the time is over.
    """
    with subprocess.Popen(
        command,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(input, timeout)
        except BaseException as error:
            # nsenter's child would survive its parent and keep the pipes open: the whole group must go.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise LabError(f"{' '.join(command)}: not done after {timeout:g} s") from error
            raise
    if check and process.returncode:
        raise CommandFailed(command, process.returncode, stdout, stderr)
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def run_logged(command: Sequence[str], log: str, *, timeout: float) -> None:
    """Run a long command with its output in the file `log`; an error quotes the end of it."""
    environment = ENVIRONMENT | {name: os.environ[name] for name in PROXIES if name in os.environ}
    with open(log, "ab") as output:  # noqa: PTH123  # a plain descriptor for subprocess
        try:
            done = subprocess.run(
                command,
                env=environment | {"DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{' '.join(command)}: not done after {timeout:g} s") from error
    if done.returncode:
        raise CommandFailed(command, done.returncode, "", last_lines(log))


def last_lines(log: str | os.PathLike[str], count: int = 15) -> str:
    """The end of a log file, or a note that there is none."""
    try:
        with open(log, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return "".join(file.readlines()[-count:]).rstrip() or "(empty log)"
    except OSError:
        return "(no log)"
