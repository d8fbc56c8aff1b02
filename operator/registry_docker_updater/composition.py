"""Where everything is put together: from settings to an operator, and to what the commands need of one."""

import fcntl
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from registry_docker_updater.activities.poll import PolledRegistry, RegistryPoll
from registry_docker_updater.activities.reconcile import Policy, Reconciler
from registry_docker_updater.clock import steady_clock, utc_now
from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.core.schedules.scans import Pace
from registry_docker_updater.edges.registry.client import Login, RegistryClient, login_of
from registry_docker_updater.edges.runs.playbooks import PlaybookRunner, end_leftovers
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.http.receiver import Interface, Source, application
from registry_docker_updater.http.server import Server
from registry_docker_updater.settings.model import Registry, Settings
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.rollouts import Store
from registry_docker_updater.views.listings import Listings

# A command that asks whether somebody holds the state directory holds it itself for that instant.
_TRIES, _PAUSE_SECONDS = 10, 0.05


@dataclass(frozen=True)
class Parts:
    """What is made of the settings, each part when it is first asked for."""

    settings: Settings
    folder: Path
    environment: Mapping[str, str]
    is_operator: bool = False

    @cached_property
    def state(self) -> Path:
        """The state directory, made when there is none; raises :class:`UpdaterError`."""
        path = self.settings.state_directory
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UpdaterError(f"state_directory: cannot make {path}: {error.strerror}") from None
        if not os.access(path, os.W_OK):
            raise UpdaterError(f"state_directory: {path} cannot be written; run this as the operator's user")
        return path

    @cached_property
    def database(self) -> Database:
        """The database; that of a running operator is left to it to bring up to date."""
        return Database(self.state / "updater.db", may_upgrade=self.is_operator or not is_held(self.state))

    @cached_property
    def store(self) -> Store:
        """What is kept."""
        return Store(self.database)

    @cached_property
    def listings(self) -> Listings:
        """What people see of it."""
        return Listings(self.database)

    @cached_property
    def playbooks(self) -> PlaybookRunner:
        """How playbooks run; an ``ansible.cfg`` beside the settings is obeyed."""
        fleet = self.settings.fleet
        return PlaybookRunner(fleet.inventory, self.folder, self.environment, fleet.environment)

    @property
    def runs(self) -> Path:
        """The folder of the kept runs."""
        return self.state / "runs"

    @property
    def registry_hosts(self) -> Mapping[str, Sequence[str]]:
        """Every registry's names."""
        return {name: registry.hosts for name, registry in self.settings.registries.items()}

    @property
    def polled(self) -> Sequence[PolledRegistry]:
        """The registries that are asked; raises :class:`UpdaterError`."""
        return [
            PolledRegistry(name, registry.hosts, _client(name, registry), registry.sweep_interval)
            for name, registry in self.settings.registries.items()
            if registry.sweep_interval
        ]


@dataclass(frozen=True)
class Operator:
    """A running operator: the loop, and the server and the sweep that feed it."""

    loop: Reconciler
    server: Server
    sweep: RegistryPoll

    def stop(self) -> None:
        """Take no more events, then end the loop."""
        self.server.stop()
        self.sweep.stop()
        self.loop.stop()


def assemble(parts: Parts) -> Operator:
    """Return an operator that holds the state directory for itself; raises :class:`UpdaterError`."""
    hold(parts.state)
    parts = replace(parts, is_operator=True)
    end_leftovers(parts.runs)
    settings = parts.settings
    policy = Policy(
        registry_hosts=parts.registry_hosts,
        hosts=settings.fleet.hosts,
        pace=Pace(settings.fleet.scan_interval, settings.fleet.scan_share),
        workers=settings.rollouts.workers,
        timeout=settings.rollouts.timeout,
        retry=settings.rollouts.retry_policy,
    )
    steady = steady_clock()
    loop = Reconciler(
        parts.store, parts.listings, parts.playbooks, parts.runs, policy, clock=utc_now, steady=steady
    )
    sweep = RegistryPoll(parts.store, parts.polled, lambda: loop.fleet, loop.wake, utc_now, steady)
    interface = Interface(
        sources={
            name: Source(name, FORMATS[registry.format], registry.secret.read())
            for name, registry in settings.registries.items()
        },
        body_limit=settings.listen.body_limit,
        store=parts.store,
        listings=parts.listings,
        wake=loop.wake,
        is_ready=lambda: loop.is_ready,
        outage=sweep.outage,
    )
    listen = settings.listen
    tls = (str(listen.tls.certificate), str(listen.tls.key)) if listen.tls else None
    return Operator(loop, Server(application(interface), listen.address, listen.port, tls), sweep)


def _client(name: str, registry: Registry) -> RegistryClient:
    def login() -> Login | None:
        # Read each time, so that a password that was changed needs no restart.
        given = registry.credentials
        try:
            account = {"username": given.username, "password": given.password.read()} if given else None
        except ValueError as error:
            raise UpdaterError(f"registries.{name}.credentials.password: {error}") from None
        return login_of(registry.hosts, account)

    return RegistryClient(name, registry.address, login, registry.ca)


def hold(state: Path) -> None:
    """Hold ``state`` until the process ends; raises :class:`UpdaterError` when another process does."""
    descriptor = _open(state / "operator.lock", os.O_CREAT)
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_SECONDS)
        else:
            return
    os.close(descriptor)
    raise UpdaterError(f"another operator works with {state}; two would update the same targets")


def is_held(state: Path) -> bool:
    """Tell whether an operator works with ``state``."""
    try:
        descriptor = _open(state / "operator.lock")
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _open(lock: Path, flags: int = 0) -> int:
    try:
        return os.open(lock, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UpdaterError(
            f"cannot open {lock}: {error.strerror}; run this as the operator's user, to whom all in {lock.parent} is"
            " to belong"
        ) from None
