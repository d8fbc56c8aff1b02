"""The private directory of a run: what it is asked, and everything that is kept of it."""

import fcntl
import itertools
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from registry_docker_updater.core.runs.results import COLLECTION
from registry_docker_updater.edges.runs.port import Playbook
from registry_docker_updater.edges.runs.processes import end_at_once

# The process of a run notes its number here, and holds a lock on the note as long as it is there.
PROCESS_NOTE = "process.pid"
_GRACE_SECONDS = 30


def make_directory(folder: Path, name: str) -> Path:
    """Make ``name-1``, or with the first number that is free: a run that was killed left its directory."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    taken = [int(path.name.rpartition("-")[2]) for path in folder.glob(f"{name}-*")]
    for number in itertools.count(max(taken, default=0) + 1):
        directory = folder / f"{name}-{number}"
        # Another thread or process may have taken the number meanwhile.
        with suppress(FileExistsError):
            directory.mkdir(mode=0o700)
            break
    return directory


def write_request(
    directory: Path, playbook: Playbook, timeout: timedelta, *, inventory: Path, project: Path
) -> None:
    """Write down what the process of a run is to do."""
    variables = directory / "env" / "extravars"
    variables.parent.mkdir(mode=0o700)
    _write(variables, as_text(playbook.variables))
    limit = playbook.limit
    if isinstance(limit, tuple):
        hosts = directory / "hosts"
        hosts.write_text("".join(f"{name}\n" for name in limit))
        limit = f"@{hosts}"
    request = {
        "playbook": f"{COLLECTION}.{playbook.name}",
        "inventory": str(inventory),
        "project_dir": str(project),
        "limit": limit,
        "timeout": timeout.total_seconds(),
        **({"forks": playbook.forks} if playbook.forks else {}),
    }
    _write(directory / "request.json", request)


def as_text(value: Any) -> Any:
    """Mark every text in ``value`` so that Ansible never takes it for a template.

    Extra variables are trusted by Ansible and evaluated; what comes from a registry is not to be.
    """
    if isinstance(value, str):
        return {"__ansible_unsafe": value}
    if isinstance(value, Mapping):
        return {str(key): as_text(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_text(one) for one in value]
    return value


def forget_environment(directory: Path) -> None:
    """Remove what ansible-runner writes of the whole environment when the run in this directory begins."""
    (directory / "artifacts" / "run" / "command").unlink(missing_ok=True)


def is_going_on(directory: Path) -> bool:
    """Tell whether the run that is kept in ``directory`` goes on."""
    return _process(directory) is not None


def end_leftovers(runs: Path) -> list[str]:
    """End the processes of runs that a killed operator left behind in ``runs``; return their directories.

    They end by themselves when the operator does; this makes sure before anything is run again.
    """
    left = [note.parent for note in runs.glob(f"*/*/{PROCESS_NOTE}") if is_going_on(note.parent)]
    for directory in left:
        deadline = time.monotonic() + _GRACE_SECONDS
        while is_going_on(directory) and time.monotonic() < deadline:
            time.sleep(0.1)
        if process := _process(directory):
            end_at_once(process)
        forget_environment(directory)
    return [str(directory) for directory in left]


def note_process(directory: Path) -> None:
    """Note that this process is that of the run in ``directory``, for as long as it is there."""
    note = os.open(directory / PROCESS_NOTE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(note, fcntl.LOCK_EX)
    os.write(note, f"{os.getpid()}\n".encode())


def _process(directory: Path) -> int | None:
    """Return the process of the run in ``directory`` while there is one: its number may be another's by now, its lock not."""
    try:
        with (directory / PROCESS_NOTE).open() as note:
            fcntl.flock(note, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        # Between taking the lock and noting the number there is a moment.
        with suppress(ValueError):
            return int((directory / PROCESS_NOTE).read_text())
    except OSError:
        pass
    return None


def _write(path: Path, content: Any) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=1))
