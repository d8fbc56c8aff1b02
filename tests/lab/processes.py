# SPDX-License-Identifier: Apache-2.0
"""Processes of the outer machine that the lab started, known by id and start time.

A process id alone is no proof: after a crash another process may have it.
"""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lab.commands import run
from lab.errors import WaitedTooLong
from lab.waiting import until

# Joins the groups before it becomes the command, and leaves its own line of /proc as the record.
_LAUNCH = """
log=$1 record=$2 groups=$3; shift 3
exec < /dev/null >> "$log" 2>&1
for group in $groups; do echo 0 > "$group"; done
if [ "$record" ]; then read -r stat < /proc/self/stat; echo "$stat" > "$record.new"; mv "$record.new" "$record"; fi
exec "$@"
"""


@dataclass(frozen=True)
class Process:
    """A process, as it stands in a record: its id and when it started (in ticks since boot)."""

    pid: int
    started: int

    @classmethod
    def from_stat(cls, stat: str) -> Self:
        # The second field is the name in parentheses, which may hold anything.
        fields = stat.rpartition(")")[2].split()
        return cls(int(stat.split(maxsplit=1)[0]), int(fields[19]))

    @classmethod
    def recorded(cls, record: Path) -> Self | None:
        """The process of a record, or none if there is no record."""
        try:
            return cls.from_stat(record.read_text())
        except (FileNotFoundError, IndexError, ValueError):
            return None

    @property
    def alive(self) -> bool:
        """True if it still runs: a zombie, or another process with its id, does not count."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return stat.rpartition(")")[2].split()[0] not in "ZX" and Process.from_stat(stat) == self

    def send(self, number: signal.Signals) -> None:
        """Send a signal; a process that has ended is no error."""
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)
            try:
                # Looked at while the handle is held, so the id cannot change hands in between.
                if self.alive:
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)

    def end(self, *, who: str, grace: float = 0) -> None:
        """End it: SIGTERM first and SIGKILL after `grace` seconds, or SIGKILL at once without grace."""
        if grace:
            self.send(signal.SIGTERM)
            with suppress(WaitedTooLong):
                until(lambda: not self.alive, who=who, what="SIGTERM obeyed", deadline=grace)
        self.send(signal.SIGKILL)
        until(lambda: not self.alive, who=who, what=f"process {self.pid} ended", deadline=20)


def launch(command: Sequence[str], *, log: Path, record: Path | None, groups: Sequence[Path]) -> None:
    """Start a process that nobody waits for: in `groups`, its output added to `log`.

    With a `record` that file soon holds the process (see `Process.recorded`).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    arguments = (str(log), str(record or ""), " ".join(map(str, groups)))
    run("setsid", "--fork", "sh", "-euc", _LAUNCH, "launch", *arguments, *command)


def end_all(pids: set[int]) -> None:
    """Kill processes found in the lab's own groups. One that has ended is no error."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
