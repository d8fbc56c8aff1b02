"""Text for people. Text from outside may hold whatever it likes: all of it passes through :func:`printable`."""

import difflib
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

# Of text, and of the lines of a traceback, which has many.
LONGEST, LONGEST_OF_MANY = 2000, 500
# Comparing takes tens of microseconds for each.
_BEGIN, _MOST_COMPARED, _MOST_ALIKE = 1, 1000, 5
# Ansible's, which says nothing that its words do not.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

# To whoever confirms what is no longer what they saw.
HAS_CHANGED = (
    "What it means has changed since it was shown, or it was done already; look again before it is done"
)


def printable(value: Any, longest: int = LONGEST) -> str:
    """Return ``value`` as one line of bounded length that cannot command a terminal, or turn round what follows."""
    text = str("" if value is None else value)
    more = len(text) - longest
    if more <= 0 and text.isprintable():
        return text
    line = "".join(char if char.isprintable() else _escaped(char) for char in text[:longest])
    return f"{line}… ({more} more)" if more > 0 else line


def short(digest: str | None) -> str:
    """Return as much of a digest as a person tells it from others by."""
    return (digest or "").replace("sha256:", "")[:12]


def counts(outcomes: Mapping[str, int]) -> str:
    """Return counted outcomes in words."""
    return ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items()))


def names(words: Iterable[str]) -> str:
    """Return words of programs, such as names of verdicts, as people read them."""
    return ", ".join(one.replace("_", " ") for one in words)


def targets(count: int) -> str:
    """Return that many targets in words."""
    return f"{count} target{'' if count == 1 else 's'}"


def alike(asked: str, names: Iterable[str]) -> list[str]:
    """Return those of ``names`` that somebody may have meant by ``asked``; of very many, those that begin alike are compared."""
    begin = asked[:_BEGIN].lower()
    begins_alike = (one for one in names if one[:_BEGIN].lower() == begin)
    return difflib.get_close_matches(asked, list(islice(begins_alike, _MOST_COMPARED)), _MOST_ALIKE)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
