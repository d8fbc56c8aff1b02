"""Running playbooks through ansible-runner: each in a process and a private directory of its own.

ansible-runner is not safe for use by several threads, so it lives in :mod:`playbook_process`. This side starts
that process, hands it the request as a file, and reads the results of modules line by line. The process ends
its run when its standard input ends, so none outlives the operator, however that ended.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from registry_docker_updater.core.rollouts.outcomes import HostResult
from registry_docker_updater.core.runs import reasons
from registry_docker_updater.edges.runs.processes import cost_when_ended, end_children, forget_environment
from registry_docker_updater.errors import UpdaterError

COLLECTION = "registry.docker_updater"
_GRACE_SECONDS = 30
_LISTING_SECONDS = 300
# What a playbook run gets of the operator's environment; the operator's own secrets are not among it.
_INHERITED = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SSH_AUTH_SOCK", "TMPDIR", "TZ", "USER")
_INHERITED_PREFIX = "ANSIBLE_"
# How a run prints is not the shop's: the operator reads it.
_NOT_INHERITED = ("ANSIBLE_STDOUT_CALLBACK",)
# A source that is broken today would else be taken for hosts that have left the inventory.
_CAREFUL = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
# The operator's own playbooks lie in site-packages.
_FINDS_US = {"ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "true"}
# What a shop's ansible.cfg may say for people at a terminal. Nobody is here to answer, and what is printed is kept.
_UNATTENDED = dict.fromkeys(
    (
        "ANSIBLE_ASK_PASS",
        "ANSIBLE_ASK_VAULT_PASS",
        "ANSIBLE_BECOME_ASK_PASS",
        "ANSIBLE_DEBUG",  # prints secrets, those of tasks with no_log too
        "ANSIBLE_DISPLAY_ARGS_TO_STDOUT",  # prints what modules are given, passwords too
        "ANSIBLE_ENABLE_TASK_DEBUGGER",
    ),
    "false",
)
# None of our tasks is left out, whatever an ansible.cfg says of tags: all that it leaves out would look as if it were well.
_WHOLE = {"ANSIBLE_RUN_TAGS": "all", "ANSIBLE_SKIP_TAGS": ""}


@dataclass(frozen=True)
class Playbook:
    """A playbook of the collection to run: its name, variables, and which hosts (None for all it names).

    ``forks`` says how many hosts at the same time, where that is not left to the shop's settings of Ansible.
    """

    name: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    limit: tuple[str, ...] | str | None = None
    forks: int | None = None


@dataclass(frozen=True)
class FinishedRun:
    """How a run ended: ``status`` is ansible-runner's (successful, failed, timeout, canceled) or ``died``.

    ``cost`` is what it took of a processor, in seconds.
    """

    status: str
    results: tuple[HostResult, ...]
    statistics: Mapping[str, Any]
    directory: Path
    cost: float = 0.0

    @property
    def was_stopped(self) -> bool:
        """Whether the operator itself ended the run, because it was stopping."""
        return self.status == "canceled"

    @property
    def cut_short(self) -> str | None:
        """Why the run ended before its end, in a sentence, or None."""
        if self.status == "timeout":
            return "the run took longer than rollouts.timeout and was ended"
        if self.status != "died":
            return None
        # Such as that it cannot read the shop's ansible.cfg.
        why = reasons.of_run(self._kept("process.log"))
        return f"the process of the run died{': ' if why else ''}{why}"

    @property
    def refusal(self) -> str | None:
        """Why no host was asked, in Ansible's words where it has any, or None when one was."""
        if self.results or self.was_stopped:
            return None
        if self.status == "successful":
            return "the run ended well without asking any host: it found none, or nothing to do"
        return self.cut_short or reasons.of_run(self._kept("artifacts/run/stdout")) or None

    def _kept(self, name: str) -> str:
        path = self.directory / name
        return path.read_text(errors="replace") if path.exists() else ""


@dataclass(frozen=True)
class InventoryListing:
    """The names of an inventory's hosts, and what listing them took of a processor, in seconds."""

    names: frozenset[str]
    cost: float = 0.0


class PlaybookRunner:
    """Runs playbooks against one inventory; may be used by several threads."""

    def __init__(
        self, inventory: Path, folder: Path, environment: Mapping[str, str], passed: Collection[str] = ()
    ) -> None:
        """Run with ``folder`` as the working directory: an ``ansible.cfg`` there is obeyed.

        Of ``environment`` runs get what every program needs, what is Ansible's, and the variables in ``passed``.
        """
        self._inventory = inventory
        self._folder = folder
        inherited = {
            name: value
            for name, value in environment.items()
            if name in (*_INHERITED, *passed)
            or (name.startswith(_INHERITED_PREFIX) and name not in _NOT_INHERITED)
        }
        beside_python = str(Path(sys.executable).parent)
        path = f"{beside_python}:{inherited.get('PATH', os.defpath)}"
        self._environment = {**_CAREFUL, **inherited, **_UNATTENDED, **_WHOLE, **_FINDS_US, "PATH": path}
        self._running: set[subprocess.Popen[str]] = set()
        self._listing: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._stopping = False

    def run(
        self,
        playbook: Playbook,
        folder: Path,
        timeout: timedelta,
        on_result: Callable[[HostResult], None] = lambda _: None,
    ) -> FinishedRun:
        """Run ``playbook``, keep its output and events in a new directory in ``folder``, return how it ended.

        ``on_result`` is called with each result of a module as it comes. Raises :class:`UpdaterError` when the run
        cannot be kept there.
        """
        try:
            directory = _new_directory(folder, playbook.name)
            self._prepare(playbook, directory, timeout)
        except OSError as error:
            raise UpdaterError(
                f"cannot keep a run in {folder}: {error.strerror}; it is to belong to the operator's user, with room left"
            ) from error
        results: list[HostResult] = []
        status, statistics = "died", {}
        with self._process(directory) as process:
            for message in _messages(process):
                if "status" in message:
                    status, statistics = message["status"], message["statistics"]
                else:
                    results.append(HostResult(**message))
                    on_result(results[-1])
            cost = cost_when_ended(process.pid)
        status = "canceled" if status == "died" and self._stopping else status
        return FinishedRun(status, tuple(results), statistics, directory, cost)

    def hosts(self, pattern: str) -> InventoryListing:
        """Return the hosts of the inventory that match ``pattern``, as a playbook limited to it would have them.

        Only names leave Ansible, no variables. Raises :class:`UpdaterError` when there are none, or when Ansible
        cannot read the inventory.
        """
        process = subprocess.Popen(
            ["ansible", "all", "--list-hosts", "--inventory", str(self._inventory), "--limit", pattern],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shop's ansible.cfg may have Ansible talk more, and where the names are.
            env={**self._environment, "ANSIBLE_VERBOSITY": "0"},
            start_new_session=True,
        )
        with self._lock:
            self._listing.add(process)
            if self._stopping:
                _end_group(process)
        # An inventory's program may hang, and would be waited for without a word.
        limit = threading.Timer(_LISTING_SECONDS, _end_group, (process,))
        limit.start()
        try:
            out, said = _both(process)
            cost = cost_when_ended(process.pid)
        finally:
            is_late = not limit.is_alive()
            limit.cancel()
            with self._lock:
                self._listing.discard(process)
            process.wait()
        if self._stopping:
            raise UpdaterError("the listing of the inventory was stopped")
        if is_late:
            raise UpdaterError(
                f"cannot list the hosts {pattern!r} of {self._inventory}: not done within {_LISTING_SECONDS} s;"
                " does a program of the inventory hang?"
            )
        if process.returncode:
            reason = reasons.of_run(said) or f"ansible ended with {process.returncode}"
            raise UpdaterError(f"cannot list the hosts {pattern!r} of {self._inventory}: {reason}")
        # The first line counts them.
        names = frozenset(line.strip() for line in out.splitlines()[1:])
        if not names:
            raise UpdaterError(f"no host of {self._inventory} matches {pattern!r}")
        return InventoryListing(names, cost)

    def stop(self) -> None:
        """End every run that goes on, and start no other."""
        with self._lock:
            self._stopping = True
            for process in self._running:
                _close(process)
            for process in self._listing:
                _end_group(process)

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
            **({"forks": playbook.forks} if playbook.forks else {}),
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
                    "registry_docker_updater.edges.runs.process",
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
            forget_environment(directory)
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
        forget_environment(directory)
    return [str(directory) for directory in left]


def _new_directory(folder: Path, name: str) -> Path:
    """Make ``name-1``, or with the first number that is free: a run that was killed left its directory."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    taken = [int(path.name.rpartition("-")[2]) for path in folder.glob(f"{name}-*")]
    for number in itertools.count(max(taken, default=0) + 1):
        directory = folder / f"{name}-{number}"
        # Another thread or process may have taken the number meanwhile.
        with suppress(FileExistsError):
            directory.mkdir(mode=0o700)
            break
    return directory


def is_going_on(directory: Path) -> bool:
    """Tell whether the run that is kept in ``directory`` goes on."""
    return _is_alive(directory / "process.pid")


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


def _both(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return what a process writes until its end to its output and as errors, without waiting for it."""
    if process.stdout is None or process.stderr is None:
        return "", ""
    with ThreadPoolExecutor(1) as reader, process.stdout, process.stderr:
        said = reader.submit(process.stderr.read)
        return process.stdout.read(), said.result()


def _close(process: subprocess.Popen[str]) -> None:
    if process.stdin and not process.stdin.closed:
        process.stdin.close()


def _end_group(process: subprocess.Popen[str]) -> None:
    """Ask a process and what it started to end."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)


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
