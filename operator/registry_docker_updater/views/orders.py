"""Targets in the orders in which people look at them, and those that have a text in them."""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import Any

from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.outlook import Overview
from registry_docker_updater.views.outlook import ALL_TARGETS, OutlookRow, TargetChoice, outlook

# By what targets can be sorted that is their own, and then by their keys.
_OWN: Mapping[str, Callable[[Target], Any]] = {
    "place": lambda one: (one.place, one.name, one.key),
    "name": lambda one: (one.name, one.key),
    "image": lambda one: (one.image, one.key),
    "since": lambda one: (one.since, one.key),
    "key": lambda one: one.key,
}
# By what else: when their image was pushed last, and the verdict on them; then by their places.
_PUSHED, _VERDICT, _PLACE = "pushed", "verdict", "place"
SORTS = (*_OWN, _PUSHED, _VERDICT)
# What else is made of all targets.
_WORDS = "words"
# Where more than one in so many has changed, all are sorted anew, and their words collected again.
_FEW = 8
# Where more than one in so many is wanted, they are picked from those that are sorted already.
_MANY = 8
_NEVER = datetime.min.replace(tzinfo=UTC)
# How many answers are kept until anything changes: pages after the first, and who looks at the same.
_KEPT = 16


# For how long those who look get what was sorted before, while what changed since is put in its place.
_OLDEST = timedelta(seconds=10)


def _beside(does: Callable[[], None]) -> None:
    threading.Thread(target=does, name="target-orders", daemon=True).start()


class TargetOrders:
    """Sorts targets, of which there may be 200,000: what has changed is put in its place. Safe for use by several threads.

    That is done ``beside`` those who look: they get what was known a moment ago.
    """

    def __init__(self, beside: Callable[[Callable[[], None]], None] = _beside) -> None:
        """Begin with nothing sorted."""
        self._beside = beside
        self._making = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._found: tuple[Overview | None, dict[Any, Sequence[Target]]] = (None, {})

    def chosen(
        self, overview: Overview, choice: TargetChoice, sort: str, *, is_descending: bool = False
    ) -> Sequence[Target]:
        """Return the targets of a ``choice``, by one of :data:`SORTS`; some may be gone that were there a moment ago."""
        known, found = self._found
        if known is not overview:
            found = {}
            self._found = (overview, found)
        asked = (choice, sort, is_descending)
        answer = found.get(asked)
        if answer is None:
            ascending = self._ascending(overview, choice, sort)
            answer = ascending[::-1] if is_descending else ascending
            used = (sort if sort in _OWN else _PLACE, *((_WORDS,) if choice.part else ()))
            made = [self._kept[name] for name in used if name in self._kept]
            # What was known a moment ago is for now.
            if all(one.of is overview.fleet.targets for one in made) and len(found) < _KEPT:
                found[asked] = answer
        return answer

    def rows(self, overview: Overview, some: Iterable[Target]) -> list[OutlookRow]:
        """Return the outlook of ``some`` targets, but those that are gone since."""
        targets = overview.fleet.targets
        return [outlook(overview.outlook(one.key)) for one in some if one.key in targets]

    def _ascending(self, overview: Overview, choice: TargetChoice, sort: str) -> Sequence[Target]:
        if sort not in _OWN:
            placed = self._ascending(overview, choice, _PLACE)
            return _by_push(placed, overview) if sort == _PUSHED else _by_verdict(placed, overview)
        if choice == ALL_TARGETS:
            return self._order(overview, sort)
        few = choice.narrowed(overview)
        if few is None and choice.part:
            few = self._with(choice.part, overview)
            choice = replace(choice, text=None)
        if few is None:
            return list(choice.among(self._order(overview, sort), overview))
        found, count = choice.among(few, overview), len(overview.fleet.targets)
        if len(found) == count:
            return self._order(overview, sort)
        if len(found) * _MANY < count:
            return sorted(found, key=_OWN[sort])
        # By their keys: what has just changed is another than the one that was sorted.
        chosen = {one.key: one for one in found}
        ordered = [chosen.pop(one.key) for one in self._order(overview, sort) if one.key in chosen]
        return sorted([*ordered, *chosen.values()], key=_OWN[sort]) if chosen else ordered

    def _order(self, overview: Overview, sort: str) -> Sequence[Target]:
        by = _OWN[sort]
        found: Sequence[Target] = self._known(sort, overview, lambda now, old: _sorted(now, old or (), by))
        return found

    def _with(self, part: str, overview: Overview) -> Collection[Target]:
        words: _Words = self._known(_WORDS, overview, _Words.of)
        targets, found = overview.fleet.targets, words.having(part)
        if words.are_all and words.targets is targets:
            return list(found)
        # What was collected can hold a target as it was before, and as it is.
        now = ((one, targets.get(one.key)) for one in found)
        return {new.key: new for one, new in now if new and (new is one or part in new.words)}.values()

    def _known(self, name: str, overview: Overview, make: Callable[[Mapping[str, Target], Any], Any]) -> Any:
        """Return what is made of all targets; of those of a moment ago, where those of now are not ready."""
        targets, kept = overview.fleet.targets, self._kept.get(name)

        def renew() -> None:
            with self._making:
                before = self._kept.get(name)
                if before is None or before.of is not targets:
                    made = make(targets, before.made if before else None)
                    self._kept[name] = _Kept(targets, overview.at, made)

        if kept is None or (kept.of is not targets and overview.at - kept.at > _OLDEST):
            renew()
        elif kept.of is not targets and not self._making.locked():
            self._beside(renew)
        return self._kept[name].made


@dataclass(frozen=True)
class _Kept:
    """What was ``made`` of all targets as they were ``at`` a time; what it is ``of`` is never changed."""

    of: Mapping[str, Target]
    at: datetime
    made: Any


def outlooks(
    orders: TargetOrders, overview: Overview, limit: int, after: str | None, choice: TargetChoice
) -> list[OutlookRow]:
    """Return ``limit`` targets of a ``choice`` by their keys, the first of those ``after`` that one."""
    found = orders.chosen(overview, choice, "key")
    begin = bisect_right(found, after, key=_OWN["key"]) if after is not None else 0
    targets = overview.fleet.targets
    # Some may be gone: a page that is not full would be the last.
    living = (found[n] for n in range(begin, len(found)) if found[n].key in targets)
    return orders.rows(overview, islice(living, limit))


@dataclass(frozen=True)
class _Words:
    """The words of targets, collected in ``parts`` to be searched together; some targets may be gone if these are not ``all``.

    They are searched as bytes: as text, a single letter that is rare would have all others take four times as much memory.
    """

    targets: Mapping[str, Target]
    parts: Sequence[tuple[Sequence[Target], bytes]]
    are_all: bool

    @classmethod
    def of(cls, targets: Mapping[str, Target], before: "_Words | None") -> "_Words":
        """Return those of ``targets``, with what is collected already."""
        parts = before.parts if before else ()
        if len(parts) > _PARTS:
            parts = parts[:1]
        known = {id(one) for some, _ in parts for one in some}
        come = [one for one in targets.values() if id(one) not in known]
        held = len(known) + len(come)
        if len(come) * _FEW > len(targets) or (held - len(targets)) * _FEW > held:
            return cls(targets, (_part(list(targets.values())),), are_all=True)
        return cls(targets, (*parts, _part(come)) if come else parts, are_all=held == len(targets))

    def having(self, part: str) -> Iterable[Target]:
        """Yield the targets that have a text in their words, whatever its case."""
        needle = part.casefold().replace(_END, "").encode("utf-8", "surrogatepass")
        for some, words in self.parts:
            pieces = words.split(needle) if needle else ()
            # How many targets end before each place where it is found.
            ends = accumulate(piece.count(_END.encode()) for piece in pieces[:-1])
            for number in dict.fromkeys(ends):
                yield some[number]


_END = "\0"
_PARTS = 50


def _part(some: Sequence[Target]) -> tuple[Sequence[Target], bytes]:
    words = _END.join([one.words.replace(_END, "") for one in some])
    return some, words.encode("utf-8", "surrogatepass")


def _sorted(
    targets: Mapping[str, Target], before: Sequence[Target], by: Callable[[Target], Any]
) -> Sequence[Target]:
    """Return ``targets`` sorted; ``before`` are some that were sorted, most of which are among them."""
    # Targets are never changed, but others put in their places: those that are the same are where they were.
    known, now = set(map(id, before)), set(map(id, targets.values()))
    come = [one for one in targets.values() if id(one) not in known]
    if len(come) * _FEW > len(targets):
        return sorted(targets.values(), key=by)
    kept = [one for one in before if id(one) in now]
    found: list[Target] = []
    begin = 0
    for one in sorted(come, key=by):
        end = bisect_left(kept, by(one), begin, key=by)
        found += kept[begin:end]
        found.append(one)
        begin = end
    return [*found, *kept[begin:]]


def _by_push(targets: Iterable[Target], overview: Overview) -> Sequence[Target]:
    found: dict[datetime, list[Target]] = {}
    pushed = {name: one.received_at for name, one in overview.newest.items()}
    for one in targets:
        name = one.image_name
        found.setdefault(pushed.get(name, _NEVER) if name else _NEVER, []).append(one)
    return [one for at in sorted(found) for one in found[at]]


def _by_verdict(targets: Iterable[Target], overview: Overview) -> Sequence[Target]:
    found: dict[str, list[Target]] = {}
    behind = {id(one.target): one.verdict.name for one in overview.behind.values()}
    of_names = {name: overview.verdict_on(name).name for name in (None, *overview.fleet.by_name)}
    for one in targets:
        verdict = behind.get(id(one)) or of_names.get(one.image_name, "")
        found.setdefault(verdict, []).append(one)
    return [one for verdict in sorted(found) for one in found[verdict]]
