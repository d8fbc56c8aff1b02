# SPDX-License-Identifier: Apache-2.0
"""Run work in a process that outlives its caller: an update must not stop in the middle with a connection.

A second process watches over it. Should the worker be killed (for want of memory, by an administrator), the watcher has
the work done anew, which begins with what was left; should the watcher be killed, the worker goes on to its end. Only
the loss of both leaves something to the next scan of the host.
"""

from __future__ import annotations

import json
import os
import signal
import time
import traceback
from typing import Any, Callable, Dict, Optional

Answer = Dict[str, Any]

# What is killed again and again is not to go on for ever.
_TRIES = 3
_PAUSE_SECONDS = 0.5


def run_detached(work: Callable[[], Answer]) -> Optional[Answer]:
    """Run ``work`` in a process of its own session and return its answer, None where it died without one.

    When the caller dies first, or its terminal or connection goes away, the work goes on to its end. Where the process
    is killed, ``work`` is called again, three times at most. ``work`` returns what JSON can carry.
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _become_watcher(theirs, work)
    os.close(theirs)
    with open(ours, encoding="utf-8") as answers:
        text = answers.read()  # to the end: the pipe closes with the last of the two, whatever ends that
    os.waitpid(child, 0)
    return _last_answer(text)


def start_detached(work: Callable[[], Answer]) -> None:
    """Run ``work`` in such a process, and neither wait for it nor watch over it. What it needs is to be imported by now."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    child = os.fork()
    if child == 0:
        _leave_caller()
        _work(nobody, work)
    os.close(nobody)
    os.waitpid(child, 0)


def _last_answer(text: str) -> Optional[Answer]:
    """Return the last whole answer: a worker may have been killed in the middle of its own."""
    for line in reversed(text.splitlines()):
        try:
            answer: Answer = json.loads(line)
        except ValueError:
            continue
        return answer
    return None


def _leave_caller() -> None:
    """Go on in a child that nobody waits for or reaps, and that holds nothing of the caller's connection."""
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
    except BaseException:
        os._exit(1)


def _become_watcher(answers: int, work: Callable[[], Answer]) -> None:
    """Never returns."""
    _leave_caller()
    try:
        for _ in range(_TRIES):
            worker = os.fork()
            if worker == 0:
                _work(answers, work)
            _, status = os.waitpid(worker, 0)
            if not os.WIFSIGNALED(status):
                break
            time.sleep(_PAUSE_SECONDS)
    finally:
        os._exit(0)


def _work(answers: int, work: Callable[[], Answer]) -> None:
    """Never returns."""
    try:
        os.setsid()  # whoever ends the watcher's group does not end the worker with it
        try:
            answer = work()
        except BaseException:
            answer = {"traceback": traceback.format_exc()}
        with open(answers, "w", encoding="utf-8") as pipe:
            pipe.write("\n" + json.dumps(answer) + "\n")
    finally:
        os._exit(0)
