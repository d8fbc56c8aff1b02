"""Packing a run that is over: its directory then holds its events, compressed, and a manifest of what ran and how it ended.

May be killed at any instant, and done again. What was there is removed when all of it that is kept is on the disk under other
names, and the manifest gets its name last: a directory that has one holds nothing but these two files.
"""

import gzip
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from registry_docker_updater.core.audit.runs import MANIFEST, PACKED_EVENTS
from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.edges.runs.kept_events import (
    ARTIFACTS,
    EVENTS,
    FILES,
    forget_events_in_memory,
)
from registry_docker_updater.edges.workplaces import see_to_disk

PROCESS_LOG = "process.log"
FORMAT = 1
# How much is kept of what was printed outside of events: of its end, in characters.
LONGEST = 20_000
# The manifest as long as there is something to be removed, and files that are being written.
_READY, _BEING_WRITTEN = "manifest.json.ready", ".part"
# Where the version before kept the events.
_BEFORE = (ARTIFACTS / "job_events.jsonl", ARTIFACTS / "job_events.jsonl.gz")
_SOURCES = (Path(EVENTS), *_BEFORE)


@dataclass(frozen=True)
class ProcessEnd:
    """How the process of a run ended: ``exit_code`` is that of ansible-playbook, where it is known.

    ``said`` is what the run's process had to say, and ``printed`` what is known of its output beside its events.
    """

    status: str
    exit_code: int | None
    ended_at: datetime
    cost_seconds: float | None = None
    said: str = ""
    printed: str = ""


def pack(directory: Path, asked: Mapping[str, Any], end: ProcessEnd) -> str:
    """Leave of a run that is over its events and its manifest; return the SHA-256 of that, in hexadecimal.

    ``asked`` is what the manifest says of the run's beginning. Raises :class:`OSError` where that cannot be done; nothing is
    lost then, and it can be done later.
    """
    ready, manifest = directory / _READY, directory / MANIFEST
    if manifest.exists():
        return hashlib.sha256(manifest.read_bytes()).hexdigest()
    if not ready.exists():
        _write(ready, _as_json(_manifest(directory, asked, end)))
    digest = hashlib.sha256(ready.read_bytes()).hexdigest()
    forget_events_in_memory(directory)
    for entry in list(os.scandir(directory)):
        if entry.name in (MANIFEST, PACKED_EVENTS, _READY):
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()
    directory.chmod(0o700)
    ready.replace(manifest)
    see_to_disk(directory)
    return digest


def said(directory: Path) -> str:
    """Return the end of what the process of a run that is not packed yet had to say."""
    return _end_of(directory / PROCESS_LOG)


def source_of_events(directory: Path) -> Path | None:
    """Return the file of the events of a run that is not packed yet, where there is one."""
    paths = (directory / one for one in _SOURCES)
    return next((path for path in paths if path.exists()), None)


def whole_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, compressed or not, up to one that was cut, as where its writer was killed."""
    is_packed = path.suffix == ".gz"
    with (
        gzip.open(path) if is_packed else path.open("rb") as file,
        suppress(EOFError, gzip.BadGzipFile, zlib.error),
    ):
        for line in file:
            if line.endswith(b"\n"):
                yield line


def _manifest(directory: Path, asked: Mapping[str, Any], end: ProcessEnd) -> Mapping[str, Any]:
    events = _pack_events(directory)
    printed = end.printed or _end_of(directory / ARTIFACTS / "stdout")
    return {
        **asked,
        "format": FORMAT,
        "status": end.status,
        "exit_code": end.exit_code,
        "ended_at": rfc3339(end.ended_at),
        "cost_seconds": None if end.cost_seconds is None else round(end.cost_seconds, 3),
        "files": _files(directory / FILES),
        "events": events,
        "said": end.said[-LONGEST:],
        **({} if events["count"] else {"printed": printed[-LONGEST:]}),
    }


def _pack_events(directory: Path) -> Mapping[str, Any]:
    """Compress the events, always to the same bytes, and return what the manifest says of them."""
    source, compressed = source_of_events(directory), directory / PACKED_EVENTS
    part, count = directory / f"{PACKED_EVENTS}{_BEING_WRITTEN}", 0
    with _new(part) as file:
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
            for line in whole_lines(source) if source else ():
                packed.write(line)
                count += 1
        _flush(file)
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    part.replace(compressed)
    return {"count": count, "size": compressed.stat().st_size, "sha256": digest}


def _files(path: Path) -> Mapping[str, str | None]:
    found: dict[str, str | None] = {}
    with suppress(FileNotFoundError):
        for line in whole_lines(path):
            # One that was cut when the disk was full is followed by others.
            with suppress(ValueError):
                found.update(json.loads(line))
    return found


def _end_of(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")[-LONGEST:]
    except OSError:
        return ""


def _as_json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    """Have a file with that content, or none."""
    part = path.with_name(f"{path.name}{_BEING_WRITTEN}")
    with _new(part) as file:
        file.write(content)
        _flush(file)
    part.replace(path)
    # Before anything is removed.
    see_to_disk(path.parent)


def _new(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb")


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
