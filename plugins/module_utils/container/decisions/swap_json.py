# SPDX-License-Identifier: Apache-2.0
"""How a journal keeps a swap, and what to do about one that cannot be read. Pure.

Fields that are not known are left out and those that are missing have their defaults, so that a version with a field more
goes on with what one with a field less has begun, and the other way round. :data:`VERSION` is raised where that would do harm.
"""

from __future__ import annotations

from dataclasses import MISSING, asdict, fields
from typing import Any, Dict, Mapping

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    Member,
    Swap,
)

VERSION = 1

# What everything that is told of a swap begins with.
_WANTED = ("name", "image", "digest", "new_image")
# What a container is created from.
_REQUEST = ("body", "platform", "connect", "disconnect", "image", "reference")


class UnreadableSwap(Exception):
    """A journal holds something that is no swap, or one that this version must not go on with; says what to do."""


def to_json(swap: Swap) -> Dict[str, Any]:
    """Return what a journal keeps of ``swap``."""
    return {"version": VERSION, **asdict(swap)}


def from_json(kept: Any, file: str = "its file") -> Swap:
    """Return the swap that a journal kept in ``file``; raises :class:`UnreadableSwap` for anything else."""
    name = name_in(kept)
    # Journals had no version before they had this one.
    version = kept.get("version", VERSION) if isinstance(kept, dict) else VERSION
    if not isinstance(version, int) or version > VERSION:
        raise UnreadableSwap(
            f"the update of {name} was begun by a later version: {file} has version {version!s:.20}, and this one reads"
            f" {VERSION}. It is left as it is: upgrade what updates this host, which finishes it then"
        )
    try:
        swap = _swap(kept)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UnreadableSwap(
            f"the journal of the update of {name} has not what it needs: see that its container runs, then remove {file}"
        ) from None
    return swap


def name_in(kept: Any) -> str:
    """Return for people which container a kept swap is of, as far as it tells."""
    wanted = kept.get("wanted") if isinstance(kept, dict) else None
    return str((wanted.get("name") if isinstance(wanted, dict) else None) or "a container")


def _swap(kept: Mapping[str, Any]) -> Swap:
    members = tuple(_member(one) for one in kept["members"])
    if not members or any(not isinstance(kept["wanted"][key], str) for key in _WANTED):
        raise ValueError
    known = _known(Swap, kept)
    for key in ("restarts", "passed", "warnings", "log"):
        known[key] = tuple(map(str, known[key]))
    known["members"], known["wanted"] = members, dict(known["wanted"])
    return Swap(**known)


def _member(kept: Mapping[str, Any]) -> Member:
    known = _known(Member, kept)
    known["files"] = tuple(map(str, known["files"]))
    for mapping in ("policy", "create", "restore"):
        known[mapping] = dict(known[mapping])
    for request in (known["create"], known["restore"]):
        if any(key not in request for key in _REQUEST) or not isinstance(request["body"]["HostConfig"], dict):
            raise ValueError
    return Member(**known)


def _known(kind: Any, kept: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the fields of a dataclass that ``kept`` has, and the defaults of those that it has not."""
    found = {}
    for one in fields(kind):
        if one.name in kept:
            found[one.name] = kept[one.name]
        elif one.default is not MISSING:
            found[one.name] = one.default
        else:
            raise KeyError(one.name)
    return found
