"""Keeping the fleet as it is known up to date: which hosts are asked when, and what their answers change."""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from registry_docker_updater.activities.discovery import NobodyAsked, scan
from registry_docker_updater.clock import Clock
from registry_docker_updater.core.fleet.index import Change, Fleet
from registry_docker_updater.core.fleet.merging import HostReport, change_after_departure, change_after_report
from registry_docker_updater.core.rollouts.outcomes import TargetOutcome, change_after_outcomes
from registry_docker_updater.core.schedules.scans import (
    SLOW,
    LastScan,
    Pace,
    Running,
    Situation,
    Slice,
    TokenBucket,
    next_slice,
    too_old,
)
from registry_docker_updater.edges.engine.live import LiveView
from registry_docker_updater.edges.runs.playbooks import PlaybookRunner
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.storage.rollouts import Store

_log = logging.getLogger(__name__)
_LONGEST_SLICE = timedelta(minutes=2)
# The hosts of the inventory are listed so seldom that it takes no more than this part of the scans' share.
_PART_FOR_LISTING = 0.1

Submit = Callable[[Callable[[], None]], None]


@dataclass
class _Going:
    """A slice that is being asked."""

    slice: Slice
    started_at: datetime
    waits_for: set[str] = field(default_factory=set)


class Scanner:
    """Keeps the fleet as it is known up to date: asks its hosts in slices, and takes in answers as they come.

    Safe for use by several threads.
    """

    def __init__(  # noqa: PLR0913 - what a scanner is made of
        self,
        store: Store,
        playbooks: PlaybookRunner,
        directory: Path,
        hosts: str,
        pace: Pace,
        *,
        clock: Clock,
        steady: Clock,
        wake: Callable[[], None],
    ) -> None:
        """Ask ``hosts``, a pattern; keep runs in ``directory``; call ``wake`` when the fleet has changed.

        ``clock`` dates what is found; all waiting is measured by ``steady``, as is every ``now`` that is given here.
        """
        self._store, self._playbooks, self._directory = store, playbooks, directory
        self._hosts, self._pace, self._wake = hosts, pace, wake
        self._clock, self._steady = clock, steady
        self._lock = threading.RLock()
        self._fleet: Fleet = store.fleet()
        self._began = steady()
        self._asked = {
            host.name: LastScan(self._ago(host.asked_at, self._began), 0 if host.is_reachable else 1)
            for host in self._fleet.hosts.values()
        }
        self._inventory: frozenset[str] | None = None
        self._is_listing = False
        self._list_due = self._began
        self._bucket = TokenBucket(pace.share, self._began)
        self._needed: dict[str, datetime] = {}
        self._rescan_since: tuple[datetime, datetime] | None = None
        self._going: list[_Going] = []
        self._live = LiveView(self._hear, self._say_live)

    @property
    def fleet(self) -> Fleet:
        """The fleet as it is known now."""
        return self._fleet

    def look(self, now: datetime, submit: Submit, rescan_since: datetime | None = None) -> datetime:
        """Start what is due; return when something will be, if nothing happens before.

        Hosts that were asked before ``look_since``, a time of day, are to be asked at once: something was pushed then
        that no known target runs.
        """
        with self._lock:
            if now >= self._list_due and not self._is_listing:
                self._is_listing = True
                submit(self._list)
            if self._inventory is None:
                return now + self._pace.interval
            while True:
                situation = self._situation(self._reckoned(rescan_since, now))
                chosen = next_slice(situation, self._bucket, self._pace, now)
                if isinstance(chosen, datetime):
                    return min(chosen, self._list_due) if self._list_due > now else chosen
                going = _Going(chosen, now, set(chosen.hosts))
                self._going.append(going)
                submit(partial(self._ask, going))

    def need(self, hosts: Iterable[str], now: datetime) -> None:
        """Have ``hosts`` asked at once: something happened on them."""
        with self._lock:
            for host in hosts:
                asked, wished = self._asked.get(host), self._needed.get(host)
                # The first of several wishes counts: waiting for the last might never end.
                if wished is None or (asked and wished < asked.at):
                    self._needed[host] = now

    def take_in(self, outcomes: Iterable[TargetOutcome], now: datetime) -> None:
        """Take in what became of targets, so that nothing waits for the next scan to see it."""
        with self._lock:
            self._keep(change_after_outcomes(self._fleet, outcomes, now))

    def put_times_right(self, by: timedelta, now: datetime, since: datetime, longest: timedelta) -> bool:
        """Bring all times that are kept to a clock that was set, as :meth:`Store.put_times_right` does."""
        with self._lock:
            is_different = self._store.put_times_right(by, now, since, longest)
            if is_different:
                self._fleet = self._store.fleet()
            return is_different

    def stop(self) -> None:
        """Follow no host any more."""
        self._live.stop()

    def _ago(self, moment: datetime, now: datetime) -> datetime:
        """Return when a time of day was, by the steady clock that shows ``now``; one in the future is now."""
        return now - max(timedelta(), self._clock() - moment)

    def _reckoned(self, rescan_since: datetime | None, now: datetime) -> datetime | None:
        """Return ``look_since`` by the steady clock, as it was when it was first heard of."""
        if rescan_since is None:
            return None
        if self._rescan_since is None or self._rescan_since[0] != rescan_since:
            self._rescan_since = rescan_since, self._ago(rescan_since, now)
        return self._rescan_since[1]

    def _situation(self, rescan_since: datetime | None) -> Situation:
        return Situation(
            self._inventory or (),
            self._asked,
            [Running(one.slice.is_apart, one.started_at, frozenset(one.waits_for)) for one in self._going],
            rescan_since,
            self._needed,
        )

    def _list(self) -> None:
        self._list_due = self._steady() + self._pace.interval
        try:
            listed = self._playbooks.hosts(self._hosts)
            with self._lock:
                now = self._steady()
                self._bucket = self._bucket.spent(listed.cost, now)
                longest = listed.cost / (self._pace.share * _PART_FOR_LISTING)
                self._list_due = now + max(self._pace.interval, timedelta(seconds=longest))
                self._inventory = listed.names
                self._keep(change_after_departure(self._fleet, self._inventory))
                for gone in set(self._asked) - self._inventory:
                    del self._asked[gone]
                    self._needed.pop(gone, None)
                    self._live.follow(gone, None)
                self._tell_of_age(now)
        except UpdaterError:
            with self._lock:
                if self._inventory is None:
                    self._inventory = frozenset(self._fleet.hosts)
            raise
        finally:
            self._is_listing = False

    def _tell_of_age(self, now: datetime) -> None:
        # Answers of before a longer stop are old for another reason.
        old = (
            too_old((one.at for one in self._asked.values()), self._pace.interval, now)
            if now - self._began > self._pace.interval * 3
            else None
        )
        if old:
            _log.warning("%s", old)

    def _ask(self, going: _Going) -> None:
        def keep(answer: HostReport) -> None:
            if self._take_in(answer, going):
                self._wake()

        cost = 0.0
        try:
            found = scan(
                self._playbooks,
                self._directory,
                going.slice.hosts,
                self._clock,
                known=going.slice.hosts,
                longest=_LONGEST_SLICE,
                on_answer=keep,
            )
            cost = found.cost
            for host, answer in found.answers.items():
                if answer.found:
                    self._live.follow(host, found.live.get(host))
            _log.info(
                "scanned %d hosts for %.1f s of a processor: %d targets in all",
                len(found.answers),
                cost,
                len(self._fleet.targets),
            )
        except NobodyAsked as error:
            cost = error.cost
            raise
        finally:
            with self._lock:
                self._bucket = self._bucket.spent(cost, self._steady())
                self._going.remove(going)
                for host in going.waits_for:
                    # Not heard of, because the run broke or the host has just left the inventory.
                    before = self._asked.get(host)
                    self._asked[host] = LastScan(going.started_at, before.misses + 1 if before else 1)

    def _take_in(self, answer: HostReport, going: _Going) -> bool:
        """Keep a host's answer; return whether anything is different from before."""
        with self._lock:
            before = self._asked.get(answer.host)
            took = self._steady() - going.started_at
            is_silent = answer.found is None
            self._asked[answer.host] = LastScan(
                going.started_at, (before.misses if before else 0) + 1 if is_silent else 0, took > SLOW
            )
            going.waits_for.discard(answer.host)
            if self._inventory is not None and answer.host not in self._inventory:
                return False
            known = self._fleet.hosts.get(answer.host)
            now = self._clock()
            # The clock may have been set since the host was asked.
            change = change_after_report(self._fleet, replace(answer, at=now, asked_at=now - took), now)
            try:
                self._keep(change)
            except UpdaterError as error:
                # What was begun goes on, and the host is asked again.
                _log.error("%s", error)
                self._needed[answer.host] = self._steady()
                return False
        if answer.error != (known.error if known else None):
            _log.warning("host %s: %s", answer.host, answer.error or "answers again")
        left = change.hosts[answer.host]
        return (
            bool(change.targets)
            or known is None
            or known.error != answer.error
            or bool(left and left.unfinished)
        )

    def _keep(self, change: Change) -> None:
        """Keep what has changed, and know it then: not before, because what is not kept is to be found again."""
        self._store.keep_change(change)
        self._fleet = self._fleet.changed(change)

    def _hear(self, host: str) -> None:
        self.need([host], self._steady())
        self._wake()

    def _say_live(self, host: str, state: str | None) -> None:
        """Note how the live view of a host is."""
        with self._lock:
            known = self._fleet.hosts.get(host)
            if known and known.live != state:
                self._keep(Change({host: replace(known, live=state)}))
                _log.info("host %s: live view: %s", host, state or "none")
