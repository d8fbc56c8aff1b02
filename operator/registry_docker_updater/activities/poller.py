"""The questions to one registry: asked one after the other, those that are due, and what the answers mean."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.events.newest import SETTLE, Answer, Finding
from registry_docker_updater.core.events.pushes import Claim
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.desired import PushedName
from registry_docker_updater.core.schedules.polls import PAUSE, PollSchedule, Tag, tags_of
from registry_docker_updater.edges.registry.port import Found, RegistryApi
from registry_docker_updater.errors import RegistryUnavailable, RepositoryUnavailable, UpdaterError
from registry_docker_updater.storage.events import PushedTag
from registry_docker_updater.storage.storage import Storage

_log = logging.getLogger(__name__)
# How long it may take until a new reference of the fleet, or a push, is noticed.
_LOOK_SECONDS = 5.0
# In a storm of news, each look is to see much of it: how many times as long as one took the next waits, and how long at
# most.
_REST, _LONGEST_REST_SECONDS = 3, 0.05
# For how long, after a push that nobody runs, whoever does may be on the way: a service that was just deployed.
_AWAITED = timedelta(minutes=2)


@dataclass(frozen=True)
class PolledRegistry:
    """A registry to ask: its name in the settings, the names the fleet pulls under, how to ask it, and how often.

    ``believes_events`` tells that claims of its events are taken for true where it cannot be asked.
    """

    name: str
    hosts: Sequence[str]
    client: RegistryApi
    interval: timedelta
    believes_events: bool = False


@dataclass(frozen=True)
class _Open:
    """A claim that was taken up ``since``, by the steady clock."""

    claim: Claim
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
        self._claims: dict[Tag, _Open] = {}
        self._answers_for: set[str] = set()
        self._stranger_at: datetime | None = None
        self._news = threading.Condition()
        self._is_stopping = self._is_lost = self._has_news = False

    def run(self) -> None:
        """Ask what is due, until told to stop."""
        while not self._is_stopping:
            begun = self._steady()
            try:
                seconds = self.step()
            except UpdaterError as error:
                _log.error("the sweep of registry %s: %s", self._polled.name, error)
                seconds = _LOOK_SECONDS
            except Exception:  # a thread that ends silently would never ask again
                _log.exception("a bug of the sweep of registry %s; it goes on", self._polled.name)
                seconds = _LOOK_SECONDS
            self._rest((self._steady() - begun).total_seconds(), seconds)

    def _rest(self, took: float, seconds: float) -> None:
        """Wait for news, ``seconds`` at most; and a little while after a look that ``took`` so long."""
        with self._news:
            rest = min(took * _REST, _LONGEST_REST_SECONDS, seconds)
            self._news.wait_for(lambda: self._is_stopping, rest)
            self._news.wait_for(
                lambda: self._is_stopping or self._is_lost or self._has_news,
                min(seconds - rest, _LOOK_SECONDS),
            )
            self._has_news = False

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

    def fleet_changed(self) -> None:
        """Look at the fleet at once, where a push waits for somebody who runs it."""
        if self._stranger_at and self._steady() - self._stranger_at < _AWAITED:
            self.news()

    def step(self) -> float:
        """Ask for the tag that is due, if any is; return how many seconds later something will be."""
        self._take_up()
        self._believe_where_nobody_answers()
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
        self._believe_where_nobody_answers()
        _, moment = self._schedule.next or due
        return min(max(moment - self._steady(), timedelta()), PAUSE).total_seconds()

    def _take_up(self) -> None:
        """Take up what has become of the fleet, of its images, and of us since the last question."""
        now, fleet = self._steady(), self._fleet()
        with self._news:
            is_lost, self._is_lost = self._is_lost, False
        if self._seen is None or self._seen[0] is not fleet:
            tags = tags_of(fleet, self._polled.hosts)
            before = self._seen[1] if self._seen else frozenset()
            self._seen = (fleet, tags)
            if before != tags:
                self._schedule = self._schedule.of(tags, now)
                self._problems = {
                    what: why for what, why in self._problems.items() if what is None or what in tags
                }
                self._claims = {tag: one for tag, one in self._claims.items() if tag in tags}
                self._take_up_claims(tags - before, now)
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
        """Have asked for what is claimed, and then for every other tag of the same repositories.

        One event can stand for several tags: Harbor's copy of an artifact with many sends one, which names one of them.
        """
        tags = self._seen[1] if self._seen else frozenset()
        named = {Tag(one.repository, one.tag) for one in pushes}
        if not named <= tags:
            self._stranger_at = now
        claimed = self._take_up_claims(named & tags, now)
        repositories = {one.repository for one in pushes if not one.is_found}
        others = {tag for tag in tags if tag.repository in repositories} - named
        self._schedule = self._schedule.pushed(named - claimed, now).beside_mentioned(others, now)

    def _take_up_claims(self, tags: Iterable[Tag], now: datetime) -> set[Tag]:
        """Have asked for those of ``tags`` of which a claim is open; return them."""
        names = [PushedName(self._polled.name, tag.repository, tag.tag) for tag in tags]
        opened = {
            Tag(claim.repository, claim.tag): _Open(claim, now)
            for claim in (self._storage.claims.of(names) if names else ())
        }
        self._claims.update(opened)
        self._schedule = self._schedule.mentioned(opened, now)
        return set(opened)

    def _believe_where_nobody_answers(self) -> None:
        """Believe claims of which the registry cannot be asked: at once where it never could be, else after a while."""
        if not self._polled.believes_events:
            return
        now = self._steady()
        for tag, (claim, since) in [(tag, (one.claim, one.since)) for tag, one in self._claims.items()]:
            could_be_asked = tag.repository in self._answers_for and now - since < SETTLE
            if claim.digest is None or could_be_asked or not self._schedule.is_silent_on(tag):
                continue
            del self._claims[tag]
            self._answers_for.discard(tag.repository)
            if self._storage.claims.believe(claim, claim.digest, self._clock()):
                _log.info(
                    "registry %s cannot be asked whether %s is %s; its event is believed, as"
                    " registries.%s.verify: true would not",
                    *(self._polled.name, tag, claim.digest, self._polled.name),
                )
                self._wake()

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
        self._answers_for.add(tag.repository)
        self._report(None, None)
        self._report(tag, None if found.digest else f"registry {name} has no {tag}, though the fleet runs it")
        opened = self._claims.get(tag)
        finding = self._keep(tag, found, asked_at, known, opened.claim if opened else None)
        is_settled = opened is not None and tag not in self._claims
        if opened and not is_settled and self._steady() - opened.since >= SETTLE:
            # This was the last answer that it let expect, or is of so much later that it has another reason.
            self._reject(tag, found.digest)
        is_early = finding is Finding.TOO_EARLY
        self._schedule = self._schedule.asked(tag, self._steady(), too_early=is_early, is_settled=is_settled)

    def _keep(
        self, tag: Tag, found: Found, asked_at: datetime, known: int | None, claim: Claim | None
    ) -> Finding | None:
        """Keep what the registry answered; return what that means, None where it has no such tag."""
        if not found.digest:
            return None
        name = self._polled.name
        at = found.at or asked_at
        answer = Answer(name, tag.repository, tag.tag, found.digest, at, asked_at, known, claim)
        finding = self._storage.claims.record(answer, self._clock())
        if answer.settles(finding):
            del self._claims[tag]
        if finding is Finding.PUSH:
            what = "as was told" if answer.is_claimed else "and no event said so"
            _log.info("registry %s: %s is %s, %s", name, tag, found.digest, what)
            self._wake()
        return finding

    def _reject(self, tag: Tag, digest: str | None) -> None:
        claim = self._claims.pop(tag).claim
        says = f"{tag} is {digest}" if digest else f"there is no {tag}"
        reason = None if digest and digest == claim.digest else f"the registry says that {says}"
        if claim.digest and reason:
            _log.warning(
                "event %d of registry %s is not believed: %s, and not %s",
                *(claim.event, self._polled.name, reason, claim.digest),
            )
        self._storage.claims.reject(claim, reason)

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
