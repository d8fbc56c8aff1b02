"""The operator's side of the fork server: has one ready for its runs, and asks it for their processes."""

import importlib.util
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.registry.docker_updater.plugins import module_utils

from registry_docker_updater.edges.runs.forked_playbook import FORK_SERVER
from registry_docker_updater.errors import UpdaterError

_log = logging.getLogger(__name__)
_LARGEST = 1 << 16
_MODULE = "registry_docker_updater.edges.runs.fork_server"
_PREPARED_FROM = ("ansible", "ansible_runner")
_NO_RUNS = "no run can be started"
_REMEDY = (
    "see whether the machine has memory left, and `ansible-playbook --version` works as the operator's user"
)
_OUR_PLUGINS = Path(module_utils.__file__).parents[1]


@dataclass
class ForkedRun:
    """A process of a run, which the fork server forked for us."""

    process: int
    _connection: socket.socket

    def wait(self, seconds: float | None = None) -> float:
        """Wait until the process has ended, and return what it cost: seconds of a processor, with all it started.

        Raises :class:`TimeoutError` when it has not after ``seconds``. Nobody knows the cost of one whose server was killed.
        """
        self._connection.settimeout(seconds)
        try:
            ended = self._connection.recv(_LARGEST)
        except ConnectionError:
            ended = b""
        self._connection.close()
        return float(json.loads(ended)["cost"]) if ended else 0.0


# How many seconds a server takes at most until it is prepared, and to fork, on a machine that is very busy.
_LONGEST_START, _LONGEST_FORK = 300.0, 60.0


class Forks:
    """Has runs forked, in the environment and folder of all runs; may be used by several threads.

    The server is started with the first run or :meth:`probe`, and anew when it has ended, or when what it was prepared from
    was changed: Ansible's settings, Ansible itself, or our modules.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._prepared_from: Any = None
        self._failed: str | None = f"the fork server is starting; where that goes on for minutes, {_REMEDY}"
        self._is_closed = False

    def trouble(self) -> str | None:
        """Return why no run can be had now, as far as is known; None where one can."""
        server = self._server
        return self._failed or (server.end if server and not server.is_there else None)

    def probe(self) -> None:
        """Have a server, where there is none that lives; raises :class:`UpdaterError` where none is to be had.

        One that has just been started is not waited for.
        """
        if self._is_closed:
            return
        before = self._server
        ended_at_once = before and not before.is_there and not before.has_answered
        try:
            self._ready()
        except OSError as error:
            raise UpdaterError(f"{_NO_RUNS}: {error}") from None
        if before and ended_at_once:
            raise UpdaterError(f"{_NO_RUNS}: {before.end}")

    def fork(self, folder: Path, files: tuple[int, int, int]) -> ForkedRun:
        """Have a process for the run in ``folder``, with ``files`` as its standard input, output and errors.

        Raises :class:`OSError` when there is none to be had.
        """
        request = {"kind": "run", "folder": str(folder), "title": f"registry-docker-updater run {folder}"}
        with suppress(OSError):
            # It may end this moment.
            return self._asked(request, files)
        try:
            return self._asked(request, files)
        except OSError as error:
            self._failed = f"the fork server does not answer: {error}; it is started again"
            raise

    def _asked(self, request: Mapping[str, Any], files: tuple[int, int, int]) -> ForkedRun:
        server = self._ready()
        try:
            forked = server.ask(request, self._environment, files)
        except OSError:
            with self._lock:
                if self._server is server:
                    server.kill()
                    self._server = None
            raise
        self._failed = None
        return forked

    def close(self) -> None:
        """Have no server any more. Runs that go on are left to their end."""
        with self._lock:
            self._is_closed = True
            if self._server:
                self._server.close()
            self._server = None

    def _ready(self) -> "_Server":
        with self._lock:
            if self._is_closed:
                raise OSError("the operator ends")
            now = tuple(_versions(self._folder, self._environment))
            if self._server and (now != self._prepared_from or not self._server.is_there):
                self._server.close()
                self._server = None
            if not self._server:
                try:
                    server = _Server(self._folder, self._environment)
                except OSError as error:
                    self._failed = f"the fork server cannot be started: {error}"
                    raise
                self._server, self._prepared_from = server, now
                threading.Thread(target=self._watch, args=(server,), name="fork server", daemon=True).start()
            return self._server

    def _watch(self, server: "_Server") -> None:
        """Learn whether a server can fork, and when it ends."""
        if server.answers():
            self._failed = None
        server.wait()
        if not (server.has_answered or server.is_closed):
            self._failed = server.end


class _Server:
    """One fork server. What it has to say besides its answers is thrown away: its runs say it again."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        place = tempfile.mkdtemp(prefix="rdu-")
        self.path = f"{place}/forks"
        end, hold = os.pipe()
        # The server ends when this is closed, by us or by our end.
        self._hold = os.fdopen(hold, "wb")
        self.has_answered = self.is_closed = False
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener,
            os.fdopen(end, "rb") as standard_input,
        ):
            listener.bind(self.path)
            listener.listen()
            self._process = subprocess.Popen(
                # -P: what lies in the working directory is no module of ours.
                [sys.executable, "-P", "-m", _MODULE, str(listener.fileno()), place],
                cwd=folder,
                env=environment,
                stdin=standard_input,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(listener.fileno(),),
                start_new_session=True,
            )

    @property
    def is_there(self) -> bool:
        return self._process.returncode is None

    @property
    def end(self) -> str:
        """How it ended, and what to do where that goes on."""
        when = "" if self.has_answered else " before it could fork anything"
        ended = f"the fork server (process {self._process.pid}) ended with {self._process.returncode}{when}"
        return f"{ended}, and is started again; {_REMEDY}"

    def answers(self) -> bool:
        """Wait until it is prepared; tell whether it came to that."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection, suppress(OSError):
            connection.settimeout(_LONGEST_START)
            connection.connect(self.path)
            connection.send(json.dumps({"kind": "ready"}).encode())
            answer = connection.recv(_LARGEST)
            self.has_answered = bool(answer)
            if answer and (why_not := json.loads(answer)["why_not"]):
                _log.warning(
                    "Ansible cannot be had ready for runs, so each starts it anew, which takes longer: %s",
                    why_not,
                )
        return self.has_answered

    def wait(self) -> None:
        """Wait until it has ended."""
        self._process.wait()

    def ask(
        self, request: Mapping[str, Any], environment: Mapping[str, str], files: tuple[int, int, int]
    ) -> ForkedRun:
        request = {**request, "environment": {**environment, FORK_SERVER: self.path}}
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(_LONGEST_FORK if self.has_answered else _LONGEST_START)
        try:
            connection.connect(self.path)
            socket.send_fds(connection, [json.dumps(request).encode()], files)
            begun = connection.recv(_LARGEST)
        except OSError:
            connection.close()
            raise
        if not begun:
            connection.close()
            raise ConnectionResetError("the fork server ended")
        connection.settimeout(None)
        return ForkedRun(json.loads(begun)["process"], connection)

    def close(self) -> None:
        self.is_closed = True
        self._hold.close()

    def kill(self) -> None:
        """End it though it does not listen. Runs that go on are left to their end."""
        self.close()
        self._process.kill()


def _versions(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, int, int]]:
    """Yield what tells whether the files are still those that a server was prepared from."""
    packages = (importlib.util.find_spec(name) for name in _PREPARED_FROM)
    for path in (
        Path(environment.get("ANSIBLE_CONFIG") or folder),
        folder / "ansible.cfg",
        Path(environment.get("HOME", ""), ".ansible.cfg"),
        Path("/etc/ansible/ansible.cfg"),
        *(Path(package.origin) for package in packages if package and package.origin),
        *_OUR_PLUGINS.rglob("*.py"),
    ):
        with suppress(OSError):
            found = path.stat()
            yield str(path), found.st_mtime_ns, found.st_size
