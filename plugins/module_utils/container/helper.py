# SPDX-License-Identifier: Apache-2.0
"""What a helper runs: it does the work that was handed over to it, and writes down what came of it, in its file.

``python -m …helper FILE``, where FILE is as ``handover`` says. Killed at any instant, it is started again by the engine, or by who waits
for its answer, and goes on from the journal.
"""

from __future__ import annotations

import os
import sys

from ansible_collections.registry.docker_updater.plugins.module_utils.container.asked import (
    done,
    job_of,
    requests_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.handover import (
    keep_answer,
    lock,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import read_file


def help_with(path: str) -> None:
    """Do what the file at ``path`` asks for, unless that was done, or nobody asks any more."""
    kept = read_file(path)
    params = kept.get("params")
    if params:
        answer = done(job_of(params), requests_of(params, kept["containers"]), params["parallel"])
        with lock(os.path.dirname(path)):
            keep_answer(path, kept, answer)


if __name__ == "__main__":
    help_with(sys.argv[1])
