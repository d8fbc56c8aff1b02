"""Heads of the trail that were kept elsewhere: how they are written, and found again in whatever text holds them."""

import re
from collections.abc import Iterable, Mapping

from registry_docker_updater.core.audit.entries import TrailHead

_HEAD = re.compile(r"\btrail head (\d{1,18}) ([0-9a-f]{64})\b")


# The hashes that were kept of entries, by their numbers: one of each, unless somebody wrote another.
KeptHeads = Mapping[int, frozenset[str]]


def head_text(head: TrailHead) -> str:
    """Return a head as it stands in a line of a log, or of a file."""
    return f"trail head {head.sequence} {head.hash}"


def heads_in(lines: Iterable[str]) -> KeptHeads:
    """Return the heads that stand somewhere in ``lines``: of a log, a file of heads, or what a webhook was sent."""
    found: dict[int, frozenset[str]] = {}
    for line in lines:
        for sequence, hashed in _HEAD.findall(line):
            found[int(sequence)] = found.get(int(sequence), frozenset()) | {hashed}
    return found
