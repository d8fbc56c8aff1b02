"""Every metric: what the operator counts and times as it works, and how that, and what is read then, is told to who asks.

Labels have few values: registries are those of the settings, all else is words of ours. Never a host, a target, an image or a
path. This is the only door to Prometheus.
"""

import itertools
import platform
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    exposition,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from registry_docker_updater.readings import GAUGES, Reading

_PREFIX = "registry_docker_updater"
# Seconds: of a commit or an answer, of a stage of an update, and of a run or from a push to its update.
_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_MIDDLE = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_LONG = (0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
# What becomes of an event that is sent.
ACCEPTED, IGNORED, DUPLICATE, UNREADABLE = EVENT_ENDS = ("accepted", "ignored", "duplicate", "unreadable")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))
# Channels are the shop's to name; so many are told apart.
_MOST_CHANNELS = 20
OTHER = "other"
# When each series began is Prometheus's own to know.
disable_created_metrics()  # type: ignore[no-untyped-call]
_OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


class Metrics:
    """What is counted and timed in this process; safe for use by several threads. ``labels`` has those of each metric."""

    def __init__(
        self, version: str = "", registries: Iterable[str] = (), outcomes: Iterable[str] = ()
    ) -> None:
        """Begin with nothing; of each of ``registries``, and of each of the ``outcomes`` of targets, there is a zero."""
        self._registry = CollectorRegistry()
        self.labels = {f"{_PREFIX}_{name}": labels for name, (_, labels) in GAUGES.items()}
        self._lock = threading.Lock()
        self._channels: set[str] = set()
        self._events = self._counter(
            "events", "Events that were sent, by what became of them.", "registry", "outcome"
        )
        self._polls = self._counter("polls", "Questions to registries.", "registry", "outcome")
        self._outcomes = self._counter("target_outcomes", "What became of targets in runs.", "outcome")
        self._runs = self._counter("runs", "Runs of playbooks, by how they ended.", "playbook", "status")
        self._run_duration = self._histogram(
            "run_duration_seconds", "How long runs of playbooks took.", _LONG, "playbook"
        )
        self._stage_duration = self._histogram(
            "stage_duration_seconds",
            "How long targets took to reach a stage from the one before.",
            _MIDDLE,
            "stage",
        )
        self._update_duration = self._histogram(
            "update_duration_seconds",
            "How long it took from a push until a target was known to run it.",
            _LONG,
        )
        self._notifications = self._counter(
            "notifications", "Messages, by what became of them.", "channel", "outcome"
        )
        self._given_up = self._counter("notifications_given_up", "Messages that are not tried again.")
        self._requests = self._counter(
            "http_requests", "Requests that were answered.", "endpoint", "method", "status"
        )
        self._request_duration = self._histogram(
            "http_request_duration_seconds",
            "How long answers took, from the whole request on.",
            _SHORT,
            "endpoint",
        )
        self._refused = self._counter(
            "http_refusals", "Peers that were refused or given up, before or by an answer."
        )
        self._commits = self._counter("database_commits", "Transactions, by how they ended.", "outcome")
        self._commit_duration = self._histogram(
            "database_commit_duration_seconds", "How long transactions took, with waiting for others.", _SHORT
        )
        self._flaws = self._counter("trail_flaws", "Places at which the trail was found broken.")
        self._certificate = self._gauge(
            "certificate_expiry_timestamp_seconds", "When the certificate ends that is served.", "setting"
        )
        build = self._gauge("build_info", "The version of the operator, and of Python.", "version", "python")
        build.labels(version, platform.python_version()).set(1)
        ProcessCollector(registry=self._registry)
        for name in registries:
            for end in EVENT_ENDS:
                self._events.labels(name, end)
            for outcome in ("answered", "failed"):
                self._polls.labels(name, outcome)
        for outcome in outcomes:
            self._outcomes.labels(outcome)
        for outcome in ("committed", "failed"):
            self._commits.labels(outcome)

    def watch(self, read: Callable[[], Iterable[Reading]]) -> None:
        """Have :data:`~registry_docker_updater.readings.GAUGES` show what ``read`` returns, whenever somebody asks."""
        self._registry.register(_Gauges(read))

    def exposition(self, *, is_open: bool) -> tuple[str, bytes]:
        """Return type and text of all there is: as OpenMetrics (``is_open``), or as Prometheus has always had it."""
        encode, kind = exposition.choose_encoder(_OPEN_METRICS if is_open else "")
        return kind, encode(self._registry)

    # What happens.

    def delivered(self, registry: str, counts: Mapping[str, int]) -> None:
        """Note that a delivery of a registry was kept: how many events had which of :data:`EVENT_ENDS`."""
        for end, count in counts.items():
            if count:
                self._events.labels(registry, end).inc(count)

    def polled(self, registry: str, *, is_answered: bool) -> None:
        """Note that a registry was asked a question."""
        self._polls.labels(registry, "answered" if is_answered else "failed").inc()

    def run_ended(self, playbook: str, status: str, seconds: float) -> None:
        """Note the end of a run."""
        self._runs.labels(playbook, status).inc()
        self._run_duration.labels(playbook).observe(seconds)

    def target_ended(
        self, outcome: str, passed: Sequence[tuple[str, datetime]], since_push: float | None
    ) -> None:
        """Note what became of a target in a run, and when it ``passed`` each stage.

        ``since_push`` are the seconds from the push, where that brought it there.
        """
        self._outcomes.labels(outcome).inc()
        for (_, before), (stage, moment) in itertools.pairwise(passed):
            self.stage_passed(stage, (moment - before).total_seconds())
        if since_push is not None:
            self._update_duration.observe(since_push)

    def stage_passed(self, stage: str, seconds: float) -> None:
        """Note how long after the stage before it one was reached."""
        self._stage_duration.labels(stage).observe(seconds)

    def notified(self, channel: str, *, is_sent: bool) -> None:
        """Note what became of a message on a channel."""
        with self._lock:
            if len(self._channels) < _MOST_CHANNELS:
                self._channels.add(channel)
            known = channel if channel in self._channels else OTHER
        self._notifications.labels(known, "sent" if is_sent else "failed").inc()

    def gave_up(self) -> None:
        """Note that a message is not tried again."""
        self._given_up.inc()

    def answered(self, endpoint: str, method: str, status: str, seconds: float) -> None:
        """Note an answer to a request for an endpoint of the table, with its status in digits."""
        self._requests.labels(endpoint, method if method in _METHODS else OTHER, status).inc()
        self._request_duration.labels(endpoint).observe(seconds)

    def refused(self) -> None:
        """Note that a peer was refused."""
        self._refused.inc()

    def committed(self, seconds: float, *, is_done: bool) -> None:
        """Note the end of a transaction."""
        self._commits.labels("committed" if is_done else "failed").inc()
        self._commit_duration.observe(seconds)

    def flawed(self, count: int) -> None:
        """Note that the trail was found broken at so many places more."""
        self._flaws.inc(count)

    def served(self, certificate_ends: datetime | None) -> None:
        """Note when the certificate ends that is served from now on, where one is."""
        if certificate_ends:
            self._certificate.labels("listen.tls.certificate").set(certificate_ends.timestamp())

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        self.labels[f"{_PREFIX}_{name}_total"] = labels
        return Counter(f"{_PREFIX}_{name}", help_, labels, registry=self._registry)

    def _gauge(self, name: str, help_: str, *labels: str) -> Gauge:
        self.labels[f"{_PREFIX}_{name}"] = labels
        return Gauge(f"{_PREFIX}_{name}", help_, labels, registry=self._registry)

    def _histogram(self, name: str, help_: str, buckets: Sequence[float], *labels: str) -> Histogram:
        self.labels[f"{_PREFIX}_{name}"] = labels
        return Histogram(f"{_PREFIX}_{name}", help_, labels, registry=self._registry, buckets=buckets)


class _Gauges(Collector):
    """Shows :data:`GAUGES` as they are read."""

    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yield them without values, so that nothing is read before somebody asks."""
        yield from _families().values()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield them as they stand."""
        families = _families()
        for one in self._read():
            families[one.name].add_metric(one.labels, one.value)
        yield from families.values()


def _families() -> dict[str, GaugeMetricFamily]:
    return {
        name: GaugeMetricFamily(f"{_PREFIX}_{name}", help_, labels=labels)
        for name, (help_, labels) in GAUGES.items()
    }
