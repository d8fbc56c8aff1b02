"""The turns of one registry, with a clock that is set by hand, and what is found."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from registry_docker_updater.activities.poller import Poller
from registry_docker_updater.activities.questions import LOOK_SECONDS, PolledRegistry, Questions
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.events.pushes import Push, UnresolvedPush
from registry_docker_updater.core.policy.following import Follower
from registry_docker_updater.edges.registry.client import RegistryClient
from registry_docker_updater.edges.registry.port import Found
from registry_docker_updater.metrics import Metrics
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import EventRow
from registry_docker_updater.views.events import events as view
from unit.builders import HOST, NEW, NOON, container, fleet

HOSTS = {"production": (HOST,), "other": ("other.example.com",)}
SECOND = timedelta(seconds=1)
APP, OTHER = container(), container("other", image="other.example.com/test/app:1")


@pytest.fixture
def store(storage: Storage) -> Storage:
    return storage


def events(store: Storage) -> list[EventRow]:
    return view(store, 100)


def desired(store: Storage) -> dict[str, str]:
    return {one.hosts[0]: one.digest for one in store.events.desired(HOSTS)}


@dataclass
class Told(RegistryClient):
    """A registry that says what it is told to say; ``meanwhile`` happens between a question and its answer."""

    digest: str | None = NEW
    lag: timedelta = timedelta()
    now: Callable[[], datetime] = utc_now
    meanwhile: Callable[[], Any] = lambda: None
    asked: list[str] = field(default_factory=list)
    pages: list[tuple[str, ...]] = field(default_factory=list)

    def find(self, repository: str, tag: str) -> Found:
        self.asked.append(f"{repository}:{tag}")
        found = Found(self.digest, (self.now() + self.lag).replace(microsecond=0))
        self.meanwhile()
        return found

    def tags(self, repository: str) -> Iterator[tuple[str, ...]]:
        for page in self.pages:
            self.asked.append(repository)
            yield page


@dataclass
class Troubled(Told):
    """One that cannot be asked while there is ``trouble``."""

    trouble: Exception | None = None

    def find(self, repository: str, tag: str) -> Found:
        if self.trouble:
            self.asked.append(f"{repository}:{tag}")
            raise self.trouble
        return super().find(repository, tag)

    def tags(self, repository: str) -> Iterator[tuple[str, ...]]:
        for page in super().tags(repository):
            if self.trouble:
                raise self.trouble
            yield page


class Hand:
    """What asks one registry, with a clock that is set by hand."""

    def __init__(
        self, store: Storage, client: RegistryClient, hours: float = 1, *, believes_events: bool = True
    ) -> None:
        self.now = NOON
        self.set_by = timedelta()
        self.fleet = fleet(APP)
        self.followed: Mapping[str, Collection[Follower]] = {}
        self.store = store
        if isinstance(client, Told):
            client.now = lambda: self.now
        source = PolledRegistry(
            "production", HOSTS["production"], client, timedelta(hours=hours), believes_events=believes_events
        )
        self.questions = Questions(
            store,
            source,
            fleet=lambda: self.fleet,
            followed=lambda: self.followed,
            wake=lambda: None,
            clock=self.clock,
            steady=lambda: self.now,
            metrics=Metrics(),
        )
        self.poller = Poller(self.questions, lambda: self.now)

    def clock(self) -> datetime:
        """The time of day, on a clock that somebody may have set."""
        return self.now + self.set_by

    def pass_time(self, seconds: float) -> None:
        """Have so much time go by, during which the sweep does what is due; while a claim is open, it looks now and then."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            wait = self.poller.step()
            if self.questions._claims.claims:
                wait = min(wait, LOOK_SECONDS)
            self.now = min(end, self.now + timedelta(seconds=wait))

    def event(self, digest: str, when: datetime, *, by_hand: bool = False) -> None:
        """What the registry, or a person, tells now of a push at ``when``."""
        push = Push("production", "test/app", "1", digest, when, f"{digest} {when}", "alice", by_hand=by_hand)
        self.store.events.record("production", [push], self.clock())


@pytest.fixture
def client() -> Troubled:
    return Troubled(digest=NEW)


@pytest.fixture
def hand(store: Storage, client: Told) -> Hand:
    return Hand(store, client)


@pytest.fixture
def settled(hand: Hand, client: Told) -> Hand:
    """After the registry said for a while that the tag is ``NEW``."""
    hand.pass_time(300)
    client.asked.clear()
    return hand


def claims(hand: Hand, digest: str, tag: str = "1", key: str = "") -> None:
    push = UnresolvedPush("production", "test/app", tag, hand.now, key, "alice", claimed=digest)
    hand.store.events.record("production", [push], hand.clock())
