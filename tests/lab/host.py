# SPDX-License-Identifier: Apache-2.0
"""A host of a lab: what tests do with it, and to it."""

import signal
import subprocess
from contextlib import closing, suppress

import requests
from docker import DockerClient
from docker.errors import DockerException

from lab import cgroups, network, roots
from lab.errors import CommandFailed, WaitedTooLong
from lab.machine import Machine
from lab.processes import Process
from lab.waiting import port_says, until

_SOCKET = "/run/docker.sock"
_ENGINE_LOG = "dockerd.log"
_STARTS = 3
# What runc 1.1 says, once in many thousand starts, of an image that has nothing to do with it.
_LOST = "read init-p: connection reset by peer"


class Host:
    """A host: address, sshd and Docker engine of its own. Made by `Lab`, not by its users."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def __repr__(self) -> str:
        return f"Host({self.name!r}, {self.address!r}, {self.suite!r})"

    @property
    def name(self) -> str:
        return self._machine.plan.name

    @property
    def address(self) -> str:
        return self._machine.plan.address

    @property
    def suite(self) -> str:
        return self._machine.plan.suite

    @property
    def is_up(self) -> bool:
        """Tell if the host runs at all, whatever its engine does."""
        return self._machine.is_up

    @property
    def machine(self) -> Machine:
        """The host below its engine: folders, logs, processes."""
        return self._machine

    def run(
        self,
        *command: str,
        check: bool = True,
        input: str | None = None,  # noqa: A002  # the name subprocess.run() made familiar
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root, without ssh: it works on a host that is cut off, too.

        `timeout` is in seconds. Raises `CommandFailed` for an exit code other than 0 if `check`, and
        `LabError` when the time is over or the host is not up.
        """
        return self._machine.run(*command, check=check, stdin=input, timeout=timeout)

    def docker(self, *arguments: str, input: str | None = None, timeout: float = 60) -> str:  # noqa: A002
        """What `docker <arguments>` says on this host. Raises as `run` does.

        A `docker run` whose container lost its first process before the image's own began is made once more.
        """
        try:
            return self.run("docker", *arguments, input=input, timeout=timeout).stdout
        except CommandFailed as error:
            if arguments[0] != "run" or _LOST not in error.stderr:
                raise
        newest = self.run("docker", "ps", "--all", "--latest", "--quiet").stdout.strip()
        self.run("docker", "rm", "--force", "--volumes", newest)
        return self.run("docker", *arguments, input=input, timeout=timeout).stdout

    def api(self, *, timeout: int = 60) -> DockerClient:
        """A client of the engine, through its socket; the caller closes it. `timeout` is in seconds.

        A client does not outlive the host.
        """
        return DockerClient(base_url=f"unix://{self._machine.inside(_SOCKET)}", timeout=timeout)

    @property
    def engine_version(self) -> str:
        with closing(self.api()) as api:
            return str(api.version()["Version"])

    def cut_off(self) -> None:
        """Pull the host's network cable. What is sent to it vanishes: connections time out."""
        network.set_cable(self._machine.lab, self._machine.plan, plugged=False)

    def reconnect(self) -> None:
        """Undo `cut_off`; return when the host answers again."""
        network.set_cable(self._machine.lab, self._machine.plan, plugged=True)
        self.wait_for_sshd()

    def start_engine(self) -> None:
        """Start the engine, unless it runs; return when it answers.

        One that ends before it does is started again, as systemd does on any host: on a busy machine some give up too early
        because their containerd is slow.
        """
        for _ in range(_STARTS):
            if not self._engines():
                self._machine.start(_ENGINE_LOG, "dockerd")
            with suppress(WaitedTooLong):
                until(self._is_started, who=self.name, what="it is started", deadline=5)
            with suppress(WaitedTooLong):
                until(self._answers_or_ended, who=self.name, what="it answers", deadline=60, pause=0.1)
            if self._engines():
                break
        self.wait_for_engine()

    def _is_started(self) -> bool:
        return bool(self._engines())

    def _answers_or_ended(self) -> bool:
        return self.engine_answers() or not self._engines()

    def stop_engine(self) -> None:
        """Stop the engine, and with it the containers, in good order. Raises if that takes over 60 s."""
        self._signal_engine(signal.SIGTERM)
        self._wait_for_no_engine(60)

    def kill_engine(self) -> None:
        """Kill the engine. Its containers go on until it is started again, as on any host."""
        self._signal_engine(signal.SIGKILL)
        self._wait_for_no_engine(10)

    def lose_power(self) -> None:
        """End everything that runs on the host at once, as if its plug was pulled. Its disk stays as it was."""
        cgroups.thaw(self._machine.lab, self.name)
        self._machine.init.end(who=self.name)
        until(
            lambda: not cgroups.processes(self._machine.lab, self.name),
            who=self.name,
            what="nothing runs on it any more",
            deadline=20,
        )

    def power_on(self) -> None:
        """Start the host again after `lose_power`; return when its sshd and its engine answer."""
        self._machine.boot(roots.location(self.suite, self._machine.plan.kind))
        self.start_sshd()
        self.start_engine()
        self.wait_for_sshd()

    def freeze(self) -> None:
        """Make the engine hang: it accepts connections and does not answer."""
        self._signal_engine(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo `freeze`; return when the engine answers."""
        self._signal_engine(signal.SIGCONT)
        self.wait_for_engine()

    def start_sshd(self) -> None:
        """Start sshd, without waiting for it."""
        self._machine.start("sshd.log", "/usr/sbin/sshd", "-D", "-e")

    def wait_for_sshd(self, deadline: float = 20) -> None:
        """Return when sshd answers over the network. Raises `WaitedTooLong` after `deadline` seconds."""
        until(
            lambda: port_says(self.address, 22, b"SSH-"),
            who=self.name,
            what=f"sshd answers at {self.address}",
            deadline=deadline,
            log=self._machine.logs / "sshd.log",
        )

    def wait_for_engine(self, deadline: float = 60) -> None:
        """Return when the engine answers. Raises `WaitedTooLong` after `deadline` seconds."""
        until(
            self.engine_answers,
            who=self.name,
            what="the engine answers",
            deadline=deadline,
            log=self._machine.logs / _ENGINE_LOG,
            pause=0.1,
        )

    def engine_answers(self) -> bool:
        """Tell if the engine answers, within two seconds."""
        try:
            with closing(self.api(timeout=2)) as api:
                return bool(api.ping())
        except (DockerException, requests.RequestException):
            return False

    def _engines(self) -> list[Process]:
        return list(self._machine.processes_of("dockerd"))

    def _signal_engine(self, number: signal.Signals) -> None:
        for engine in self._engines():
            engine.send(number)

    def _wait_for_no_engine(self, deadline: float) -> None:
        until(
            lambda: not self._engines(),
            who=self.name,
            what="the engine ended",
            deadline=deadline,
            log=self._machine.logs / _ENGINE_LOG,
        )
