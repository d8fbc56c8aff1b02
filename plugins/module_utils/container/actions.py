# SPDX-License-Identifier: Apache-2.0
"""What is done of each step of a swap: one action each, in one table. What comes next is decided anew after it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import Any, Callable, Dict, Mapping, Optional

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    as_seen,
    reference_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.sight import (
    Pair,
    Seen,
    View,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.steps import (
    Step,
    Verb,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    ALWAYS,
    NO_POLICY,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.gate import gate
from ansible_collections.registry.docker_updater.plugins.module_utils.container.making import (
    create,
    remove_new,
    restore_old,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.work import Stuck, Work
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import NotFound
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference

# How often an old container is started, for each that there is.
_STARTS = 5

Action = Callable[[Work, Step, View], None]


def _wait(work: Work, step: Step, _: View) -> None:
    work.wait(f"the engine does not come to an end with removing {work.swap.members[step.index].name}")


def _turn_back(work: Work, step: Step, _: View) -> None:
    work.remember(work.swap.turned_back(step.reason))


def _prove(work: Work, _step: Step, _view: View) -> None:
    work.remember(replace(work.swap, proven=True))


def _stop_restart(work: Work, step: Step, _: View) -> None:
    _stop_one_to_restart(work, work.swap.restarts[step.index])


def _start_restart(work: Work, step: Step, _: View) -> None:
    """Stop it first where it runs: it is to see what it leans on come up."""
    identity = work.swap.restarts[step.index]
    if _stop_one_to_restart(work, identity):
        work.containers.start(identity)


def _stop_one_to_restart(work: Work, identity: str) -> bool:
    """Stop a container where it runs; tell whether it is still there."""
    container = work.containers.look(identity)
    if container is None:
        return False
    work.remember(replace(work.swap, touched=True))
    if as_seen(container).alive:
        work.containers.stop(container)
    return True


def _stop_old(work: Work, index: int, pair: Pair) -> None:
    work.remember(replace(work.swap, touched=True))
    container = work.containers.look(pair.old.id) if pair.old else None
    if container:
        # It came up again: the engine was restarted, unseen by us, and has ended the new one then.
        work.is_suspect = work.is_suspect or container["Id"] in work.stopped
        work.stopped.add(container["Id"])
        if index == 0 and work.stopped_at is None:
            work.stopped_at = time.monotonic()
        work.containers.stop(container)


def _stop_new(work: Work, _: int, pair: Pair) -> None:
    container = work.containers.look(pair.new.id) if pair.new else None
    if container:
        work.containers.stop(container)


def _set_aside_old(work: Work, index: int, pair: Pair) -> None:
    _rename(work, pair.old, work.swap.aside(work.swap.members[index], "old"))


def _set_aside_new(work: Work, index: int, pair: Pair) -> None:
    _rename(work, pair.new, work.swap.aside(work.swap.members[index], "new"))


def _name_new(work: Work, index: int, pair: Pair) -> None:
    _rename(work, pair.new, work.swap.members[index].name)


def _name_old(work: Work, index: int, pair: Pair) -> None:
    _rename(work, pair.old, work.swap.members[index].name)


def _rename(work: Work, seen: Optional[Seen], name: str) -> None:
    if seen:
        work.containers.rename(seen.id, name)


def _arm_old(work: Work, _: int, pair: Pair) -> None:
    _set_policy(work, pair.old, {"Name": ALWAYS})


def _disarm_old(work: Work, _: int, pair: Pair) -> None:
    _set_policy(work, pair.old, {"Name": NO_POLICY})


def _rearm_old(work: Work, index: int, pair: Pair) -> None:
    _set_policy(work, pair.old, work.swap.members[index].policy)


def _arm_new(work: Work, index: int, pair: Pair) -> None:
    _set_policy(work, pair.new, work.swap.members[index].policy)


def _set_policy(work: Work, seen: Optional[Seen], policy: Mapping[str, Any]) -> None:
    if seen:
        work.containers.set_policy(seen.id, policy or {"Name": NO_POLICY})


def _start_new(work: Work, index: int, pair: Pair) -> None:
    if pair.new:
        work.containers.start(pair.new.id)
        if index == 0 and work.stopped_at is not None:
            work.downtime = round(time.monotonic() - work.stopped_at, 3)


def _start_old(work: Work, index: int, pair: Pair) -> None:
    work.starts += 1
    if work.starts > _STARTS * len(work.swap.members):
        raise Stuck(f"{work.swap.members[index].name}: its old container does not stay up, either")
    if pair.old:
        work.containers.start(pair.old.id)


def _pause_new(work: Work, _: int, pair: Pair) -> None:
    if pair.new:
        work.containers.pause(pair.new.id)


def _pause_old(work: Work, _: int, pair: Pair) -> None:
    if pair.old:
        work.containers.pause(pair.old.id)


def _remove_old(work: Work, _: int, pair: Pair) -> None:
    if pair.old:
        work.containers.remove(pair.old.id)


def _give_way(work: Work, _: Step, view: View) -> None:
    """Somebody else has the name: take away only what was made here and runs nowhere."""
    for index, pair in enumerate(view.pairs):
        if pair.new and not pair.new.alive and pair.new.name != work.swap.members[index].name:
            work.containers.remove(pair.new.id)
    work.journal.drop(work.swap.wanted["name"])


def _end_updated(work: Work, _step: Step, _view: View) -> None:
    wanted = work.swap.wanted
    reference = reference_of(wanted["image"])
    if reference:
        work.containers.tag(wanted["new_image"], reference)
    work.journal.drop(wanted["name"])


def _end_restored(work: Work, _step: Step, _view: View) -> None:
    wanted = work.swap.wanted
    reference = reference_of(wanted["image"])
    if reference and wanted.get("tag_before") and not work.containers.image_users(wanted["new_image"]):
        # Otherwise the next `docker compose up` would bring the bad image.
        _retag(work, wanted["tag_before"], reference)
    if work.swap.blamed:
        work.journal.refuse(wanted["name"], wanted["digest"], work.swap.reason, work.swap.log)
    work.journal.drop(wanted["name"])


def _retag(work: Work, image: str, reference: Reference) -> None:
    with suppress(NotFound):  # the image is gone
        work.containers.tag(image, reference)


def _for_member(action: Callable[[Work, int, Pair], None]) -> Action:
    """Return an action that is done to one member, with what is seen of it."""
    return lambda work, step, view: action(work, step.index, view.pairs[step.index])


ACTIONS: Dict[Verb, Action] = {
    Verb.WAIT: _wait,
    Verb.CREATE: _for_member(create),
    Verb.STOP_RESTART: _stop_restart,
    Verb.STOP_OLD: _for_member(_stop_old),
    Verb.STOP_NEW: _for_member(_stop_new),
    Verb.SET_ASIDE_OLD: _for_member(_set_aside_old),
    Verb.SET_ASIDE_NEW: _for_member(_set_aside_new),
    Verb.NAME_NEW: _for_member(_name_new),
    Verb.NAME_OLD: _for_member(_name_old),
    Verb.ARM_OLD: _for_member(_arm_old),
    Verb.DISARM_OLD: _for_member(_disarm_old),
    Verb.REARM_OLD: _for_member(_rearm_old),
    Verb.ARM_NEW: _for_member(_arm_new),
    Verb.START_NEW: _for_member(_start_new),
    Verb.START_OLD: _for_member(_start_old),
    Verb.START_RESTART: _start_restart,
    Verb.GATE: _for_member(gate),
    Verb.PAUSE_NEW: _for_member(_pause_new),
    Verb.PAUSE_OLD: _for_member(_pause_old),
    Verb.PROVE: _prove,
    Verb.TURN_BACK: _turn_back,
    Verb.RESTORE_OLD: _for_member(restore_old),
    Verb.REMOVE_OLD: _for_member(_remove_old),
    Verb.REMOVE_NEW: _for_member(remove_new),
    Verb.GIVE_WAY: _give_way,
    Verb.UPDATED: _end_updated,
    Verb.RESTORED: _end_restored,
}
