"""Short ways to say entries of a trail."""

from collections.abc import Mapping
from typing import Any

from registry_docker_updater.core.audit.canonical import canonical
from registry_docker_updater.core.audit.entries import Entry, Step, TrailHead, sealed
from unit.builders import at


def entry(kind: str = "run.ended", number: int = 1, before: str = "0" * 64, **content: Any) -> Entry:
    text = canonical({"facts": {}, **content})
    return sealed(TrailHead(number - 1, before), number, at(number), Step(kind), text)


def chained(*contents: Mapping[str, Any]) -> list[Entry]:
    """Entries that follow from one another, one for each of ``contents``: its kind, and what it says."""
    entries: list[Entry] = []
    for number, content in enumerate(contents, start=1):
        entries.append(entry(number=number, before=entries[-1].hash if entries else "0" * 64, **content))
    return entries
