# SPDX-License-Identifier: Apache-2.0
"""What interrupted updates left on a host, as its journal tells. Read by scans, which change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import Swap
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap_json import (
    UnreadableSwap,
    from_json,
    name_in,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import (
    Journal,
    JournalUnusable,
    read_file,
)

# Until then a helper may be about to start.
_START_SECONDS = 60.0


@dataclass(frozen=True)
class Unfinished:
    """An update that was begun and has not ended: ``age`` in seconds, ``is_worked_on`` while a process goes on with it."""

    swap: Swap
    age: float
    is_worked_on: bool

    def member_called(self, identity: str, name: str) -> Optional[str]:
        """Return the own name of the container with this id and name if it is one of the update's, old or new."""
        for member in self.swap.members:
            names = (member.name, self.swap.aside(member, "old"), self.swap.aside(member, "new"))
            if identity in (member.old_id, member.new_id) or name in names:
                return member.name
        return None

    def as_json(self) -> Dict[str, Any]:
        """Return what a scan tells of it."""
        wanted = self.swap.wanted
        return {
            "name": wanted["name"],
            "image": wanted["image"],
            "digest": wanted["digest"],
            "age": round(self.age, 1),
            "is_worked_on": self.is_worked_on,
        }


def find_unfinished(directory: str, engine_id: str, now: float) -> Tuple[List[Unfinished], List[str]]:
    """Return what the journal of an engine holds at ``now`` (seconds since the epoch), and why not all, in sentences.

    Where no update was ever begun in ``directory`` there is no journal, and none is made.
    """
    found: List[Unfinished] = []
    try:
        journal = Journal.existing(directory, engine_id)
        if journal is None:
            return [], []
        kept = list(journal.swaps())
        is_worked_on = journal.is_locked()
    except (JournalUnusable, OSError) as error:
        return [], [f"cannot tell which updates are unfinished here: {error}"]
    warnings = [
        f"an update is unfinished here, and nobody can tell which: {one}" for one in journal.unreadable
    ]
    for one in kept:
        try:
            swap = from_json(one, journal.file_of(name_in(one)))
        except UnreadableSwap as unreadable:
            warnings.append(f"an update is unfinished here, and cannot be finished: {unreadable}")
            continue
        found.append(Unfinished(swap, _age(swap.wanted.get("begun_at"), now), is_worked_on))
    return found, warnings


def handed_over(directory: str, engine_id: str, now: float) -> List[Dict[str, Any]]:
    """Return what a scan tells of updates that helpers do, or have done and nobody has heard of; raises :class:`JournalUnusable`.

    One that was done counts as nobody's work any more: a repair takes the answer.
    """
    journal = Journal.existing(directory, engine_id)
    listed: List[Dict[str, Any]] = []
    for token in journal.handovers() if journal else ():
        kept = read_file(journal.file_of_handover(token)) if journal else {}
        age = _age(kept.get("begun_at"), now)
        is_worked_on = "answer" not in kept and bool(
            (journal and journal.is_locked()) or age < _START_SECONDS
        )
        for one in kept.get("targets", ()):
            about = {key: str(one.get(key) or "") for key in ("name", "image", "digest")}
            listed.append({**about, "age": round(age, 1), "is_worked_on": is_worked_on})
    return listed


def _age(begun_at: object, now: float) -> float:
    """Return the seconds since an update began; a clock that was put back makes nothing younger than it is now."""
    return max(0.0, now - begun_at) if isinstance(begun_at, (int, float)) else 0.0


def owner_of(unfinished: Sequence[Unfinished], identity: str, name: str) -> Optional[str]:
    """Return the name that a container has or is to have again, if it belongs to an unfinished update."""
    for one in unfinished:
        owner = one.member_called(identity, name)
        if owner:
            return owner
    return None
