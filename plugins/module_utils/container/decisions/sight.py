# SPDX-License-Identifier: Apache-2.0
"""What is seen of the containers of a swap: the terms in which it is decided. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    NO_POLICY,
)

_ALIVE = ("running", "paused", "restarting")


@dataclass(frozen=True)
class Seen:
    """One container as the engine shows it: ``status`` is State.Status, ``error`` State.Error, ``started_at`` ns since 1970.

    ``finished`` tells of one that does its work once that it has done it.
    """

    id: str
    name: str
    status: str
    started: bool = True
    started_at: int = 0
    error: str = ""
    policy: str = ""
    finished: bool = False

    @property
    def alive(self) -> bool:
        """Whether its processes exist, or will again by themselves."""
        return self.status in _ALIVE

    @property
    def is_armed(self) -> bool:
        """Whether it may come up by itself when the engine starts."""
        return self.policy not in ("", NO_POLICY)

    @property
    def well(self) -> bool:
        """Whether it is as it should be in the end, as far as its status tells."""
        return self.alive or self.finished


@dataclass(frozen=True)
class Pair:
    """A member as it is: its two containers, and the id of whoever has its name."""

    old: Optional[Seen]
    new: Optional[Seen]
    holder: str = ""


@dataclass(frozen=True)
class View:
    """All that the decision needs: one pair per member, and what is seen of each restart (None: gone)."""

    pairs: Sequence[Pair]
    restarts: Sequence[Optional[Seen]] = field(default_factory=tuple)
