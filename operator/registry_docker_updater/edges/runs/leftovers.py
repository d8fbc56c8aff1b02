"""What a killed operator left behind: processes of runs, which are ended, and directories of runs, which are packed."""

import json
import logging
import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from registry_docker_updater.core.audit.runs import MANIFEST, PACKED_EVENTS
from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.core.runs.results import COLLECTION
from registry_docker_updater.edges.runs.directories import (
    EXTRA_VARIABLES,
    HOSTS,
    REQUEST,
    as_plain,
    forget_environment,
    hold,
    process_of,
)
from registry_docker_updater.edges.runs.kept_events import ARTIFACTS
from registry_docker_updater.edges.runs.kept_runs import folders, is_name_of_run
from registry_docker_updater.edges.runs.packing import (
    ProcessEnd,
    pack,
    said,
    source_of_events,
)
from registry_docker_updater.edges.runs.port import kept_in
from registry_docker_updater.edges.runs.processes import end_at_once

_log = logging.getLogger(__name__)
_GRACE_SECONDS = 30
_ENDED_BY_US = ("canceled", "timeout")
_KNOWN = ("successful", "failed", *_ENDED_BY_US)


def end_leftovers(runs: Path, known: Collection[str] = ()) -> list[Path]:
    """End and pack the runs below ``runs`` that nobody has in hand any more; return the directories of those that were packed.

    Of the ``known``, a manifest was told of, which is to be missed where it is not there any more.

    Their processes end by themselves when the operator does; this makes sure before anything is run again. What cannot be packed
    is left for the next time.
    """
    packed: list[Path] = []
    for directory in _unpacked(runs):
        with suppress(OSError), hold(directory, waits=False) as is_ours:
            if not is_ours or kept_in(directory) in known:
                continue
            _end_process(directory)
            try:
                pack(directory, _asked(directory), _end(directory))
                packed.append(directory)
            except (OSError, ValueError) as error:
                _log.warning("the run in %s cannot be packed: %s", directory, error)
    return packed


def _unpacked(runs: Path) -> Iterator[Path]:
    """Yield the directories of runs that have no manifest, without reading any that has."""
    for folder in folders(runs):
        for run in folders(folder.path):
            is_packed = os.path.exists(f"{run.path}/{MANIFEST}")  # noqa: PTH110 - thousands are
            if not is_packed and is_name_of_run(run.name) and _can_be_packed(run.path):
                yield Path(run.path)


def _can_be_packed(run: str) -> bool:
    """Tell whether there is something to be packed.

    In a directory that is empty a run begins this moment; of one that has lost its manifest nothing else is to be made.
    """
    with suppress(OSError):
        return os.listdir(run) not in ([], [PACKED_EVENTS])  # noqa: PTH208
    return False


def _end_process(directory: Path) -> None:
    deadline = time.monotonic() + _GRACE_SECONDS
    while process_of(directory) and time.monotonic() < deadline:
        time.sleep(0.1)
    if process := process_of(directory):
        end_at_once(process)
    forget_environment(directory)


def _end(directory: Path) -> ProcessEnd:
    """Return how a run ended, as far as ansible-runner still wrote it down."""
    status, code = (_text(directory / ARTIFACTS / name).strip() for name in ("status", "rc"))
    is_ansibles = code.isdecimal() and status not in _ENDED_BY_US
    last = (directory / ARTIFACTS / "status", source_of_events(directory), directory / REQUEST, directory)
    return ProcessEnd(
        status if status in _KNOWN else "interrupted",
        int(code) if is_ansibles else None,
        next(_changed_at(path) for path in last if path and path.exists()),
        said=said(directory),
    )


def _asked(directory: Path) -> Mapping[str, Any]:
    """Return what a run was asked: as it was written down when it began, or as the version before did."""
    request = _json(directory / REQUEST)
    if "asked" in request:
        asked: Mapping[str, Any] = request["asked"]
        return asked
    began = directory / REQUEST if request else directory
    limit = request.get("limit")
    if str(limit).startswith("@"):
        limit = _text(directory / HOSTS).split()
    return {
        "playbook": str(request.get("playbook", directory.name.rpartition("-")[0])).removeprefix(
            f"{COLLECTION}."
        ),
        "began_at": rfc3339(_changed_at(began)),
        "limit": limit,
        "forks": request.get("forks"),
        "variables": as_plain(_json(directory / EXTRA_VARIABLES)),
        "check": False,
        "inputs": None,
        "kept": "everything",
    }


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _json(path: Path) -> dict[str, Any]:
    with suppress(ValueError):
        content = json.loads(_text(path))
        return content if isinstance(content, dict) else {}
    return {}


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
