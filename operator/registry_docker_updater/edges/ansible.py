"""Running playbooks through ansible-runner: each in a process and a private directory of its own.

ansible-runner is not safe for use by several threads, so it lives in :mod:`playbook_process`. This side starts
that process, hands it the request as a file, and reads the results of modules line by line. The process ends
its run when its standard input ends, so none outlives the operator, however that ended.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from registry_docker_updater.core.outcomes import HostResult
from registry_docker_updater.edges.processes import end_children

COLLECTION = "registry.docker_updater"
_GRACE_SECONDS = 30
# What a playbook run gets of the operator's environment; the operator's own secrets are not among it.
_INHERITED = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SSH_AUTH_SOCK", "TMPDIR", "TZ", "USER")
_INHERITED_PREFIX = "ANSIBLE_"


@dataclass(frozen=True)
class Playbook:
    """A playbook of the collection to run: its name, variables, and which hosts (None for all it names)."""

    name: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    limit: tuple[str, ...] | str | None = None


@dataclass(frozen=True)
class Ended:
    """How a run ended: ``status`` is ansible-runner's (successful, failed, timeout, canceled) or ``died``."""

    status: str
    results: tuple[HostResult, ...]
    statistics: Mapping[str, Any]
    directory: Path

    @property
    def was_stopped(self) -> bool:
        """Whether the operator itself ended the run, because it was stopping."""
        return self.status == "canceled"

    @property
    def cut_short(self) -> str | None:
        """Why the run ended before its end, in a sentence, or None."""
        return {
            "timeout": "the run took longer than rollouts.timeout and was ended",
            "died": "the process of the run died",
        }.get(self.status)


class Playbooks:
    """Runs playbooks against one inventory; may be used by several threads."""

    def __init__(self, inventory: Path, folder: Path, environment: Mapping[str, str]) -> None:
        """Run with ``folder`` as the working directory: an ``ansible.cfg`` there is obeyed."""
        self._inventory = inventory
        self._folder = folder
        inherited = {
            name: value
            for name, value in environment.items()
            if name in _INHERITED or name.startswith(_INHERITED_PREFIX)
        }
        beside_python = str(Path(sys.executable).parent)
        self._environment = {**inherited, "PATH": f"{beside_python}:{inherited.get('PATH', os.defpath)}"}
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._stopping = False

    def run(
        self,
        playbook: Playbook,
        folder: Path,
        timeout: timedelta,
        on_result: Callable[[HostResult], None] = lambda _: None,
    ) -> Ended:
        """Run ``playbook``, keep its output and events in a new directory in ``folder``, return how it ended.

        ``on_result`` is called with each result of a module as it comes.
        """
        directory = _new_directory(folder, playbook.name)
        self._prepare(playbook, directory, timeout)
        results: list[HostResult] = []
        status, statistics = "died", {}
        with self._process(directory) as process:
            for message in _messages(process):
                if "status" in message:
                    status, statistics = message["status"], message["statistics"]
                else:
                    results.append(HostResult(**message))
                    on_result(results[-1])
        status = "canceled" if status == "died" and self._stopping else status
        return Ended(status, tuple(results), statistics, directory)

    def stop(self) -> None:
        """End every run that goes on, and start no other."""
        with self._lock:
            self._stopping = True
            for process in self._running:
                _close(process)

    def _prepare(self, playbook: Playbook, directory: Path, timeout: timedelta) -> None:
        variables = directory / "env" / "extravars"
        variables.parent.mkdir(mode=0o700)
        _write(variables, as_text(playbook.variables))
        limit = playbook.limit
        if isinstance(limit, tuple):
            hosts = directory / "hosts"
            hosts.write_text("".join(f"{name}\n" for name in limit))
            limit = f"@{hosts}"
        request = {
            "playbook": f"{COLLECTION}.{playbook.name}",
            "inventory": str(self._inventory),
            "project_dir": str(self._folder),
            "limit": limit,
            "timeout": timeout.total_seconds(),
        }
        _write(directory / "request.json", request)

    @contextmanager
    def _process(self, directory: Path) -> Iterator[subprocess.Popen[str]]:
        with (directory / "process.log").open("w") as log:
            process = subprocess.Popen(
                # -P: what lies in the working directory is no module of ours.
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "registry_docker_updater.edges.playbook_process",
                    str(directory),
                ],
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._environment,
                start_new_session=True,
            )
        with self._lock:
            self._running.add(process)
            if self._stopping:
                _close(process)
        try:
            yield process
            process.wait()
        finally:
            with self._lock:
                self._running.discard(process)
            _end(process)


def as_text(value: Any) -> Any:
    """Mark every text in ``value`` so that Ansible never takes it for a template.

    Extra variables are trusted by Ansible and evaluated; what comes from a registry is not to be.
    """
    if isinstance(value, str):
        return {"__ansible_unsafe": value}
    if isinstance(value, Mapping):
        return {str(key): as_text(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_text(one) for one in value]
    return value


def end_leftovers(runs: Path) -> list[str]:
    """End the processes of runs that a killed operator left behind in ``runs``; return their directories.

    They end by themselves when the operator does; this makes sure before anything is run again.
    """
    left = [request.parent for request in runs.glob("*/*/process.pid") if _is_alive(request)]
    for directory in left:
        pid = int((directory / "process.pid").read_text().split()[0])
        deadline = time.monotonic() + _GRACE_SECONDS
        while _is_alive(directory / "process.pid") and time.monotonic() < deadline:
            time.sleep(0.1)
        if _is_alive(directory / "process.pid"):
            _kill(pid)
    return [str(directory) for directory in left]


def _new_directory(folder: Path, name: str) -> Path:
    """Make ``name-1``, or with the first number that is free: a run that was killed left its directory."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    taken = [int(path.name.rpartition("-")[2]) for path in folder.glob(f"{name}-*")]
    directory = folder / f"{name}-{max(taken, default=0) + 1}"
    directory.mkdir(mode=0o700)
    return directory


def _is_alive(note: Path) -> bool:
    """Tell whether the process that wrote ``note`` still runs; process ids are used again, start times are not."""
    try:
        pid, started = note.read_text().split()
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19] == started
    except (OSError, ValueError, IndexError):
        return False


def _messages(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    if process.stdout is None:
        return
    for line in process.stdout:
        message: dict[str, Any] = json.loads(line)
        yield message


def _close(process: subprocess.Popen[str]) -> None:
    if process.stdin and not process.stdin.closed:
        process.stdin.close()


def _kill(process: int) -> None:
    end_children(process)
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)


def _end(process: subprocess.Popen[str]) -> None:
    _close(process)
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        _kill(process.pid)
        process.wait()
    if process.stdout:
        process.stdout.close()


def _write(path: Path, content: Any) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=1))
