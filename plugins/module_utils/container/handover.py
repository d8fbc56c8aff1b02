# SPDX-License-Identifier: Apache-2.0
"""Work that would end the container in which it is done: it is handed over to a helper, a container beside it, that outlives it.

What is handed over is a file beside the journals, ``{begun_at, targets, helper, params, containers}``, and becomes ``{begun_at,
targets, helper, answer}`` once it is done. It is there until somebody has taken the answer, and removed the helper: who asked, where
that one still lives, else whoever works here next. So nothing is lost with the container that asked, and no helper is forgotten that
was killed.
"""

from __future__ import annotations

import os
import secrets
import sys
import sysconfig
import time
from contextlib import suppress
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set

from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    Inspect,
    as_seen,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.own import (
    has_mount,
    helper_body,
    helper_name,
    is_along,
    own_ids,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.relations import (
    name_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import (
    Journal,
    read_file,
    write_file,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    Conflict,
    EngineError,
    EngineUnreachable,
    NoAnswer,
)

Answer = Dict[str, Any]

_HELPER = "ansible_collections.registry.docker_updater.plugins.module_utils.container.helper"
_COLLECTION = "ansible_collections/registry/docker_updater"
_PAUSE_SECONDS = 0.5
# How often a helper is started that ends without an answer; the engine itself starts it again meanwhile.
_STARTS = 3


def ids_of_own_container() -> Set[str]:
    """Return the id of the container in which this process runs, nothing outside of any."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            return own_ids(file.read())
    except OSError:
        return set()


def own_container(containers: Containers) -> Optional[Inspect]:
    """Return the container of this engine in which this process runs, None where there is none such."""
    found = (containers.look(identity) for identity in sorted(ids_of_own_container()))
    return next((one for one in found if one), None)


def why_not(own: Inspect, directory: str) -> str:
    """Say why what stops the container ``own`` is not done at all: it cannot be handed over; ``directory`` is the journal's."""
    if not _is_our_image():
        why = "its image has not the collection installed beside Python, so no helper can be made of it"
    elif not has_mount(own, directory):
        why = f"{directory} is in no volume, so no journal would outlive it"
    else:
        return ""
    return f"{name_of(own)}, the container in which this very process runs, would be stopped, and nobody left to start it again: {why}"


def why_not_here(target: Inspect, found: Sequence[Inspect], directory: str) -> str:
    """Say why the container ``target`` is not replaced from here, as :func:`why_not` does; ``found`` are all containers."""
    ids = ids_of_own_container()
    stopped = (own for own in found if own["Id"] in ids and is_along(own["Id"], target, found))
    return next((why_not(own, directory) for own in stopped), "")


def _is_our_image() -> bool:
    return os.path.isdir(os.path.join(sysconfig.get_path("purelib"), _COLLECTION))


def hand_over(
    containers: Containers,
    journal: Journal,
    own: Inspect,
    asked: Mapping[str, Any],
    targets: Sequence[Mapping[str, str]],
) -> Optional[Answer]:
    """Have a helper of the container ``own`` do what is ``asked``, and return its answer; in the midst of it ``own`` may be stopped.

    ``asked`` are ``params``, the module's options, and ``containers``, those that it was asked for. ``targets`` says what it is about, for
    scans: name, image and digest of each.
    """
    token = secrets.token_hex(4)
    path = journal.file_of_handover(token)
    helper = {
        "name": helper_name(own, token),
        "body": helper_body(own, [sys.executable, "-m", _HELPER, path]),
    }
    write_file(path, {"begun_at": time.time(), "targets": targets, "helper": helper, **asked})
    return _follow(containers, journal, token)


def answers_of_others(containers: Containers, journal: Journal) -> List[Answer]:
    """Return the answers to what was handed over by who did not live to hear them; what is on its way is waited for."""
    answers = (_follow(containers, journal, token) for token in journal.handovers())
    return [answer for answer in answers if answer]


def _follow(containers: Containers, journal: Journal, token: str) -> Optional[Answer]:
    """Return the answer, once it is there; None where somebody else took it."""
    starts, helper, answer = 0, "", None
    while answer is None:
        kept = read_file(journal.file_of_handover(token))
        if not kept:
            return None
        helper, answer = kept["helper"]["name"], kept.get("answer")
        if answer is None:
            try:
                starts += _keep_going(containers, kept["helper"])
            except EngineError as error:
                answer = {"error": f"no helper could be started, so nothing was done: {error}"}
            except (EngineUnreachable, NoAnswer):
                pass  # it is back soon, or the helper ends without us
        if starts > _STARTS:
            answer = {"error": f"the helper {helper} ended again and again without an answer"}
        time.sleep(_PAUSE_SECONDS if answer is None else 0)
    is_ours = journal.take_handover(token)
    with suppress(EngineError, EngineUnreachable, NoAnswer):
        containers.engine.delete(f"/containers/{helper}", {"force": True})
    return answer if is_ours else None


def _keep_going(containers: Containers, helper: Mapping[str, Any]) -> int:
    """Start the helper where it does not run; tell whether it was, as a number."""
    found = containers.look(helper["name"])
    if found and as_seen(found).alive:
        return 0
    try:
        identity = found["Id"] if found else _create(containers, helper)
        containers.start(identity)
    except Conflict:
        return 0  # somebody else does so at this moment
    return 1


def _create(containers: Containers, helper: Mapping[str, Any]) -> str:
    return containers.create(
        helper["name"], {"body": helper["body"], "platform": "", "connect": {}, "disconnect": []}
    )
