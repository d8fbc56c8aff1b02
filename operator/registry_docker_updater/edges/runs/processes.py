"""Processes of runs: what they cost, and ending Ansible as it wants to be ended.

ansible-core 2.19 puts each of its workers into a session of its own, where a signal to the group of
``ansible-playbook`` does not come; asked with SIGTERM, it ends them itself. Killed, it leaves them behind: they go
on with their task, on the managed host too, and nobody hears of it.
"""

import os
import signal
import time
from contextlib import suppress

import psutil
import setproctitle

_SECONDS = 5.0


def be_called(title: str) -> None:
    """Have this process called ``title`` in lists of processes.

    The first time it is to be before the environment changes: the place for the title is found by what that was.
    """
    setproctitle.setproctitle(title)


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


def end_tree(process: int) -> None:
    """Kill a process and everything below it."""
    with suppress(psutil.NoSuchProcess):
        found = psutil.Process(process)
        for one in (*found.children(recursive=True), found):
            with suppress(psutil.NoSuchProcess):
                one.kill()


def cost_when_ended(process: int) -> float:
    """Wait until a child of ours has ended, leave it to be waited for, and return what it has cost.

    In seconds of a processor, with all its descendants that were waited for.
    """
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    times = psutil.Process(process).cpu_times()
    return times.user + times.system + times.children_user + times.children_system


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
