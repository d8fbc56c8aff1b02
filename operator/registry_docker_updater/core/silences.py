"""Silences: what a person knows of already, and wants to hear nothing of for a while."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from registry_docker_updater.core.reasons import problem_of_reason

# Longer than that, nobody remembers what was silenced, and a trouble of its own begins.
LONGEST = timedelta(days=30)


class Subject(StrEnum):
    """What a silence can be of."""

    HOST = "host"
    TARGET = "target"
    REGISTRY = "registry"
    IMAGE = "image"


@dataclass(frozen=True)
class Silence:
    """A silence of a host, a target (by its key), a registry or an image's name (``of``), from ``at`` ``until`` a moment.

    ``actor`` is who wanted it, and ``reason`` why; a person may have ended it before, at ``ended_at``.
    """

    id: int
    subject: Subject
    of: str
    at: datetime
    until: datetime
    reason: str
    actor: str
    ended_at: datetime | None = None
    ended_by: str | None = None

    def counts(self, now: datetime) -> bool:
        """Tell whether it counts ``now``."""
        return self.ended_at is None and now < self.until

    @property
    def sentence(self) -> str:
        """Why nobody is to hear of it."""
        return f"silenced by {self.actor} until {self.until:%Y-%m-%d %H:%M} UTC: {self.reason}"


@dataclass(frozen=True)
class Silences:
    """The silences that count, by what they are of."""

    by_subject: Mapping[tuple[Subject, str], Silence] = field(default_factory=dict)

    @classmethod
    def that_count(cls, silences: Iterable[Silence], now: datetime) -> "Silences":
        """Return those of ``silences`` that count ``now``; of several of one thing, the one that lasts longest."""
        longest_last = sorted((one for one in silences if one.counts(now)), key=lambda one: one.until)
        return cls({(one.subject, one.of): one for one in longest_last})

    def of(self, subject: Subject, of: str) -> Silence | None:
        """Return the silence of one thing, None where there is none."""
        return self.by_subject.get((subject, of))

    def of_image(self, image: str) -> Silence | None:
        """Return the silence of an image by its name, of which the host has no case."""
        host, slash, rest = image.partition("/")
        return self.of(Subject.IMAGE, f"{host.lower()}{slash}{rest}")

    def of_target(self, key: str, image: str | None, hosts: Iterable[str]) -> Silence | None:
        """Return why a target is silenced: itself, the ``image`` that it runs, or all of its ``hosts``; None where it is not."""
        if not self.by_subject:
            return None
        of_hosts = [self.of(Subject.HOST, host) for host in hosts]
        shared = of_hosts[0] if of_hosts and all(of_hosts) else None
        return self.of(Subject.TARGET, key) or (self.of_image(image) if image else None) or shared


def problem_of(until: datetime, reason: str, now: datetime) -> str | None:
    """Return what is wrong with a silence that somebody wants ``now``, in a sentence with the remedy; None where nothing is."""
    if until <= now:
        return f"a silence ends later than now; {until:%Y-%m-%d %H:%M:%S} UTC has passed"
    if until > now + LONGEST:
        return f"a silence lasts {LONGEST.days} days at most; begin it anew when it has ended"
    return problem_of_reason("a silence", reason)
