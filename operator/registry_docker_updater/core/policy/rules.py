"""What owners say of when, and whether, a target is updated: by its labels, in the inventory, and in the settings.

All of it counts: what is said in several places adds up, and the strictest wins.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Protocol, Self, TypeVar

from registry_docker_updater.core.policy.tag_order import Place

T = TypeVar("T")


class BadRule(ValueError):
    """A value of a rule that means nothing; the text says what would, as the end of a sentence that names the rule."""


class Opening(Protocol):
    """When updates may begin: some windows of time, as one place names them."""

    @property
    def text(self) -> str:
        """The windows, as they were written."""

    def closes_at(self, now: datetime) -> datetime | None:
        """Return when it closes, where it is open ``now``; None where it is closed."""

    def opens_at(self, now: datetime) -> datetime | None:
        """Return when it opens next, at ``now`` or later, ``now`` where it is open; None where it never does."""


class Following(Protocol):
    """Which tags of its repository a target moves to."""

    @property
    def text(self) -> str:
        """The pattern, as it was written."""

    def fits(self, tag: str) -> bool:
        """Tell whether ``tag`` is one of those that it follows."""

    def place(self, tag: str) -> Place | None:
        """Return the place of ``tag`` in its order, whether or not it fits; None where it has none."""

    def is_newer(self, tag: str, than: str) -> bool:
        """Tell whether ``tag`` comes after another in its order; never where one of them has no place in that."""

    def why_incomparable(self, tag: str) -> str | None:
        """Say why ``tag`` has no place in its order, as a part of a sentence; None where it has, though it need not fit."""

    def unreadable(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Return those of ``tags`` that look as if they were meant, and have no place in its order."""


@dataclass(frozen=True)
class ApprovalRule:
    """That so many ``people`` approve before a push goes to a target; of one place that says only how or by whom, none.

    Each of ``by`` are names of people, or patterns of such, one of which an approver's name is to match; without any, it is
    enough to have the right to operate. With ``is_by_others``, whoever pushed does not count,
    and where nobody knows who that is, one person more approves. It lapses ``deadline`` after the push.
    """

    people: int = 1
    by: tuple[frozenset[str], ...] = ()
    is_by_others: bool = False
    deadline: timedelta | None = None

    def and_also(self, other: "ApprovalRule") -> "ApprovalRule":
        """Return the rule that asks for what both do."""
        deadlines = [one.deadline for one in (self, other) if one.deadline is not None]
        return ApprovalRule(
            max(self.people, other.people),
            tuple(dict.fromkeys(self.by + other.by)),
            self.is_by_others or other.is_by_others,
            min(deadlines, default=None),
        )


@dataclass(frozen=True)
class AgeRule:
    """That a push is as old as ``age`` before it goes to a target; ``longest`` is for how long newer pushes may delay that."""

    age: timedelta
    longest: timedelta


@dataclass(frozen=True)
class Rules:
    """All that is said of one target, or one place's share of it.

    ``windows`` are to be open all together, all of ``ages`` count, and a tag is to fit all of ``follows``, of which the first says
    which is newer. ``soak`` is how long what comes before it in the order is to have run the digest.
    ``problems`` say what nobody can read, a sentence each: until that is put right, nothing is updated.
    """

    is_enabled: bool = True
    is_watched: bool = False
    approval: ApprovalRule | None = None
    windows: tuple[Opening, ...] = ()
    ages: tuple[AgeRule, ...] = ()
    soak: timedelta = timedelta()
    follows: tuple[Following, ...] = ()
    problems: tuple[str, ...] = ()

    def and_also(self, other: Self) -> Self:
        """Return the rules that ask for what both do."""
        approvals = [one.approval for one in (self, other) if one.approval]
        return type(self)(
            is_enabled=self.is_enabled and other.is_enabled,
            is_watched=self.is_watched or other.is_watched,
            approval=reduce(ApprovalRule.and_also, approvals) if approvals else None,
            windows=_once(self.windows + other.windows),
            ages=_once(self.ages + other.ages),
            soak=max(self.soak, other.soak),
            follows=_once(self.follows + other.follows),
            problems=_once(self.problems + other.problems),
        )


NO_RULES = Rules()


def strictest(rules: Iterable[Rules]) -> Rules:
    """Return what all of ``rules`` ask for together."""
    return reduce(Rules.and_also, (one for one in rules if one is not NO_RULES), NO_RULES)


def _once(some: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(some))
