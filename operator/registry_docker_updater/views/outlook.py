"""What each target runs, was to run, and waits for, as people and programs see it; and which of them are asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry_docker_updater.core.fleet.targets import ImageName, Target
from registry_docker_updater.core.references import InvalidReference, Reference
from registry_docker_updater.core.rollouts.outlook import (
    FOREIGN,
    NOT_PUSHED,
    UNMATCHED,
    UPDATING,
    Outlook,
    Overview,
)
from registry_docker_updater.core.rollouts.verdicts import (
    BUSY,
    CHANGED,
    CURRENT,
    DONE,
    DUE,
    LATER,
    LEFT_ALONE,
    REFUSED,
    UNFINISHED,
    Verdict,
)
from registry_docker_updater.views.fleet import TargetRow, first, target
from registry_docker_updater.views.values import moment


class OutlookRow(TargetRow):
    """A target, what was pushed under its name (``pushed``, a digest), and the planner's verdict on it.

    ``verdict`` is a word for programs, ``says`` and ``then`` tell why it is, or is not, on what was pushed, and what happens
    next, at ``next_at`` where a time is set. ``silent`` are those of its hosts that do not answer.
    """

    pushed: str | None
    pushed_at: str | None
    push: int | None
    registry: str | None
    rollout: int | None
    is_behind: bool
    verdict: str
    says: str
    then: str
    next_at: str | None
    silent: list[str]


@dataclass(frozen=True)
class TargetChoice:
    """Which targets are wanted: those that meet all of it.

    ``text`` is a part of a name, a place, an image, a digest or a host, whatever its case; ``host`` one of the inventory,
    ``image`` a name with its tag, ``verdict`` one of :data:`VERDICTS`. ``name`` is what it is called, whole, or its key.
    """

    text: str | None = None
    host: str | None = None
    image: str | None = None
    kind: str | None = None
    verdict: str | None = None
    is_behind: bool | None = None
    name: str | None = None

    def of(self, overview: Overview) -> Iterable[str]:
        """Return the keys of the targets that are wanted, in no order."""
        targets = overview.fleet.targets
        if self.name and self.name in targets:
            return [one.key for one in self.among([targets[self.name]], overview)]
        if self.is_behind or (self.verdict and self.verdict not in _OF_OTHERS):
            return [one.key for one in self.among([targets[key] for key in overview.behind], overview)]
        if self.host:
            keys = overview.fleet.named.get(self.host, ())
            return [one.key for one in self.among([targets[key] for key in keys], overview)]
        return [one.key for one in self.among(targets.values(), overview)]

    def among(self, targets: Iterable[Target], overview: Overview) -> Sequence[Target]:
        """Return those of ``targets`` that are wanted, in their order."""
        found = list(targets)
        # One after the other: a test for each of 200,000 targets is felt, and most choices have one.
        for test in self._tests(overview):
            found = [one for one in found if test(one)]
        return found

    def _tests(self, overview: Overview) -> Iterator[Callable[[Target], bool]]:
        host, kind, verdict, name, behind = self.host, self.kind, self.verdict, self.name, overview.behind
        if self.is_behind is not None:
            yield lambda one: (one.key in behind) == self.is_behind
        if host:
            yield lambda one: host in one.hosts
        if kind:
            yield lambda one: kind == one.kind
        if self.image:
            yield _runs(self.image)
        if self.text:
            needle = self.text.lower()
            yield lambda one: needle in one.words
        if name:
            # What targets are called has no slash, and making all keys of each takes longer than all else.
            is_key = "/" in name
            yield lambda one: one.name == name or (is_key and name in one.keys)
        if verdict:
            yield lambda one: overview.verdict(one).name == verdict


# What it says of those only that are not behind.
_OF_OTHERS = frozenset(one.name for one in (CURRENT, NOT_PUSHED, FOREIGN, UNMATCHED))
# What the planner can say of a target.
VERDICTS: Mapping[str, Verdict] = {
    one.name: one
    for one in (
        *(CURRENT, DUE, UPDATING, BUSY, LATER, LEFT_ALONE, CHANGED, REFUSED, DONE, UNFINISHED),
        *(NOT_PUSHED, FOREIGN, UNMATCHED),
    )
}

# By what targets can be sorted, and then by their keys.
SORTS: Mapping[str, Callable[[Target], Any]] = {
    "place": lambda one: (one.place, one.name),
    "name": lambda one: one.name,
    "image": lambda one: one.image,
    "since": lambda one: one.since,
}


def outlook(one: Outlook) -> OutlookRow:
    """Return one target with what it waits for."""
    desired = one.desired
    return {
        **target(one.target),
        "pushed": desired.digest if desired else None,
        "pushed_at": moment(desired.received_at) if desired else None,
        "push": desired.push if desired else None,
        "registry": desired.registry if desired else None,
        "rollout": one.rollout.id if one.rollout else None,
        "is_behind": one.is_behind,
        "verdict": one.verdict.name,
        "says": one.verdict.sentence,
        "then": one.verdict.then,
        "next_at": moment(one.next_at),
        "silent": list(one.silent),
    }


ALL_TARGETS = TargetChoice()


def outlooks(
    overview: Overview, limit: int, after: str | None = None, choice: TargetChoice = ALL_TARGETS
) -> list[OutlookRow]:
    """Return ``limit`` targets of a ``choice`` by their keys, the first of those ``after`` that one."""
    return [outlook(overview.outlook(key)) for key in first(choice.of(overview), limit, after)]


def behind_by_verdict(overview: Overview) -> dict[str, int]:
    """Return how many targets are behind, by the verdict on each."""
    counts: dict[str, int] = {}
    for alike, some in overview.alike.items():
        counts[alike.verdict] = counts.get(alike.verdict, 0) + len(some)
    return counts


def oldest_answer(overview: Overview) -> datetime | None:
    """Return when the host was asked that was not asked for longest."""
    return min((host.asked_at for host in overview.fleet.hosts.values()), default=None)


def _runs(image: str) -> Callable[[Target], bool]:
    """Return what tells whether a target runs ``image``, in whichever spelling; what is no name may be a part of one."""
    try:
        wanted = ImageName.of_target(Reference.parse(image))
    except InvalidReference:
        wanted = None
    return lambda one: one.image_name == wanted if wanted else image in one.image
