"""How commands print: JSON for programs, tables for people."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


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
    """Print rows under the names of ``columns``; text from outside is shown without its control characters."""
    names = tuple(columns)
    lines = [tuple(name.replace("_", " ").upper() for name in names)]
    lines += [tuple(printable(row[name]) for name in names) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(names))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return 0


def printable(value: Any) -> str:
    """Return ``value`` as text that cannot command a terminal: text from outside may hold control characters."""
    return "".join(char if char.isprintable() else "?" for char in str("" if value is None else value))
