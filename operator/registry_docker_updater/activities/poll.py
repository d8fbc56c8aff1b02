"""The sweep: asks each registry itself which digest each tag has that the fleet runs, for events can be lost.

What it finds is recorded as a push, and everything else follows from that. Each registry has a thread of its own, so
that one that hangs delays no other; it is asked one question at a time.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.events.newest import Answer, Finding
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.schedules.polls import PAUSE, Schedule, Tag, tags_of
from registry_docker_updater.edges.registry.client import RegistryClient
from registry_docker_updater.errors import RegistryUnavailable, RepositoryUnavailable, UpdaterError
from registry_docker_updater.storage.rollouts import Store

_log = logging.getLogger(__name__)
# How long it may take until a new reference of the fleet, or a push, is noticed.
_LOOK_SECONDS = 5.0
_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True)
class PolledRegistry:
    """A registry to ask: its name in the settings, the names the fleet pulls under, how to ask it, and how often."""

    name: str
    hosts: Sequence[str]
    client: RegistryClient
    interval: timedelta


class RegistryPoll:
    """Asks every registry, each in a thread of its own, until it is stopped."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a sweep is made of
        self,
        store: Store,
        registries: Iterable[PolledRegistry],
        fleet: Callable[[], Fleet],
        wake: Callable[[], None],
        clock: Clock,
        steady: Clock | None = None,
    ) -> None:
        """Ask ``registries`` for what ``fleet`` returns; ``wake`` is called when a push was found.

        Waiting is measured by ``steady``, by default the ``clock`` that says what time it is.
        """
        self._turns = {one.name: Poller(store, one, fleet, wake, clock, steady) for one in registries}
        # A question that hangs must not keep the process from ending; what it would have found is found after the
        # next start.
        self._threads = [
            threading.Thread(target=turns.run, name=f"sweep {name}", daemon=True)
            for name, turns in self._turns.items()
        ]

    def start(self) -> None:
        """Begin to ask."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask no more."""
        for turns in self._turns.values():
            turns.stop()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_PATIENCE_SECONDS / len(self._threads))

    def outage(self, registry: str) -> None:
        """Ask ``registry`` for everything again: an event of it could not be taken."""
        if registry in self._turns:
            self._turns[registry].outage()


def registry_problems(polled: PolledRegistry, fleet: Fleet) -> Iterator[str]:
    """Ask a registry for one tag of each repository that ``fleet`` runs; yield what is wrong, each once."""
    told: set[str] = set()
    try:
        polled.client.check()
        for tag in {tag.repository: tag for tag in sorted(tags_of(fleet, polled.hosts))}.values():
            time.sleep(PAUSE.total_seconds())
            try:
                polled.client.find(tag.repository, tag.tag)
            except RepositoryUnavailable as error:
                if str(error) not in told:
                    told.add(str(error))
                    yield str(error)
    except RegistryUnavailable as error:
        yield str(error)


class Poller:
    """The questions to one registry, one after the other."""

    def __init__(  # noqa: PLR0913, PLR0917 - as for the sweep
        self,
        store: Store,
        polled: PolledRegistry,
        fleet: Callable[[], Fleet],
        wake: Callable[[], None],
        clock: Clock,
        steady: Clock | None = None,
    ) -> None:
        """As for :class:`Sweep`, for one registry."""
        self._store, self._swept, self._fleet, self._wake = store, polled, fleet, wake
        self._clock, self._steady = clock, steady or clock
        self._schedule = Schedule(polled.interval)
        self._seen: tuple[Fleet, frozenset[Tag]] | None = None
        self._event: int | None = None
        self._problems: dict[Tag | None, str] = {}
        self._news = threading.Condition()
        self._is_stopping = self._is_lost = False

    def run(self) -> None:
        """Ask what is due, until told to stop."""
        while not self._is_stopping:
            try:
                seconds = self.step()
            except UpdaterError as error:
                _log.error("the sweep of registry %s: %s", self._swept.name, error)
                seconds = _LOOK_SECONDS
            except Exception:  # a thread that ends silently would never ask again
                _log.exception("a bug of the sweep of registry %s; it goes on", self._swept.name)
                seconds = _LOOK_SECONDS
            with self._news:
                self._news.wait_for(lambda: self._is_stopping or self._is_lost, min(seconds, _LOOK_SECONDS))

    def stop(self) -> None:
        """Ask no more."""
        with self._news:
            self._is_stopping = True
            self._news.notify_all()

    def outage(self) -> None:
        """Ask for everything again."""
        with self._news:
            self._is_lost = True
            self._news.notify_all()

    def step(self) -> float:
        """Ask for the tag that is due, if any is; return how many seconds later something will be."""
        self._look()
        due = self._schedule.next
        if due is None:
            return _LOOK_SECONDS
        tag, moment = due
        now = self._steady()
        if moment > now:
            return (moment - now).total_seconds()
        try:
            self._ask(tag)
        except Exception:
            # Whatever it was, the others have their turn before it.
            self._schedule = self._schedule.untold(tag, self._steady())
            raise
        return PAUSE.total_seconds()

    def _look(self) -> None:
        """Take up what has become of the fleet, of its images, and of us since the last question."""
        now, fleet = self._steady(), self._fleet()
        with self._news:
            is_lost, self._is_lost = self._is_lost, False
        if self._seen is None or self._seen[0] is not fleet:
            tags = tags_of(fleet, self._swept.hosts)
            if self._seen is None or self._seen[1] != tags:
                self._schedule = self._schedule.of(tags, now)
                self._problems = {
                    what: why for what, why in self._problems.items() if what is None or what in tags
                }
            self._seen = (fleet, tags)
        if is_lost:
            self._schedule = self._schedule.all_again(now)
        if self._event is None:
            self._event = self._store.last_event()
        pushed = self._store.pushed_after(self._swept.name, self._event)
        if pushed:
            self._event = max(pushed)
            self._schedule = self._schedule.pushed({Tag(*name) for name in pushed.values()}, now)

    def _ask(self, tag: Tag) -> None:
        name, asked_at = self._swept.name, self._clock()
        known = self._store.newest_push(name, tag.repository, tag.tag)
        try:
            found = self._swept.client.find(tag.repository, tag.tag)
        except RegistryUnavailable as error:
            self._schedule = self._schedule.failed(tag, self._steady(), error.retry_after)
            self._tell(None, str(error))
            return
        except RepositoryUnavailable as error:
            self._schedule = self._schedule.untold(tag, self._steady(), error.retry_after)
            self._tell(None, None)
            self._tell(tag, str(error))
            return
        self._tell(None, None)
        self._tell(tag, None if found.digest else f"registry {name} has no {tag}, though the fleet runs it")
        is_early = False
        if found.digest:
            at = found.at or asked_at
            answer = Answer(name, tag.repository, tag.tag, found.digest, at, asked_at, known)
            finding = self._store.record_answer(answer, self._clock())
            is_early = finding is Finding.TOO_EARLY
            if finding is Finding.PUSH:
                _log.info("registry %s: %s is %s, and no event said so", name, tag, found.digest)
                self._wake()
        self._schedule = self._schedule.asked(tag, self._steady(), too_early=is_early)

    def _tell(self, what: Tag | None, problem: str | None) -> None:
        """Log what is wrong with the registry (None) or a tag, once; and that it is right again."""
        if self._problems.get(what) == problem:
            return
        if problem:
            # What is wrong with many tags, as a login that is missing, is said once.
            if problem not in self._problems.values():
                _log.warning("%s", problem)
            self._problems[what] = problem
        else:
            del self._problems[what]
            _log.info("registry %s: %s can be asked again", self._swept.name, what or "it")
