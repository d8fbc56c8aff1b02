"""Running playbooks through ansible-runner: each in a process and a private directory of its own.

ansible-runner is not safe for use by several threads, so it lives in :mod:`process`. This side has that process forked
(:mod:`forks`), hands it the request as a file, and reads the results of modules line by line. The process ends its run
when its standard input ends, so none outlives the operator, however that ended.
"""

import json
import os
import subprocess
import threading
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from registry_docker_updater.core.runs import reasons
from registry_docker_updater.core.runs.results import ModuleResult
from registry_docker_updater.edges.runs.directories import forget_environment, make_directory, write_request
from registry_docker_updater.edges.runs.environment import environment_of_runs
from registry_docker_updater.edges.runs.forks import ForkedRun, Forks
from registry_docker_updater.edges.runs.port import FinishedRun, InventoryListing, OnResult, Playbook
from registry_docker_updater.edges.runs.processes import cost_when_ended, end_at_once, end_group
from registry_docker_updater.errors import UpdaterError

_GRACE_SECONDS = 30
_LISTING_SECONDS = 300


class _Going:
    """A run that goes on: its process ends the run when ``_input`` is closed, and writes what happens to ``_output``."""

    def __init__(self, run: ForkedRun, standard_input: IO[bytes], output: IO[str]) -> None:
        self._run, self._input, self._output = run, standard_input, output
        self.cost = 0.0

    @classmethod
    def forked(cls, forks: Forks, directory: Path) -> "_Going":
        (theirs, ours), (output, written) = os.pipe(), os.pipe()
        standard_input, messages = os.fdopen(ours, "wb"), os.fdopen(output, encoding="utf-8")
        with os.fdopen(theirs, "rb"), os.fdopen(written, "wb"), (directory / "process.log").open("wb") as log:
            return cls(forks.fork(directory, (theirs, written, log.fileno())), standard_input, messages)

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield what it says, until it has ended."""
        for line in self._output:
            message: dict[str, Any] = json.loads(line)
            yield message

    def ask_to_end(self) -> None:
        self._input.close()

    def end(self) -> None:
        """See that it has ended, soon, and learn what it cost."""
        self.ask_to_end()
        try:
            self.cost = self._run.wait(_GRACE_SECONDS)
        except TimeoutError:
            end_at_once(self._run.process)
            self.cost = self._run.wait()
        self._output.close()


class AnsiblePlaybooks:
    """Runs playbooks of the collection against one inventory; may be used by several threads."""

    def __init__(
        self, inventory: Path, folder: Path, environment: Mapping[str, str], passed: Collection[str] = ()
    ) -> None:
        """Run with ``folder`` as the working directory: an ``ansible.cfg`` there is obeyed.

        Of ``environment`` runs get what every program needs, what is Ansible's, and the variables in ``passed``.
        """
        self._inventory = inventory
        self._folder = folder
        self._environment = environment_of_runs(environment, passed)
        self._forks = Forks(folder, self._environment)
        self._running: set[_Going] = set()
        self._listing: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._stopping = False

    def run(
        self,
        playbook: Playbook,
        folder: Path,
        timeout: timedelta,
        on_result: OnResult = lambda _: None,
    ) -> FinishedRun:
        """Run ``playbook``, keep its output and events in a new directory in ``folder``, return how it ended.

        ``on_result`` is called with each result of a module as it comes. Raises :class:`UpdaterError` when the run
        cannot be kept there.
        """
        try:
            directory = make_directory(folder, playbook.name)
            write_request(directory, playbook, timeout, inventory=self._inventory, project=self._folder)
        except OSError as error:
            raise UpdaterError(
                f"cannot keep a run in {folder}: {error.strerror}; it is to belong to the operator's user, with room left"
            ) from error
        results: list[ModuleResult] = []
        status, statistics = "died", {}
        try:
            going = _Going.forked(self._forks, directory)
        except OSError as error:
            (directory / "process.log").write_text(f"ERROR: no process is to be had for it: {error}\n")
            return FinishedRun("died", (), {}, directory)
        with self._watched(going, directory):
            for message in going.messages():
                if "status" in message:
                    status, statistics = message["status"], message["statistics"]
                else:
                    results.append(ModuleResult(**message))
                    on_result(results[-1])
        cost = going.cost
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
                end_group(process.pid)
        # An inventory's program may hang, and would be waited for without a word.
        limit = threading.Timer(_LISTING_SECONDS, end_group, (process.pid,))
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
            for going in self._running:
                going.ask_to_end()
            self._forks.close()
            for process in self._listing:
                end_group(process.pid)

    @contextmanager
    def _watched(self, going: _Going, directory: Path) -> Iterator[None]:
        with self._lock:
            self._running.add(going)
            if self._stopping:
                going.ask_to_end()
        try:
            yield
        finally:
            forget_environment(directory)
            with self._lock:
                self._running.discard(going)
            going.end()


def _both(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return what a process writes until its end to its output and as errors, without waiting for it."""
    if process.stdout is None or process.stderr is None:
        return "", ""
    with ThreadPoolExecutor(1) as reader, process.stdout, process.stderr:
        said = reader.submit(process.stderr.read)
        return process.stdout.read(), said.result()
