# SPDX-License-Identifier: Apache-2.0
"""The next step of a swap of containers, from what is seen. Pure, and the only place that knows the order.

A swap goes on in one loop: look, ask :func:`next_step`, do it, look again. Nothing is concluded from what was
done before but from what the engine shows, so that a first run, a run after a crash, an answer that got lost
and a person who interferes are all the same case.

A swap has members: the target first, then the containers that must be created again because of it. Each has
an old and a new container under three names: its own, and two that hold the swap's token, by which the swap
knows its own containers again even when it died before it could write their ids down.

At any instant the host may lose power, and its engine comes back with nobody to repair. What it starts by itself is
what has a restart policy and was started before (tried on engines 20.10, 26.1 and 28.5: one that was only created
stays so, and ``always`` starts one that was stopped by hand, ``unless-stopped`` does not). So the old one gets
``always`` as soon as it stopped and keeps it until the new one is proven, and the new one has no policy until then: exactly
one of them comes up. Between the two changes that turn this round, neither would; never both, on one volume.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

FORWARD, BACK = "forward", "back"
RUNNING, PAUSED, STOPPED = "running", "paused", "stopped"
NO_POLICY, ALWAYS = "no", "always"

_ALIVE = ("running", "paused", "restarting")
_ASIDE = re.compile(r".+\.updater-[0-9a-f]{8}-(old|new)")


def is_aside(name: str) -> bool:
    """Tell whether ``name`` is one that a swap gives its containers while they have not their own."""
    return _ASIDE.fullmatch(name) is not None


@dataclass(frozen=True)
class Member:
    """One container to be replaced: ``was`` is RUNNING, PAUSED or STOPPED.

    ``create`` and ``restore`` are what makes the new one, and the old one again should it be lost (a container
    started with --rm vanishes when it is stopped): body, platform, connect, disconnect, image (id).
    ``policy`` is the old one's restart policy; ``files`` are copied from the old one into the new one; ``gated``
    tells that the new one must prove itself.
    """

    name: str
    old_id: str
    was: str
    policy: Mapping[str, Any]
    vanishes: bool
    create: Mapping[str, Any]
    restore: Mapping[str, Any]
    files: Tuple[str, ...] = ()
    gated: bool = True
    new_id: str = ""

    @property
    def wanted_up(self) -> bool:
        """Whether the container is to run in the end."""
        return self.was != STOPPED

    @property
    def policy_name(self) -> str:
        """The name of the restart policy that it has in the end."""
        return self.policy.get("Name") or NO_POLICY

    @property
    def guarded(self) -> bool:
        """Whether the old one gets a restart policy for as long as the new one is not proven, and the new one none.

        Not one that vanishes when it stops, which can have no policy, and not one that has nothing to prove: that may
        crash again and again, as the old one did, and needs its policy for it.
        """
        return self.wanted_up and self.gated and not self.vanishes


@dataclass(frozen=True)
class Swap:
    """A swap as the journal keeps it. ``direction`` is FORWARD until something speaks against the new container.

    ``restarts`` are ids of containers that only stop before and start after (Compose's ``restart: true``);
    ``passed`` names members whose gate is behind them; ``proven`` says that the old ones may go;
    ``touched`` that something running was stopped, so that going back brings something back;
    ``blamed`` that the image itself was found bad.
    """

    token: str
    members: Tuple[Member, ...]
    restarts: Tuple[str, ...]
    wanted: Mapping[str, Any]
    direction: str = FORWARD
    reason: str = ""
    blamed: bool = False
    touched: bool = False
    proven: bool = False
    passed: Tuple[str, ...] = ()
    warnings: Tuple[str, ...] = ()

    def aside(self, member: Member, which: str) -> str:
        """Return the name of ``member``'s ``which`` ("old" or "new") container while it has not its own."""
        return f"{member.name}.updater-{self.token}-{which}"

    def turned_back(self, reason: str, *, blamed: bool = False) -> "Swap":
        """Return the swap on its way back, for the first reason given."""
        if self.direction == BACK:
            return self
        return replace(self, direction=BACK, reason=reason, blamed=blamed)

    def with_member(self, index: int, **changes: Any) -> "Swap":
        """Return the swap with one member changed."""
        members = list(self.members)
        members[index] = replace(members[index], **changes)
        return replace(self, members=tuple(members))

    def as_json(self) -> Dict[str, Any]:
        """Return what a journal keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Swap":
        """Return the swap that a journal kept; raises TypeError or KeyError for anything else."""
        known = dict(kept)
        known["members"] = tuple(Member(**{**one, "files": tuple(one["files"])}) for one in kept["members"])
        for key in ("restarts", "passed", "warnings"):
            known[key] = tuple(kept[key])
        return cls(**known)


@dataclass(frozen=True)
class Seen:
    """One container as the engine shows it: ``status`` is State.Status, ``error`` State.Error, ``started_at`` ns since 1970.

    ``finished`` tells of one that does its work once that it has done it.
    """

    id: str
    name: str
    status: str
    started: bool = True
    started_at: int = 0
    error: str = ""
    policy: str = ""
    finished: bool = False

    @property
    def alive(self) -> bool:
        """Whether its processes exist, or will again by themselves."""
        return self.status in _ALIVE

    @property
    def is_armed(self) -> bool:
        """Whether it may come up by itself when the engine starts."""
        return self.policy not in ("", NO_POLICY)

    @property
    def well(self) -> bool:
        """Whether it is as it should be in the end, as far as its status tells."""
        return self.alive or self.finished


@dataclass(frozen=True)
class Pair:
    """A member as it is: its two containers, and the id of whoever has its name."""

    old: Optional[Seen]
    new: Optional[Seen]
    holder: str = ""


@dataclass(frozen=True)
class Step:
    """What to do next: ``verb``, for member or restart number ``index``."""

    verb: str
    index: int = 0
    reason: str = ""


@dataclass(frozen=True)
class View:
    """All that the decision needs: one pair per member, and what is seen of each restart (None: gone)."""

    pairs: Sequence[Pair]
    restarts: Sequence[Optional[Seen]] = field(default_factory=tuple)


def next_step(swap: Swap, view: View) -> Step:
    """Return the next step of ``swap``.

    Verbs: wait; create; stop_old, stop_new, stop_restart; set_aside_old, set_aside_new; name_old, name_new;
    arm_old (have it come back by itself), disarm_old (no more), rearm_old, arm_new (its own restart policy); start_new,
    start_old, start_restart; gate; pause_new, pause_old; prove; turn_back; restore_old (create it again); remove_old,
    remove_new; give_way (the name is somebody else's now); updated, restored (the end).
    """
    for index, pair in enumerate(view.pairs):
        if "removing" in (pair.old and pair.old.status, pair.new and pair.new.status):
            return Step("wait", index)
        if pair.holder and pair.holder not in {seen.id for seen in (pair.old, pair.new) if seen}:
            return Step("give_way", index)
    if swap.direction == BACK:
        return _back(swap, view)
    if swap.proven:
        return _tidy(view)
    return _forward(swap, view)


def resumed(swap: Swap, view: View) -> Swap:
    """Return a swap that was found in the journal as it is to be gone on with."""
    if swap.direction != BACK and _is_untouched(swap, view):
        back = swap.turned_back("the update was interrupted before anything was stopped")
        return replace(back, touched=False)
    return doubted(swap, view)


def doubted(swap: Swap, view: View) -> Swap:
    """Return ``swap`` after the engine, or its host, may have stopped: what had passed then may not be up now."""
    pairs = zip(swap.members, view.pairs)
    are_well = all(pair.new is not None and _is_as_wanted(one, pair.new) for one, pair in pairs)
    return replace(swap, passed=(), proven=swap.proven and are_well)


def _is_as_wanted(member: Member, new: Seen) -> bool:
    if member.was == PAUSED:
        return new.status == "paused"
    return new.well or not member.wanted_up


def _is_untouched(swap: Swap, view: View) -> bool:
    """Tell whether nothing was stopped, renamed or started yet: the swap can be dropped and planned anew."""
    for member, pair in zip(swap.members, view.pairs):
        if pair.old is None or pair.old.name != member.name or (member.wanted_up and not pair.old.alive):
            return False
        if pair.new is not None and pair.new.started:
            return False
    return all(seen is None or seen.alive for seen in view.restarts)


def _forward(swap: Swap, view: View) -> Step:
    step = _made(swap, view) or _cleared(swap, view) or _guarded(swap, view)
    if step:
        return step
    for index, (member, pair) in enumerate(zip(swap.members, view.pairs)):
        step = _swapped(swap, index, member, pair)
        if step:
            return step
    for index, seen in enumerate(view.restarts):
        if seen and not seen.alive:
            return Step("start_restart", index)
    return Step("prove")


def _made(swap: Swap, view: View) -> Optional[Step]:
    """All that can fail comes first: every new container is there before an old one stops."""
    for index, (member, pair) in enumerate(zip(swap.members, view.pairs)):
        if not member.new_id:
            return Step("create", index)
        if pair.new is None:
            return Step("turn_back", index, f"the new container of {member.name} is gone")
        if not pair.new.started and pair.new.error:
            # It must not be started again: a second start can bring it up without its ports (moby issue 51758).
            return Step("turn_back", index, f"{member.name} did not start: {pair.new.error}")
        if not member.wanted_up and pair.old and pair.old.alive:
            return Step("turn_back", index, f"{member.name} was started in the meantime")
    return None


def _cleared(swap: Swap, view: View) -> Optional[Step]:
    """Whoever leans on the target stops first, and an old one that the engine woke up stops again."""
    target = view.pairs[0].new
    if swap.members[0].wanted_up and target and not target.started:
        for index in reversed(range(len(view.restarts))):
            seen = view.restarts[index]
            if seen and seen.alive:
                return Step("stop_restart", index)
    for index in reversed(range(len(swap.members))):
        old = view.pairs[index].old
        if old and old.alive:
            return Step("stop_old", index)
    return None


def _guarded(swap: Swap, view: View) -> Optional[Step]:
    """Until the new ones have passed, the old ones are what comes up by itself when the engine starts.

    They are told so when they have stopped: for a container that runs, an engine has its limits applied anew, too.
    """
    for index, (member, pair) in enumerate(zip(swap.members, view.pairs)):
        old, new = pair.old, pair.new
        is_over = new is not None and (new.is_armed or _has_passed(swap, member, new))
        if member.guarded and old and old.policy != ALWAYS and not is_over:
            return Step("arm_old", index)
    return None


def _swapped(  # noqa: PLR0911 - one return per step, in their order
    swap: Swap, index: int, member: Member, pair: Pair
) -> Optional[Step]:
    old, new = pair.old, pair.new
    if old and old.name == member.name:
        return Step("set_aside_old", index)
    if new and new.name != member.name:
        return Step("name_new", index)
    if not member.wanted_up or new is None:
        return None
    # One of the two comes up by itself after a restart of the engine, never both.
    if old and old.is_armed and (new.is_armed or not member.guarded):
        return Step("disarm_old", index)
    if not new.started:
        return Step("start_new", index)
    if member.gated and not _has_passed(swap, member, new):
        return Step("gate", index)
    if member.was == PAUSED and new.status == "running":
        return Step("pause_new", index)
    if old and old.is_armed:
        return Step("disarm_old", index)
    if (new.policy or NO_POLICY) != member.policy_name:
        return Step("arm_new", index)
    return None


def _has_passed(swap: Swap, member: Member, new: Seen) -> bool:
    # One that is paused has passed: it is not paused before.
    return new.status == "paused" or (member.name in swap.passed and new.well)


def _tidy(view: View) -> Step:
    for index in reversed(range(len(view.pairs))):
        if view.pairs[index].old:
            return Step("remove_old", index)
    return Step("updated")


def _back(swap: Swap, view: View) -> Step:
    for index in reversed(range(len(view.pairs))):
        new = view.pairs[index].new
        if new and new.alive:
            return Step("stop_new", index)
    for index, (member, pair) in enumerate(zip(swap.members, view.pairs)):
        step = _restored(index, member, pair)
        if step:
            return step
    provider = view.pairs[0].old
    for index, seen in enumerate(view.restarts):
        if seen and swap.touched and (not seen.alive or (provider and seen.started_at < provider.started_at)):
            return Step("start_restart", index)
    for index in reversed(range(len(view.pairs))):
        if view.pairs[index].new:
            return Step("remove_new", index)
    return Step("restored")


def _restored(  # noqa: PLR0911 - one return per step, in their order
    index: int, member: Member, pair: Pair
) -> Optional[Step]:
    old, new = pair.old, pair.new
    if new and new.name == member.name:
        return Step("set_aside_new", index)
    if old is None:
        return Step("restore_old", index)
    if old.name != member.name:
        return Step("name_old", index)
    if member.wanted_up and not old.alive:
        return Step("start_old", index)
    if member.was == PAUSED and old.status == "running":
        return Step("pause_old", index)
    # Last, so that it comes up by itself until it is up.
    if (old.policy or NO_POLICY) != member.policy_name:
        return Step("rearm_old", index)
    return None
