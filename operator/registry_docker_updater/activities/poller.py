"""The questions to one registry: asked one after the other, those that are due, and what the answers mean."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.events.newest import SETTLE, Answer, Finding
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.schedules.polls import PAUSE, PollSchedule, Tag, tags_of
from registry_docker_updater.edges.registry.port import RegistryApi
from registry_docker_updater.errors import RegistryUnavailable, RepositoryUnavailable, UpdaterError
from registry_docker_updater.storage.events import SWEEP, PushedTag
from registry_docker_updater.storage.storage import Storage

_log = logging.getLogger(__name__)
# How long it may take until a new reference of the fleet, or a push, is noticed.
_LOOK_SECONDS = 5.0
_REST_SECONDS = 0.05


@dataclass(frozen=True)
class PolledRegistry:
    """A registry to ask: its name in the settings, the names the fleet pulls under, how to ask it, and how often."""

    name: str
    hosts: Sequence[str]
    client: RegistryApi
    interval: timedelta


@dataclass(frozen=True)
class _Mention:
    """Somebody told ``at`` a time, by the operator's clock, of a push, and not of its digest; ``since`` by the steady one."""

    actor: str
    at: datetime
    since: datetime


class Poller:
    """The questions to one registry, one after the other."""

    def __init__(  # noqa: PLR0913 - each a thing of its own
        self,
        storage: Storage,
        polled: PolledRegistry,
        *,
        fleet: Callable[[], Fleet],
        wake: Callable[[], None],
        clock: Clock,
        steady: Clock,
    ) -> None:
        """As for :class:`RegistryPoll`, for one registry."""
        self._storage, self._polled, self._fleet, self._wake = storage, polled, fleet, wake
        self._clock, self._steady = clock, steady
        self._schedule = PollSchedule(polled.interval)
        self._seen: tuple[Fleet, frozenset[Tag]] | None = None
        self._event: int | None = None
        self._problems: dict[Tag | None, str] = {}
        self._mentions: dict[Tag, _Mention] = {}
        self._news = threading.Condition()
        self._is_stopping = self._is_lost = self._has_news = False

    def run(self) -> None:
        """Ask what is due, until told to stop."""
        while not self._is_stopping:
            try:
                seconds = self.step()
            except UpdaterError as error:
                _log.error("the sweep of registry %s: %s", self._polled.name, error)
                seconds = _LOOK_SECONDS
            except Exception:  # a thread that ends silently would never ask again
                _log.exception("a bug of the sweep of registry %s; it goes on", self._polled.name)
                seconds = _LOOK_SECONDS
            with self._news:
                self._news.wait_for(
                    lambda: self._is_stopping or self._is_lost or self._has_news, min(seconds, _LOOK_SECONDS)
                )
                self._has_news = False
                # In a storm of news, each look sees much of it.
                self._news.wait_for(lambda: self._is_stopping, _REST_SECONDS)

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

    def news(self) -> None:
        """Look at what was pushed at once."""
        with self._news:
            self._has_news = True
            self._news.notify_all()

    def step(self) -> float:
        """Ask for the tag that is due, if any is; return how many seconds later something will be."""
        self._take_up()
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
            self._schedule = self._schedule.unanswered(tag, self._steady())
            raise
        return PAUSE.total_seconds()

    def _take_up(self) -> None:
        """Take up what has become of the fleet, of its images, and of us since the last question."""
        now, fleet = self._steady(), self._fleet()
        with self._news:
            is_lost, self._is_lost = self._is_lost, False
        if self._seen is None or self._seen[0] is not fleet:
            tags = tags_of(fleet, self._polled.hosts)
            if self._seen is None or self._seen[1] != tags:
                self._schedule = self._schedule.of(tags, now)
                self._problems = {
                    what: why for what, why in self._problems.items() if what is None or what in tags
                }
            self._seen = (fleet, tags)
        if is_lost:
            self._schedule = self._schedule.everything_due(now)
        if self._event is None:
            self._event = self._storage.events.last_event()
        last = self._storage.events.last_event()
        pushed = self._storage.events.pushed_after(self._polled.name, self._event)
        # What others pushed is behind us, too.
        self._event = max(last, *pushed) if pushed else max(last, self._event)
        if pushed:
            self._take_up_pushes(pushed.values(), now)

    def _take_up_pushes(self, pushes: Iterable[PushedTag], now: datetime) -> None:
        """Have asked for what was mentioned, and then for every other tag of the same repositories.

        One event can stand for several tags: Harbor's copy of an artifact with many sends one, which names one of them.
        """
        tags = self._seen[1] if self._seen else frozenset()
        named = {Tag(one.repository, one.tag): one for one in pushes}
        unresolved = {tag for tag, one in named.items() if not one.is_resolved and tag in tags}
        repositories = {one.repository for one in pushes if not one.is_found}
        others = {tag for tag in tags if tag.repository in repositories} - named.keys()
        self._mentions.update(
            {tag: _Mention(named[tag].actor or SWEEP, self._clock(), now) for tag in unresolved}
        )
        self._schedule = (
            self._schedule.pushed(named.keys() - unresolved, now)
            .mentioned(unresolved, now)
            .beside_mentioned(others, now)
        )

    def _ask(self, tag: Tag) -> None:
        name, asked_at = self._polled.name, self._clock()
        known = self._storage.events.newest_push(name, tag.repository, tag.tag)
        try:
            found = self._polled.client.find(tag.repository, tag.tag)
        except RegistryUnavailable as error:
            self._schedule = self._schedule.failed(tag, self._steady(), error.retry_after)
            self._report(None, str(error))
            return
        except RepositoryUnavailable as error:
            self._schedule = self._schedule.unanswered(tag, self._steady(), error.retry_after)
            self._report(None, None)
            self._report(tag, str(error))
            return
        self._report(None, None)
        self._report(tag, None if found.digest else f"registry {name} has no {tag}, though the fleet runs it")
        is_early = is_push = False
        if found.digest:
            at = found.at or asked_at
            mention = self._mentions.get(tag)
            if mention and self._steady() - mention.since >= SETTLE:
                # This is the last answer that it let expect, or of so much later that it has another reason.
                del self._mentions[tag]
            answer = Answer(
                name,
                tag.repository,
                tag.tag,
                found.digest,
                at,
                asked_at,
                known,
                mentioned_at=mention.at if mention else None,
            )
            actor = mention.actor if mention else SWEEP
            finding = self._storage.events.record_answer(answer, self._clock(), actor)
            is_early, is_push = finding is Finding.TOO_EARLY, finding is Finding.PUSH
            if is_push:
                self._mentions.pop(tag, None)
                what = "as an event let expect" if mention else "and no event said so"
                _log.info("registry %s: %s is %s, %s", name, tag, found.digest, what)
                self._wake()
        self._schedule = self._schedule.asked(tag, self._steady(), too_early=is_early, is_push=is_push)

    def _report(self, what: Tag | None, problem: str | None) -> None:
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
            _log.info("registry %s: %s can be asked again", self._polled.name, what or "it")
