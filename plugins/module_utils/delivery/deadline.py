# SPDX-License-Identifier: Apache-2.0
"""Work that ends in time, whatever it waits for: looking up a name knows no timeout, and a socket's is for each read."""

from __future__ import annotations

import threading
from typing import Callable, List, Tuple, TypeVar

T = TypeVar("T")


class TooLate(Exception):
    """The work was not done within its seconds; it is left to itself, and ends with the process."""


def in_time(work: Callable[[], T], seconds: float) -> T:
    """Return what ``work`` returns, or raise what it raises; raises :class:`TooLate` after so many ``seconds``."""
    return begin(work)(seconds)


def begin(work: Callable[[], T]) -> Callable[[float], T]:
    """Begin ``work``; return what waits for it, so many seconds, as :func:`in_time` does."""
    ended: List[Tuple[bool, object]] = []

    def run() -> None:
        try:
            ended.append((True, work()))
        except BaseException as error:
            ended.append((False, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def wait(seconds: float) -> T:
        thread.join(seconds)
        if not ended:
            raise TooLate(f"it has not answered within {seconds:g} seconds")
        is_done, found = ended[0]
        if not is_done:
            raise found  # type: ignore[misc]
        return found  # type: ignore[return-value]

    return wait
