"""Where everything is put together to an operator."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from registry_docker_updater import __version__
from registry_docker_updater.activities.clock_watch import ClockWatch
from registry_docker_updater.activities.context import Context, Healths
from registry_docker_updater.activities.evidence import told_runs, unrecorded_runs
from registry_docker_updater.activities.heads import TrailHeads
from registry_docker_updater.activities.measured import MeasuredPlaybooks
from registry_docker_updater.activities.notify import TOGETHER as MESSAGES_TOGETHER
from registry_docker_updater.activities.notify import NotificationPolicy, Notifier
from registry_docker_updater.activities.poll import RegistryPoll
from registry_docker_updater.activities.ports import Activities
from registry_docker_updater.activities.progress import Progress
from registry_docker_updater.activities.reconcile import ReconcilePolicy, Reconciler
from registry_docker_updater.activities.repair import TOGETHER as REPAIRS_TOGETHER
from registry_docker_updater.activities.repair import Repairer
from registry_docker_updater.activities.restore import clean_up
from registry_docker_updater.activities.retention import Retention
from registry_docker_updater.activities.roll_out import RollOut, RolloutPolicy
from registry_docker_updater.activities.scan import Scanner
from registry_docker_updater.activities.upgrade import outdated
from registry_docker_updater.activities.workers import Alarm, Workers
from registry_docker_updater.clock import steady_clock
from registry_docker_updater.core.audit.retention import KeepPolicy
from registry_docker_updater.core.policy.links import plain_path, signed_path
from registry_docker_updater.core.rollouts.desired import DesiredImages
from registry_docker_updater.core.rollouts.followers import KnownFollowers
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.schedules.registries import RegistryStanding
from registry_docker_updater.core.schedules.scans import TOGETHER as SCANS_TOGETHER
from registry_docker_updater.core.schedules.scans import Pace
from registry_docker_updater.edges.engine.live import LiveView
from registry_docker_updater.edges.engine.port import EngineEvents, Followed
from registry_docker_updater.edges.lock import hold
from registry_docker_updater.edges.runs.leftovers import end_leftovers
from registry_docker_updater.front import Known, listenings, servers
from registry_docker_updater.http.access import AccessGuard
from registry_docker_updater.http.guard import DeliveryGuard
from registry_docker_updater.http.meanwhile import UPGRADING, answering
from registry_docker_updater.http.receiver import Receiver
from registry_docker_updater.http.refusals import Refusals
from registry_docker_updater.metrics import Metrics
from registry_docker_updater.parts import Parts
from registry_docker_updater.running import Operator, close_unasked
from registry_docker_updater.settings import door
from registry_docker_updater.settings.notifying import notification_policy
from registry_docker_updater.storage.actions import keep_leftovers
from registry_docker_updater.views.registries import CurrentRegistries

_log = logging.getLogger(__name__)

# For how long what is removed leaves the database to others, between its steps.
_REST_SECONDS = 0.02


@dataclass(frozen=True)
class Policy:
    """How the fleet is kept up to date: the names of each registry, which hosts to scan, at which pace, rollouts, who is told, and what to keep."""

    registry_hosts: Mapping[str, Sequence[str]]
    hosts: str
    pace: Pace
    rollouts: RolloutPolicy
    notification: NotificationPolicy
    keep: KeepPolicy


def reconciling(  # noqa: PLR0913 - what it rests on, and whom it tells
    context: Context,
    policy: Policy,
    alarm: Alarm,
    follow: Callable[[Followed], EngineEvents],
    fleet_changed: Callable[[], None],
    *,
    progress: Progress | None = None,
    rollout_ended: Callable[[], None] = lambda: None,
    standings: Callable[[], Sequence[RegistryStanding]] = tuple,
    approval_path: Callable[[int, datetime], str] = plain_path,
) -> tuple[Scanner, Reconciler, Notifier]:
    """Return what keeps the fleet as it is known, what brings it to what was pushed, and what tells teams.

    ``fleet_changed`` is called when it is known otherwise; it is to ring the ``alarm``. ``rollout_ended`` is called at the
    end of each run, ``progress`` is told how far each is. Of registries that went silent by their ``standings``, teams are told.
    """
    timeout, retry = policy.rollouts.timeout, policy.rollouts.retry
    scanner = Scanner(context, policy.hosts, policy.pace, follow=follow, wake=fleet_changed)

    def updated(digests: Mapping[str, str], tags: Mapping[str, str], now: datetime) -> None:
        scanner.updated(digests, tags, now)
        rollout_ended()

    def rest() -> bool:
        alarm.pause(_REST_SECONDS)
        return not alarm.is_stopped

    notifier = Notifier(context, policy.notification, lambda: scanner.fleet, standings, approval_path)
    activities = Activities(
        scans=scanner,
        rollouts=RollOut(
            context,
            policy.rollouts,
            progress=progress or Progress(),
            updated=updated,
            need=scanner.need,
            began=notifier.began,
        ),
        repairs=Repairer(context, timeout, need=scanner.need),
        notifications=notifier,
        retention=Retention(context, policy.keep, rest),
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
    return scanner, reconciler, notifier


def assemble(parts: Parts) -> Operator:
    """Return an operator that holds the state directory for itself; raises :class:`UpdaterError`."""
    metrics = Metrics(__version__, parts.settings.registries, Outcome)
    parts = replace(parts, held=hold(parts.state), metrics=metrics)
    clean_up(parts.state)
    if outdated(parts.state):
        with answering(listenings(parts.settings), UPGRADING):
            _ = parts.database
    if parts.exposure:
        _log.warning("%s", parts.exposure)
    storage = parts.storage
    known = told_runs(storage)
    packed = end_leftovers(parts.runs, {where for where, _, _ in known.kept()})
    if packed:
        _log.info("packed %d run(s) that an operator left which was killed", len(packed))
    keep_leftovers(storage, unrecorded_runs(storage, parts.runs, known), parts.clock())
    settings, alarm = parts.settings, Alarm()
    # Beside rollouts: slices of scans, repairs, messages, the listing of the inventory; and what is removed.
    beside = SCANS_TOGETHER + REPAIRS_TOGETHER + MESSAGES_TOGETHER + 2
    workers = Workers(settings.rollouts.workers + beside, alarm.ring)
    health = Healths(
        {"events cannot be committed": parts.database, "runs cannot be started": parts.playbooks}
    )
    context = Context(
        storage=parts.storage,
        health=health,
        playbooks=MeasuredPlaybooks(parts.playbooks, metrics),
        runs=parts.runs,
        submit=workers.submit,
        clock=parts.clock,
        steady=steady_clock(),
        metrics=metrics,
    )
    policy = Policy(
        registry_hosts=parts.registry_hosts,
        hosts=settings.fleet.hosts,
        pace=Pace(settings.fleet.scan_interval, settings.fleet.scan_share),
        rollouts=RolloutPolicy(
            settings.rollouts.workers, settings.rollouts.timeout, settings.rollouts.retry_policy
        ),
        notification=notification_policy(settings),
        keep=settings.keep.policy,
    )

    def fleet_changed() -> None:
        alarm.ring()
        poll.fleet_changed()

    heads = TrailHeads(parts.storage, parts.head_keepers, settings.audit.heads.interval, parts.clock, metrics)
    progress = Progress()
    standings = CurrentRegistries(
        parts.storage, parts.known_registries, lambda: poll.last_polls, context.clock
    )
    scanner, reconciler, notifier = reconciling(
        context,
        policy,
        alarm,
        LiveView,
        fleet_changed,
        progress=progress,
        rollout_ended=heads.ring,
        standings=standings,
        approval_path=partial(signed_path, parts.link_key),
    )
    followed = KnownFollowers(DesiredImages(parts.registry_hosts).registry_of)
    poll = RegistryPoll(
        parts.storage,
        parts.polled,
        fleet=lambda: scanner.fleet,
        followed=lambda name: followed(scanner.fleet, parts.policies(), name),
        wake=alarm.ring,
        clock=context.clock,
        steady=context.steady,
        metrics=metrics,
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

    receiver = Receiver(guard, wake, poll.outage, parts.clock, refusals, metrics)

    def stopped() -> str | None:
        return None if reconciler.is_ready else "starting or stopping"

    def not_ready() -> str | None:
        return stopped() or health.trouble()

    def troubles() -> Mapping[str, str | None]:
        return {
            "reconciler": stopped(),
            "database": parts.database.trouble(),
            "runs": parts.playbooks.trouble(),
        }

    now = Known(
        fleet=lambda: scanner.fleet,
        running=lambda: progress.running,
        polls=lambda: poll.last_polls,
        flaw=lambda: heads.flaw,
        troubles=troubles,
        not_ready=not_ready,
        receivers=lambda: notifier.receivers,
        wake=alarm.ring,
        steady=context.steady,
    )
    return Operator(
        parts=parts,
        servers=servers(parts, now, receiver, access, metrics),
        guard=guard,
        access=access,
        poll=poll,
        reconciler=reconciler,
        scanner=scanner,
        notifier=notifier,
        workers=workers,
        alarm=alarm,
        identities=identities,
        heads=heads,
    )
