"""The metrics, as Prometheus asks for them."""

import threading
from collections.abc import Callable, Sequence

from bottle import HTTPResponse

from registry_docker_updater.http.answers import SAFETY, headers_of_request
from registry_docker_updater.http.endpoints import Endpoint
from registry_docker_updater.metrics import Metrics

METRICS = "/metrics"
_KINDS = ("text/plain", "application/openmetrics-text")
# For so many seconds one reading serves all who ask.
_FRESH = 1.0


class MetricsPage:
    """Shows ``metrics``, read anew when they are asked for, and no more often than of use. Safe for use by several threads."""

    def __init__(self, metrics: Metrics, steady: Callable[[], float]) -> None:
        """``steady`` tells the time in seconds, from whenever, and is never set."""
        self._metrics, self._steady = metrics, steady
        self._lock = threading.Lock()
        self._known: dict[bool, tuple[float, tuple[str, bytes]]] = {}

    def endpoints(self) -> Sequence[Endpoint]:
        """Return what it answers."""
        refusals = {
            401: "A token with the right to read is needed.",
            421: "This is not a name of the operator.",
        }
        summary = "Metrics, as Prometheus reads them"
        return (Endpoint("GET", METRICS, summary, self.show, str, refusals=refusals, kinds=_KINDS),)

    def show(self) -> HTTPResponse:
        """Answer with all of them."""
        kind, text = self._read(is_open=_KINDS[1] in headers_of_request().get("accept", ""))
        return HTTPResponse(text, 200, {**SAFETY, "Content-Type": kind})

    def _read(self, *, is_open: bool) -> tuple[str, bytes]:
        with self._lock:
            now = self._steady()
            known = self._known.get(is_open)
            if known is None or now - known[0] >= _FRESH:
                known = self._known[is_open] = now, self._metrics.exposition(is_open=is_open)
            return known[1]
