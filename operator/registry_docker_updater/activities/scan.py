"""Keeping the fleet as it is known up to date: which hosts are asked when, and what their answers change."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from registry_docker_updater.activities.context import Context
from registry_docker_updater.activities.discovery import NobodyAsked, discover
from registry_docker_updater.core.fleet.index import Fleet, FleetChange
from registry_docker_updater.core.fleet.merging import (
    change_after_departure,
    change_after_report,
    change_after_updates,
)
from registry_docker_updater.core.fleet.reports import HostReport
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
from registry_docker_updater.edges.engine.port import EngineEvents, Followed
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.log_context import ROUTINE, about

_log = logging.getLogger(__name__)
_LONGEST_SLICE = timedelta(minutes=2)
# The hosts of the inventory are listed so seldom that it takes no more than this part of the scans' share.
_PART_FOR_LISTING = 0.1


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

    def __init__(
        self,
        context: Context,
        hosts: str,
        pace: Pace,
        *,
        follow: Callable[[Followed], EngineEvents],
        wake: Callable[[], None],
    ) -> None:
        """Ask ``hosts``, a pattern; call ``wake`` when the fleet has changed.

        ``follow`` makes what follows the engines' events.
        """
        self._context, self._hosts, self._pace, self._wake = context, hosts, pace, wake
        self._directory = context.runs / "scans"
        self._lock = threading.RLock()
        self._fleet: Fleet = context.storage.fleet.load()
        self._began = context.steady()
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
        self._live = follow(Followed(self._hear, self._say_live))

    @property
    def fleet(self) -> Fleet:
        """The fleet as it is known now."""
        return self._fleet

    def reconcile(self, rescan_since: datetime | None = None) -> timedelta:
        """Start what is due; return after which time something will be, if nothing happens before.

        Hosts that were asked before ``rescan_since``, a time of day, are to be asked at once: something was pushed then
        that no known target runs.
        """
        now = self._context.steady()
        with self._lock:
            if now >= self._list_due and not self._is_listing:
                self._is_listing = True
                self._context.submit(self._list)
            if self._inventory is None:
                return self._pace.interval
            while True:
                situation = self._situation(self._reckoned(rescan_since, now))
                chosen = next_slice(situation, self._bucket, self._pace, now)
                if isinstance(chosen, datetime):
                    return (min(chosen, self._list_due) if self._list_due > now else chosen) - now
                going = _Going(chosen, now, set(chosen.hosts))
                self._going.append(going)
                self._context.submit(partial(self._ask, going))

    def need(self, hosts: Iterable[str]) -> None:
        """Have ``hosts`` asked at once: something happened on them."""
        now = self._context.steady()
        with self._lock:
            for host in hosts:
                asked, needed_at = self._asked.get(host), self._needed.get(host)
                # The first of several times counts: waiting for the last might never end.
                if needed_at is None or (asked and needed_at < asked.at):
                    self._needed[host] = now

    def updated(self, digests: Mapping[str, str], tags: Mapping[str, str], now: datetime) -> None:
        """Take in which digest targets were left with, by key, and to which tags some were moved, so that nothing waits for the next scan to see it."""
        with self._lock:
            self._keep(change_after_updates(self._fleet, digests, now, tags))

    def put_times_right(self, by: timedelta, now: datetime, since: datetime, longest: timedelta) -> bool:
        """Bring all times that are kept to a clock that was set, as the store of times does."""
        with self._lock:
            is_different = self._context.storage.times.put_right(by, now, since, longest)
            if is_different:
                self._fleet = self._context.storage.fleet.load()
            return is_different

    def stop(self) -> None:
        """Follow no host any more."""
        self._live.stop()

    def _ago(self, moment: datetime, now: datetime) -> datetime:
        """Return when a time of day was, by the steady clock that shows ``now``; one in the future is now."""
        return now - max(timedelta(), self._context.clock() - moment)

    def _reckoned(self, rescan_since: datetime | None, now: datetime) -> datetime | None:
        """Return ``rescan_since`` by the steady clock, as it was when it was first heard of."""
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
        self._list_due = self._context.steady() + self._pace.interval
        try:
            listed = self._context.playbooks.hosts(self._hosts)
            with self._lock:
                now = self._context.steady()
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
        def keep(report: HostReport) -> None:
            if self._take_in(report, going):
                self._wake()

        cost = 0.0
        try:
            found = discover(
                self._context.playbooks,
                self._directory,
                going.slice.hosts,
                self._context.clock,
                known=going.slice.hosts,
                longest=_LONGEST_SLICE,
                on_report=keep,
            )
            cost = found.cost
            for host, report in found.reports.items():
                if report.seen:
                    self._live.follow(host, found.access.get(host))
            _log.info(
                "scanned %d host(s) for %.1f s of a processor: %d target(s) in all",
                len(found.reports),
                cost,
                len(self._fleet.targets),
                extra=ROUTINE,
            )
        except NobodyAsked as error:
            cost = error.cost
            raise
        finally:
            with self._lock:
                self._bucket = self._bucket.spent(cost, self._context.steady())
                self._going.remove(going)
                for host in going.waits_for:
                    # Not heard of, because the run broke or the host has just left the inventory.
                    before = self._asked.get(host)
                    self._asked[host] = LastScan(going.started_at, before.misses + 1 if before else 1)

    def _take_in(self, report: HostReport, going: _Going) -> bool:
        """Keep a host's report; return whether anything is different from before."""
        with self._lock:
            before = self._asked.get(report.host)
            took = self._context.steady() - going.started_at
            is_silent = report.seen is None
            self._asked[report.host] = LastScan(
                going.started_at, (before.misses if before else 0) + 1 if is_silent else 0, took > SLOW
            )
            going.waits_for.discard(report.host)
            if self._inventory is not None and report.host not in self._inventory:
                return False
            known = self._fleet.hosts.get(report.host)
            now = self._context.clock()
            # The clock may have been set since the host was asked.
            change = change_after_report(self._fleet, replace(report, at=now, asked_at=now - took), now)
            try:
                self._keep(change)
            except UpdaterError as error:
                # What was begun goes on, and the host is asked again.
                with about(host=report.host):
                    _log.error("%s", error)
                self._needed[report.host] = self._context.steady()
                return False
        if report.error != (known.error if known else None):
            with about(host=report.host):
                _log.warning("host %s: %s", report.host, report.error or "answers again")
        left = change.hosts[report.host]
        return (
            bool(change.targets)
            or known is None
            or known.error != report.error
            or bool(left and left.unfinished)
        )

    def _keep(self, change: FleetChange) -> None:
        """Keep what has changed, and know it then: not before, because what is not kept is to be found again."""
        self._context.storage.fleet.apply(change)
        self._fleet = self._fleet.changed(change)

    def _hear(self, host: str) -> None:
        self.need([host])
        self._wake()

    def _say_live(self, host: str, state: str | None) -> None:
        """Note how the live view of a host is."""
        with self._lock:
            known = self._fleet.hosts.get(host)
            if known and known.live != state:
                self._keep(FleetChange({host: replace(known, live=state)}))
                with about(host=host):
                    _log.info("host %s: live view: %s", host, state or "none")
