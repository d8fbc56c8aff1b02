"""Targets in the orders in which people look at them."""

import threading
from collections.abc import Mapping, Sequence

from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.outlook import Overview
from registry_docker_updater.views.outlook import ALL_TARGETS, SORTS, TargetChoice


class TargetOrders:
    """Sorts all targets anew only when one of them has changed: there may be 200,000. Safe for use by several threads."""

    def __init__(self) -> None:
        """Begin with nothing sorted."""
        self._lock = threading.Lock()
        self._targets: Mapping[str, Target] = {}
        self._orders: dict[str, Sequence[Target]] = {}

    def chosen(
        self, overview: Overview, choice: TargetChoice, sort: str, *, is_descending: bool = False
    ) -> Sequence[Target]:
        """Return the targets of a ``choice``, by one of :data:`SORTS`."""
        order = self._order(overview.fleet.targets, sort)
        found = order if choice == ALL_TARGETS else choice.among(order, overview)
        return found[::-1] if is_descending else found

    def _order(self, targets: Mapping[str, Target], sort: str) -> Sequence[Target]:
        with self._lock:
            if targets is not self._targets:
                self._targets, self._orders = targets, {}
            if sort not in self._orders:
                by = SORTS[sort]
                self._orders[sort] = sorted(targets.values(), key=lambda one: (by(one), one.key))
            return self._orders[sort]
