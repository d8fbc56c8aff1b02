# SPDX-License-Identifier: Apache-2.0
"""Execute a swap: look, decide (``decisions/steps``), act (``actions``), and again, until it is over one way or the other.

Every change of mind is in the journal before it is acted upon. The engine may go away at any moment, and a
request without an answer may have been carried out: both only mean to look again.
"""

from __future__ import annotations

import re
import time
from typing import Optional

from ansible_collections.registry.docker_updater.plugins.module_utils.container.actions import ACTIONS
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.sight import View
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.steps import (
    ENDS,
    Step,
    Verb,
    doubted,
    next_step,
    resumed,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    BACK,
    Swap,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.work import PAUSE, Stuck, Work
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    EngineUnreachable,
    NoAnswer,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.stages import (
    CREATED,
    PROVEN,
    STARTED,
    STOPPED,
)

_TRIES = 5
_FINAL = (Verb.CREATE, Verb.START_NEW)  # trying these again can do harm, or takes time while nothing runs
_NEW_IMAGE_IS_BAD = re.compile(
    r"exec:|exec format error|executable file not found|unable to find user|no matching entries in"
    r"|chdir to cwd|no command specified",
    re.IGNORECASE,
)
_STAGES = {
    Verb.CREATE: CREATED,
    Verb.STOP_OLD: STOPPED,
    Verb.START_NEW: STARTED,
    Verb.PROVE: PROVEN,
}
_REFUSALS = {
    Verb.CREATE.value: "the engine did not create its new container",
    Verb.START_NEW.value: "its new container did not start",
    Verb.STOP_OLD.value: "it did not stop",
    Verb.START_OLD.value: "its old container did not start again",
    **dict.fromkeys(
        (Verb.ARM_OLD.value, Verb.DISARM_OLD.value, Verb.REARM_OLD.value, Verb.ARM_NEW.value),
        "its restart policy could not be changed",
    ),
}


def execute(work: Work) -> Verb:
    """Go on with a swap to its end and return that: one of :data:`ENDS`. Raises :class:`Stuck`."""
    while True:
        step: Optional[Step] = None
        try:
            view = _look(work)
            step = next_step(work.swap, view)
            ACTIONS[step.verb](work, step, view)
            if step.verb in _STAGES and step.index == 0:
                work.stages.setdefault(_STAGES[step.verb], time.monotonic())
            if step.verb in ENDS:
                return step.verb
        except (EngineUnreachable, NoAnswer) as error:
            work.is_suspect = work.was_away = True
            work.wait(str(error))
        except EngineError as error:
            _refused(work, step, error)
        else:
            if step and step.verb is not Verb.WAIT:
                work.trouble_since = None


def resume(work: Work) -> None:
    """Take up a swap that was found in the journal."""
    view = _without_doubtful(work, work.view())
    work.remember(resumed(work.swap, view))


def _look(work: Work) -> View:
    if work.engine_start is None or work.was_away:
        work.engine_restarted()
    view = work.view()
    if work.was_away:
        view = _without_doubtful(work, view)
        work.remember(doubted(work.swap, view))
        work.was_away = False
    return view


def _without_doubtful(work: Work, view: View) -> View:
    """Remove new containers whose start failed: not for their own fault, perhaps, but with who asked for it.

    They are made anew: a second start of the same one can bring it up without its ports (moby issue 51758).
    """
    if work.swap.direction == BACK:
        return view
    for index, pair in enumerate(view.pairs):
        if pair.new and not pair.new.started and pair.new.error:
            work.containers.remove(pair.new.id)
            work.remember(work.swap.with_member(index, new_id=""))
    return work.view()


def _refused(work: Work, step: Optional[Step], error: EngineError) -> None:
    """Look again after a refusal by the engine; after some, turn back, or stop where that is no way."""
    if step and step.verb is Verb.START_NEW and _is_another_engine(work):
        # The old one came up with the engine, and has the ports.
        work.is_suspect = work.was_away = True
        return
    work.failures[step] = work.failures.get(step, 0) + 1
    may_turn = work.swap.direction != BACK and not work.swap.proven
    if may_turn and ((step and step.verb in _FINAL) or work.failures[step] >= _TRIES):
        blamed = (
            step is not None and step.verb is Verb.START_NEW and bool(_NEW_IMAGE_IS_BAD.search(error.message))
        )
        work.remember(work.swap.turned_back(_sentence(step, work.swap, error.message), blamed=blamed))
    elif work.failures[step] >= _TRIES:
        raise Stuck(_sentence(step, work.swap, error.message))
    else:
        time.sleep(PAUSE * work.failures[step])


def _is_another_engine(work: Work) -> bool:
    """Tell whether the engine was restarted, or is about to be: one that ends refuses what it is asked."""
    try:
        return work.engine_restarted()
    except (EngineUnreachable, NoAnswer):
        return True


def _sentence(step: Optional[Step], swap: Swap, message: str) -> str:
    verb, index = (step.verb.value, step.index) if step else ("look", 0)
    what = _REFUSALS.get(verb, "the engine refused to " + verb.replace("_", " "))
    member = swap.members[index] if index < len(swap.members) else swap.members[0]
    return f"{member.name}: {what}: {message}"
