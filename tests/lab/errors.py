# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in a lab.

LabError
├── CommandFailed    a command exited with something else than 0
└── WaitedTooLong    a condition did not come true before its deadline
"""

from collections.abc import Sequence


class LabError(Exception):
    """The lab cannot do what it was asked; the message says which host, what and why."""


class CommandFailed(LabError):
    """A command exited with something else than 0. Its output is part of the message."""

    def __init__(self, command: Sequence[str], returncode: int, stdout: str, stderr: str) -> None:
        self.command = tuple(command)
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr
        said = (stderr.strip() or stdout.strip())[-2000:]
        super().__init__(f"{' '.join(command)}: exit {returncode}: {said}")


class WaitedTooLong(LabError):
    """A condition did not come true before its deadline. The message ends with the end of the log."""
