"""Lines of a log, and what could forge them."""

import io
import re
from dataclasses import dataclass

from registry_docker_updater.cli.log import Log as Logging

FORGED = "2026-11-22 12:00:00,000 INFO rollout 1: finished"
EVIL = f"no route\n{FORGED}\r\x1b[2J\x9b31m\u202e\u2066\u2028{FORGED}\u2029\x85{FORGED}\x0b\udcff\t\x00"
RAW = re.compile(r"[^\n -~\u00a1-\u00ac\u00ae-\ud7ff]|[\u2000-\u200f\u2028-\u202f\u2060-\u206f]")


def lines_of(text: str) -> list[str]:
    """The lines of a log; everything in it can be printed."""
    assert text.isprintable() or not RAW.search(text), ascii(text)
    return text.splitlines()


@dataclass(frozen=True)
class Log:
    """The lines that a running operator has logged."""

    stream: io.StringIO
    logs: Logging

    def __call__(self) -> list[str]:
        return lines_of(self.stream.getvalue())
