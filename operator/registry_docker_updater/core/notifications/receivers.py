"""Receivers: who is told of what, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from registry_docker_updater.core.notifications.hours import Daily, QuietHours
from registry_docker_updater.core.notifications.news import USUAL_TOPICS, Topic

# The receiver whose channels are those that the inventory sets for all.
DEFAULT = "default"


class Gets(StrEnum):
    """Which news a receiver gets, besides those of targets whose label names it."""

    EVERYTHING = "everything"
    THE_REST = "the rest"
    LABELLED = "labelled"


@dataclass(frozen=True)
class Concerned:
    """What a piece of news is of: a registry and a repository, the swarm of a target by all its names, and the groups of its hosts."""

    registry: str
    repository: str | None = None
    swarms: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rule:
    """What a receiver gets: all that meets each of these conditions, which are patterns such as ``prod/*``; none is no condition."""

    registries: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    swarms: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def covers(self, one: Concerned) -> bool:
        """Tell whether news of ``one`` meet every condition."""
        return (
            _meets(self.registries, {one.registry})
            and _meets(self.repositories, {one.repository} if one.repository else ())
            and _meets(self.swarms, one.swarms)
            and _meets(self.groups, one.groups)
        )


@dataclass(frozen=True)
class Receiver:
    """A team: what it ``gets``, of which ``topics``, and when it does not want to hear of them.

    What is ``urgent`` is told in ``quiet`` hours, too. With a ``digest``, news of its topics are told once a day.
    """

    name: str
    gets: Gets | tuple[Rule, ...] = Gets.LABELLED
    topics: tuple[Topic, ...] = USUAL_TOPICS
    quiet: QuietHours | None = None
    urgent: tuple[Topic, ...] = (Topic.UPDATE_FAILED,)
    digest: Daily | None = None
    digest_topics: tuple[Topic, ...] = (Topic.IMAGE_UPDATED,)

    def wants(self, topic: Topic, *, recovered: bool = False) -> bool:
        """Tell whether it wants to hear of a topic; who was told of a failure is told of its end."""
        return topic in self.topics or (recovered and Topic.UPDATE_FAILED in self.topics)

    def covers(self, one: Concerned) -> bool:
        """Tell whether its rules give it news of ``one``."""
        if isinstance(self.gets, tuple):
            return any(rule.covers(one) for rule in self.gets)
        return self.gets is Gets.EVERYTHING


@dataclass(frozen=True)
class Receivers:
    """All receivers that are set, by name; one that only labels name gets what they say, and the default one everything."""

    by_name: Mapping[str, Receiver] = field(default_factory=dict)

    def get(self, name: str) -> Receiver:
        """Return one by its name."""
        return self.by_name.get(name) or Receiver(name, Gets.EVERYTHING if name == DEFAULT else Gets.LABELLED)

    @property
    def all(self) -> tuple[Receiver, ...]:
        """Those that are set, and the default one."""
        return tuple(self.get(name) for name in dict.fromkeys((DEFAULT, *self.by_name)))


def _meets(patterns: tuple[str, ...], names: frozenset[str] | set[str] | tuple[()]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
