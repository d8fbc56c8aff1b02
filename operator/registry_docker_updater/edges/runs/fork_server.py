"""The fork server: a process that has imported Ansible and ansible-runner once, and is forked for each run.

Importing both takes longer than most runs. So the operator starts one such process (:mod:`forks`), with the environment
and in the folder of its runs, and asks it for two kinds of processes: ``run``, in which ansible-runner works
(:mod:`process`), and ``playbook``, the ``ansible-playbook`` that ansible-runner starts (:mod:`forked_playbook`). Each is a
process of its own as it would be otherwise (:mod:`forked`), and shares nothing with another. The server has one thread and opens nothing of
a run, for both would be forked with it.

Who asks connects to a socket and sends one packet: JSON, with the standard input, output and errors of the process to be. It
gets a packet with the process, and one with its end. Closing the connection ends a playbook. Who asks ``ready``, without files,
gets a packet as soon as the server is prepared: with the reason, where it could not be, and each run starts ``ansible-playbook`` itself.
"""

import gc
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry_docker_updater.edges.runs import process
from registry_docker_updater.edges.runs.forked import become, import_ansible
from registry_docker_updater.edges.runs.processes import be_called, end_tree

_LARGEST_REQUEST = 1 << 20
# What differs from run to run in the environment of ansible-playbook; it is read when the run begins.
_OF_ONE_RUN = ("AWX_ISOLATED_DATA_DIR", "PWD", "SHLVL", "_")
_STANDARD = 3
_GRACE_SECONDS = 5.0


@dataclass
class Child:
    """A forked process, and the connection of whoever asked for it; ``ends_by`` says when it is no longer waited for."""

    process: int
    connection: socket.socket
    folder: str
    is_playbook: bool
    ends_by: float | None = None


class ForkServer:
    """Forks this process for whoever connects to ``listener``, until standard input ends and every child has ended."""

    def __init__(self, listener: socket.socket, environment: Mapping[str, str] | None, why_not: str) -> None:
        self._listener, self._environment, self._why_not = listener, environment, why_not
        self._children: dict[int, Child] = {}
        self._costs: dict[str, float] = {}
        self._selector = selectors.DefaultSelector()
        self._is_over = False

    def serve(self) -> None:
        """Go on until nobody needs it any more."""
        ended, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, self._close)
        self._selector.register(ended, selectors.EVENT_READ, lambda: os.read(ended, 4096))
        while not self._is_over or self._children:
            for key, _ in self._selector.select(self._pause()):
                key.data()
            self._reap()
            self._end_the_late()

    def _pause(self) -> float | None:
        ends = [child.ends_by for child in self._children.values() if child.ends_by is not None]
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _close(self) -> None:
        """Take no more: the operator is gone, or wants none, and its runs end by themselves."""
        self._selector.unregister(sys.stdin.fileno())
        self._is_over = True

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._take(connection))

    def _take(self, connection: socket.socket) -> None:
        """Fork for a request, or hang up where that would not be the process that is asked for."""
        self._selector.unregister(connection)
        try:
            content, files, _, _ = socket.recv_fds(connection, _LARGEST_REQUEST, _STANDARD)
        except OSError:
            content, files = b"", []
        try:
            request = json.loads(content) if content else {}
            if request.get("kind") == "ready":
                _say(connection, {"why_not": self._why_not})
            if len(files) != _STANDARD or not self._is_prepared_for(request):
                connection.close()
                return
            process = os.fork()
            if process == 0:
                self._leave(connection, files)
                become(request)
        finally:
            for file in files:
                os.close(file)
        self._children[process] = Child(process, connection, request["folder"], request["kind"] == "playbook")
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._heard(process))
        _say(connection, {"process": process})

    def _is_prepared_for(self, request: Mapping[str, Any]) -> bool:
        """Tell whether Ansible's settings were read in the environment and folder that are asked for."""
        if request["kind"] != "playbook":
            return True
        asked = _without_what_differs(request["environment"])
        return asked == self._environment and request["cwd"] == str(Path.cwd())

    def _leave(self, connection: socket.socket, files: list[int]) -> None:
        """In the child: let go of what belongs to the server and to others."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket) and key.fileobj is not connection:
                key.fileobj.close()
        self._selector.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        connection.close()

    def _heard(self, process: int) -> None:
        """Who asked is gone, or wants an end: a run sees to that itself."""
        child = self._children[process]
        self._selector.unregister(child.connection)
        if child.is_playbook:
            _ask_to_end(child)

    def _end_playbook_of(self, folder: str) -> None:
        """End what a run that was killed leaves behind, and what would go on until it has something to say."""
        for child in self._children.values():
            if child.folder == folder:
                _ask_to_end(child)

    def _end_the_late(self) -> None:
        for child in self._children.values():
            if child.ends_by is not None and child.ends_by <= time.monotonic():
                child.ends_by = None
                end_tree(child.process)

    def _reap(self) -> None:
        while self._children:
            process, status, usage = os.wait4(-1, os.WNOHANG)
            if not process:
                return
            child = self._children.pop(process)
            cost = self._costs.pop(child.folder, 0.0) + usage.ru_utime + usage.ru_stime
            if child.is_playbook:
                self._costs[child.folder] = cost
            else:
                self._end_playbook_of(child.folder)
            _say(child.connection, {"exit": os.waitstatus_to_exitcode(status), "cost": cost})
            with suppress(KeyError, ValueError):
                self._selector.unregister(child.connection)
            child.connection.close()


def _ask_to_end(child: Child) -> None:
    child.ends_by = time.monotonic() + _GRACE_SECONDS
    os.kill(child.process, signal.SIGTERM)  # not waited for yet, it has its number


def _say(connection: socket.socket, message: Mapping[str, Any]) -> None:
    with suppress(OSError):
        connection.send(json.dumps(message).encode())


def _without_what_differs(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in _OF_ONE_RUN}


def main(listener: socket.socket) -> None:
    """Prepare, and serve."""
    be_called("registry-docker-updater fork server")
    environment, why_not = _prepared()
    # What is there now stays in memory that the children share.
    gc.collect()
    gc.freeze()
    ForkServer(listener, environment, why_not).serve()


def _prepared() -> tuple[dict[str, str] | None, str]:
    """Import Ansible in the environment of ansible-playbook, and return that: None where that fails, and why."""
    try:
        environment = process.environment_of_playbooks()
        os.environ.clear()
        os.environ.update(environment)
        import_ansible()
    except (Exception, SystemExit) as error:
        return None, repr(error)
    return _without_what_differs(environment), ""


if __name__ == "__main__":
    try:
        main(socket.socket(fileno=int(sys.argv[1])))
    finally:
        shutil.rmtree(sys.argv[2], ignore_errors=True)
