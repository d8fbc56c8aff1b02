"""Processes of runs: what they cost, and ending Ansible as it wants to be ended.

ansible-core 2.19 puts each of its workers into a session of its own, where a signal to the group of
``ansible-playbook`` does not come; asked with SIGTERM, it ends them itself. Killed, it leaves them behind: they go
on with their task, on the managed host too, and nobody hears of it.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

_SECONDS = 5.0


def end_children(parent: int) -> None:
    """Ask every child of the process ``parent`` to end, and wait some seconds until they have."""
    for child in _children(parent):
        with suppress(psutil.NoSuchProcess):
            child.terminate()
    deadline = time.monotonic() + _SECONDS
    # Waiting for a child would take its end from whoever else waits for it.
    while _children(parent) and time.monotonic() < deadline:
        time.sleep(0.05)


def end_group(process: int) -> None:
    """Ask a process and what it started to end."""
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGTERM)


def end_at_once(process: int) -> None:
    """End a process and all that it started, whatever they are doing."""
    end_children(process)
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)


def cost_when_ended(process: int) -> float:
    """Wait until a child of ours has ended, leave it to be waited for, and return what it has cost.

    In seconds of a processor, with all its descendants that were waited for.
    """
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    times = psutil.Process(process).cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def is_running(process: int, directory: Path) -> bool:
    """Tell whether a process runs whose last argument leads to ``directory``; numbers of processes are used again.

    When it began is no better mark: where the clock is set, that moves along.
    """
    try:
        found = psutil.Process(process)
        return not _has_ended(found) and Path(*found.cmdline()[-1:]).samefile(directory)
    except (psutil.Error, OSError):
        return False


def _children(parent: int) -> list[psutil.Process]:
    """Return the children of a process that have not ended."""
    try:
        return [child for child in psutil.Process(parent).children() if not _has_ended(child)]
    except psutil.NoSuchProcess:
        return []


def _has_ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
