# SPDX-License-Identifier: Apache-2.0
"""Watch the new container of a swap until it is good or bad, before the old one may go."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.health import (
    BAD,
    GOOD,
    Gate,
    Start,
    Verdict,
    judge,
    missing_ports,
    patience,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    Inspect,
    as_seen,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.relations import (
    labels_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.sight import Pair
from ansible_collections.registry.docker_updater.plugins.module_utils.container.work import PAUSE, Work
from ansible_collections.registry.docker_updater.plugins.module_utils.labels import ONE_SHOT, says_yes


def gate(work: Work, index: int, pair: Pair) -> None:
    """Let the new container prove itself; an outage of the engine ends the watch, to begin anew."""
    member = work.swap.members[index]
    watched = _watch(work, member.new_id)
    if watched is None:
        return
    container, verdict = watched
    if verdict.word == GOOD:
        lost = _lost_ports(work, pair, container)
        if lost:
            work.remember(
                work.swap.turned_back(
                    f"{member.name} came up without its ports {lost}", log=work.containers.log(container)
                )
            )
        else:
            work.remember(replace(work.swap, passed=(*work.swap.passed, member.name)))
    elif not as_seen(container).alive and (work.is_suspect or work.engine_restarted()):
        work.is_suspect = False  # the engine's end, or the host's, may have been its own: once more
        work.containers.start(member.new_id)
    else:
        # Now, for the new container is removed on the way back; in the journal, for another process may go that way.
        log = work.containers.log(container)
        work.remember(work.swap.turned_back(f"{member.name}: {verdict.reason}", blamed=True, log=log))


def _watch(work: Work, identity: str) -> Optional[Tuple[Inspect, Verdict]]:
    """Return the container with the verdict on it; None where it is gone."""
    container = work.containers.look(identity)
    if container is None:
        return None
    settle = work.options.settle
    restarts = container.get("RestartCount") or 0 if work.is_suspect else 0
    start = Start(container["State"].get("StartedAt", ""), restarts)
    limits = Gate(
        settle=settle,
        deadline=patience(container, work.options.health_timeout, settle),
        may_finish=says_yes(labels_of(container).get(ONE_SHOT, "")),
    )
    begun = time.monotonic()
    while container is not None:
        verdict = judge(container, start, time.monotonic() - begun, limits)
        if verdict.word in (GOOD, BAD):
            return container, verdict
        time.sleep(PAUSE)
        container = work.containers.look(identity)
    return None


def _lost_ports(work: Work, pair: Pair, container: Inspect) -> str:
    if container["State"]["Status"] == "exited" or not pair.old:
        return ""
    published = work.swap.wanted.get("ports") or {}
    return missing_ports({"NetworkSettings": {"Ports": published}}, container)
