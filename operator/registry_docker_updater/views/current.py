"""The fleet as it stands now, for those who look: made anew when it was asked for, and no more often than is of use."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.desired import DesiredImages
from registry_docker_updater.core.rollouts.outlook import Overview, overview
from registry_docker_updater.core.rollouts.planner import open_targets
from registry_docker_updater.storage.storage import Storage

Hosts = Mapping[str, Sequence[str]]
# For how long one serves all who look.
_FRESH = timedelta(seconds=1)


def overview_of(
    storage: Storage, hosts: Hosts, desired: DesiredImages, fleet: Fleet, clock: Clock
) -> Overview:
    """Return how ``fleet`` stands by what is kept; ``hosts`` are the names of each registry.

    ``desired`` holds what was pushed as far as it is known, and gets what is new.
    """
    desired.add(storage.events.desired(hosts, after=desired.last))
    run = desired.run_by(fleet.by_name)
    history = storage.history(hosts, open_targets(run, fleet))
    return overview(fleet, run, [name for names in hosts.values() for name in names], history, clock())


class CurrentOverview:
    """Gives the overview of a fleet that is ``known`` to change. Safe for use by several threads."""

    def __init__(
        self, storage: Storage, hosts: Hosts, known: Callable[[], Fleet], clock: Clock, steady: Clock
    ) -> None:
        """Begin with nothing read."""
        self._storage, self._hosts, self._known = storage, hosts, known
        self._clock, self._steady = clock, steady
        self._lock = threading.Lock()
        self._desired = DesiredImages(hosts)
        self._last: Overview | None = None
        self._made_at = steady()

    def __call__(self) -> Overview:
        """Return the overview as it was a moment ago at most; raises :class:`StoreUnavailable`."""
        with self._lock:
            now = self._steady()
            if self._last is None or now - self._made_at >= _FRESH:
                self._last = overview_of(
                    self._storage, self._hosts, self._desired, self._known(), self._clock
                )
                self._made_at = now
            return self._last
