"""How commands and the log print: JSON for programs, tables and lines for people.

Text from outside, such as an engine's error or the name of who pushed, may hold whatever it likes: all of it passes
through :func:`printable`.
"""

import json
import logging
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_log = logging.getLogger(__name__)
# Of text, and of the lines of a traceback, which has many.
_LONGEST, _LONGEST_OF_MANY = 2000, 500
# From its beginning, and from its end.
_LINES_OF_TRACEBACK = 100


def printable(value: Any, longest: int = _LONGEST) -> str:
    """Return ``value`` as one line of bounded length that cannot command a terminal, or turn round what follows."""
    text = str("" if value is None else value)
    more = len(text) - longest
    line = "".join(char if char.isprintable() else _escaped(char) for char in text[:longest])
    return f"{line}… ({more} more)" if more > 0 else line


def short(digest: str | None) -> str:
    """Return as much of a digest as a person tells it from others by."""
    return (digest or "").replace("sha256:", "")[:12]


def counts(outcomes: Mapping[str, int]) -> str:
    """Return counted outcomes in words."""
    return ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items()))


def print_json(content: Any) -> int:
    """Print ``content`` as JSON; return the exit code 0."""
    print(json.dumps(content, indent=2))
    return 0


def print_table(rows: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> int:
    """Print rows under the names of ``columns``."""
    names = tuple(columns)
    lines = [tuple(name.replace("_", " ").upper() for name in names)]
    lines += [tuple(printable(row[name]) for name in names) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(names))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return 0


def complain(*lines: Any) -> None:
    """Print ``lines`` where what is wrong, and what goes on, is told."""
    for line in lines:
        print(printable(line), file=sys.stderr)


class LineFormatter(logging.Formatter):
    """One line for each record, whoever logged it; only a traceback has more, and these are indented."""

    def __init__(self) -> None:
        """Begin each line with time and level."""
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return ``record`` as it is to stand in the log."""
        record.message = printable(record.getMessage())
        record.asctime = self.formatTime(record)
        traceback = self.formatException(record.exc_info) if record.exc_info else ""
        return "\n".join([self.formatMessage(record), *_indented(traceback)])


def log_to_stderr() -> None:
    """Have everything that goes wrong anywhere in this process, libraries included, logged in lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(capture=True)
    threading.excepthook = lambda given: _log.error(
        "a bug ended the thread %s",
        given.thread.name if given.thread else None,
        exc_info=given.exc_value or True,
    )
    sys.excepthook = lambda _type, error, _trace: _log.critical("a bug ends the process", exc_info=error)


def _indented(traceback: str) -> list[str]:
    lines = [f"    {printable(line, _LONGEST_OF_MANY)}" for line in traceback.split("\n") if line.strip()]
    left_out = len(lines) - 2 * _LINES_OF_TRACEBACK
    if left_out <= 0:
        return lines
    return [*lines[:_LINES_OF_TRACEBACK], f"    … ({left_out} more lines)", *lines[-_LINES_OF_TRACEBACK:]]


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
