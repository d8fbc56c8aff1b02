"""Reading runs as they are kept: while they go on, and packed."""

import gzip
import hashlib
import io
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from registry_docker_updater.core.audit.runs import MANIFEST, PACKED_EVENTS
from registry_docker_updater.edges.runs.packing import (
    FORMAT,
    source_of_events,
    whole_lines,
)

T = TypeVar("T")
# How much is read at once of what may be long, in bytes.
_PART = 1024 * 1024


def names_of_runs(folder: Path) -> tuple[str, ...]:
    """Return the names of the runs that are kept in ``folder``, such as ``update-1``, in the order of their numbers.

    Of one number what changes something comes before what tells of it.
    """
    with suppress(OSError):
        return tuple(sorted((one.name for one in folder.iterdir() if is_name_of_run(one.name)), key=_order))
    return ()


@dataclass(frozen=True)
class KeptRun:
    """A run that is over and packed: where, when it was, and how many bytes it takes."""

    directory: Path
    ended_at: datetime
    size: int


def packed_runs(runs: Path) -> Iterator[KeptRun]:
    """Yield the runs below the folder of all runs that are over and packed."""
    for folder in folders(runs):
        for run in (one for one in folders(folder.path) if is_name_of_run(one.name)):
            with suppress(OSError):
                manifest = os.stat(f"{run.path}/{MANIFEST}")  # noqa: PTH116 - of thousands
                events = os.stat(f"{run.path}/{PACKED_EVENTS}").st_size  # noqa: PTH116
                ended_at = datetime.fromtimestamp(manifest.st_mtime, UTC)
                yield KeptRun(Path(run.path), ended_at, manifest.st_size + events)


def folders(path: Path | str) -> list[os.DirEntry[str]]:
    """Return the folders in one, by name; none where it cannot be read."""
    try:
        with os.scandir(path) as entries:
            return sorted((one for one in entries if one.is_dir()), key=lambda one: one.name)
    except OSError:
        return []


def is_name_of_run(name: str) -> bool:
    """Tell whether a directory of that name is a run's: a playbook's name and a number."""
    playbook, _, number = name.rpartition("-")
    return bool(playbook) and number.isdecimal()


def read_manifest(directory: Path) -> Mapping[str, Any] | None:
    """Return the manifest of a run, or None where there is none that can be read, as while it goes on."""
    with suppress(OSError, ValueError):
        manifest = json.loads((directory / MANIFEST).read_bytes())
        return manifest if isinstance(manifest, dict) else None
    return None


def digest_of(directory: Path) -> str | None:
    """Return the SHA-256 of a run's manifest, in hexadecimal, or None where there is none."""
    with suppress(OSError):
        return hashlib.sha256((directory / MANIFEST).read_bytes()).hexdigest()
    return None


def read_events(directory: Path) -> str:
    """Return the events of the run in ``directory``, a line each, whether or not it is over; nothing where none were kept."""
    return _of_events(directory, lambda path: b"".join(whole_lines(path)).decode(), "")


@dataclass(frozen=True)
class LastEvents:
    """The last events of a run, a line each, and whether those are all."""

    lines: str = ""
    are_all: bool = True


def last_events(directory: Path, longest: int) -> LastEvents:
    """Return the last whole events of the run in ``directory`` that take ``longest`` bytes together; no more is in memory."""
    return _of_events(directory, lambda path: _end_of(path, longest), LastEvents())


def output_of(directory: Path, events: str | None = None) -> str:
    """Return what a run printed, as it is: colours, and whatever a host or a module had to say; of some ``events``, or of all."""
    lines = read_events(directory) if events is None else events
    text = "".join(f"{one}\n" for one in _printed(lines))
    return (text or str((read_manifest(directory) or {}).get("printed", ""))).replace("\r\n", "\n")


def verify_run(directory: Path) -> list[str]:
    """Return what is wrong with a run that is over, a sentence each; nothing where it is as it was kept.

    That the manifest itself is as it was written is told by :func:`digest_of` alone.
    """
    manifest, path = read_manifest(directory), directory / PACKED_EVENTS
    if manifest is None:
        return [f"{MANIFEST} {'cannot be read' if (directory / MANIFEST).exists() else 'is missing'}"]
    if manifest.get("format") != FORMAT:
        return [f"{MANIFEST} is of format {manifest.get('format')!r}, which this version does not know"]
    try:
        content = path.read_bytes()
    except OSError as error:
        return [
            f"{PACKED_EVENTS} {'is missing' if not path.exists() else f'cannot be read: {error.strerror}'}"
        ]
    others = sorted(one.name for one in directory.iterdir() if one.name not in (MANIFEST, PACKED_EVENTS))
    return [
        *_differences(content, manifest.get("events")),
        *(f"{name} in it is none of ours" for name in others),
    ]


def _differences(content: bytes, kept: Any) -> Iterator[str]:
    if not isinstance(kept, dict):
        yield f"{MANIFEST} says nothing of the events"
        return
    if len(content) != kept.get("size"):
        yield f"{PACKED_EVENTS} has {len(content)} bytes, not {kept.get('size')}"
    if hashlib.sha256(content).hexdigest() != kept.get("sha256"):
        yield f"{PACKED_EVENTS} was changed: its SHA-256 is not that of the manifest"
    try:
        count = gzip.decompress(content).count(b"\n")
    except (EOFError, OSError, zlib.error):
        yield f"{PACKED_EVENTS} was cut or broken: it cannot be decompressed"
        return
    if count != kept.get("count"):
        yield f"{PACKED_EVENTS} holds {count} events, not {kept.get('count')}"


def _of_events(directory: Path, reads: Callable[[Path], T], otherwise: T) -> T:
    """Return what ``reads`` makes of the file of a run's events, whether or not that is over."""
    packed = directory / PACKED_EVENTS
    # It may be packed this moment: what is removed then is there under the other name.
    for path in (packed, source_of_events(directory), packed):
        with suppress(FileNotFoundError):
            return reads(path) if path else otherwise
    return otherwise


def _end_of(path: Path, longest: int) -> LastEvents:
    end, size = b"", 0
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        if isinstance(file, io.BufferedReader):
            size = max(0, path.stat().st_size - longest)
            file.seek(size)
        # Where its writer was killed, the end is missing.
        with suppress(EOFError, gzip.BadGzipFile, zlib.error):
            while part := file.read(_PART):
                size += len(part)
                end = (end + part)[-longest:]
    are_all = size == len(end)
    # Others than all begin within one, most likely.
    begin = 0 if are_all else end.find(b"\n") + 1
    return LastEvents(end[begin : end.rfind(b"\n") + 1].decode(), are_all)


def _printed(events: str) -> Iterator[str]:
    for line in events.splitlines():
        # One that was cut when the disk was full is followed by others.
        with suppress(ValueError, AttributeError):
            if text := json.loads(line).get("stdout"):
                yield str(text)


def _order(name: str) -> tuple[int, bool, str]:
    playbook, _, number = name.rpartition("-")
    return int(number), playbook == "notify", playbook
