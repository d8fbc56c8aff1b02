# SPDX-License-Identifier: Apache-2.0
"""What is asked for of one service, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference

PLACEMENT_LIMIT = 30  # seconds


@dataclass(frozen=True)
class Request:
    """What is asked for.

    ``pushed`` is the name that was pushed, known also under the hosts ``aliases``. ``moves_from`` is the name that the service runs, where it is to
    move from that to ``pushed``. ``found_image`` and ``found_at``
    (the service's ``UpdatedAt``) are what a scan at the begin of the run saw: they tell what was begun in this run from
    what a person did. ``unheard`` says that a run before began the same, and nobody heard how that ended.
    ``time_limit`` is seconds, reckoned from the spec when None; ``placement_limit`` is for how many seconds a task may wait that no node can take.
    """

    pushed: Reference
    digest: str
    aliases: Tuple[str, ...] = ()
    moves_from: Optional[Reference] = None
    found_image: str = ""
    found_at: str = ""
    unheard: bool = False
    time_limit: Optional[float] = None
    placement_limit: float = PLACEMENT_LIMIT
    check_only: bool = False


@dataclass
class Report:
    """What became of the service.

    ``log`` are the last lines of a task that did not come up. ``lost`` asks for another manager to look; ``stages`` says when it
    passed each, by the monotonic clock.
    """

    outcome: str = ""
    message: str = ""
    changed: bool = False
    lost: bool = False
    id: str = ""
    name: str = ""
    image: str = ""
    before: str = ""
    after: str = ""
    diff: Optional[Dict[str, Any]] = None
    log: List[str] = field(default_factory=list)
    warnings: List[str] = field(default_factory=list)
    stages: Dict[str, float] = field(default_factory=dict)
