"""Ending Ansible as it wants to be ended.

ansible-core 2.19 puts each of its workers into a session of its own, where a signal to the group of
``ansible-playbook`` does not come; asked with SIGTERM, it ends them itself. Killed, it leaves them behind: they go
on with their task, on the managed host too, and nobody hears of it.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_SECONDS = 5.0


def end_children(parent: int) -> None:
    """Ask every child of the process ``parent`` to end, and wait some seconds until they have."""
    for child in _children(parent):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
    deadline = time.monotonic() + _SECONDS
    while _children(parent) and time.monotonic() < deadline:
        time.sleep(0.05)


def _children(parent: int) -> list[int]:
    """Return the children of a process that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, ppid = path.read_text().rpartition(")")[2].split()[:2]
            if int(ppid) == parent and state != "Z":
                found.append(int(path.parent.name))
    return found
