"""What a backup holds, and what it says of itself: its first member, ``backup.json``."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from registry_docker_updater.core.audit.canonical import moment_text
from registry_docker_updater.core.audit.entries import TrailHead
from registry_docker_updater.core.audit.runs import MANIFEST, PACKED_EVENTS
from registry_docker_updater.errors import UpdaterError

DESCRIPTION, DATABASE, RUNS = "backup.json", "updater.db", "runs"
FORMAT = 1
# What the private folders in the state directory are called in which a backup is made, and restored.
COPYING, RESTORING = "copying", "restoring"
# No name begins with a dot: none leads upwards, and none hides.
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
_RUN_FILE = re.compile(rf"{RUNS}/{_NAME}/{_NAME}/({'|'.join(map(re.escape, (MANIFEST, PACKED_EVENTS)))})")
# In bytes. A database may be as large as there is room.
LARGEST_DESCRIPTION, _LARGEST_RUN_FILE = 2**16, 2**30


@dataclass(frozen=True)
class Backup:
    """What a backup says of itself: which ``version`` of ours made it, when, and the head of the trail that it holds."""

    version: str
    created_at: datetime
    head: TrailHead


def description(backup: Backup) -> bytes:
    """Return what ``backup.json`` says."""
    content = {
        "format": FORMAT,
        "version": backup.version,
        "created_at": moment_text(backup.created_at),
        "head": {"number": backup.head.sequence, "hash": backup.head.hash},
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def read_description(content: bytes) -> Backup:
    """Return what a ``backup.json`` says; raises :class:`UpdaterError` where it cannot be read, or is of another format."""
    try:
        said = json.loads(content)
        made_as, version = said["format"], str(said["version"])
        if made_as == FORMAT:
            head = TrailHead(int(said["head"]["number"]), str(said["head"]["hash"]))
            return Backup(version, datetime.fromisoformat(said["created_at"]).astimezone(UTC), head)
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
        raise UpdaterError(f"its {DESCRIPTION} cannot be read") from None
    raise UpdaterError(
        f"it is of format {json.dumps(made_as)}, and this version reads {FORMAT}: restore it with the version that made"
        f" it, {version}"
    )


def members_of_run(where: str) -> tuple[str, ...] | None:
    """Return the names of the files of a run that is kept at ``where``; None where no run of ours would be."""
    names = tuple(f"{RUNS}/{where}/{name}" for name in (MANIFEST, PACKED_EVENTS))
    return names if all(map(_RUN_FILE.fullmatch, names)) else None


def refused(name: str, size: int, *, is_file: bool, is_first: bool, is_there: bool) -> str | None:
    """Return why a member of a backup is not unpacked, in a sentence; None where it is.

    ``is_file`` tells that it is a plain file and nothing else, ``is_there`` that there was one of its name before.
    """
    largest = LARGEST_DESCRIPTION if name == DESCRIPTION else _LARGEST_RUN_FILE
    if is_first != (name == DESCRIPTION):
        return f"{DESCRIPTION} is not its first member, and only that"
    if name not in (DESCRIPTION, DATABASE) and not _RUN_FILE.fullmatch(name):
        return f"it holds {name!r}, which no backup does"
    if not is_file:
        return f"{name} in it is no plain file"
    if is_there:
        return f"it holds {name} twice"
    if name != DATABASE and size > largest:
        return f"{name} in it has {size:,} bytes, and no backup more than {largest:,}"
    return None
