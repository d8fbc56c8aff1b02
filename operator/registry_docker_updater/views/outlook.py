"""What each target runs, was to run, and waits for, as people and programs see it; and which of them are asked for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from typing_extensions import TypedDict

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
from registry_docker_updater.core.rollouts.verdicts import APPROVAL, BY_NAME, CURRENT, Verdict
from registry_docker_updater.views.fleet import HostRow, TargetRow, host_rows, target
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


class FleetNowRows(TypedDict):
    """The fleet: its hosts by their names, and its targets, with what each waits for, in the order of their places and names."""

    hosts: list[HostRow]
    targets: list[OutlookRow]


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

    @property
    def part(self) -> str | None:
        """What is in the words of all targets that are wanted; None where nothing is known to be."""
        is_name = self.image is None or _name_of(self.image) is not None
        return self.text or (None if is_name else self.image)

    def narrowed(self, overview: Overview) -> Collection[Target] | None:
        """Return few targets among which all are that are wanted, by an index; None where none leads to them."""
        targets, is_of_behind = overview.fleet.targets, self.verdict and self.verdict not in _OF_OTHERS
        if self.name and self.name in targets:
            return [targets[self.name]]
        if self.host:
            return [targets[key] for key in overview.fleet.named.get(self.host, ())]
        if self.image and (name := _name_of(self.image)):
            return overview.fleet.running((name,))
        if self.is_behind or is_of_behind:
            return [one.target for one in overview.behind.values()]
        return None

    def excluded(self, overview: Overview) -> set[int] | None:
        """Return the ids of those that cannot be wanted because of the verdict on them, where that tells it of all others."""
        if self.verdict not in _OF_OTHERS:
            return None
        by_name, verdict = overview.fleet.by_name, self.verdict
        # What is not behind is judged by the name of its image alone.
        others = [group for name, group in by_name.items() if overview.verdict_on(name).name != verdict]
        found = {id(one) for group in others for some in group.values() for one in some.values()}
        found.update(id(one.target) for one in overview.behind.values())
        if verdict != UNMATCHED.name:
            named = sum(len(some) for group in by_name.values() for some in group.values())
            if named < len(overview.fleet.targets):
                found.update(id(one) for one in overview.fleet.targets.values() if one.image_name is None)
        return found

    def among(self, targets: Collection[Target], overview: Overview) -> Collection[Target]:
        """Return those of ``targets`` that are wanted, in their order."""
        # One after the other, and without a call for each: there may be 200,000.
        found = self._of_verdict(self._of_behind(targets, overview), overview)
        if host := self.host:
            found = [one for one in found if host in one.hosts]
        if kind := self.kind:
            found = [one for one in found if kind == one.kind]
        if image := self.image:
            wanted = _name_of(image)
            found = [one for one in found if (one.image_name == wanted if wanted else image in one.image)]
        if self.text:
            needle = self.text.casefold()
            found = [one for one in found if needle in one.words]
        if name := self.name:
            # What targets are called has no slash, and making all keys of each takes longer than all else.
            is_key = "/" in name
            found = [one for one in found if one.name == name or (is_key and name in one.keys)]
        return found

    def _of_behind(self, targets: Collection[Target], overview: Overview) -> Collection[Target]:
        behind = overview.behind
        if self.is_behind is None:
            return targets
        return [one for one in targets if (one.key in behind) == self.is_behind]

    def _of_verdict(self, targets: Collection[Target], overview: Overview) -> Collection[Target]:
        behind, verdict = overview.behind, self.verdict
        if not verdict:
            return targets
        if verdict not in _OF_OTHERS:
            return [one for one in targets if one.key in behind and behind[one.key].verdict.name == verdict]
        excluded = self.excluded(overview) or ()
        return [one for one in targets if id(one) not in excluded]


# What it says of those only that are not behind.
_OF_OTHERS = frozenset(one.name for one in (CURRENT, NOT_PUSHED, FOREIGN, UNMATCHED))
# What the planner can say of a target.
VERDICTS: Mapping[str, Verdict] = {
    **BY_NAME,
    **{one.name: one for one in (UPDATING, NOT_PUSHED, FOREIGN, UNMATCHED)},
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


def fleet_now(overview: Overview) -> FleetNowRows:
    """Return the fleet by an ``overview``."""
    known = overview.fleet
    ordered = sorted(known.targets.values(), key=lambda one: (one.place, one.kind, one.name))
    return {
        "hosts": list(host_rows(known, sorted(known.hosts))),
        "targets": [outlook(overview.outlook(one.key)) for one in ordered],
    }


ALL_TARGETS = TargetChoice()


def when(verdict: str, next_at: str | None) -> str:
    """Return when something is looked at again, to stand before what happens next; what is approved is in time."""
    if next_at is None:
        return ""
    return f"until {next_at}: " if verdict == APPROVAL.name else f"at {next_at}: "


def behind_by_verdict(overview: Overview) -> dict[str, int]:
    """Return how many targets are behind, by the verdict on each."""
    counts: dict[str, int] = {}
    for alike, some in overview.alike.items():
        counts[alike.verdict] = counts.get(alike.verdict, 0) + len(some)
    return counts


def oldest_answer(overview: Overview) -> datetime | None:
    """Return when the host was asked that was not asked for longest."""
    return min((host.asked_at for host in overview.fleet.hosts.values()), default=None)


def _name_of(image: str) -> ImageName | None:
    """Return the name that ``image`` is a spelling of; what is none may be a part of one."""
    try:
        return ImageName.of_target(Reference.parse(image))
    except InvalidReference:
        return None
