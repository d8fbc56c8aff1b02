# SPDX-License-Identifier: Apache-2.0
"""Targets that move to another tag of the repository that they run: which may, and what they are called then. Pure."""

from __future__ import annotations

from typing import Optional, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.references import (
    InvalidReference,
    Reference,
)


def read_move(name: Optional[str], pushed: Reference, aliases: Sequence[str]) -> Optional[Reference]:
    """Return the image name from which a target moves to ``pushed``, None for none.

    ``aliases`` are further hosts of the registry of ``pushed``. Raises :class:`InvalidReference` for what is no image name, or one of
    another repository, to which nothing moves.
    """
    if not name:
        return None
    moves_from = Reference.parse(str(name))
    hosts = {host.lower() for host in (pushed.host, *aliases)}
    if moves_from.repository != pushed.repository or moves_from.host.lower() not in hosts:
        raise InvalidReference(
            f"{name} does not move to {pushed}, which is of another repository: name another tag of its own"
        )
    return moves_from


def concerns(
    reference: Reference, pushed: Reference, aliases: Sequence[str], moves_from: Optional[Reference]
) -> bool:
    """Tell whether ``pushed`` is for a target that runs ``reference``: that is its name, or it moves to it from its own."""
    if reference.names_same_tag_as(pushed, aliases):
        return True
    return moves_from is not None and reference.names_same_tag_as(moves_from, (pushed.host, *aliases))


def with_tag(written: str, reference: Reference, tag: Optional[str]) -> str:
    """Return ``written``, which means ``reference``, with ``tag`` and no digest, otherwise as it is written."""
    name, own = written.partition("@")[0], f":{reference.tag}"
    return f"{name[: -len(own)] if name.endswith(own) else name}:{tag}"


def moved(before: str, after: str) -> str:
    """Return for people, as the end of a sentence, that a target moved from one image name to another; empty where it did not."""
    try:
        old, new = Reference.parse(before).tag, Reference.parse(after).tag
    except InvalidReference:
        return ""
    if old == new:
        return ""
    return f", moved from {old} to {new}; a compose or stack file that still says {old} brings that back when it is deployed"
