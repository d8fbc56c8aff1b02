# SPDX-License-Identifier: Apache-2.0
"""Execute a swap to its end, or take up what earlier runs left, and say what became of it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import List, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.steps import Verb
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    BACK,
    Swap,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap_json import (
    UnreadableSwap,
    from_json,
    to_json,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.execute import execute, resume
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal
from ansible_collections.registry.docker_updater.plugins.module_utils.container.results import (
    Result,
    result_of_swap,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.side_by_side import at_once
from ansible_collections.registry.docker_updater.plugins.module_utils.container.work import (
    Options,
    Stuck,
    Work,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    EngineUnreachable,
    NoAnswer,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.moves import moved
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import (
    FAILED,
    ROLLBACK_FAILED,
    ROLLED_BACK,
    SUPERSEDED,
    UNCHANGED,
    UPDATED,
)


def begin(
    containers: Containers, journal: Journal, swap: Swap, options: Options, *, cleanup: bool = False
) -> Result:
    """Write ``swap`` down, execute it, and return the result of its target; ``cleanup`` removes the old image."""
    begun = time.monotonic()
    journal.keep(swap.wanted["name"], to_json(swap))
    work = Work(containers, journal, swap, options)
    return _finish(work, begun, cleanup=cleanup, was_found=False)


def take_up(containers: Containers, journal: Journal, swap: Swap, options: Options) -> Result:
    """Go on with a ``swap`` that was found in the journal, and return the result of its target."""
    begun = time.monotonic()
    work = Work(containers, journal, swap, options, is_suspect=True)
    return _finish(work, begun, cleanup=False, was_found=True)


def _finish(work: Work, begun: float, *, cleanup: bool, was_found: bool) -> Result:
    def result(outcome: str, message: str) -> Result:
        return result_of_swap(work, outcome, message, time.monotonic() - begun)

    try:
        if was_found:
            resume(work)
        end = execute(work)
    except Stuck as stuck:
        outcome = ROLLBACK_FAILED if work.swap.direction == BACK and work.swap.touched else FAILED
        return result(outcome, _stuck_message(work.swap, stuck))
    except (EngineUnreachable, NoAnswer, EngineError) as error:
        return result(FAILED, _stuck_message(work.swap, Stuck(str(error))))
    done = work.swap
    name = done.wanted["name"]
    if end is Verb.GIVE_WAY:
        asides = [done.aside(member, "old") for member in done.members]
        kept = ", ".join(name for name in asides if work.containers.look(name))
        message = f"somebody else created a container called {name} meanwhile, which was left alone"
        message += f"; the former one is kept, stopped, as {kept}" if kept else ""
        return result(SUPERSEDED, message)
    if end is Verb.UPDATED:
        warnings = _remove_old_image(work.containers, done) if cleanup else ()
        work.swap = replace(done, warnings=(*done.warnings, *warnings))
        words = moved(done.wanted.get("image_before") or "", done.wanted["image"])
        return result(UPDATED, f"{name} now runs {done.wanted['digest']}{words}")
    if not done.touched:
        outcome = UNCHANGED if was_found else FAILED
        return result(outcome, f"{name} was not touched: {done.reason}")
    words = "the old container is back" if done.members[0].wanted_up else "the old container was kept"
    again = "; this digest is not tried there again" if done.blamed else ""
    return result(ROLLED_BACK, f"{done.reason}; {words}{again}")


def repair(containers: Containers, journal: Journal, options: Options) -> List[Result]:
    """Finish every swap that the journal holds, side by side, and return their results; one that nobody can read hinders none."""
    return at_once(lambda swap: take_up(containers, journal, swap, options), repairable(journal))


def repairable(journal: Journal) -> List[Swap]:
    """Return the swaps that the journal holds and this version can read; of the others, every scan tells."""
    swaps = []
    for kept in list(journal.swaps()):
        with suppress(UnreadableSwap):
            swaps.append(from_json(kept))
    return swaps


def _stuck_message(swap: Swap, stuck: Stuck) -> str:
    reason = f"{swap.reason}; then " if swap.reason else ""
    return (
        f"{reason}{stuck}. The update of {swap.wanted['name']} stopped half-way: nothing was removed, and the operator,"
        " or repair.yml, has it gone on with"
    )


def _remove_old_image(containers: Containers, swap: Swap) -> Tuple[str, ...]:
    """Remove the image that is no longer needed; one that a container uses, or that has another name, stays."""
    image = containers.image(swap.wanted["old_image"])
    # Without a list of its names it may have some.
    if image is None or image.get("RepoTags") != [] or containers.image_users(image["Id"]):
        return ()
    try:
        for name in image.get("RepoDigests") or [image["Id"]]:
            containers.engine.delete(f"/images/{name}")
    except EngineError as error:
        return (f"the old image {image['Id']} was not removed: {error.message}",)
    return ()
