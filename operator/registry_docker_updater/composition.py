"""Where everything is put together: from settings to an operator, and to what the commands need of one."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from registry_docker_updater.activities.clock_watch import ClockWatch
from registry_docker_updater.activities.context import Context
from registry_docker_updater.activities.notify import Notifier
from registry_docker_updater.activities.poll import RegistryPoll
from registry_docker_updater.activities.poller import PolledRegistry
from registry_docker_updater.activities.reconcile import Activities, ReconcilePolicy, Reconciler
from registry_docker_updater.activities.repair import TOGETHER as REPAIRS_TOGETHER
from registry_docker_updater.activities.repair import Repairer
from registry_docker_updater.activities.roll_out import RollOut, RolloutPolicy
from registry_docker_updater.activities.scan import Scanner
from registry_docker_updater.activities.workers import Alarm, Workers
from registry_docker_updater.clock import Clock, steady_clock
from registry_docker_updater.core.schedules.scans import TOGETHER as SCANS_TOGETHER
from registry_docker_updater.core.schedules.scans import Pace
from registry_docker_updater.edges.engine.live import LiveView
from registry_docker_updater.edges.engine.port import EngineEvents, Followed
from registry_docker_updater.edges.lock import Held, hold, is_held
from registry_docker_updater.edges.registry.client import RegistryClient
from registry_docker_updater.edges.registry.harbor import Harbor
from registry_docker_updater.edges.registry.login import Login, login_of
from registry_docker_updater.edges.runs.directories import end_leftovers
from registry_docker_updater.edges.runs.playbooks import AnsiblePlaybooks
from registry_docker_updater.edges.web import Web
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.http.access import AccessGuard
from registry_docker_updater.http.api import Api
from registry_docker_updater.http.application import application
from registry_docker_updater.http.entrance import Listening
from registry_docker_updater.http.guard import DeliveryGuard
from registry_docker_updater.http.receiver import Receiver
from registry_docker_updater.http.refusals import Refusals
from registry_docker_updater.http.server import Server
from registry_docker_updater.http.together import Together
from registry_docker_updater.settings import door
from registry_docker_updater.settings.changes import needing_restart
from registry_docker_updater.settings.model import Settings
from registry_docker_updater.settings.registry import Registry
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage


@dataclass(frozen=True)
class Parts:
    """What is made of the settings, each part when it is first asked for."""

    settings: Settings
    path: Path
    environment: Mapping[str, str]
    clock: Clock
    held: Held | None = None

    @property
    def folder(self) -> Path:
        """The folder of the settings file."""
        return self.path.absolute().parent

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
        """The database; the tables of a running operator are left to it to bring up to date."""
        may_upgrade = bool(self.held) or not is_held(self.state)
        guard = self.held.lost if self.held else lambda: None
        return Database(self.state / "updater.db", may_upgrade=may_upgrade, guard=guard)

    @cached_property
    def storage(self) -> Storage:
        """What is kept."""
        return Storage(self.database)

    @cached_property
    def playbooks(self) -> AnsiblePlaybooks:
        """How playbooks run; an ``ansible.cfg`` beside the settings is obeyed."""
        fleet = self.settings.fleet
        return AnsiblePlaybooks(fleet.inventory, self.folder, self.environment, fleet.environment)

    @property
    def runs(self) -> Path:
        """The folder of the kept runs."""
        return self.state / "runs"

    @property
    def has_operator(self) -> bool:
        """Whether an operator works with the state directory."""
        return is_held(self.state)

    @property
    def registry_hosts(self) -> Mapping[str, Sequence[str]]:
        """Every registry's names."""
        return {name: registry.hosts for name, registry in self.settings.registries.items()}

    def harbor(self, name: str, user: str | None, password: str | None) -> Harbor:
        """Return the API of a Harbor of the settings, for the user given or that of its credentials.

        Raises :class:`UpdaterError`.
        """
        registry = self.settings.registries[name]
        given = registry.credentials
        if user and password:
            login = Login(user, password)
        elif given:
            login = Login(given.username, given.password.read())
        else:
            raise UpdaterError(
                f"registries.{name}.credentials are not set: give --user and --password-file of somebody who may change"
                " the webhooks of its projects"
            )
        return Harbor(registry.address, login, Web(registry.ca))

    @property
    def polled(self) -> Sequence[PolledRegistry]:
        """The registries that are asked; raises :class:`UpdaterError`."""
        return [
            PolledRegistry(
                name,
                registry.hosts,
                _client(name, registry),
                registry.sweep_interval,
                believes_events=registry.believes_events,
            )
            for name, registry in self.settings.registries.items()
            if registry.sweep_interval
        ]


@dataclass(frozen=True)
class Operator:
    """A running operator: the reconciler, and the server and the poll of registries that feed it."""

    settings: Settings
    server: Server
    guard: DeliveryGuard
    access: AccessGuard
    poll: RegistryPoll
    reconciler: Reconciler
    scanner: Scanner
    workers: Workers
    alarm: Alarm
    playbooks: AnsiblePlaybooks

    def run(self) -> None:
        """Work until :meth:`stop`; what is left undone is done after the next start."""
        self.reconciler.run()
        self.workers.finish()

    def stop(self) -> None:
        """Take no more events, and end the reconciler and every run that goes on."""
        self.server.stop()
        self.poll.stop()
        self.end()

    def change(self, settings: Settings) -> Sequence[str]:
        """Take what can be changed while it works: who may send events, with what, and the certificate.

        Return the paths of those settings that are different, and need a restart. Raises :class:`UpdaterError`.
        """
        # Who asks registries has been told of them at the start: claims of others would wait for the next.
        sources = {
            name: replace(one, verify=one.verify and self.poll.asks(name))
            for name, one in door.sources(settings).items()
        }
        access = door.access(settings)
        if settings.listen.tls and self.settings.listen.tls:
            self.server.change_certificate(door.certificate(settings))
        # Nothing fails from here on: what is wrong changes nothing.
        self.guard.change(sources, settings.listen.body_limit)
        self.access.change(access)
        return tuple(needing_restart(self.settings, settings))

    def end(self) -> None:
        """End the reconciler, and every run that goes on. May be called from a signal."""
        self.alarm.stop()
        self.playbooks.stop()
        self.scanner.stop()


@dataclass(frozen=True)
class Policy:
    """How the fleet is kept up to date: the names of each registry, which hosts to scan, at which pace, and rollouts."""

    registry_hosts: Mapping[str, Sequence[str]]
    hosts: str
    pace: Pace
    rollouts: RolloutPolicy


def reconciling(
    context: Context,
    policy: Policy,
    alarm: Alarm,
    follow: Callable[[Followed], EngineEvents],
    fleet_changed: Callable[[], None],
) -> tuple[Scanner, Reconciler]:
    """Return what keeps the fleet as it is known, and what brings it to what was pushed.

    ``fleet_changed`` is called when it is known otherwise; it is to ring the ``alarm``.
    """
    timeout, retry = policy.rollouts.timeout, policy.rollouts.retry
    scanner = Scanner(context, policy.hosts, policy.pace, follow=follow, wake=fleet_changed)
    activities = Activities(
        scans=scanner,
        rollouts=RollOut(context, policy.rollouts, updated=scanner.updated, need=scanner.need),
        repairs=Repairer(context, timeout, need=scanner.need),
        notifications=Notifier(context, timeout, retry),
    )

    def put_right(by: timedelta, now: datetime, since: datetime) -> bool:
        return scanner.put_times_right(by, now, since, retry.backoff.longest)

    reconciler = Reconciler(
        context,
        ReconcilePolicy(policy.registry_hosts, policy.pace.interval, retry.backoff.first),
        activities,
        alarm=alarm,
        clock_watch=ClockWatch(context.clock, context.steady, policy.pace.interval, put_right),
    )
    return scanner, reconciler


def assemble(parts: Parts) -> Operator:
    """Return an operator that holds the state directory for itself; raises :class:`UpdaterError`."""
    parts = replace(parts, held=hold(parts.state))
    end_leftovers(parts.runs)
    settings, alarm = parts.settings, Alarm()
    # Beside rollouts: slices of scans, repairs, the listing of the inventory, and a notification.
    workers = Workers(settings.rollouts.workers + SCANS_TOGETHER + REPAIRS_TOGETHER + 2, alarm.ring)
    context = Context(
        storage=parts.storage,
        health=parts.database,
        playbooks=parts.playbooks,
        runs=parts.runs,
        submit=workers.submit,
        clock=parts.clock,
        steady=steady_clock(),
    )
    policy = Policy(
        registry_hosts=parts.registry_hosts,
        hosts=settings.fleet.hosts,
        pace=Pace(settings.fleet.scan_interval, settings.fleet.scan_share),
        rollouts=RolloutPolicy(
            settings.rollouts.workers, settings.rollouts.timeout, settings.rollouts.retry_policy
        ),
    )

    def fleet_changed() -> None:
        alarm.ring()
        poll.fleet_changed()

    scanner, reconciler = reconciling(context, policy, alarm, LiveView, fleet_changed)
    poll = RegistryPoll(
        parts.storage,
        parts.polled,
        fleet=lambda: scanner.fleet,
        wake=alarm.ring,
        clock=context.clock,
        steady=context.steady,
    )
    refusals = Refusals(time.monotonic)
    access = AccessGuard(door.access(settings))
    guard = DeliveryGuard(door.sources(settings), settings.listen.body_limit)

    def wake(registry: str) -> None:
        alarm.ring()
        poll.news(registry)

    receiver = Receiver(guard, wake, poll.outage, parts.clock, refusals)
    listen = settings.listen

    def not_ready() -> str | None:
        if not reconciler.is_ready:
            return "starting or stopping"
        return parts.database.trouble()

    api = Api(parts.storage, not_ready)
    server = Server(
        Together(application(receiver, api, access), parts.storage.events.record_all),
        guard,
        Listening(listen.address, listen.port, door.certificate(settings)),
        refusals=refusals,
    )
    return Operator(
        settings, server, guard, access, poll, reconciler, scanner, workers, alarm, parts.playbooks
    )


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
