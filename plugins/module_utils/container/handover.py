# SPDX-License-Identifier: Apache-2.0
"""Work that would end the container in which it is done: it is handed over to a helper, a container beside it, that outlives it.

What is handed over is a file beside the journals, ``{begun_at, targets, helper, params, containers}``, and becomes ``{begun_at,
targets, helper, answer}`` once it is done. It is there until the helper is removed: by who asked, where that one still lives, else by
whoever works here next. So nothing is lost with the container that asked, and no helper is forgotten that was killed. One at a time
looks at these files and does what is next.
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
    networks_of_helper,
    own_ids,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.relations import (
    name_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import (
    Journal,
    Lock,
    read_file,
    write_file,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    EngineUnreachable,
    NoAnswer,
    NotFound,
)

Answer = Dict[str, Any]

_HELPER = "ansible_collections.registry.docker_updater.plugins.module_utils.container.helper"
_COLLECTION = "ansible_collections/registry/docker_updater"
_PAUSE_SECONDS = 0.5
# How often a helper is started that ends without an answer; the engine itself starts it again meanwhile.
_STARTS = 3
_LONGEST_WAIT = 3600.0  # for the lock, in seconds


class _NoHelper(Exception):
    """There will be no answer of a helper; says why."""


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
    first, *further = networks_of_helper(own, has_socket=containers.engine.address.startswith("unix://"))
    helper = {
        "name": helper_name(own, token),
        "body": helper_body(own, [sys.executable, "-m", _HELPER, path], first),
        "networks": further,
    }
    with lock(journal.directory):
        write_file(path, {"begun_at": time.time(), "targets": targets, "helper": helper, **asked})
    return _follow(containers, journal, token)


def answers_of_others(containers: Containers, journal: Journal) -> List[Answer]:
    """Return the answers to what was handed over by who did not live to hear them; what is on its way is waited for."""
    with lock(journal.directory):
        journal.drop_drafts_of_handovers()
    answers = (_follow(containers, journal, token) for token in journal.handovers())
    return [answer for answer in answers if answer]


def lock(directory: str) -> Lock:
    """Return the lock of who reads and writes what was handed over, in the ``directory`` of the journals; it is held for a moment."""
    return Lock(os.path.join(directory, "handovers.lock"), _LONGEST_WAIT)


def keep_answer(path: str, kept: Mapping[str, Any], answer: Answer) -> None:
    """Write the answer to what is ``kept`` in the place of what was asked: with that go the passwords in it."""
    rest = {name: value for name, value in kept.items() if name not in ("params", "containers")}
    write_file(path, {**rest, "answer": answer})


def _follow(containers: Containers, journal: Journal, token: str) -> Optional[Answer]:
    """Return the answer, once it is there; None where somebody else took it."""
    path, starts = journal.file_of_handover(token), 0
    while True:
        with lock(journal.directory):
            kept = read_file(path)
            if not kept:
                return None
            if "answer" in kept:
                return _taken(containers, path, kept)
            try:
                starts += _keep_going(containers, kept["helper"], starts)
            except _NoHelper as problem:
                # It may have answered, and ended, between two looks.
                if "answer" not in read_file(path):
                    keep_answer(path, kept, {"error": str(problem)})
            except (EngineError, EngineUnreachable, NoAnswer):
                pass  # it is well again soon, or the helper ends without us
        time.sleep(_PAUSE_SECONDS)


def _taken(containers: Containers, path: str, kept: Mapping[str, Any]) -> Answer:
    """Return the answer, once the helper is removed and the file after it; where it cannot be, whoever works here next sees to that."""
    answer: Answer = kept["answer"]
    try:
        with suppress(NotFound):
            containers.engine.delete("/containers/{}".format(kept["helper"]["name"]), {"force": True})
    except (EngineError, EngineUnreachable, NoAnswer):
        # It is told once.
        keep_answer(path, kept, {})
    else:
        os.unlink(path)
    return answer


def _keep_going(containers: Containers, helper: Mapping[str, Any], starts: int) -> int:
    """Start the helper where it does not run; tell whether it was, as a number. Raises :class:`_NoHelper` where that is no use."""
    if _lives(containers, helper):
        return 0
    if starts == _STARTS:
        raise _NoHelper("the helper {} ended again and again without an answer".format(helper["name"]))
    try:
        _start(containers, helper)
    except EngineError as error:
        if _lives(containers, helper):
            return 0
        raise _NoHelper(f"no helper could be started: {error}") from error
    return 1


def _lives(containers: Containers, helper: Mapping[str, Any]) -> bool:
    found = containers.look(helper["name"])
    return bool(found and as_seen(found).alive)


def _start(containers: Containers, helper: Mapping[str, Any]) -> None:
    found = containers.look(helper["name"])
    if found and not as_seen(found).started:
        # Who made it may have been killed before it was in all of its networks.
        containers.remove(found["Id"])
        found = None
    containers.start(found["Id"] if found else _create(containers, helper))


def _create(containers: Containers, helper: Mapping[str, Any]) -> str:
    connect: Dict[str, Any] = {name: {} for name in helper.get("networks", ())}
    wanted = {"body": helper["body"], "platform": "", "connect": connect, "disconnect": []}
    return containers.create(helper["name"], wanted)
