# SPDX-License-Identifier: Apache-2.0
"""The lab's control groups: /registry-docker-updater-lab/<lab>/<member>/{system,containers}.

All that a lab starts lives in them, which is how it is found again when nothing else is left. Both
versions are known: with version 1 there is such a tree in every hierarchy.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lab.places import PROJECT

MOUNT = Path("/sys/fs/cgroup")
# Version 1: enough to find every process and to measure memory. A cpuset would need to be filled first.
JOINED = ("memory", "pids")


def containers_parent(lab: str, member: str) -> str:
    """The path of the group that an engine makes its containers' groups in."""
    return f"/{PROJECT}/{lab}/{member}/containers"


def make(lab: str, member: str, *, unified: bool = False) -> tuple[Path, ...]:
    """Make the groups of a member's own processes; return the files a process writes 0 to, to join.

    With `unified`, also that of version 2 where it lies beside those of version 1: it is what a systemd in there works with.
    """
    files = []
    beside = (MOUNT / "unified",) if unified and (MOUNT / "unified/cgroup.procs").exists() else ()
    for hierarchy in (*_joined_hierarchies(), *beside):
        group = hierarchy / PROJECT / lab / member / "system"
        _make_group(group)
        files.append(group / "cgroup.procs")
    return tuple(files)


def usable() -> bool:
    """Tell if groups can be made on this machine."""
    try:
        for hierarchy in _joined_hierarchies():
            trial = hierarchy / f"{PROJECT}.{os.getpid()}"
            trial.mkdir()
            trial.rmdir()
    except OSError:
        return False
    return bool(_joined_hierarchies())


def labs() -> set[str]:
    """The labs of which there are groups."""
    return {
        lab.name for hierarchy in _hierarchies() for lab in (hierarchy / PROJECT).glob("*") if lab.is_dir()
    }


def processes(lab: str, member: str = "") -> set[int]:
    """The process ids in the groups of a lab, or of one member of it; containers' included."""
    found: set[int] = set()
    for group in _groups(lab, member):
        with suppress(OSError):
            found.update(int(line) for line in (group / "cgroup.procs").read_text().split())
    # What a process outside our own pid namespace is shown as; to kill() it would mean ourselves.
    return found - {0}


def thaw(lab: str, member: str = "") -> None:
    """Let paused containers go on: with version 1, what is frozen does not even end when it is killed."""
    for group in _groups(lab, member):
        # Not there but in the hierarchy of the freezer, and gone with its group.
        with suppress(OSError), (group / "freezer.state").open("r+") as state:
            state.write("THAWED")


def memory(lab: str, member: str) -> int:
    """Bytes of memory that a member and its containers use, without what the kernel could take back."""
    for hierarchy in _joined_hierarchies():
        group = hierarchy / PROJECT / lab / member
        if (group / "memory.stat").exists():
            values = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            anonymous = values.get("total_rss") or values.get("anon") or "0"
            return int(anonymous)
    return 0


def remove(lab: str) -> bool:
    """Remove the groups of a lab; return whether all are gone, which they cannot be before their processes."""
    for group in _groups(lab):
        # Busy for a moment after its last process ended.
        with suppress(OSError):
            group.rmdir()
    if any(True for _ in _groups(lab)):
        return False
    for hierarchy in _hierarchies():
        with suppress(OSError):  # there are other labs, or there was none
            (hierarchy / PROJECT).rmdir()
    return True


def _make_group(group: Path) -> None:
    try:
        group.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError:
        # The top of the tree goes with the last lab, which may be just between two steps of this.
        group.mkdir(parents=True, exist_ok=True)


def _groups(lab: str, member: str = "") -> Iterator[Path]:
    """The groups of a lab, or of one member of it, inner ones first."""
    for hierarchy in _hierarchies():
        top = hierarchy / PROJECT / lab / member
        if top.is_dir():
            yield from sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True)
            yield top


def _hierarchies() -> tuple[Path, ...]:
    if (MOUNT / "cgroup.procs").exists():
        return (MOUNT,)
    return tuple(path for path in sorted(MOUNT.glob("*")) if (path / "cgroup.procs").exists())


def _joined_hierarchies() -> tuple[Path, ...]:
    return tuple(path for path in _hierarchies() if path == MOUNT or path.name in JOINED)
