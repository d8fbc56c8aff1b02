"""Removing what has been kept for as long as the settings say, now and then, in small steps."""

import logging
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from registry_docker_updater.activities.context import Context
from registry_docker_updater.activities.evidence import MOMENT, told_runs, unrecorded_runs
from registry_docker_updater.core.audit.retention import AgedRun, KeepPolicy, runs_to_remove
from registry_docker_updater.core.audit.runs import RunsTold
from registry_docker_updater.edges.runs.kept_runs import packed_runs
from registry_docker_updater.edges.runs.port import kept_in
from registry_docker_updater.storage.actions import keep_leftovers
from registry_docker_updater.storage.answers import KEPT_FOR

_log = logging.getLogger(__name__)
_INTERVAL = timedelta(hours=1)
_EVENTS_EVERY = 24
# A run on its way out; what a kill left of it is removed the next time.
_REMOVED = ".removed"


class Retention:
    """Removes runs, events and what followed from them, as ``policy`` says."""

    def __init__(self, context: Context, policy: KeepPolicy, rest: Callable[[], bool]) -> None:
        """Look every hour, and not at once: a clock that is wrong at the start is put right by then, mostly.

        ``rest`` leaves the others a moment, and returns whether to go on.
        """
        self._context, self._policy, self._rest = context, policy, rest
        self._due_at = context.steady() + _INTERVAL
        self._is_removing = False
        self._count = 0

    def reconcile(self) -> timedelta:
        """Start what is due; return after which time something will be."""
        now = self._context.steady()
        if now >= self._due_at and not self._is_removing:
            self._is_removing = True
            self._due_at = now + _INTERVAL
            self._context.submit(self._remove)
        return max(self._due_at - now, timedelta(seconds=1))

    def remove(self, now: datetime) -> None:
        """Remove all that is to go ``now``."""
        known = told_runs(self._context.storage)
        # Of a run whose end could not be kept, the trail tells now.
        left = unrecorded_runs(self._context.storage, self._context.runs, known, now - MOMENT)
        keep_leftovers(self._context.storage, left, now)
        self._context.storage.answers.remove(now - KEPT_FOR)
        runs = self._remove_runs(known, now)
        if runs:
            _log.info("removed %d run(s) that were kept for long enough, or for which there is no room", runs)
        # Looking at all that may be old takes longer, and is of little use every hour.
        if self._policy.events and self._count % _EVENTS_EVERY == 0:
            self._remove_events(now - self._policy.events, now)
        self._count += 1

    def _remove(self) -> None:
        try:
            self.remove(self._context.clock())
        finally:
            self._is_removing = False

    def _remove_runs(self, known: RunsTold, now: datetime) -> int:
        runs, store = self._context.runs, self._context.storage.retention
        for left in runs.glob(f"*/.*{_REMOVED}"):
            shutil.rmtree(left, ignore_errors=True)
        # By the trail's time, which is chained: a file's can be set.
        told_at = {where: entry.at for where, _, entry in known.kept()}
        there = [(kept_in(one.directory), one) for one in packed_runs(runs)]
        aged = [AgedRun(where, told_at[where], one.size) for where, one in there if where in told_at]
        gone = runs_to_remove(aged, store.needed_rollouts(), self._policy, now)
        # The trail says it first: one that is gone without a word would have been taken away.
        store.note_runs(gone, now)
        for where in gone:
            _remove_directory(runs / where)
        return len(gone)

    def _remove_events(self, before: datetime, now: datetime) -> None:
        store = self._context.storage.retention
        while (
            store.remove_rollouts(before, now)
            or store.remove_events(before, now)
            or store.remove_news(before, now)
            or store.remove_silences(before, now)
            or store.remove_freezes(before, now)
        ):
            if not self._rest():
                return
        last: int | None = 0
        while last is not None and self._rest():
            last = store.remove_content(last, before, now, self._is_there)

    def _is_there(self, where: str) -> bool:
        return bool(where) and (self._context.runs / where).exists()


def _remove_directory(directory: Path) -> None:
    away = directory.with_name(f".{directory.name}{_REMOVED}")
    with suppress(OSError):
        directory.rename(away)
        shutil.rmtree(away, ignore_errors=True)
        # Of a rollout of which nothing is left; else it is not empty.
        directory.parent.rmdir()
