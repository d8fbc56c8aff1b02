"""The sweep: asks each registry itself which digest each tag has that the fleet runs, for events can be lost.

Where targets follow tags, it also asks which tags there are, and which digests the newest of them have.
What it finds is recorded as a push, and everything else follows from that. Each registry has a thread of its own, so
that one that hangs delays no other; it is asked one question at a time.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from registry_docker_updater.activities.poller import Poller
from registry_docker_updater.activities.questions import PolledRegistry, Questions
from registry_docker_updater.clock import Clock
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.policy.following import Follower
from registry_docker_updater.core.schedules.new_tags import NewTags
from registry_docker_updater.core.schedules.polls import PAUSE, tags_of
from registry_docker_updater.core.schedules.registries import LastPoll
from registry_docker_updater.errors import RegistryUnavailable, RepositoryUnavailable
from registry_docker_updater.metrics import Metrics
from registry_docker_updater.storage.storage import Storage

_PATIENCE_SECONDS = 2.0
_NOBODY: Mapping[str, Collection[Follower]] = {}


def _nobody(registry: str) -> Mapping[str, Collection[Follower]]:
    del registry
    return _NOBODY


class RegistryPoll:
    """Asks every registry, each in a thread of its own, until it is stopped."""

    def __init__(  # noqa: PLR0913 - each a thing of its own
        self,
        storage: Storage,
        registries: Iterable[PolledRegistry],
        *,
        fleet: Callable[[], Fleet],
        followed: Callable[[str], Mapping[str, Collection[Follower]]] = _nobody,
        wake: Callable[[], None],
        clock: Clock,
        steady: Clock,
        metrics: Metrics | None = None,
    ) -> None:
        """Ask ``registries`` for what ``fleet`` returns, and for new tags; ``wake`` is called when a push was found.

        ``followed`` tells for the name of a registry who follows tags of which of its repositories; it is called often, by
        several threads, and returns the same object until that changes.
        ``clock`` says what time it is; waiting is measured by ``steady``.
        """
        counted = metrics or Metrics()
        self._pollers = {
            one.name: Poller(
                Questions(
                    storage,
                    one,
                    fleet=fleet,
                    followed=partial(followed, one.name),
                    wake=wake,
                    clock=clock,
                    steady=steady,
                    metrics=counted,
                ),
                steady,
            )
            for one in registries
        }
        # A question that hangs must not keep the process from ending; what it would have found is found after the
        # next start.
        self._threads = [
            threading.Thread(target=poller.run, name=f"sweep {name}", daemon=True)
            for name, poller in self._pollers.items()
        ]

    def start(self) -> None:
        """Begin to ask."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask no more."""
        for poller in self._pollers.values():
            poller.stop()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_PATIENCE_SECONDS / len(self._threads))

    def asks(self, registry: str) -> bool:
        """Tell whether ``registry`` is asked."""
        return registry in self._pollers

    @property
    def last_polls(self) -> Mapping[str, LastPoll]:
        """When each registry was asked last, by name, and why it cannot be."""
        return {name: poller.last_poll for name, poller in self._pollers.items()}

    def believe_events(self, registry: str, *, believes: bool) -> None:
        """Believe what events of ``registry`` say where it cannot be asked, or do not, from now on."""
        if registry in self._pollers:
            self._pollers[registry].believe_events(believes=believes)

    def outage(self, registry: str) -> None:
        """Ask ``registry`` for everything again: an event of it could not be taken."""
        if registry in self._pollers:
            self._pollers[registry].outage()

    def fleet_changed(self) -> None:
        """Look at the fleet at once, where a push waits for somebody who runs it."""
        for poller in self._pollers.values():
            poller.fleet_changed()

    def news(self, registry: str) -> None:
        """Look at what ``registry`` told at once."""
        if registry in self._pollers:
            self._pollers[registry].news()


@dataclass
class RegistryCheck:
    """What is wrong with a registry, each once, and what is to be known of its tags."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_registry(
    polled: PolledRegistry, fleet: Fleet, followed: Mapping[str, Collection[Follower]]
) -> RegistryCheck:
    """Ask a registry for one tag of each repository that ``fleet`` runs, and for the tags of those of which some are ``followed``."""
    found, new = RegistryCheck(), NewTags(followed)
    try:
        polled.client.check()
        for tag in {tag.repository: tag for tag in sorted(tags_of(fleet, polled.hosts))}.values():
            with _noting(found):
                time.sleep(PAUSE.total_seconds())
                polled.client.find(tag.repository, tag.tag)
        for repository in sorted(followed):
            with _noting(found):
                found.notes += new.unread(repository, _tags(polled, repository))
    except RegistryUnavailable as error:
        found.problems.append(str(error))
    return found


@contextmanager
def _noting(found: RegistryCheck) -> Iterator[None]:
    """Note what is wrong with one repository, once, and go on."""
    try:
        yield
    except RepositoryUnavailable as error:
        if str(error) not in found.problems:
            found.problems.append(str(error))


def _tags(polled: PolledRegistry, repository: str) -> Iterator[str]:
    for page in polled.client.tags(repository):
        yield from page
        time.sleep(PAUSE.total_seconds())
