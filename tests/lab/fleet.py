# SPDX-License-Identifier: Apache-2.0
"""A lab: everything of its spec, up and running, by name."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from lab import machine, network, roots, sweep, tools
from lab.commands import run
from lab.errors import LabError
from lab.host import Host
from lab.inventory import write_inventory
from lab.places import locked, state_directory, state_parent
from lab.registry import Registry
from lab.spec import CONTROL, LabSpec, check_name
from lab.swarm import Swarm

Progress = Callable[[str], None]
_TOGETHER = 8
"""How many hosts start at the same time; more of them only wait for the processors."""


def _silence(_: str) -> None:
    pass


class Lab:
    """A lab that is up. `up`, `running` and `attach` make one; nothing else does."""

    def __init__(self, spec: LabSpec) -> None:
        self.spec = spec
        self.state_directory = state_directory(spec.name)
        self._hosts = {
            plan.name: Host(machine.Machine(spec.name, plan, self.state_directory / "hosts" / plan.name))
            for plan in spec.planned_hosts
        }
        self._swarms = {
            swarm.name: Swarm(
                swarm.name,
                tuple(self._hosts[name] for name in swarm.manager_names),
                tuple(self._hosts[name] for name in swarm.worker_names),
            )
            for swarm in spec.swarms
        }
        self._registries = {
            one.name: Registry(spec, one, self.state_directory / "registries" / one.name)
            for one in spec.registries
        }

    def __repr__(self) -> str:
        return f"Lab({self.spec.name!r}, {self.address!r})"

    @classmethod
    def up(cls, spec: LabSpec, progress: Progress = _silence) -> Self:
        """Start a lab and return when all of it works: sshd, engines, swarms, registries.

        What there is of a lab with this name is removed first. `progress` is told what was reached, each
        with the seconds since the beginning. Raises `LabError`, and leaves nothing behind then.
        """
        reason = tools.why_not()
        if reason:
            raise LabError(reason)
        begun = time.monotonic()

        def tell(what: str) -> None:
            progress(f"{time.monotonic() - begun:6.1f} s  {what}")

        lock = state_parent() / f"{spec.name}.lock"
        with locked(lock):
            base = roots.provide_all({(host.suite, host.kind) for host in spec.planned_hosts}, tell)
            sweep.sweep(spec.name)
            lab = cls(spec)
            try:
                lab._start(base, tell)
            except BaseException:
                sweep.sweep(spec.name)
                lock.unlink()
                raise
        return lab

    @classmethod
    @contextmanager
    def running(cls, spec: LabSpec, progress: Progress = _silence) -> Iterator[Self]:
        """Have a lab for the length of a `with` block; see `up`.

        Two processes that want one of the same name have it one after the other. So one block inside
        another must be of another name.
        """
        in_use = state_parent() / f"{spec.name}.in-use.lock"

        def tell_of_waiting() -> None:
            progress(f"lab {spec.name}: waits for the process that uses it")

        with locked(in_use, tell_of_waiting):
            lab = cls.up(spec, progress)
            try:
                yield lab
            finally:
                lab.down()
                in_use.unlink()

    @classmethod
    def attach(cls, name: str) -> Self:
        """The lab of this name that somebody else started. Raises `LabError` if there is none."""
        try:
            spec = LabSpec.from_json((state_directory(name) / "lab.json").read_text())
        except FileNotFoundError as error:
            raise LabError(f"lab {name}: is not up") from error
        return cls(spec)

    @classmethod
    def remove(cls, name: str) -> None:
        """Remove the lab of this name, or whatever is left of it. One that is not there is no error.

        Raises `ValueError` for what cannot be the name of a lab.
        """
        check_name("lab", name)
        lock = state_parent() / f"{name}.lock"
        with locked(lock):
            sweep.sweep(name)
            lock.unlink(missing_ok=True)

    @staticmethod
    def why_not() -> str | None:
        """Why this machine cannot run a lab, in a sentence; none if it can."""
        return tools.why_not()

    def down(self) -> None:
        """Remove the lab and all it made."""
        self.remove(self.spec.name)

    @property
    def address(self) -> str:
        """The outer machine's address in the lab."""
        return self.spec.address

    @property
    def inventory(self) -> Path:
        """An Ansible inventory of the hosts: groups `swarm_<name>` and `standalone`."""
        return self.state_directory / "inventory.yml"

    @property
    def private_key(self) -> Path:
        """The key that opens root's account on every host."""
        return self.state_directory / "id_ed25519"

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Every host, standalone ones first."""
        return tuple(self._hosts.values())

    @property
    def swarms(self) -> tuple[Swarm, ...]:
        return tuple(self._swarms.values())

    @property
    def registries(self) -> tuple[Registry, ...]:
        return tuple(self._registries.values())

    def host(self, name: str) -> Host:
        """The host of this name: "<swarm>-m1"… and "<swarm>-w1"… for those of a swarm."""
        return self._hosts[name]

    def swarm(self, name: str) -> Swarm:
        return self._swarms[name]

    def registry(self, name: str = "registry") -> Registry:
        return self._registries[name]

    def _start(self, base: dict[tuple[str, str], Path], tell: Progress) -> None:
        self.state_directory.mkdir(parents=True, mode=0o700)
        (self.state_directory / "lab.json").write_text(self.spec.to_json())
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.spec.name, "-f", str(self.private_key))
        public_key = self.private_key.with_suffix(".pub").read_text()
        write_inventory(self.spec, self.private_key, self.inventory)
        network.create(self.spec)
        tell(f"network {self.spec.network}")

        def start_host(host: Host) -> None:
            host.machine.install(self.spec, public_key)
            host.machine.boot(base[host.suite, host.machine.plan.kind])
            if host.machine.plan.kind == CONTROL:
                # systemd starts sshd.
                host.wait_for_sshd()
                tell(f"host {host.name}: {host.address}, {host.suite}, systemd")
                return
            host.start_sshd()
            host.start_engine()
            host.wait_for_sshd()
            tell(f"host {host.name}: {host.address}, {host.suite}, Docker {host.engine_version}")

        def start_registry(registry: Registry) -> None:
            registry.install()
            registry.start()
            tell(f"registry {registry.name}: {registry.address}")

        with ThreadPoolExecutor(_TOGETHER) as pool:
            started = [pool.submit(start_registry, registry) for registry in self.registries]
            started += [pool.submit(start_host, host) for host in self.hosts]
            for one in started:
                one.result()
            for formed in [pool.submit(swarm.form, tell) for swarm in self.swarms]:
                formed.result()
        tell("up")
