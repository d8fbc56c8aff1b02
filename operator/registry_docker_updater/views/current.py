"""The fleet as it stands now, for those who look: made anew when it was asked for, and no more often than is of use."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.desired import DesiredImages
from registry_docker_updater.core.rollouts.followers import KnownMoves
from registry_docker_updater.core.rollouts.outlook import Overview, overview
from registry_docker_updater.core.rollouts.planner import open_pushes, open_targets
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.storage.storage import Storage

Hosts = Mapping[str, Sequence[str]]
# For how long one serves all who look, at least; and how many times as long as it takes to make.
_FRESH, _SHARE = timedelta(seconds=1), 10
# What takes longer is made beside those who look, unless the last one is as old as this.
_QUICK, _OLDEST = timedelta(seconds=0.1), timedelta(minutes=1)


def overview_of(  # noqa: PLR0913, PLR0917 - what it is made of
    storage: Storage,
    hosts: Hosts,
    desired: DesiredImages,
    fleet: Fleet,
    clock: Clock,
    moves: KnownMoves | None = None,
) -> Overview:
    """Return how ``fleet`` stands by what is kept; ``hosts`` are the names of each registry.

    ``desired`` holds what was pushed as far as it is known, and gets what is new; ``moves`` remembers which targets follow what.
    """
    desired.add(storage.events.desired(hosts, after=desired.last))
    run = desired.run_by(fleet.by_name)
    found = (moves or KnownMoves())(fleet, desired, storage.policies)
    history = storage.history(hosts, open_targets(run, fleet, found), open_pushes(run, fleet, found))
    return overview(fleet, run, [name for names in hosts.values() for name in names], history, clock(), found)


class CurrentOverview:
    """Gives the overview of a fleet that is ``known`` to change. Safe for use by several threads.

    In a large fleet of which much is behind, it takes seconds to make. So it is made anew beside those who look, who get the last
    one meanwhile, and not more often than so that it takes a small part of a processor.
    """

    def __init__(
        self, storage: Storage, hosts: Hosts, known: Callable[[], Fleet], clock: Clock, steady: Clock
    ) -> None:
        """Begin with nothing read."""
        self._storage, self._hosts, self._known = storage, hosts, known
        self._clock, self._steady = clock, steady
        self._making = threading.Lock()
        self._desired, self._moves = DesiredImages(hosts), KnownMoves()
        self._made: _Made | None = None

    def __call__(self) -> Overview:
        """Return the overview as it was a moment ago; raises :class:`StoreUnavailable`."""
        made, now = self._made, self._steady()
        if made and now < made.fresh_until:
            return made.overview
        if made and made.took > _QUICK and now < made.at + _OLDEST:
            self._renew_beside()
            return made.overview
        with self._making:
            # Somebody else may have made it meanwhile.
            if self._made is None or self._made is made:
                self._made = self._make()
            return self._made.overview

    def revision(self) -> int:
        """Return how often the overview was another than before; raises :class:`StoreUnavailable`."""
        self()
        return self._made.revision if self._made else 0

    def _renew_beside(self) -> None:
        if self._making.acquire(blocking=False):
            threading.Thread(target=self._renew, name="overview", daemon=True).start()

    def _renew(self) -> None:
        try:
            self._made = self._make()
        except StoreUnavailable:
            pass  # Whoever looks when the last one is too old is told.
        finally:
            self._making.release()

    def _make(self) -> "_Made":
        began = self._steady()
        made = overview_of(self._storage, self._hosts, self._desired, self._known(), self._clock, self._moves)
        before = self._made
        is_same = before is not None and _shows_the_same(before.overview, made)
        revision = (before.revision if before else 0) + (not is_same)
        return _Made(made, began, self._steady() - began, revision)


def _shows_the_same(one: Overview, other: Overview) -> bool:
    """Tell whether two overviews say the same of every target and host, but when these were asked."""
    if one.fleet.targets is not other.fleet.targets:
        return False
    return _verdicts(one) == _verdicts(other) and (
        one.fleet is other.fleet or _answers(one) == _answers(other)
    )


def _verdicts(one: Overview) -> dict[str, object]:
    return {key: (each.verdict, each.next_at) for key, each in one.behind.items()}


def _answers(one: Overview) -> dict[str, object]:
    return {name: (host.error, host.warnings, host.unfinished) for name, host in one.fleet.hosts.items()}


@dataclass(frozen=True)
class _Made:
    """An overview, when it was made, how long that ``took``, and how often it was another before."""

    overview: Overview
    at: datetime
    took: timedelta
    revision: int

    @property
    def fresh_until(self) -> datetime:
        """Until when it serves all who look."""
        return self.at + max(_FRESH, _SHARE * self.took)
