"""The private directory of a run while it goes on: what it is asked, and who has it in hand."""

import fcntl
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from registry_docker_updater.core.runs.results import COLLECTION
from registry_docker_updater.edges.runs.kept_events import ARTIFACTS
from registry_docker_updater.edges.runs.port import Playbook

# The process of a run notes its number here, and holds a lock on the note as long as it is there.
PROCESS_NOTE = "process.pid"
REQUEST, HOSTS, EXTRA_VARIABLES = "request.json", "hosts", Path("env", "extravars")
_MARK = "__ansible_unsafe"


def make_directory(folder: Path, name: str, number: int | None = None) -> Path:
    """Make ``name-<number>``, or with the next number that is free; by itself, with one more than there is.

    A run that was killed left its directory.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if number is None:
        taken = [int(path.name.rpartition("-")[2]) for path in folder.glob(f"{name}-*")]
        number = max(taken, default=0) + 1
    for free in itertools.count(number):
        directory = folder / f"{name}-{free}"
        # Another thread or process may have taken the number meanwhile.
        with suppress(FileExistsError):
            directory.mkdir(mode=0o700)
            break
    return directory


def write_request(  # noqa: PLR0913 - what a run is asked
    directory: Path,
    playbook: Playbook,
    timeout: timedelta,
    asked: Mapping[str, Any],
    *,
    inventory: Path,
    project: Path,
    collection: Path,
    tells_tasks: bool,
) -> None:
    """Write down what the process of a run is to do, and what was ``asked``, for whoever finds the run after a kill.

    ``collection`` is the folder of ours: here, for importing it there would be in Ansible's way. Where it ``tells_tasks``, the
    process says which tasks hosts begin.
    """
    variables = directory / EXTRA_VARIABLES
    variables.parent.mkdir(mode=0o700)
    _write(variables, as_text(playbook.variables))
    limit = playbook.limit
    if isinstance(limit, tuple):
        hosts = directory / HOSTS
        hosts.write_text("".join(f"{name}\n" for name in limit))
        limit = f"@{hosts}"
    run = {
        "playbook": f"{COLLECTION}.{playbook.name}",
        "inventory": str(inventory),
        "project_dir": str(project),
        "limit": limit,
        **({"forks": playbook.forks} if playbook.forks else {}),
    }
    request = {
        "asked": asked,
        "tells_tasks": tells_tasks,
        "timeout": timeout.total_seconds(),
        "collection": str(collection),
        "run": run,
    }
    _write(directory / REQUEST, request)


def as_text(value: Any) -> Any:
    """Mark every text in ``value`` so that Ansible never takes it for a template.

    Extra variables are trusted by Ansible and evaluated; what comes from a registry is not to be.
    """
    if isinstance(value, str):
        return {_MARK: value}
    if isinstance(value, Mapping):
        return {str(key): as_text(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_text(one) for one in value]
    return value


def as_plain(value: Any) -> Any:
    """Return ``value`` as it was before :func:`as_text`."""
    if isinstance(value, Mapping):
        plain = {key: as_plain(one) for key, one in value.items()}
        return plain[_MARK] if plain.keys() == {_MARK} else plain
    if isinstance(value, list):
        return [as_plain(one) for one in value]
    return value


def forget_environment(directory: Path) -> None:
    """Remove what ansible-runner writes of the whole environment when the run in this directory begins."""
    (directory / ARTIFACTS / "command").unlink(missing_ok=True)


@contextmanager
def hold(directory: Path, *, waits: bool = True) -> Iterator[bool]:
    """Have the directory of a run in hand, from its beginning until it is packed; yield whether nobody else has.

    Raises :class:`OSError` where there is none.
    """
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    is_ours = False
    try:
        with suppress(BlockingIOError):
            fcntl.flock(opened, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
            is_ours = True
        yield is_ours
    finally:
        os.close(opened)


def is_going_on(directory: Path) -> bool:
    """Tell whether the run that is kept in ``directory`` goes on, or is being packed."""
    try:
        with hold(directory, waits=False) as is_ours:
            return not is_ours or process_of(directory) is not None
    except OSError:
        return False


def note_process(directory: Path) -> None:
    """Note that this process is that of the run in ``directory``, for as long as it is there."""
    note = os.open(directory / PROCESS_NOTE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(note, fcntl.LOCK_EX)
    os.write(note, f"{os.getpid()}\n".encode())


def process_of(directory: Path) -> int | None:
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
