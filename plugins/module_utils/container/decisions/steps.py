# SPDX-License-Identifier: Apache-2.0
"""The next step of a swap of containers, from what is seen. Pure, and the only place that knows the order.

A swap goes on in one loop: look, ask :func:`next_step`, do it, look again. Nothing is concluded from what was
done before but from what the engine shows, so that a first run, a run after a crash, an answer that got lost
and a person who interferes are all the same case.

At any instant the host may lose power, and its engine comes back with nobody to repair. What it starts by itself is
what has a restart policy and was started before (tried on engines 20.10, 26.1 and 28.5: one that was only created
stays so, and ``always`` starts one that was stopped by hand, ``unless-stopped`` does not). So the old one gets
``always`` as soon as it stopped and keeps it until the new one is proven, and the new one has no policy until then: exactly
one of them comes up. Between the two changes that turn this round, neither would; never both, on one volume.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Optional

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.sight import (
    Pair,
    Seen,
    View,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    ALWAYS,
    BACK,
    NO_POLICY,
    PAUSED,
    Member,
    Swap,
)


class Verb(Enum):
    """What a step does. What is done of each stands in ``container/actions``."""

    WAIT = "wait"  # the engine is still removing a container
    CREATE = "create"  # create the new container, with its files and its tag
    STOP_RESTART = "stop_restart"  # stop a container that is only restarted, before the target goes
    STOP_OLD = "stop_old"  # stop the old container
    STOP_NEW = "stop_new"  # stop the new container, on the way back
    SET_ASIDE_OLD = "set_aside_old"  # give the old container the name that it has meanwhile
    SET_ASIDE_NEW = "set_aside_new"  # likewise the new one, on the way back
    NAME_NEW = "name_new"  # give the new container the name
    NAME_OLD = "name_old"  # give the old container its name again
    ARM_OLD = "arm_old"  # have the old one come up by itself, should the host lose its power
    DISARM_OLD = "disarm_old"  # and no more
    REARM_OLD = "rearm_old"  # give the old one its own restart policy again
    ARM_NEW = "arm_new"  # give the new one its own restart policy
    START_NEW = "start_new"  # start the new container
    START_OLD = "start_old"  # start the old container again
    START_RESTART = "start_restart"  # start, or restart, a container that is only restarted
    GATE = "gate"  # watch the new container until it is good or bad
    PAUSE_NEW = "pause_new"  # pause the new container, as the old one was
    PAUSE_OLD = "pause_old"  # pause the old container again
    PROVE = "prove"  # write down that the old containers may go
    TURN_BACK = "turn_back"  # write down why it is to be undone
    RESTORE_OLD = "restore_old"  # create the old container again: it is gone
    REMOVE_OLD = "remove_old"  # remove the old container
    REMOVE_NEW = "remove_new"  # remove the new container, and the volumes made for it alone
    GIVE_WAY = "give_way"  # the end: the name is somebody else's now
    UPDATED = "updated"  # the end: the new ones are in place
    RESTORED = "restored"  # the end: the old ones are back


# The swap is over with these.
ENDS = (Verb.UPDATED, Verb.RESTORED, Verb.GIVE_WAY)


@dataclass(frozen=True)
class Step:
    """What to do next: ``verb``, for member or restart number ``index``."""

    verb: Verb
    index: int = 0
    reason: str = ""


def next_step(swap: Swap, view: View) -> Step:
    """Return the next step of ``swap``."""
    for index, pair in enumerate(view.pairs):
        if "removing" in (pair.old and pair.old.status, pair.new and pair.new.status):
            return Step(Verb.WAIT, index)
        if pair.holder and pair.holder not in {seen.id for seen in (pair.old, pair.new) if seen}:
            return Step(Verb.GIVE_WAY, index)
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
            return Step(Verb.START_RESTART, index)
    return Step(Verb.PROVE)


def _made(swap: Swap, view: View) -> Optional[Step]:
    """All that can fail comes first: every new container is there before an old one stops."""
    for index, (member, pair) in enumerate(zip(swap.members, view.pairs)):
        if not member.new_id:
            return Step(Verb.CREATE, index)
        if pair.new is None:
            return Step(Verb.TURN_BACK, index, f"the new container of {member.name} is gone")
        if not pair.new.started and pair.new.error:
            # It must not be started again: a second start can bring it up without its ports (moby issue 51758).
            return Step(Verb.TURN_BACK, index, f"{member.name} did not start: {pair.new.error}")
        if not member.wanted_up and pair.old and pair.old.alive:
            return Step(Verb.TURN_BACK, index, f"{member.name} was started in the meantime")
    return None


def _cleared(swap: Swap, view: View) -> Optional[Step]:
    """Whoever leans on the target stops first, and an old one that the engine woke up stops again."""
    target = view.pairs[0].new
    if swap.members[0].wanted_up and target and not target.started:
        for index in reversed(range(len(view.restarts))):
            seen = view.restarts[index]
            if seen and seen.alive:
                return Step(Verb.STOP_RESTART, index)
    for index in reversed(range(len(swap.members))):
        old = view.pairs[index].old
        if old and old.alive:
            return Step(Verb.STOP_OLD, index)
    return None


def _guarded(swap: Swap, view: View) -> Optional[Step]:
    """Until the new ones have passed, the old ones are what comes up by itself when the engine starts.

    They are told so when they have stopped: for a container that runs, an engine has its limits applied anew, too.
    """
    for index, (member, pair) in enumerate(zip(swap.members, view.pairs)):
        old, new = pair.old, pair.new
        is_over = new is not None and (new.is_armed or _has_passed(swap, member, new))
        if member.guarded and old and old.policy != ALWAYS and not is_over:
            return Step(Verb.ARM_OLD, index)
    return None


def _swapped(  # noqa: PLR0911 - one return per step, in their order
    swap: Swap, index: int, member: Member, pair: Pair
) -> Optional[Step]:
    old, new = pair.old, pair.new
    if old and old.name == member.name:
        return Step(Verb.SET_ASIDE_OLD, index)
    if new and new.name != member.name:
        return Step(Verb.NAME_NEW, index)
    if not member.wanted_up or new is None:
        return None
    # One of the two comes up by itself after a restart of the engine, never both.
    if old and old.is_armed and (new.is_armed or not member.guarded):
        return Step(Verb.DISARM_OLD, index)
    if not new.started:
        return Step(Verb.START_NEW, index)
    if member.gated and not _has_passed(swap, member, new):
        return Step(Verb.GATE, index)
    if member.was == PAUSED and new.status == "running":
        return Step(Verb.PAUSE_NEW, index)
    if old and old.is_armed:
        return Step(Verb.DISARM_OLD, index)
    if (new.policy or NO_POLICY) != member.policy_name:
        return Step(Verb.ARM_NEW, index)
    return None


def _has_passed(swap: Swap, member: Member, new: Seen) -> bool:
    # One that is paused has passed: it is not paused before.
    return new.status == "paused" or (member.name in swap.passed and new.well)


def _tidy(view: View) -> Step:
    for index in reversed(range(len(view.pairs))):
        if view.pairs[index].old:
            return Step(Verb.REMOVE_OLD, index)
    return Step(Verb.UPDATED)


def _back(swap: Swap, view: View) -> Step:
    for index in reversed(range(len(view.pairs))):
        new = view.pairs[index].new
        if new and new.alive:
            return Step(Verb.STOP_NEW, index)
    for index, (member, pair) in enumerate(zip(swap.members, view.pairs)):
        step = _restored(index, member, pair)
        if step:
            return step
    provider = view.pairs[0].old
    for index, seen in enumerate(view.restarts):
        if seen and swap.touched and (not seen.alive or (provider and seen.started_at < provider.started_at)):
            return Step(Verb.START_RESTART, index)
    for index in reversed(range(len(view.pairs))):
        if view.pairs[index].new:
            return Step(Verb.REMOVE_NEW, index)
    return Step(Verb.RESTORED)


def _restored(  # noqa: PLR0911 - one return per step, in their order
    index: int, member: Member, pair: Pair
) -> Optional[Step]:
    old, new = pair.old, pair.new
    if new and new.name == member.name:
        return Step(Verb.SET_ASIDE_NEW, index)
    if old is None:
        return Step(Verb.RESTORE_OLD, index)
    if old.name != member.name:
        return Step(Verb.NAME_OLD, index)
    if member.wanted_up and not old.alive:
        return Step(Verb.START_OLD, index)
    if member.was == PAUSED and old.status == "running":
        return Step(Verb.PAUSE_OLD, index)
    # Last, so that it comes up by itself until it is up.
    if (old.policy or NO_POLICY) != member.policy_name:
        return Step(Verb.REARM_OLD, index)
    return None
