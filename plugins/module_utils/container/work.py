# SPDX-License-Identifier: Apache-2.0
"""A swap on its way: what is known of it, and its journal. What is done to it stands in ``actions``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Dict, Optional, Set

from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.sight import (
    Pair,
    View,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.steps import Step
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import Swap
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap_json import (
    to_json,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal

PAUSE = 0.2


class Stuck(Exception):
    """The swap cannot go on now; its journal is kept, and the next run goes on with it."""


@dataclass(frozen=True)
class Options:
    """``settle`` and ``health_timeout`` are the gate's, ``outage`` how long the engine may be away; all seconds."""

    settle: float = 10.0
    health_timeout: Optional[float] = None
    outage: float = 300.0


class Work:
    """One swap on its way. ``is_suspect`` says that containers may have ended because something else did.

    ``engine_start`` is by what the engine's start is known, once it was asked.
    ``stopped`` are the ids of old containers that were stopped, ``stopped_at`` says when the target's was, ``downtime`` for
    how many seconds it was away, ``starts`` how often an old one was started. ``stages`` says when the target passed each.
    """

    def __init__(
        self,
        containers: Containers,
        journal: Journal,
        swap: Swap,
        options: Options,
        *,
        is_suspect: bool = False,
    ) -> None:
        self.containers, self.journal, self.swap, self.options = containers, journal, swap, options
        self.is_suspect = is_suspect
        self.was_away = False
        self.engine_start: Optional[str] = None
        self.downtime: Optional[float] = None
        self.stopped: Set[str] = set()
        self.stopped_at: Optional[float] = None
        self.starts = 0
        self.stages: Dict[str, float] = {}
        self.failures: Dict[Optional[Step], int] = {}
        self.trouble_since: Optional[float] = None

    def remember(self, swap: Swap) -> None:
        """Change the swap, on the disk before this returns."""
        if swap != self.swap:
            self.journal.keep(swap.wanted["name"], to_json(swap))
            self.swap = swap

    def engine_restarted(self) -> bool:
        """Tell whether the engine was restarted since this was asked last; False when it is asked for the first time."""
        before, self.engine_start = self.engine_start, self.containers.start_of_engine()
        return before not in (None, self.engine_start)

    def wait(self, why: str) -> None:
        """Pause before the next look; raises :class:`Stuck` where there was nothing but trouble for too long."""
        now = time.monotonic()
        if self.trouble_since is None:
            self.trouble_since = now
        if now - self.trouble_since > self.options.outage:
            raise Stuck(why)
        time.sleep(PAUSE)

    def view(self) -> View:
        """Look at everything that the decision needs."""
        pairs = [self._pair(index) for index in range(len(self.swap.members))]
        return View(pairs, [self.containers.see(identity) for identity in self.swap.restarts])

    def _pair(self, index: int) -> Pair:
        member = self.swap.members[index]
        old = self.containers.see(member.old_id, self.swap.aside(member, "old"))
        if old and old.id != member.old_id:
            # It was created again by a process that was killed before it could write down its id.
            self.remember(self.swap.with_member(index, old_id=old.id))
        new = self.containers.see(member.new_id, self.swap.aside(member, "new"))
        holder = next((seen.id for seen in (old, new) if seen and seen.name == member.name), "")
        if not holder:
            found = self.containers.see(member.name)
            # An engine also finds a container by the begin of its id.
            holder = found.id if found and found.name == member.name else ""
        return Pair(old, new, holder)
