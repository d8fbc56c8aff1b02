"""The first page: whether everything is well, and what goes on at this moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bottle import HTTPResponse

from registry_docker_updater.http.pages.context import NOW, Context
from registry_docker_updater.http.pages.topics import NOW as EVERYTHING
from registry_docker_updater.views.now import NowRow
from registry_docker_updater.views.progress import progress

# How many targets of each run that goes on are shown.
_SHOWN = 12


@dataclass(frozen=True)
class NowPage:
    """Shows the ``status``."""

    context: Context
    status: Callable[[], NowRow]

    def now(self) -> HTTPResponse:
        """Show how everything is."""
        row = self.status()
        return self.context.page(
            "now",
            NOW,
            EVERYTHING,
            row=row,
            running=[self._run(one["rollout"], one) for one in row["running"]],
        )

    def _run(self, number: int, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a run with its first targets: those at work before those that wait, and these before those that ended."""
        running = self.context.topics.running()
        targets = progress(running, number)["targets"] if number in running else []
        order = {"lost": 0, "updating": 1, "waits": 2, "ended": 3}
        first = sorted(targets, key=lambda one: order.get(one["state"], 4))[:_SHOWN]
        ended = sum(one["state"] == "ended" for one in targets)
        return {**row, "targets": first, "count": len(targets), "ended": ended}
