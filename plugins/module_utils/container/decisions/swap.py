# SPDX-License-Identifier: Apache-2.0
"""A swap of containers: whom it replaces, and how far it has come. Pure.

A swap has members: the target first, then the containers that must be created again because of it. Each has
an old and a new container under three names: its own, and two that hold the swap's token, by which the swap
knows its own containers again even when it died before it could write their ids down.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Mapping, Sequence, Tuple

FORWARD, BACK = "forward", "back"
RUNNING, PAUSED, STOPPED = "running", "paused", "stopped"
NO_POLICY, ALWAYS = "no", "always"

_ASIDE = re.compile(r".+\.updater-[0-9a-f]{8}-(old|new|helper)")


def is_aside(name: str) -> bool:
    """Tell whether ``name`` is one that a swap gives its containers while they have not their own, or that of a helper."""
    return _ASIDE.fullmatch(name) is not None


@dataclass(frozen=True)
class Member:
    """One container to be replaced: ``was`` is RUNNING, PAUSED or STOPPED.

    ``create`` and ``restore`` are what makes the new one, and the old one again should it be lost (a container
    started with --rm vanishes when it is stopped): body, platform, connect, disconnect, image (id).
    ``policy`` is the old one's restart policy; ``files`` are copied from the old one into the new one; ``gated``
    tells that the new one must prove itself.
    """

    name: str
    old_id: str
    was: str
    policy: Mapping[str, Any]
    vanishes: bool
    create: Mapping[str, Any]
    restore: Mapping[str, Any]
    files: Tuple[str, ...] = ()
    gated: bool = True
    new_id: str = ""

    @property
    def wanted_up(self) -> bool:
        """Whether the container is to run in the end."""
        return self.was != STOPPED

    @property
    def policy_name(self) -> str:
        """The name of the restart policy that it has in the end."""
        return self.policy.get("Name") or NO_POLICY

    @property
    def guarded(self) -> bool:
        """Whether the old one gets a restart policy for as long as the new one is not proven, and the new one none.

        Not one that vanishes when it stops, which can have no policy, and not one that has nothing to prove: that may
        crash again and again, as the old one did, and needs its policy for it.
        """
        return self.wanted_up and self.gated and not self.vanishes


@dataclass(frozen=True)
class Swap:
    """A swap as the journal keeps it. ``direction`` is FORWARD until something speaks against the new container.

    ``restarts`` are ids of containers that only stop before and start after (Compose's ``restart: true``);
    ``passed`` names members whose gate is behind them; ``proven`` says that the old ones may go;
    ``touched`` that something running was stopped, so that going back brings something back;
    ``blamed`` that the image itself was found bad; ``log`` are the last lines of the log of the new container that was.
    """

    token: str
    members: Tuple[Member, ...]
    restarts: Tuple[str, ...]
    wanted: Mapping[str, Any]
    direction: str = FORWARD
    reason: str = ""
    blamed: bool = False
    touched: bool = False
    proven: bool = False
    passed: Tuple[str, ...] = ()
    warnings: Tuple[str, ...] = ()
    log: Tuple[str, ...] = ()

    def aside(self, member: Member, which: str) -> str:
        """Return the name of ``member``'s ``which`` ("old" or "new") container while it has not its own."""
        return f"{member.name}.updater-{self.token}-{which}"

    def turned_back(self, reason: str, *, blamed: bool = False, log: Sequence[str] = ()) -> "Swap":
        """Return the swap on its way back, for the first reason given."""
        if self.direction == BACK:
            return self
        return replace(self, direction=BACK, reason=reason, blamed=blamed, log=tuple(log))

    def with_member(self, index: int, **changes: Any) -> "Swap":
        """Return the swap with one member changed."""
        members = list(self.members)
        members[index] = replace(members[index], **changes)
        return replace(self, members=tuple(members))
