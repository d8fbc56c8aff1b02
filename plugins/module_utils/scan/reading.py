# SPDX-License-Identifier: Apache-2.0
"""Read what an engine shows of a service or container: its image name, its digests, its age. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.moves import concerns, read_move
from ansible_collections.registry.docker_updater.plugins.module_utils.references import (
    InvalidReference,
    Reference,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import Target, key_of
from ansible_collections.registry.docker_updater.plugins.module_utils.times import SECOND, nanoseconds


@dataclass(frozen=True)
class Concerned:
    """Which targets of ``host`` a push is for.

    Those that run the name ``pushed``, under its own host or one of ``aliases``; and those of ``moves``, by their keys, that run the
    name there, from which they move to ``pushed``. Raises :class:`InvalidReference` where that is of another repository.
    """

    pushed: Reference
    aliases: Sequence[str] = ()
    host: str = ""
    moves: Mapping[str, str] = field(default_factory=dict)

    def of(self, targets: Sequence[Target]) -> List[Target]:
        """Return those of ``targets``; with those that move, ``moves_from`` tells from which name."""
        return [found for target in targets if target["reference"] for found in self._found(target)]

    def _found(self, target: Target) -> Iterator[Target]:
        reference = Reference.parse(target["reference"])
        if reference.names_same_tag_as(self.pushed, self.aliases):
            yield target
            return
        name = self.moves.get(key_of(target, self.host))
        if concerns(reference, self.pushed, self.aliases, read_move(name, self.pushed, self.aliases)):
            yield {**target, "moves_from": name}


def mode_of(spec: Dict[str, Any]) -> str:
    """Return the mode as people write it, ``global-job`` for the API's ``GlobalJob``."""
    name = next(iter(spec.get("Mode") or {"Replicated": {}}))
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def digests_in(repo_digests: Sequence[str], reference: Reference) -> List[str]:
    """Return the digests under which an image came from the repository of ``reference``, sorted.

    One image can be known under several digests of a repository: an index's and its manifest's.
    """
    # Engines also write "<none>@<none>".
    known = (found for found, _ in map(read_reference, repo_digests) if found)
    return sorted(
        found.digest
        for found in known
        if found.digest and (found.host, found.repository) == (reference.host, reference.repository)
    )


def read_reference(image: str) -> Tuple[Optional[Reference], Optional[str]]:
    """Return the image name, None where it is none; and why no push concerns it, None where one may."""
    try:
        reference = Reference.parse(image)
    except InvalidReference as error:
        return None, f"{error}, so no push concerns it"
    if reference.tag is None:
        return reference, f"{image} names no tag, so no push concerns it"
    return reference, None


def changed(moment: Optional[str], now: int) -> Dict[str, Any]:
    """Return the moment and its age by the engine's clock: a reader with another clock can place it in time."""
    when = nanoseconds(moment)
    return {"changed_at": moment, "age": None if when is None else max(0.0, (now - when) / SECOND)}
