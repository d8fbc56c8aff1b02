# SPDX-License-Identifier: Apache-2.0
"""Look again at what a host runs of an image, in the task that updates it: which of the targets may be updated at once.

Who knows what a fleet runs need not look at all hosts before the first is updated, where nothing is to be agreed on with
others. What is not as that one believes is left to a run that looks first.
"""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.at_once import those_at_once
from ansible_collections.registry.docker_updater.plugins.module_utils.scan.reading import Concerned
from ansible_collections.registry.docker_updater.plugins.module_utils.scan.scan import for_seconds, scan
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import Target, of_kind

AT_ONCE_OPTION: Dict[str, Any] = {
    "type": "dict",
    "options": {
        "host": {"type": "str", "required": True},
        "targets": {"type": "dict", "required": True},
        "planned": {"type": "dict"},
        "policies": {"type": "dict", "default": {}},
        "pushed_at": {"type": "float", "default": 0},
        "asked_at": {"type": "float", "required": True},
        "strategy": {"type": "dict", "default": {}},
        "hooked": {"type": "bool", "default": False},
        "moves": {"type": "dict", "default": {}},
    },
}

# A swarm that elects a leader is waited for, as before every update.
_ELECTION_SECONDS = 25


def look_again(
    params: Mapping[str, Any], kind: str, state_directory: str = ""
) -> Tuple[Dict[str, Any], List[Target]]:
    """Return what the engine runs of the image, as ``targets_info`` tells it, and what of ``kind`` may be updated at once.

    ``params`` are those of the module, with ``engine``, ``image``, ``aliases`` and ``at_once``. Raises what an engine raises, and
    :class:`InvalidReference`.
    """
    asked, began = params["at_once"], time.monotonic()
    pushed = Reference.parse(params["image"])
    found = scan(Engine(params["engine"]), for_seconds(_ELECTION_SECONDS), state_directory)
    concerned = Concerned(pushed, params["aliases"], asked["host"], asked["moves"])
    found["targets"] = concerned.of(found["targets"])
    now = asked["asked_at"] + time.monotonic() - began
    return found, those_at_once(of_kind(found["targets"], kind), asked, now)
