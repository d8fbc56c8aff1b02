"""Pages that are filled: a fleet of some hosts of which not all is well, with names that are none, and its pages served."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from integration.keeping import RETRY
from registry_docker_updater.activities.by_hand import ByHand
from registry_docker_updater.activities.progress import Progress
from registry_docker_updater.clock import steady_clock, utc_now
from registry_docker_updater.core.events.pushes import Push, Unreadable
from registry_docker_updater.core.fleet.index import Fleet, FleetChange
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.notifications.hours import Daily, QuietHours
from registry_docker_updater.core.notifications.receivers import Gets, Receiver, Receivers, Rule
from registry_docker_updater.core.notifications.schedule import (
    Purpose,
    SendingPolicy,
    SendResult,
    after_sending,
)
from registry_docker_updater.core.rollouts.lifecycle import RunEnd
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.core.rollouts.rollout import Rollout
from registry_docker_updater.core.runs.results import TaskStart
from registry_docker_updater.core.schedules.registries import KnownRegistry
from registry_docker_updater.http.access import Access, AccessGuard
from registry_docker_updater.http.admission import DoorGuard
from registry_docker_updater.http.api import Api
from registry_docker_updater.http.application import application
from registry_docker_updater.http.by_hand import Pushes
from registry_docker_updater.http.entrance import Listening
from registry_docker_updater.http.guard import NoDeliveries
from registry_docker_updater.http.listings import Listings
from registry_docker_updater.http.metrics import MetricsPage
from registry_docker_updater.http.once import Once
from registry_docker_updater.http.pages.context import Context
from registry_docker_updater.http.pages.pages import Pages
from registry_docker_updater.http.pages.rendering import Rendering
from registry_docker_updater.http.pages.topics import Topics
from registry_docker_updater.http.refusals import Refusals
from registry_docker_updater.http.server import Server
from registry_docker_updater.http.together import Together
from registry_docker_updater.metrics import Metrics
from registry_docker_updater.storage import actions
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.messages import Audience, keep_sent, route_news
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.current import CurrentOverview
from registry_docker_updater.views.gauges import Watched
from registry_docker_updater.views.now import CurrentStatus
from registry_docker_updater.views.orders import TargetOrders
from registry_docker_updater.views.registries import CurrentRegistries, registries
from unit.builders import HOST, NEW, NEWER, OLD, container, host, service

_IN_SWARM: dict[str, Any] = {"swarm": "uw4wabzsv3xgyqmbz6lzchiny", "is_manager": True}
HOSTS = {"production": (HOST,)}
LINK_KEY = b"what links are signed with here"
_KNOWN = {"production": KnownRegistry("distribution", (HOST,))}
# Markup, a script, quotes, what ends an attribute, what turns text round, and what commands a terminal.
EVIL = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">'&\u202egnp\x1b[31m"
)
# What a container prints that cannot reach its database.
_LOG = (
    "2026-11-22 12:00:01 INFO  migrating the schema of orders",
    "Traceback (most recent call last):",
    '  File "/app/main.py", line 12, in <module>',
    "ConnectionError: db:5432 refused the connection",
)
_STAGES = {
    "ready": 0.5,
    "reached": 0.9,
    "looked": 1.1,
    "pulled": 3.4,
    "created": 3.6,
    "started": 4.3,
    "proven": 9.3,
}


_SENDING = SendingPolicy(timedelta(seconds=30), RETRY.backoff, timedelta(days=1))
RECEIVERS = Receivers(
    {
        "office": Receiver("office", Gets.EVERYTHING, digest=Daily(time(8), "Europe/Berlin")),
        "operations": Receiver(
            "operations",
            (Rule(repositories=("prod/*",), swarms=("swarm-m1",)),),
            quiet=QuietHours(time(22), time(7), "Europe/Berlin"),
        ),
    }
)


@dataclass
class Filled:
    """What is known, kept and going on at a site."""

    storage: Storage
    runs: Path
    progress: Progress = field(default_factory=Progress)
    fleet: Fleet = field(default_factory=Fleet)

    def see(self, *targets: Target, **hosts: str | None) -> None:
        """Have targets seen, and hosts: those that do not answer, with why."""
        found = {
            name: host(
                name, utc_now(), error, engine="28.0.4", **(_IN_SWARM if name.startswith("swarm") else {})
            )
            for name, error in hosts.items()
        }
        self.storage.fleet.apply(FleetChange(found, {one.key: one for one in targets}))
        self.fleet = self.storage.fleet.load()

    def push(self, name: str, digest: str, by: str, ago: timedelta = timedelta()) -> int:
        """Have an image pushed; return the push's number."""
        repository, _, tag = name.partition(":")
        at = utc_now() - ago
        push = Push("production", repository, tag, digest, at, f"{name} {digest} {at}", by)
        return self.storage.events.record("production", [push], at).pushes[-1]

    def begin(self, push: int, at: datetime) -> tuple[Rollout, Start]:
        """Begin a run for a push."""
        (desired,) = [one for one in self.storage.events.desired(HOSTS) if one.push == push]
        start = Start(desired, tuple(self.fleet.running(desired.image_names)), ())
        return actions.begin_run(self.storage, start, at), start

    def roll_out(
        self, name: str, digest: str, by: str, ago: timedelta, becomes: Callable[[int], Outcome]
    ) -> None:
        """Have a rollout ended some time ago; ``becomes`` says what became of which target."""
        at = utc_now() - ago
        rollout, start = self.begin(self.push(name, digest, by, ago), at + timedelta(seconds=0.4))
        said = tuple(_outcome(one, becomes(n), digest, at) for n, one in enumerate(start.targets))
        updated = [
            replace(one, digests=frozenset((digest,)))
            for one, each in zip(start.targets, said, strict=True)
            if each.after == digest
        ]
        actions.end_run(self.storage, rollout.id, RunEnd(digest, said, {}), RETRY, at + timedelta(seconds=10))
        if updated:
            self.see(*updated)

    def tell(self, **results: str) -> None:
        """Have receivers told of all news; ``results`` is what each channel says of that."""
        now = utc_now()
        route_news(self.storage, Audience(RECEIVERS, self.fleet), (), now)
        for one in self.storage.notifications.due():
            if one.is_untried and one.purpose is Purpose.AT_ONCE:
                keep_sent(self.storage, after_sending(one, SendResult(results), now, _SENDING), {}, now)

    def begin_running(self, name: str, digest: str, by: str) -> tuple[Rollout, Start]:
        """Have a rollout begun that goes on: its hosts are at a task."""
        push = self.push(name, digest, by)
        rollout, start = self.begin(push, utc_now())
        self.progress.begin(start, rollout, utc_now())
        self.progress.task(rollout.id, TaskStart(start.targets[0].hosts[0], "Pull the image"), utc_now())
        return rollout, start


def _outcome(one: Target, outcome: Outcome, digest: str, at: datetime) -> TargetOutcome:
    after = digest if outcome is Outcome.UPDATED else OLD
    message = None if outcome is Outcome.UPDATED else "not healthy after 60 s: connection refused"
    stages = {stage: at + timedelta(seconds=seconds) for stage, seconds in _STAGES.items()}
    found = TargetOutcome(one.key, one.kind, one.name, one.place, outcome, OLD, after, message, stages=stages)
    return replace(found, log=_LOG) if outcome.has_log else found


def fill(site: Filled, evil: str = EVIL) -> None:
    """Fill a site: some is well, some failed, some waits, something runs, and somebody tries to deceive by ``evil`` names."""
    ago = utc_now() - timedelta(days=3)
    shops = [container("shop", on=f"docker{n:02}", image=f"{HOST}/test/shop:1", since=ago) for n in range(8)]
    mails = [container("mail", on=f"docker{n:02}", image=f"{HOST}/test/mail:1", since=ago) for n in range(8)]
    api = service("api", ("swarm-m1", "swarm-m2"), f"{HOST}/prod/api:2", since=ago)
    worker = service("worker", ("swarm-m1", "swarm-m2"), f"{HOST}/prod/worker:2", since=ago)
    other = replace(container("evil", on="docker05", since=ago), name=evil, image=f"{evil}:1", reference=None)
    targets = (*shops, *mails, api, worker, other)
    well: dict[str, str | None] = {name: None for one in targets for name in one.hosts}
    site.see(*targets, **well | {"docker03": "no route to host", "docker09": evil})
    site.roll_out("test/mail:1", NEW, "ann", timedelta(hours=5), lambda _: Outcome.UPDATED)
    site.roll_out("prod/api:2", NEW, "bob", timedelta(minutes=30), lambda _: Outcome.ROLLED_BACK)
    site.tell(slack="ok", email="ok")
    failing = {0: Outcome.FAILED, 3: Outcome.UNREACHABLE}
    site.roll_out("test/shop:1", NEW, evil, timedelta(minutes=2), lambda n: failing.get(n, Outcome.UPDATED))
    site.storage.events.record("production", [Unreadable(f"no JSON: {evil}", evil)], utc_now())
    keep_run(site.runs / "3" / "update-1", evil)
    site.tell(slack=f"failed: HTTP 503 ({evil})", email="ok")
    site.begin_running("prod/worker:2", NEWER, "carol")


def keep_run(directory: Path, evil: str) -> None:
    """Keep a run with output in colour, and in it what would deceive a terminal or a browser."""
    directory.mkdir(parents=True)
    said = f"\x1b[0;31mfatal: [docker00]: FAILED! => {evil}\x1b[0m \x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07"
    events = [
        {
            "event": "runner_on_ok",
            "stdout": f"\x1b[0;32mok: [docker0{n}]\x1b[0m",
            "event_data": {"task": "Look at the targets", "task_uuid": "1", "res": {"changed": False}},
        }
        for n in range(3)
    ]
    failed = {"task": f"Update {evil}", "task_uuid": "2", "res": {}}
    events.append({"event": "runner_on_failed", "stdout": said, "event_data": failed})
    (directory / "events.jsonl").write_text("".join(json.dumps(one) + "\n" for one in events))


@dataclass
class Served(Filled):
    """A filled site whose pages are served at ``url`` by a ``server``."""

    url: str = ""
    server: Server = field(init=False)
    access: AccessGuard = field(default_factory=lambda: AccessGuard(Access()))


@contextmanager
def served(folder: Path, port: int = 0, steady: Callable[[], float] = monotonic) -> Iterator[Served]:
    """Serve the pages of a site in ``folder``, of which nothing is known yet; metrics are read once in a second of ``steady``."""
    database = Database(folder / "updater.db")
    site = Served(Storage(database), folder / "runs")
    overview = CurrentOverview(site.storage, HOSTS, lambda: site.fleet, utc_now, steady_clock())
    topics = Topics(site.storage, overview.revision, lambda: site.progress.running, utc_now)
    context = Context(
        site.storage,
        overview,
        Rendering("0.1.0", utc_now),
        site.runs,
        tuple(HOSTS),
        lambda: RECEIVERS,
        TargetOrders(),
        topics,
        lambda: site.fleet,
    )
    standings = CurrentRegistries(site.storage, _KNOWN, dict, utc_now)
    status = CurrentStatus(
        site.storage, overview, standings, timedelta(minutes=1), lambda: site.progress.running
    )
    listings = Listings(
        site.storage,
        lambda: site.fleet,
        overview,
        lambda: registries(standings()),
        status,
        lambda: site.progress.running,
        orders=context.orders,
    )
    by_hand = ByHand(site.storage, HOSTS, lambda: site.fleet, utc_now)
    once = Once(site.storage, by_hand, lambda: None, utc_now)
    pushes = Pushes(once)
    metrics = Metrics("0.1.0", HOSTS, Outcome)
    watched = Watched(
        storage=site.storage,
        overview=overview,
        registries=status.standings,
        troubles=lambda: [one["kind"] for one in status()["troubles"]],
        broken=dict,
        workers=4,
        busy=lambda: len(site.progress.running),
    )
    metrics.watch(watched.readings)
    api = Api(listings, pushes, lambda: None, "0.1.0", MetricsPage(metrics, steady).endpoints())
    refusals = Refusals(monotonic)
    shown = Pages(context, site.access, status, once, refusals, LINK_KEY)
    endpoints = (*api.endpoints(), *shown.endpoints())
    server = Server(
        Together(
            application(endpoints, site.access, refusals, context.refused), site.storage.events.record_all
        ),
        DoorGuard(NoDeliveries(), site.access, endpoints),
        Listening("127.0.0.1", port, None),
        refusals=refusals,
        version=topics.version,
    )
    server.start()
    site.server = server
    site.url = f"http://127.0.0.1:{server.port}"
    try:
        yield site
    finally:
        server.stop()
        database.close()
