"""Where commands print: JSON for programs, tables and lines for people, and remarks beside both."""

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.views.text import COLOUR, printable

_RED, _PLAIN = "\033[1;31m", "\033[0m"


class CannotPrint(UpdaterError):
    """What is to be printed cannot be, such as to a full disk."""


@dataclass(frozen=True)
class Output:
    """Prints results to ``out``, and what is wrong, and what goes on, to ``err``."""

    out: TextIO
    err: TextIO

    def json(self, content: Any) -> None:
        """Print ``content`` as JSON."""
        self._print(json.dumps(content, indent=2) + "\n")

    def table(self, rows: Sequence[Mapping[str, Any]], columns: Iterable[str], below: str = "") -> None:
        """Print rows under the names of ``columns``; ``below`` each, indented, the lines that the row has under that name."""
        names = tuple(columns)
        lines = [tuple(name.replace("_", " ").upper() for name in names)]
        lines += [tuple(printable(row[name]) for name in names) for row in rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(names))]
        for line, row in zip(lines, ({}, *rows), strict=True):
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self._print("  ".join(cells).rstrip() + "\n")
            for more in row.get(below, ()):
                self._print(f"    {printable(more)}\n")

    def line(self, text: Any = "") -> None:
        """Print one line."""
        self._print(printable(text) + "\n")

    def alarm(self, text: Any) -> None:
        """Print one line that nobody is to miss: in red where it is a terminal."""
        line = printable(text)
        self._print(f"{_RED}{line}{_PLAIN}\n" if self.out.isatty() else f"{line}\n")

    def lines(self, text: str) -> None:
        """Print a text from outside line by line, each whole, without its colours and such that it cannot command a terminal."""
        for line in COLOUR.sub("", text).splitlines():
            self._print(printable(line, len(line)) + "\n")

    def text(self, text: str) -> None:
        """Print our own text as it is."""
        self._print(text)

    def remark(self, *lines: Any) -> None:
        """Print ``lines`` where what is wrong, and what goes on, is told."""
        for line in lines:
            self.err.write(printable(line) + "\n")
        self.err.flush()

    def progress(self, text: str) -> None:
        """Show how far something is, in the place of what was shown so before."""
        self.err.write(f"\r{printable(text)}\033[K")
        self.err.flush()

    def flush(self) -> None:
        """See that all of it has arrived; raises :class:`BrokenPipeError` where nobody reads any more, else :class:`CannotPrint`."""
        with _told():
            self.out.flush()

    def _print(self, text: str) -> None:
        with _told():
            self.out.write(text)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CannotPrint(f"cannot print: {error.strerror}") from None


def standard_output() -> Output:
    """Return where this process prints; a stream that was closed before it began is one that nobody reads."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest number that is free is this one's: no database is ever opened as standard output.
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal has no letters for is no reason to print nothing.
        sys.stdout.reconfigure(errors="backslashreplace")
    return Output(sys.stdout, sys.stderr)
