"""Following engines' events through the Docker SDK, each in a thread of its own.

What an engine tells is a hint to look at its host, and no more: engines keep few events, so nobody asks for those
that were missed. A stream that breaks, or cannot be opened, is tried again after ever longer pauses.
"""

import logging
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import requests
import urllib3
from docker import APIClient
from docker.errors import DockerException
from docker.tls import TLSConfig

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.fleet.live import EVENTS, FOLLOWED, is_worth_a_look
from registry_docker_updater.edges.engine.opening import Opening, opening
from registry_docker_updater.edges.engine.port import Followed

_log = logging.getLogger(__name__)
_CONNECT_SECONDS = 10.0
# A stream on which nothing comes for so long is opened anew: the host may have gone without a word.
_SILENCE_SECONDS = 600.0
_PAUSE = Backoff(timedelta(seconds=1), timedelta(minutes=1))
_INHERITED = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SSH_AUTH_SOCK", "USER")

T = TypeVar("T")


class _Broken(Exception):
    """A stream could not be opened or ended; says why."""


class LiveView:
    """Follows the engines of hosts. Safe for use by several threads."""

    def __init__(self, followed: Followed) -> None:
        """Tell ``followed`` what happens."""
        self._followed = followed
        self._followers: dict[str, _Follower] = {}
        self._lock = threading.Lock()
        self._is_stopped = False

    def follow(self, host: str, said: Any) -> None:
        """Follow a host as its ``docker_live`` says, or no more when that is None."""
        with self._lock:
            known = self._followers.get(host)
            if self._is_stopped or (known and known.said == said):
                return
            if known:
                del self._followers[host]
                known.stop()
            if said is not None:
                self._followers[host] = _Follower(host, said, self._followed)
                self._followers[host].start()
        if said is None:
            self._followed.on_state(host, None)

    def stop(self) -> None:
        """Follow no host any more."""
        with self._lock:
            self._is_stopped = True
            for one in self._followers.values():
                one.stop()


class _Follower(threading.Thread):
    """Follows one host."""

    def __init__(self, host: str, said: Any, followed: Followed) -> None:
        super().__init__(name=f"live {host}", daemon=True)
        self.said = said
        self._host, self._followed = host, followed
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._closing = ExitStack()

    def stop(self) -> None:
        """End the thread soon, wherever it waits."""
        self._ending.set()
        self._close()

    def run(self) -> None:
        failures = 0
        while not self._ending.is_set():
            begun = time.monotonic()
            try:
                self._follow(_opening(self.said))
                continue
            except _Broken as error:
                reason = str(error)
            except Exception as error:  # a thread that ends silently would never follow again
                _log.exception("a bug of the operator; host %s is followed again later", self._host)
                reason = repr(error)
            finally:
                self._close()
            if self._ending.is_set():
                return
            if time.monotonic() - begun > _PAUSE.longest.total_seconds():
                failures = 0
            failures += 1
            self._report(f"cannot be followed, and is asked as often as any: {reason}")
            self._ending.wait(_PAUSE.after(failures).total_seconds())

    def _follow(self, how: Opening) -> None:
        """Return when nothing came for long; raises :class:`_Broken`."""
        try:
            address = self._keep(_tunnel(how, self._ending)) if how.scheme == "ssh" else how.address
            client = self._keep(_client(address, how))
            stream = client.events(decode=True, filters={kind: list(names) for kind, names in EVENTS.items()})
            with self._lock:
                self._closing.callback(_shut, stream)
            if self._ending.is_set():
                return
            self._report(FOLLOWED)
            # What happened while nobody followed is not told.
            self._followed.on_event(self._host)
            for event in stream:
                if is_worth_a_look(event):
                    self._followed.on_event(self._host)
        except urllib3.exceptions.ReadTimeoutError:
            return
        except (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _Broken(" ".join(str(error).split())) from error
        raise _Broken("the engine ended the stream")

    def _keep(self, opened: AbstractContextManager[T]) -> T:
        """Open something that takes its time, for :meth:`_close` to close."""
        value = opened.__enter__()
        with self._lock:
            self._closing.push(opened)
        return value

    def _close(self) -> None:
        with self._lock:
            self._closing.close()

    def _report(self, state: str) -> None:
        try:
            self._followed.on_state(self._host, state)
        except Exception as error:
            _log.error("%s", error)


def _opening(said: Any) -> Opening:
    try:
        return opening(said)
    except ValueError as error:
        raise _Broken(f"docker_live {error}") from error


class _Api(APIClient):
    """The SDK's client, which reads events for as long as it takes: this one notices a host that has gone."""

    def send(self, request: Any, **options: Any) -> Any:
        """Send ``request`` as :class:`requests.Session` does, never without a limit of time."""
        options["timeout"] = options.get("timeout") or (_CONNECT_SECONDS, _SILENCE_SECONDS)
        return super().send(request, **options)


@contextmanager
def _client(address: str, how: Opening) -> Iterator[APIClient]:
    tls = (
        TLSConfig(client_cert=how.certificate, ca_cert=how.ca, verify=how.is_verified)
        if how.is_tls
        else False
    )
    client = _Api(base_url=address, version="auto", timeout=int(_CONNECT_SECONDS), tls=tls)
    try:
        yield client
    finally:
        client.close()


def _shut(stream: Any) -> None:
    # Closing what has broken already is an error to the SDK.
    with suppress(Exception):
        stream.close()


@contextmanager
def _tunnel(how: Opening, ending: threading.Event) -> Iterator[str]:
    """Have a local socket that leads to the engine of another host, through the system's ssh.

    The SDK's own way needs Docker's command line on the host, and can neither be ended nor notice that the host has
    gone. ``cat`` ends with the operator, however that ended, and with it ssh.
    """
    with tempfile.TemporaryDirectory(prefix="updater-live-") as folder:
        socket, said = Path(folder) / "engine", Path(folder) / "said"
        options = ("ControlMaster=no", "ControlPath=none", "BatchMode=yes", "ExitOnForwardFailure=yes")
        alive = ("ServerAliveInterval=5", "ServerAliveCountMax=3", f"ConnectTimeout={_CONNECT_SECONDS:.0f}")
        command = ["ssh", "-T", *_options(options), *how.ssh_args, *_options(alive)]
        command += ["-L", f"{socket}:{how.ssh_socket}", *how.ssh_target, "cat"]
        with said.open("w") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={name: os.environ[name] for name in _INHERITED if name in os.environ},
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + 2 * _CONNECT_SECONDS
            while not socket.exists():
                if process.poll() is not None or ending.is_set() or time.monotonic() > deadline:
                    raise _Broken(" ".join(said.read_text().split()) or f"no answer from {how.address}")
                time.sleep(0.05)
            yield f"unix://{socket}"
        finally:
            process.terminate()
            if process.stdin:
                process.stdin.close()
            process.wait()


def _options(given: tuple[str, ...]) -> Iterator[str]:
    for one in given:
        yield from ("-o", one)
