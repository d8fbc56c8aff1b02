# SPDX-License-Identifier: Apache-2.0
"""Run work in a process that outlives its caller: an update must not stop in the middle with a connection."""

from __future__ import annotations

import json
import os
import signal
import traceback
from typing import Any, Callable, Dict, Optional

Answer = Dict[str, Any]


def run_detached(work: Callable[[], Answer]) -> Optional[Answer]:
    """Run ``work`` in a process of its own session and return its answer, None where it died without one.

    When the caller dies first, or its terminal or connection goes away, the work goes on to its end.
    ``work`` returns what JSON can carry.
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _become_worker(theirs, work)
    os.close(theirs)
    with open(ours, encoding="utf-8") as answers:
        text = answers.read()  # to the end: the pipe closes with the worker, whatever ends that
    os.waitpid(child, 0)
    return json.loads(text) if text else None


def _become_worker(answers: int, work: Callable[[], Answer]) -> None:
    """Never returns. The child forks again and ends, so that nobody waits for the worker or reaps it."""
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        os.chdir("/")
        # The connection ends when its last holder of these goes: it must not wait for the worker.
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        try:
            answer = work()
        except BaseException:
            answer = {"traceback": traceback.format_exc()}
        with open(answers, "w", encoding="utf-8") as pipe:
            json.dump(answer, pipe)
    finally:
        os._exit(0)
