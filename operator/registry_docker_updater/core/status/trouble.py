"""One trouble: something that is not well, said of all that have it alike."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from registry_docker_updater.core.silences import Silence

T = TypeVar("T")
# Of many that have the same trouble, so many are named.
NAMED = 3
_LONGEST_REASON = 200


class TroubleKind(StrEnum):
    """What a trouble is of, the gravest first."""

    NO_OPERATOR = "no_operator"
    NOT_READY = "not_ready"
    BROKEN_TRAIL = "broken_trail"
    DOWN = "down"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    NO_REGISTRY = "no_registry"
    SILENT_REGISTRY = "silent_registry"
    OLD_LOOK = "old_look"
    TEAM_NOT_TOLD = "team_not_told"
    BEHIND = "behind"


@dataclass(frozen=True)
class Trouble:
    """Something that is not well: the ``sentence`` says what and why, ``then`` what happens next, or what is to be done.

    ``count`` is how many hosts, targets, registries or rollouts have it, and ``named`` are the first few; ``at`` is when it
    goes on by itself, where a time is set. A person knows of it where there are ``silences``.
    """

    kind: TroubleKind
    sentence: str
    then: str
    count: int = 1
    named: tuple[str, ...] = ()
    since: datetime | None = None
    at: datetime | None = None
    rollout: int | None = None
    silences: tuple[Silence, ...] = ()


@dataclass(frozen=True)
class Affected(Generic[T]):
    """Things with the same trouble, and what silences them."""

    things: Sequence[T]
    silences: tuple[Silence, ...] = ()


def by_silence(things: Iterable[T], silence_of: Callable[[T], Silence | None]) -> Iterator[Affected[T]]:
    """Yield those that are not silenced, and those that are, as far as there are any."""
    heard: list[T] = []
    silenced: list[T] = []
    silences: dict[int, Silence] = {}
    for one in things:
        silence = silence_of(one)
        if silence:
            silences[silence.id] = silence
        (silenced if silence else heard).append(one)
    if heard:
        yield Affected(heard)
    if silenced:
        yield Affected(silenced, tuple(silences.values()))


def listed(first: Sequence[str], count: int, what: str) -> str:
    """Return the names of the first of so many, and how many more there are."""
    if count == 1:
        return f"{what} {first[0]}"
    more = f", and {count - len(first):,} more" if count > len(first) else ""
    return f"{count:,} {what}s: {', '.join(first)}{more}"


def bounded(reason: str) -> str:
    """Return as much of a reason as a sentence has room for."""
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"
