"""The exit codes of all commands, as ``docs/commands.md`` has them: what a pipeline needs to know."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    WRONG = 1
    USAGE = 2
    # Nothing failed, and some targets wait by a rule or for a person.
    WAITS = 3
    # Every host was asked once, and no target runs the image name.
    NOBODY = 4
    # As a shell reports a process that SIGINT ended: 128 and its number, 2.
    INTERRUPTED = 130


# What each means of a command that says nothing else of it.
USUAL: Mapping[Exit, str] = MappingProxyType(
    {
        Exit.DONE: "done",
        Exit.WRONG: "found wrong, or could not be done",
        Exit.USAGE: "wrong usage",
        Exit.INTERRUPTED: "interrupted",
    }
)


def described(own: Mapping[Exit, str]) -> str:
    """Return the lines that tell of the usual exit codes, and of what a command has ``own`` words for."""
    said = {**USUAL, **own}
    return "".join(f"  {code:>3}  {said[code]}\n" for code in sorted(said))
