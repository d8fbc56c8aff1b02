# SPDX-License-Identifier: Apache-2.0
"""What is asked for of one container."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference


@dataclass(frozen=True)
class Request:
    """What is wanted: container ``name`` on ``digest`` of ``image``, whose registry also answers to ``aliases``.

    ``moves_from`` is the name that it runs, where it is to move from that to ``image``.
    ``found_digests`` and ``found_image`` (an id) are what it ran when the run looked at it, empty where that is not to
    matter.
    ``credentials`` are those of the inventory by host; ``keep_paused`` updates a paused container and pauses the
    new one; ``cleanup`` removes the old image; ``try_again`` tries a digest that was found bad.
    """

    name: str
    image: Reference
    digest: str
    aliases: Tuple[str, ...] = ()
    moves_from: Optional[Reference] = None
    found_digests: Tuple[str, ...] = ()
    found_image: str = ""
    credentials: Mapping[str, Any] = field(default_factory=dict)
    keep_paused: bool = False
    cleanup: bool = False
    try_again: bool = False
