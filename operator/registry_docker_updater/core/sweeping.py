"""When to ask a registry for the digest of which tag: all that the fleet runs, each in its turn, gently."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from registry_docker_updater.core.fleet import Fleet
from registry_docker_updater.core.newest import SETTLE

# From an answer to the next question: five a second at most, so 5,000 tags take a good quarter of an hour.
PAUSE = timedelta(milliseconds=200)
# How long a registry that cannot be asked is left alone.
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=10), timedelta(minutes=15)
_LONGEST_WAIT_WHEN_TOLD = timedelta(hours=1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Tag:
    """A repository and tag of one registry."""

    repository: str
    tag: str

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}"


def tags_of(fleet: Fleet, hosts: Iterable[str]) -> frozenset[Tag]:
    """Return every tag that the fleet runs of a registry known under ``hosts``."""
    names = {host.lower() for host in hosts}
    return frozenset(
        Tag(repository, tag)
        for (host, repository, tag), targets in fleet.by_name.items()
        if targets and host in names
    )


@dataclass(frozen=True)
class Schedule:
    """When each tag of one registry is to be asked for: first at once, then at its own moment in each ``interval``.

    Every change makes a new schedule. ``not_before`` is when the registry may be asked again, ``failures`` how often
    in a row it could not be.
    """

    interval: timedelta
    due: Mapping[Tag, datetime] = field(default_factory=dict)
    not_before: datetime | None = None
    failures: int = 0

    @property
    def next(self) -> tuple[Tag, datetime] | None:
        """The tag to ask for next, and when; whatever waited longest comes first, so none is left out."""
        if not self.due:
            return None
        moment, tag = min((moment, tag) for tag, moment in self.due.items())
        return tag, max(moment, self.not_before or moment)

    def of(self, tags: Iterable[Tag], now: datetime) -> "Schedule":
        """Return it for ``tags`` and no others: those that are new are due ``now``."""
        return replace(self, due={tag: self.due.get(tag, now) for tag in tags})

    def pushed(self, tags: Iterable[Tag], now: datetime) -> "Schedule":
        """Return it after pushes of ``tags``: whether the tag really names what was pushed is asked when it must."""
        sooner = {tag: min(self.due[tag], now + SETTLE) for tag in tags if tag in self.due}
        return replace(self, due={**self.due, **sooner})

    def all_again(self, now: datetime) -> "Schedule":
        """Return it when events may have been lost: every tag is due."""
        return replace(self, due={tag: min(moment, now) for tag, moment in self.due.items()})

    def asked(self, tag: Tag, now: datetime, *, too_early: bool = False) -> "Schedule":
        """Return it after the registry answered for ``tag``; an answer that came ``too_early`` does not count."""
        again = now + SETTLE if too_early else _slot(tag, self.interval, now)
        return replace(self, due={**self.due, tag: again}, not_before=now + PAUSE, failures=0)

    def failed(self, now: datetime, retry_after: timedelta | None) -> "Schedule":
        """Return it after the registry could not be asked; ``retry_after`` is how long it told us to wait.

        A registry that cannot be asked twice in a row was away, and may have forgotten events: when it is back, all is
        asked again. One that only tells to wait was not.
        """
        waiting = replace(self, failures=self.failures + 1)
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(self.failures, 16)))
        if retry_after is not None:
            return replace(waiting, not_before=now + max(wait, min(retry_after, _LONGEST_WAIT_WHEN_TOLD)))
        waiting = replace(waiting, not_before=now + wait)
        return waiting.all_again(now) if waiting.failures > 1 else waiting


def _slot(tag: Tag, interval: timedelta, after: datetime) -> datetime:
    """Return the first moment after ``after`` that belongs to ``tag``; the tags' moments are spread over intervals."""
    first = _EPOCH + interval * (zlib.crc32(str(tag).encode()) / 2**32)
    return first + interval * ((after - first) // interval + 1)
