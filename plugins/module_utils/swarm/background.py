# SPDX-License-Identifier: Apache-2.0
"""Update several services in a process of its own, whose progress and results are files that others can read.

The files are for whoever follows from the controller: an update can take hours, and a connection breaks.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, Mapping

from ansible_collections.registry.docker_updater.plugins.module_utils.container.worker import start_detached
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.progress import (
    Progress,
    keep_result,
)

Result = Dict[str, Any]
Update = Callable[[Callable[[str], None]], Result]

# Whoever follows asks every few seconds, also over a connection that broke for a while.
_KEPT_SECONDS, _PAUSE_SECONDS = 90.0, 1.0


def update_in_background(
    updates: Mapping[str, Update], parallel: int, clean: Callable[[Result], Result] = dict
) -> Dict[str, str]:
    """Begin ``updates``, ``parallel`` and then the next; return the file of each in which it tells of its progress, by its name.

    Results are kept as ``clean`` returns them, without secrets.
    Each is called with what it is to say its progress to. The folder of the files is for whoever follows to remove; it is not left
    behind where nobody does.
    """
    folder = tempfile.mkdtemp(prefix="registry-docker-updater.")
    files = {name: os.path.join(folder, str(number)) for number, name in enumerate(updates)}

    def run(name: str) -> None:
        with Progress(files[name]) as progress:
            try:
                result = updates[name](progress.say)
            except Exception:
                result = _bug()
            keep_result(files[name], clean(result))

    def run_all() -> Dict[str, Any]:
        names, size = list(updates), max(1, parallel)
        with ThreadPoolExecutor(size) as pool:
            # Some, and then the next: while one is in trouble, no other takes the place of its neighbour.
            for first in range(0, len(names), size):
                list(pool.map(run, names[first : first + size]))
        # Until whoever follows has seen the end, or has gone.
        end = time.monotonic() + _KEPT_SECONDS
        while os.path.exists(folder) and time.monotonic() < end:
            time.sleep(_PAUSE_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)
        return {}

    start_detached(run_all)
    return files


def _bug() -> Result:
    said = traceback.format_exc()
    message = "this is a bug: " + said.strip().splitlines()[-1]
    return {"message": message, "msg": message, "traceback": said}
