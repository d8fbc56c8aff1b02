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
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def end_children(parent: int) -> None:
    """Ask every child of the process ``parent`` to end, and wait some seconds until they have."""
    for child in _children(parent):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
    deadline = time.monotonic() + _SECONDS
    while _children(parent) and time.monotonic() < deadline:
        time.sleep(0.05)


def cost_when_ended(process: int) -> float:
    """Wait until a child of ours has ended, leave it to be waited for, and return what it has cost.

    In seconds of a processor, with all its descendants that were waited for.
    """
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    # utime, stime, cutime and cstime, which proc(5) counts as 14 to 17; a process that ended keeps them.
    ticks = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:15]
    return sum(int(one) for one in ticks) / _TICKS_A_SECOND


def forget_environment(run: Path) -> None:
    """Remove what ansible-runner writes of the whole environment when the run in this directory begins."""
    (run / "artifacts" / "run" / "command").unlink(missing_ok=True)


def _children(parent: int) -> list[int]:
    """Return the children of a process that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, ppid = path.read_text().rpartition(")")[2].split()[:2]
            if int(ppid) == parent and state != "Z":
                found.append(int(path.parent.name))
    return found
