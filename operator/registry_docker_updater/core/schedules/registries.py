"""Which registry went silent: the sweep found pushes of which no event told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

# An event may come after the sweep has found its push: Harbor tries for two minutes.
PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True)
class Heard:
    """What was heard of a registry: when it told of a push last (``told_at``, with that ``event``), and of anything (``heard_at``).

    ``missed`` are the pushes since, of which no event told though one was to: how many, and when the first was found.
    """

    event: int = 0
    told_at: datetime | None = None
    heard_at: datetime | None = None
    missed: int = 0
    missed_since: datetime | None = None

    def and_then(self, later: Self) -> Self:
        """Return it with what was heard ``later``; what was missed is to be counted anew."""
        return replace(
            later,
            event=max(later.event, self.event),
            told_at=later.told_at or self.told_at,
            heard_at=max(filter(None, (later.heard_at, self.heard_at)), default=None),
        )


@dataclass(frozen=True)
class LastPoll:
    """When the sweep asked a registry last, and why that cannot be asked, in a sentence.

    ``notes`` say which of its tags look as if they were to be followed, and cannot be.
    """

    at: datetime | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class KnownRegistry:
    """A registry of the settings: the names under which the fleet pulls from it, and the format of its events."""

    format: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class RegistryStanding:
    """How a registry stands ``at`` a moment; ``poll`` is None where it is not asked."""

    name: str
    known: KnownRegistry
    heard: Heard
    poll: LastPoll | None
    at: datetime

    @property
    def silent_since(self) -> datetime | None:
        """Since when it told nothing of pushes that the sweep found, where an event is not just late."""
        since = self.heard.missed_since
        return since if since and self.at - since >= PATIENCE else None

    @property
    def sentence(self) -> str:
        """How it is, with the remedy where something is wrong."""
        if self.silent_since:
            pushes = "a push" if self.heard.missed == 1 else f"{self.heard.missed} pushes"
            return (
                f"registry {self.name} is silent: the sweep found {pushes} of which no event told;"
                f" {self._what_to_see_to}"
            )
        if self.poll and self.poll.error:
            return self.poll.error
        if self.heard.told_at is None:
            return (
                "it has told of no push so far"
                if self.poll
                else "it is not asked, and told of no push so far"
            )
        return "it tells of its pushes"

    @property
    def _what_to_see_to(self) -> str:
        heard_at = self.heard.heard_at
        if heard_at and self.silent_since and heard_at > self.silent_since:
            return "it sends other events, so see that its webhook sends those of pushes"
        if self.heard.told_at is None:
            return f"see that it has the webhook that `registry-config {self.name}` prints"
        return f"see that its webhook still is what `registry-config {self.name}` prints, and can reach the operator"


def standings(
    known: Mapping[str, KnownRegistry],
    heard: Mapping[str, Heard],
    polls: Mapping[str, LastPoll],
    now: datetime,
) -> Iterable[RegistryStanding]:
    """Yield how each registry of the settings stands ``now``, by name."""
    for name in sorted(known):
        yield RegistryStanding(name, known[name], heard.get(name, Heard()), polls.get(name), now)
