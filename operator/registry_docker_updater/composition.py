"""Where everything is put together to an operator."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from registry_docker_updater import __version__
from registry_docker_updater.activities.clock_watch import ClockWatch
from registry_docker_updater.activities.context import Context
from registry_docker_updater.activities.notify import Notifier
from registry_docker_updater.activities.poll import RegistryPoll
from registry_docker_updater.activities.reconcile import Activities, ReconcilePolicy, Reconciler
from registry_docker_updater.activities.repair import TOGETHER as REPAIRS_TOGETHER
from registry_docker_updater.activities.repair import Repairer
from registry_docker_updater.activities.roll_out import RollOut, RolloutPolicy
from registry_docker_updater.activities.scan import Scanner
from registry_docker_updater.activities.workers import Alarm, Workers
from registry_docker_updater.clock import steady_clock
from registry_docker_updater.core.schedules.scans import TOGETHER as SCANS_TOGETHER
from registry_docker_updater.core.schedules.scans import Pace
from registry_docker_updater.edges.engine.live import LiveView
from registry_docker_updater.edges.engine.port import EngineEvents, Followed
from registry_docker_updater.edges.lock import hold
from registry_docker_updater.edges.runs.leftovers import end_leftovers
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.http.access import AccessGuard
from registry_docker_updater.http.api import Api
from registry_docker_updater.http.application import application
from registry_docker_updater.http.endpoints import Endpoint
from registry_docker_updater.http.entrance import Listening
from registry_docker_updater.http.guard import DeliveryGuard, NoDeliveries, Source
from registry_docker_updater.http.head import Guard
from registry_docker_updater.http.receiver import Receiver
from registry_docker_updater.http.refusals import Refusals
from registry_docker_updater.http.server import Server
from registry_docker_updater.http.together import Together
from registry_docker_updater.parts import Parts
from registry_docker_updater.settings import door
from registry_docker_updater.settings.changes import needing_restart
from registry_docker_updater.settings.model import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Operator:
    """A running operator: the reconciler, and the servers and the poll of registries that feed it.

    The first of the servers is where registries send to.
    """

    parts: Parts
    servers: Sequence[Server]
    guard: DeliveryGuard
    access: AccessGuard
    poll: RegistryPoll
    reconciler: Reconciler
    scanner: Scanner
    workers: Workers
    alarm: Alarm
    identities: door.Identities

    def run(self) -> None:
        """Work until :meth:`stop`; what is left undone is done after the next start."""
        self.reconciler.run()
        self.workers.finish()

    def stop(self) -> None:
        """Take no more events, and end the reconciler and every run that goes on."""
        for server in self.servers:
            server.stop()
        self.poll.stop()
        self.end()

    def change(self, settings: Settings) -> Sequence[str]:
        """Take what can be changed while it works: who may send events, with what, and the certificate.

        Return the paths of those settings that are different, and need a restart. Raises :class:`UpdaterError`.
        """
        # Who asks registries has been told of them at the start: claims of others would wait for the next.
        sources = {
            name: replace(one, verify=one.verify and self._asks(name, settings))
            for name, one in door.sources(settings, self.identities).items()
        }
        access = door.access(settings)
        if settings.listen.tls and self.parts.settings.listen.tls:
            for server in self.servers:
                server.change_certificate(door.certificate(settings))
        # Nothing fails from here on: what is wrong changes nothing.
        self.guard.change(sources, settings.listen.body_limit)
        self.access.change(access)
        for name, registry in settings.registries.items():
            self.poll.believe_events(name, believes=registry.believes_events)
        try:
            close_unasked(self.parts, sources)
        except StoreUnavailable as error:
            _log.error(
                "what waits for a registry that is not asked any more waits for the next start: %s", error
            )
        self.alarm.ring()
        return tuple(needing_restart(self.parts.settings, settings))

    def _asks(self, name: str, settings: Settings) -> bool:
        """Tell whether claims of a registry are asked for; what is never believed waits for that until the next start."""
        return self.poll.asks(name) or settings.registries[name].verify is True

    def end(self) -> None:
        """End the reconciler, and every run that goes on. May be called from a signal."""
        self.alarm.stop()
        self.parts.playbooks.stop()
        self.scanner.stop()


def close_unasked(parts: Parts, sources: Mapping[str, Source]) -> None:
    """Believe the open claims of registries whose events are not verified any more: nobody would ask for them."""
    for name, source in sources.items():
        if not (source.verify and source.can_be_asked):
            reason = None if source.can_be_asked else "the registry is not asked: its sweep_interval is never"
            believes = not source.sender.is_signed
            parts.storage.claims.close_all(name, parts.clock(), believes=believes, reason=reason)


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
    identities: door.Identities = {}
    sources = door.sources(settings, identities)
    close_unasked(parts, sources)
    guard = DeliveryGuard(sources, settings.listen.body_limit)

    def wake(registry: str) -> None:
        alarm.ring()
        poll.news(registry)

    receiver = Receiver(guard, wake, poll.outage, parts.clock, refusals)

    def not_ready() -> str | None:
        if not reconciler.is_ready:
            return "starting or stopping"
        return parts.database.trouble()

    api = Api(parts.storage, lambda: scanner.fleet, not_ready, __version__)
    servers = _servers(parts, receiver, api, access)
    return Operator(
        parts=parts,
        servers=servers,
        guard=guard,
        access=access,
        poll=poll,
        reconciler=reconciler,
        scanner=scanner,
        workers=workers,
        alarm=alarm,
        identities=identities,
    )


def _servers(parts: Parts, receiver: Receiver, api: Api, access: AccessGuard) -> Sequence[Server]:
    """Return what listens: for registries, and, where it has an address of its own, for who asks the API."""
    listen, refusals = parts.settings.listen, receiver.refusals
    certificate = door.certificate(parts.settings)

    def server(address: str, port: int, endpoints: Sequence[Endpoint], guard: Guard) -> Server:
        together = Together(application(endpoints, access, refusals), parts.storage.events.record_all)
        return Server(together, guard, Listening(address, port, certificate), refusals=refusals)

    sent = receiver.endpoints()
    if listen.api is None:
        return (server(listen.address, listen.port, (*sent, *api.endpoints()), receiver.guard),)
    return (
        server(listen.address, listen.port, (*sent, *api.probes()), receiver.guard),
        server(listen.api.address, listen.api.port, api.endpoints(), NoDeliveries()),
    )
