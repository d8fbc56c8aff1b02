# SPDX-License-Identifier: Apache-2.0
"""The last lines of the log of a container that did not come up: as an engine sends them, and as results tell them. Pure.

Whatever a program printed is in them, so they are plain text: bounded, and without what commands a terminal.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Tuple

LINES, LONGEST = 10, 300
# More than so many lines of the greatest length that an engine keeps in one piece, 16 KiB (moby, daemon/logger/copier.go).
LONGEST_ANSWER = 256 * 1024

# An engine's own words about a log, such as that a part of it is not to be had (moby, api/server/httputils/write_log_stream.go).
_OF_THE_ENGINE, _GRABBING = 3, "Error grabbing logs: "
_HEADER = 8
# Colours, titles and the like (ECMA-48): a command ends with a byte from @ on, a string with BEL or ESC \.
_COMMAND = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)")
# Other control characters, what ends a line for some programs only, what turns the direction of text, half surrogate pairs.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def last_lines(answer: bytes, *, is_framed: bool) -> List[str]:
    """Return the last lines of what an engine answered when it was asked for a log, in their order.

    ``is_framed`` where the container has no terminal: each piece then comes after eight bytes, of which the first tells its
    stream and the last four its length (Engine API, "Attach to a container"). What was cut off counts as far as it came.
    """
    lines = [
        line.decode("utf-8", "replace") for line in (_framed(answer) if is_framed else answer.split(b"\n"))
    ]
    return bounded([line for line in lines if is_framed or not line.startswith(_GRABBING)])


def bounded(said: Any) -> List[str]:
    """Return of what is said to be a log its last lines, such as anybody may be shown them; none where it is no list of texts."""
    if not isinstance(said, (list, tuple)) or not all(isinstance(one, str) for one in said):
        return []
    # Before they are looked at whole: of a line, nothing that comes late is shown.
    lines = [_shown(one[: 20 * LONGEST]) for one in said]
    return [line for line in lines if line][-LINES:]


def _shown(line: str) -> str:
    """Return a line as a terminal shows it in the end, as far as it is long."""
    # What follows a carriage return is printed over what came before, as progress bars do.
    last = _COMMAND.sub("", line).rstrip("\r\n").rpartition("\r")[2]
    text = _UNPRINTABLE.sub("", last.replace("\t", "    ")).rstrip()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _framed(answer: bytes) -> Iterator[bytes]:
    """Yield lines in the order in which they ended; of both streams, each with lines of its own."""
    begun: Dict[int, bytes] = {}
    for stream, piece in _frames(answer):
        if stream == _OF_THE_ENGINE:
            continue
        *ended, begun[stream] = (begun.get(stream, b"") + piece).split(b"\n")
        yield from ended
    yield from begun.values()


def _frames(answer: bytes) -> Iterator[Tuple[int, bytes]]:
    begin = 0
    while begin + _HEADER <= len(answer):
        end = begin + _HEADER + int.from_bytes(answer[begin + 4 : begin + _HEADER], "big")
        yield answer[begin], answer[begin + _HEADER : end]
        begin = end
