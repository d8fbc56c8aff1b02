"""Payloads in which something is of the wrong type: what no parser of a sender may fail on."""

from collections.abc import Iterator
from typing import Any

WRONG: tuple[Any, ...] = (None, 7, [], {}, "x", "", True, 10**30, "half \ud83d", "x" * 100_000)


def damaged(content: Any) -> Iterator[Any]:
    """Yield copies of ``content``, in each of which one part at any depth is something else."""
    yield from WRONG
    if not isinstance(content, dict | list):
        return
    for place, part in content.items() if isinstance(content, dict) else enumerate(content):
        for other in damaged(part):
            copy = content.copy()
            copy[place] = other
            yield copy
