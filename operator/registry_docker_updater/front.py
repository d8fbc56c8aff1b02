"""The front: what a working operator answers over HTTP, made of what it keeps and of what it knows at this moment."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from registry_docker_updater import __version__
from registry_docker_updater.activities.by_hand import ByHand
from registry_docker_updater.clock import Clock
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.notifications.receivers import Receivers
from registry_docker_updater.core.runs.progress import RunProgress
from registry_docker_updater.core.schedules.registries import LastPoll
from registry_docker_updater.http.access import AccessGuard
from registry_docker_updater.http.admission import DoorGuard
from registry_docker_updater.http.api import Api
from registry_docker_updater.http.application import application
from registry_docker_updater.http.by_hand import Pushes
from registry_docker_updater.http.endpoints import Endpoint
from registry_docker_updater.http.entrance import Listening
from registry_docker_updater.http.guard import NoDeliveries
from registry_docker_updater.http.head import Guard
from registry_docker_updater.http.listings import Listings
from registry_docker_updater.http.metrics import MetricsPage
from registry_docker_updater.http.once import Once
from registry_docker_updater.http.pages.context import Context
from registry_docker_updater.http.pages.pages import Pages
from registry_docker_updater.http.pages.rendering import Rendering
from registry_docker_updater.http.pages.topics import Topics
from registry_docker_updater.http.receiver import Receiver
from registry_docker_updater.http.server import Server
from registry_docker_updater.http.together import Together
from registry_docker_updater.metrics import Metrics
from registry_docker_updater.parts import Parts
from registry_docker_updater.settings import door
from registry_docker_updater.settings.model import Settings
from registry_docker_updater.views.current import CurrentOverview
from registry_docker_updater.views.gauges import Watched
from registry_docker_updater.views.now import CurrentStatus
from registry_docker_updater.views.orders import TargetOrders
from registry_docker_updater.views.registries import CurrentRegistries, registries


@dataclass(frozen=True)
class Known:
    """What an operator knows at this moment: the fleet, the runs that go on, and what registries said when they were asked last.

    ``receivers`` are who is told; ``flaw`` is what is wrong with the trail, ``troubles`` say for each of its parts why it does not work, None where it does;
    ``wake`` has it look at once at what was asked for. ``steady`` is its clock that nobody sets.
    """

    fleet: Callable[[], Fleet]
    running: Callable[[], Mapping[int, RunProgress]]
    polls: Callable[[], Mapping[str, LastPoll]]
    flaw: Callable[[], str | None]
    troubles: Callable[[], Mapping[str, str | None]]
    not_ready: Callable[[], str | None]
    receivers: Callable[[], Receivers]
    wake: Callable[[], None]
    steady: Clock


def servers(
    parts: Parts, known: Known, receiver: Receiver, access: AccessGuard, metrics: Metrics
) -> Sequence[Server]:
    """Return what listens: for registries, and, where it has an address of its own, for who asks.

    Raises :class:`UpdaterError` where an address is taken.
    """
    overview = CurrentOverview(parts.storage, parts.registry_hosts, known.fleet, parts.clock, known.steady)
    standings = CurrentRegistries(parts.storage, parts.known_registries, known.polls, parts.clock)
    status = CurrentStatus(
        parts.storage,
        overview,
        standings,
        parts.settings.fleet.scan_interval,
        running=known.running,
        trail=known.flaw,
        broken=known.troubles,
    )
    _watch(parts, known, overview, status, metrics)
    orders = TargetOrders()
    by_hand = ByHand(parts.storage, parts.registry_hosts, known.fleet, parts.clock)
    once = Once(parts.storage, by_hand, known.wake, parts.clock)
    api = Api(
        Listings(
            parts.storage,
            known.fleet,
            overview,
            lambda: registries(standings()),
            status,
            known.running,
            parts.clock,
            known.receivers,
            orders,
        ),
        Pushes(once),
        known.not_ready,
        __version__,
        MetricsPage(metrics, time.monotonic).endpoints(),
    )
    topics = Topics(parts.storage, overview.revision, known.running, parts.clock)
    shown = Context(
        storage=parts.storage,
        overview=overview,
        rendering=Rendering(__version__, parts.clock),
        runs=parts.runs,
        registries=tuple(parts.settings.registries),
        receivers=known.receivers,
        orders=orders,
        topics=topics,
        known=known.fleet,
    )
    refusals = receiver.refusals
    pages = Pages(shown, access, status, once, refusals, parts.link_key)
    asked = (*api.endpoints(), *pages.endpoints())

    def server(listening: Listening, endpoints: Sequence[Endpoint], guard: Guard) -> Server:
        return Server(
            Together(
                application(endpoints, access, refusals, shown.refused), parts.storage.events.record_all
            ),
            DoorGuard(guard, access, endpoints),
            listening,
            refusals=refusals,
            version=topics.version,
            metrics=metrics,
        )

    sent = receiver.endpoints()
    where, *others = listenings(parts.settings)
    if not others:
        return (server(where, (*sent, *asked), receiver.guard),)
    return (
        server(where, (*sent, *api.probes()), receiver.guard),
        *(server(other, asked, NoDeliveries()) for other in others),
    )


def listenings(settings: Settings) -> Sequence[Listening]:
    """Return where registries send to, and, where it is another, where is asked."""
    listen, certificate = settings.listen, door.certificate(settings)
    places = [(listen.address, listen.port), *([(listen.api.address, listen.api.port)] if listen.api else [])]
    return [Listening(address, port, certificate) for address, port in places]


def _watch(
    parts: Parts, known: Known, overview: CurrentOverview, status: CurrentStatus, metrics: Metrics
) -> None:
    """Have metrics told of what is looked at when they are asked for."""
    watched = Watched(
        storage=parts.storage,
        overview=overview,
        registries=status.standings,
        troubles=lambda: [one["kind"] for one in status()["troubles"]],
        broken=known.troubles,
        workers=parts.settings.rollouts.workers,
        busy=lambda: len(known.running()),
        receivers=known.receivers,
    )
    metrics.watch(watched.readings)
    metrics.served(door.certificate_ends(parts.settings))
