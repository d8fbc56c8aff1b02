# SPDX-License-Identifier: Apache-2.0
"""Ask an engine for the last lines of a log, for people who want to know why something did not come up."""

from __future__ import annotations

from typing import List

from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    EngineUnreachable,
    NoAnswer,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.log_lines import (
    LINES,
    LONGEST_ANSWER,
    last_lines,
)

# An update must not wait for a log: that of a task comes from another node, which may have gone.
_SECONDS = 3.0


def log_of_container(engine: Engine, identity: str, *, has_terminal: bool) -> List[str]:
    """Return the last lines of a container's log, none where that cannot be had within a few seconds. Raises nothing."""
    return _log(engine, f"/containers/{identity}/logs", has_terminal=has_terminal)


def log_of_task(engine: Engine, identity: str, *, has_terminal: bool) -> List[str]:
    """Return the last lines of the log of a swarm's task, which its node has, likewise (Engine API 1.29 and later)."""
    return _log(engine, f"/tasks/{identity}/logs", has_terminal=has_terminal)


def _log(engine: Engine, path: str, *, has_terminal: bool) -> List[str]:
    query = {"stdout": True, "stderr": True, "tail": LINES}
    try:
        answer = engine.beginning(path, query, LONGEST_ANSWER, _SECONDS)
    except (EngineError, EngineUnreachable, NoAnswer):
        # Such as where the log driver keeps nothing.
        return []
    return last_lines(answer, is_framed=not has_terminal)
