# SPDX-License-Identifier: Apache-2.0
"""What a running update tells: lines in a file of its own, locked as long as the update goes on.

The lock is what tells an update that goes on from one that died: the kernel releases it in either case.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from typing import Any, Dict, List, Mapping, Optional, TextIO, Tuple

# So often something is told even when nothing moves.
_HEARTBEAT = 10.0
_RESULT, _UNFINISHED = ".json", ".tmp"


class Progress:
    """The telling side. With no ``path``, nothing is told."""

    def __init__(self, path: Optional[str]) -> None:
        self._path = path
        self._file: Optional[TextIO] = None
        self._began = time.monotonic()
        self._last = ("", 0.0)

    def __enter__(self) -> "Progress":
        if self._path:
            self._file = open(self._path, "a", encoding="utf-8")
            fcntl.flock(self._file, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def say(self, text: str) -> None:
        """Tell ``text``, unless it was just told."""
        now = time.monotonic()
        if not self._file or (text == self._last[0] and now - self._last[1] < _HEARTBEAT):
            return
        self._last = (text, now)
        line = " ".join(text.split())
        self._file.write(f"{now - self._began:.0f} s: {line}\n")
        self._file.flush()


def keep_result(path: str, result: Mapping[str, Any]) -> None:
    """Keep what came of the update that tells of itself in ``path``."""
    with open(path + _UNFINISHED, "w", encoding="utf-8") as file:
        json.dump(result, file)
    os.rename(path + _UNFINISHED, path + _RESULT)


def read_result(path: str) -> Optional[Dict[str, Any]]:
    """Return what was kept, its stages as old as they are now, or None: an update that is over and kept nothing was killed."""
    try:
        with open(path + _RESULT, encoding="utf-8") as file:
            result: Dict[str, Any] = json.load(file)
            since = max(0.0, time.time() - os.fstat(file.fileno()).st_mtime)
    except FileNotFoundError:
        return None
    for stage in result.get("stages", ()):
        result["stages"][stage] += since
    return result


def read_progress(path: str, offset: int) -> Tuple[List[str], int, bool]:
    """Return the lines from byte ``offset`` on, the offset after them, and whether the update is over.

    One that has not told anything yet is not over. Raises :class:`OSError` other than a file that is not there.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below
    except FileNotFoundError:
        return [], offset, False
    with file:
        # Asked before reading: what is told after this is read the next time, unless there is none.
        over = _is_free(file)
        file.seek(offset)
        content = file.read()
    whole = content[: content.rfind(b"\n") + 1]
    lines = whole.decode("utf-8", "replace").splitlines()
    return lines, offset + len(whole), over and offset + len(whole) > 0


def _is_free(file: Any) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True
