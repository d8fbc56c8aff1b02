"""Running playbooks through ansible-runner: each in a process and a private directory of its own.

ansible-runner is not safe for use by several threads, so it lives in :mod:`process`. This side has that process forked
(:mod:`forks`), hands it the request as a file, and reads the results of modules line by line. The process ends its run
when its standard input ends, so none outlives the operator, however that ended. What is left in the directory is packed
(:mod:`packing`).
"""

import logging
import subprocess
import threading
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.core.runs import reasons
from registry_docker_updater.core.runs.results import ModuleResult, TaskStart
from registry_docker_updater.edges.runs.directories import (
    as_plain,
    as_text,
    forget_environment,
    hold,
    make_directory,
    write_request,
)
from registry_docker_updater.edges.runs.environment import environment_of_runs
from registry_docker_updater.edges.runs.forks import Forks
from registry_docker_updater.edges.runs.going import Going
from registry_docker_updater.edges.runs.inputs import COLLECTION_FOLDER, Inputs
from registry_docker_updater.edges.runs.kept_events import Keep
from registry_docker_updater.edges.runs.packing import ProcessEnd, pack, said
from registry_docker_updater.edges.runs.port import FinishedRun, InventoryListing, OnResult, OnTask, Playbook
from registry_docker_updater.edges.runs.processes import cost_when_ended, end_group
from registry_docker_updater.errors import UpdaterError, WasStopped

_log = logging.getLogger(__name__)
_LISTING_SECONDS = 300


class AnsiblePlaybooks:
    """Runs playbooks of the collection against one inventory; may be used by several threads."""

    def __init__(
        self,
        inventory: Path,
        folder: Path,
        environment: Mapping[str, str],
        passed: Collection[str] = (),
        *,
        keep: Keep = "everything",
    ) -> None:
        """Run with ``folder`` as the working directory: an ``ansible.cfg`` there is obeyed.

        Of ``environment`` runs get what every program needs, what is Ansible's, and the variables in ``passed``. Of their events
        ``everything`` is kept, or ``outcomes`` only: what our modules say.
        """
        self._inventory = inventory
        self._folder = folder
        self._environment = environment_of_runs(environment, folder, passed)
        self._inputs = Inputs(inventory, folder, self._environment)
        self._keep: Keep = keep
        self._forks = Forks(folder, self._environment)
        self._running: set[Going] = set()
        self._listing: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._stopping = False

    def run(
        self,
        playbook: Playbook,
        folder: Path,
        timeout: timedelta,
        on_result: OnResult = lambda _: None,
        on_task: OnTask | None = None,
    ) -> FinishedRun:
        """Run ``playbook``, keep its output and events in a new directory in ``folder``, return how it ended.

        ``on_result`` is called with each result of a module as it comes, ``on_task``, where it is given, with each task that a
        host begins. Raises :class:`UpdaterError` when the run cannot be kept there.
        """
        asked = self._asked(playbook)
        with ExitStack() as stack:
            try:
                directory = make_directory(folder, playbook.name, playbook.number)
                stack.enter_context(hold(directory))
                write_request(
                    directory,
                    playbook,
                    timeout,
                    asked,
                    inventory=self._inventory,
                    project=self._folder,
                    collection=COLLECTION_FOLDER,
                    tells_tasks=on_task is not None,
                )
            except OSError as error:
                raise UpdaterError(
                    f"cannot keep a run in {folder}: {error.strerror}; it is to belong to the operator's user, with room left"
                ) from error
            return _packed(self._run(directory, on_result, on_task), asked)

    def inputs(self) -> Mapping[str, Any]:
        """Return what the next run is made of; :class:`Inputs` says how."""
        return self._inputs.now()

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
        except BaseException:
            # Somebody interrupts it: it is not waited for.
            end_group(process.pid)
            raise
        finally:
            is_late = not limit.is_alive()
            limit.cancel()
            with self._lock:
                self._listing.discard(process)
            process.wait()
        if self._stopping:
            raise WasStopped("the listing of the inventory was stopped")
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

    def trouble(self) -> str | None:
        """Return why no run can be started, as far as is known; None where one can be."""
        return self._forks.trouble()

    def probe(self) -> None:
        """Have what runs are started from; raises :class:`UpdaterError`."""
        self._forks.probe()

    def stop(self) -> None:
        """End every run that goes on, and start no other."""
        with self._lock:
            self._stopping = True
            for going in self._running:
                going.ask_to_end()
            self._forks.close()
            for process in self._listing:
                end_group(process.pid)

    def _asked(self, playbook: Playbook) -> Mapping[str, Any]:
        """Return what the manifest says of the beginning of a run."""
        limit = playbook.limit
        return {
            "playbook": playbook.name,
            "began_at": rfc3339(utc_now()),
            "limit": list(limit) if isinstance(limit, tuple) else limit,
            "forks": playbook.forks,
            "variables": as_plain(as_text(playbook.variables)),
            "check": False,
            "inputs": self.inputs(),
            "kept": self._keep,
        }

    def _run(self, directory: Path, on_result: OnResult, on_task: OnTask | None) -> FinishedRun:
        results: list[ModuleResult] = []
        # Unless it says otherwise at its end.
        end: dict[str, Any] = {"status": "died", "statistics": {}}
        try:
            going = Going.forked(self._forks, directory)
        except OSError as error:
            status = "canceled" if self._stopping else "died"
            why = f"ERROR: no process is to be had for it: {error}\n"
            return FinishedRun(status, (), {}, directory, said=why)
        with self._watched(going, directory):
            for message in going.messages():
                if "status" in message:
                    end = message
                elif "task" in message:
                    if on_task:
                        on_task(TaskStart(**message))
                else:
                    results.append(ModuleResult(**message))
                    on_result(results[-1])
        if end["status"] == "died" and self._stopping:
            end["status"] = "canceled"
        return FinishedRun(
            results=tuple(results), directory=directory, cost=going.cost, said=said(directory), **end
        )

    @contextmanager
    def _watched(self, going: Going, directory: Path) -> Iterator[None]:
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


def _packed(ended: FinishedRun, asked: Mapping[str, Any]) -> FinishedRun:
    """Pack a run that has ended. What it said and did is not lost where that cannot be done."""
    end = ProcessEnd(ended.status, ended.exit_code, utc_now(), ended.cost, ended.said, ended.printed)
    try:
        return replace(ended, manifest=pack(ended.directory, asked, end))
    except (OSError, ValueError) as error:
        _log.warning("the run in %s cannot be packed before the next start: %s", ended.directory, error)
        return ended


def _both(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return what a process writes until its end to its output and as errors, without waiting for it."""
    if process.stdout is None or process.stderr is None:
        return "", ""
    with ThreadPoolExecutor(1) as reader, process.stdout, process.stderr:
        said = reader.submit(process.stderr.read)
        return process.stdout.read(), said.result()
