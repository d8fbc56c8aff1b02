"""The questions to one registry: asked one after the other, those that are due, and what the answers mean."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from registry_docker_updater.activities.registry_problems import RegistryProblems
from registry_docker_updater.activities.tag_lists import TagLists
from registry_docker_updater.clock import Clock
from registry_docker_updater.core.events.newest import SETTLE, Answer, Finding
from registry_docker_updater.core.events.pushes import Claim
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.policy.following import Follower
from registry_docker_updater.core.rollouts.desired import PushedName
from registry_docker_updater.core.schedules.claims import OpenClaims
from registry_docker_updater.core.schedules.new_tags import NewTags
from registry_docker_updater.core.schedules.polls import PAUSE, PollSchedule, Tag, tags_of
from registry_docker_updater.core.schedules.registries import LastPoll
from registry_docker_updater.edges.registry.port import Found, RegistryApi
from registry_docker_updater.errors import RegistryUnavailable, RepositoryUnavailable
from registry_docker_updater.log_context import about
from registry_docker_updater.metrics import Metrics
from registry_docker_updater.storage.events import PushedTag
from registry_docker_updater.storage.storage import Storage

_log = logging.getLogger(__name__)
# How long it may take until a new reference of the fleet, or a push, is noticed.
LOOK_SECONDS = 5.0
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


class Questions:
    """What is asked of one registry, and what is remembered of it. For one thread."""

    def __init__(  # noqa: PLR0913 - each a thing of its own
        self,
        storage: Storage,
        polled: PolledRegistry,
        *,
        fleet: Callable[[], Fleet],
        followed: Callable[[], Mapping[str, Collection[Follower]]],
        wake: Callable[[], None],
        clock: Clock,
        steady: Clock,
        metrics: Metrics,
    ) -> None:
        """As for :class:`~registry_docker_updater.activities.poll.RegistryPoll`, for one registry."""
        self._storage, self._polled, self._wake = storage, polled, wake
        self._fleet, self._followed = fleet, followed
        self._clock, self._steady, self._metrics = clock, steady, metrics
        self._schedule, self._claims = PollSchedule(polled.interval), OpenClaims()
        self._new, self._lists = NewTags(), TagLists(polled.client)
        # The fleet as it was seen last, and what it runs; all that is asked for.
        self._seen: tuple[Fleet, frozenset[Tag]] | None = None
        self._tags: frozenset[Tag] = frozenset()
        self._event: int | None = None
        self._last_old = 0
        self._problems = RegistryProblems(polled.name)
        self._stranger_at: datetime | None = None
        # Of these, an event is to tell of whatever the registry says next: it was asked, and nothing of theirs was heard since.
        self._looked_at: set[Tag] = set()
        self.last_poll = LastPoll()
        self.believes_events = polled.believes_events

    @property
    def registry(self) -> str:
        """The name of the registry."""
        return self._polled.name

    @property
    def awaits_somebody(self) -> bool:
        """Whether there was a push just now of what nobody runs so far."""
        return self._stranger_at is not None and self._steady() - self._stranger_at < _AWAITED

    def step(self, *, is_lost: bool) -> float:
        """Ask for the tag that is due, if any is; return how many seconds later something will be.

        Where ``is_lost``, events may have been, and all is due.
        """
        if is_lost:
            self._schedule = self._schedule.everything_due(self._steady())
            self._looked_at.clear()
        self._take_up()
        self._believe()
        due = self._schedule.next
        if due is None:
            return LOOK_SECONDS
        tag, moment = due
        now = self._steady()
        if moment > now:
            return (moment - now).total_seconds()
        try:
            self._ask(tag, now)
        except Exception:
            # Whatever it was, the others have their turn before it.
            self._schedule = self._schedule.unanswered(tag, self._steady())
            raise
        self._believe()
        _, moment = self._schedule.next or due
        return min(max(moment - self._steady(), timedelta()), PAUSE).total_seconds()

    def _take_up(self) -> None:
        """Take up what has become of the fleet, of its images, and of us since the last question.

        What is remembered changes only once all that it rests on was read: what fails is taken up the next time.
        """
        now, events = self._steady(), self._storage.events
        if self._event is None:
            # What comes from here on is seen as news, though its claim may be read with those from before.
            self._event = self._last_old = events.last_event()
        self._take_up_fleet(now)
        last = events.last_event()
        pushed = events.pushed_after(self._polled.name, self._event)
        if pushed:
            self._take_up_pushes(pushed.values(), now)
        # What others pushed is behind us, too.
        self._event = max(last, *pushed) if pushed else max(last, self._event)

    def _take_up_fleet(self, now: datetime) -> None:
        fleet, followed = self._fleet(), self._followed()
        new = self._new if followed is self._new.followed else self._new.of(followed)
        if self._seen and self._seen[0] is fleet:
            if new is self._new and not followed:
                return
            run = self._seen[1]
        else:
            run = tags_of(fleet, self._polled.hosts)
        others = new.followed_otherwise(self._new)
        tags = run | new.lists | new.tags | self._claimed(new, others)
        if not self._seen or tags != self._tags:
            opened = self._open_of(tags - self._tags)
            self._schedule = self._schedule.of(tags, now).mentioned(opened, now)
            self._claims = self._claims.of(tags).opened(opened, now, self._last_old)
            self._looked_at &= tags
            self._problems.keep(tags)
        self._schedule = self._schedule.beside_mentioned({Tag(repository) for repository in others}, now)
        self._lists.keep(followed)
        self._seen, self._tags, self._new = (fleet, run), tags, new

    def _claimed(self, new: NewTags, others: Collection[str]) -> set[Tag]:
        """Return the claimed tags that somebody could move to: those taken up, and of ``others``, repositories, all."""
        kept = self._storage.claims.in_repositories(self._polled.name, others) if others else ()
        claimed = {Tag(claim.repository, claim.tag) for claim in kept}
        return {tag for tag in claimed.union(self._claims.claims) if new.concerns(tag)}

    def _take_up_pushes(self, pushes: Iterable[PushedTag], now: datetime) -> None:
        """Have asked for what is claimed, and then for every other tag of the same repositories.

        One event can stand for several tags: Harbor's copy of an artifact with many sends one, which names one of them.
        """
        sent = {Tag(one.repository, one.tag) for one in pushes if not one.is_found}
        named = sent | {Tag(one.repository, one.tag) for one in pushes}
        new = self._new.mentioned(named)
        tags = self._tags | new.tags | {tag for tag in sent if new.concerns(tag)}
        opened = self._open_of(sent & tags)
        if not named <= tags:
            self._stranger_at = now
        repositories = {tag.repository for tag in sent}
        others = {tag for tag in tags if tag.repository in repositories} - named
        self._looked_at = {tag for tag in self._looked_at if tag.repository not in repositories}
        self._claims = self._claims.opened(opened, now, self._last_old)
        self._schedule = (
            self._schedule.of(tags, now)
            .pushed(named - opened.keys(), now)
            .mentioned(opened, now)
            .beside_mentioned(others, now)
        )
        self._tags, self._new = tags, new

    def _open_of(self, tags: Collection[Tag]) -> dict[Tag, Claim]:
        names = [PushedName(self._polled.name, tag.repository, tag.tag) for tag in tags if not tag.is_list]
        claims = self._storage.claims.of(names) if names else ()
        return {Tag(claim.repository, claim.tag): claim for claim in claims}

    def _believe(self) -> None:
        """Believe claims of which the registry cannot be asked."""
        for tag, claim, digest in self._claims.believable() if self.believes_events else ():
            name = self._polled.name
            is_newest = self._storage.claims.believe(claim, digest, self._clock())
            self._claims, self._schedule = self._claims.believed(tag), self._schedule.settled(tag)
            if is_newest:
                with about(event=claim.event):
                    _log.info(
                        "registry %s cannot be asked whether %s is %s: its event is believed, as it is not with"
                        " registries.%s.verify: true",
                        *(name, tag, digest, name),
                    )
                self._wake()

    def _ask(self, tag: Tag, begun: datetime) -> None:
        name, asked_at = self._polled.name, self._clock()
        try:
            if tag.is_list:
                self._ask_for_list(tag, asked_at)
            else:
                self._ask_for_digest(tag, asked_at, begun)
        except RegistryUnavailable as error:
            self._metrics.polled(name, is_answered=False)
            self._schedule = self._schedule.failed(tag, self._steady(), error.retry_after)
            self._claims = self._claims.unanswered(self._claims.claims, begun, self._steady())
            self._problems.report(None, str(error))
            self.last_poll = LastPoll(asked_at, str(error), self._problems.notes)
        except RepositoryUnavailable as error:
            self._schedule = self._schedule.unanswered(tag, self._steady(), error.retry_after)
            self._claims = self._claims.unanswered([tag], begun, self._steady())
            self._answered(tag, asked_at, str(error))

    def _ask_for_list(self, tag: Tag, asked_at: datetime) -> None:
        tags = self._lists.ask(tag.repository)
        self._answered(tag, asked_at)
        if tags is None:
            self._schedule = self._schedule.begun(tag, self._steady())
            return
        self._new = self._new.listed(tag.repository, tags)
        self._problems.note(tag, self._new.unread(tag.repository, tags))
        self.last_poll = LastPoll(asked_at, notes=self._problems.notes)
        self._schedule = self._schedule.asked(tag, self._steady())

    def _ask_for_digest(self, tag: Tag, asked_at: datetime, begun: datetime) -> None:
        name = self._polled.name
        known = self._storage.events.newest_push(name, tag.repository, tag.tag)
        found = self._polled.client.find(tag.repository, tag.tag)
        use = "the fleet runs it" if self._seen and tag in self._seen[1] else "a target is to move to it"
        self._answered(tag, asked_at, None if found.digest else f"registry {name} has no {tag}, though {use}")
        if found.digest or tag.repository in self._claims.telling:
            self._claims = self._claims.resolved(tag, self._steady())
        else:
            # Some say that there is no tag of what we may not see, and what answers at a wrong address does.
            self._claims = self._claims.unanswered([tag], begun, self._steady())
        finding = self._keep(tag, found, asked_at, known)
        opened = self._claims.get(tag)
        is_early = finding is Finding.TOO_EARLY
        if opened and not (opened.failed_at or is_early) and self._steady() - opened.since >= SETTLE:
            # This was the last answer that it let expect, or is of so much later that it has another reason.
            self._reject(tag, opened.claim, found.digest)
        self._schedule = self._schedule.asked(
            tag,
            self._steady(),
            too_early=is_early,
            is_settled=self._claims.get(tag) is None,
        )

    def _answered(self, tag: Tag, asked_at: datetime, problem: str | None = None) -> None:
        """Keep that the registry could be asked, and what was wrong with ``tag``."""
        self.last_poll = LastPoll(asked_at, notes=self._problems.notes)
        self._metrics.polled(self._polled.name, is_answered=True)
        self._problems.report(None, None)
        self._problems.report(tag, problem)

    def _keep(self, tag: Tag, found: Found, asked_at: datetime, known: int | None) -> Finding | None:
        """Keep what the registry answered; return what that means, None where it has no such tag."""
        if not found.digest:
            return None
        name, opened = self._polled.name, self._claims.get(tag)
        claim, at = opened.claim if opened else None, found.at or asked_at
        answer = Answer(
            *(name, tag.repository, tag.tag, found.digest, at, asked_at, known, claim),
            is_missed=tag in self._looked_at,
        )
        finding = self._storage.claims.record(answer, self._clock())
        if finding is not Finding.TOO_EARLY:
            self._looked_at.add(tag)
        if answer.settles(finding):
            self._claims = self._claims.closed(tag)
        if finding is Finding.PUSH:
            what = "as was told" if answer.is_claimed else "and no event said so"
            # Of what no event said, the number is told where the plan for it is.
            with about(**({"event": claim.event} if claim and answer.is_claimed else {})):
                _log.info("registry %s: %s is %s, %s", name, tag, found.digest, what)
            self._wake()
        return finding

    def _reject(self, tag: Tag, claim: Claim, digest: str | None) -> None:
        says = f"{tag} is {digest}" if digest else f"there is no {tag}"
        reason = None if digest and digest == claim.digest else f"the registry says that {says}"
        was_open = self._storage.claims.reject(claim, reason, self._clock())
        self._claims = self._claims.closed(tag)
        if was_open and claim.digest and reason:
            with about(event=claim.event):
                _log.warning(
                    "what registry %s sent is not believed: %s, and not %s",
                    *(self._polled.name, reason, claim.digest),
                )
