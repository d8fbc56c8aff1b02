# SPDX-License-Identifier: Apache-2.0
"""What must outlive a crash, in a directory of root's: the swaps under way, refused digests, and one lock.

A journal holds the whole description of a container, its environment included, so it is readable by its
owner only and removed when its swap is over.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import itertools
import json
import os
import re
import time
from typing import Any, Dict, Iterator, List, Optional, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.json_text import decode_json
from ansible_collections.registry.docker_updater.plugins.module_utils.log_lines import bounded

DIRECTORY = "/var/lib/registry-docker-updater"
_REMEMBERED = 20
_HANDOVER = ".handover.json"
_DRAFT = ".new"
_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
# A link in place of a file of ours was put there by somebody else, and leads to what is not ours.
_OURS = os.O_CLOEXEC | os.O_NOFOLLOW


class JournalUnusable(Exception):
    """The directory cannot be used, or another process held its lock for too long; the message says which."""


class Journal:
    """The journals of one engine, in ``directory``/containers/<engine id>."""

    def __init__(self, directory: str, engine_id: str, *, make: bool = True) -> None:
        self.directory = _place(directory, engine_id)
        self.unreadable: List[str] = []
        if not make:
            return
        try:
            os.makedirs(directory, mode=0o700, exist_ok=True)
            os.chmod(directory, 0o700)
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
        except OSError as error:
            hint = (
                ": become root there, or name a directory of this user (standalone_container_state_directory)"
            )
            raise JournalUnusable(
                f"cannot keep a journal in {directory}: {error.strerror}"
                f"{hint if isinstance(error, PermissionError) else ''}"
            ) from None

    @classmethod
    def existing(cls, directory: str, engine_id: str) -> Optional["Journal"]:
        """Return the journal that there is, None where there is none: nothing is made, to look into it."""
        if not os.path.isdir(_place(directory, engine_id)):
            # Somebody else's directory cannot be looked into; what does not exist can.
            if os.path.isdir(directory) and not os.access(directory, os.R_OK | os.X_OK):
                raise JournalUnusable(f"cannot look into {directory}: become the user who updates there")
            return None
        return cls(directory, engine_id, make=False)

    @staticmethod
    def has_handovers(directory: str) -> bool:
        """Tell whether work of any engine was handed over to a helper, and its answer not taken yet."""
        return bool(glob.glob(os.path.join(glob.escape(directory), "containers", "*", "*" + _HANDOVER)))

    def is_locked(self) -> bool:
        """Tell whether a worker holds the lock now."""
        try:
            file = os.open(os.path.join(self.directory, "lock"), os.O_RDONLY | _OURS)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

    def lock(self, seconds: float) -> "Lock":
        """Return the lock that one worker at a time holds; taking it waits for ``seconds`` at most."""
        return Lock(os.path.join(self.directory, "lock"), seconds)

    def swaps(self) -> Iterator[Dict[str, Any]]:
        """Yield the kept swaps, the oldest first. Those that cannot be read are named in ``unreadable`` then."""
        self.unreadable = []
        files = [entry.path for entry in os.scandir(self.directory) if entry.name.endswith(".swap.json")]
        for path in sorted(files, key=_kept_at):
            try:
                kept = read_file(path)
            except JournalUnusable as error:
                self.unreadable.append(str(error))
                continue
            if kept:
                yield kept

    def holds(self, name: str) -> bool:
        """Tell whether there is a swap of ``name``, readable or not."""
        return os.path.exists(self._path(name, "swap"))

    def kept(self, name: str) -> Dict[str, Any]:
        """Return the swap of ``name`` as it is kept, empty where there is none; raises :class:`JournalUnusable`."""
        return read_file(self._path(name, "swap"))

    def file_of(self, name: str) -> str:
        """Return the path of the swap of ``name``."""
        return self._path(name, "swap")

    def keep(self, name: str, swap: Dict[str, Any]) -> None:
        """Keep ``swap`` of the container called ``name``, on the disk before this returns."""
        write_file(self._path(name, "swap"), swap)

    def drop(self, name: str) -> None:
        """Forget the swap of ``name``: it is over."""
        path = self._path(name, "swap")
        if os.path.exists(path):
            os.unlink(path)
            _sync_directory(path)

    def refusal(self, name: str, digest: str) -> Optional[Dict[str, Any]]:
        """Return ``{reason, at, log}`` when ``digest`` was found bad for container ``name``."""
        found = read_file(self._path(name, "refused")).get(digest)
        if not isinstance(found, dict):
            return None
        said = {key: str(found.get(key) or "unknown") for key in ("reason", "at")}
        return {**said, "log": bounded(found.get("log"))}

    def refuse(self, name: str, digest: str, reason: str, log: Sequence[str]) -> None:
        """Remember that ``digest`` was found bad for container ``name``, and the last lines of the log that it left."""
        kept = read_file(self._path(name, "refused"))
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        kept[digest] = {"reason": reason, "at": at, "log": list(log)}
        write_file(self._path(name, "refused"), dict(list(kept.items())[-_REMEMBERED:]))

    def keep_result(self, name: str, result: Dict[str, Any]) -> None:
        """Keep what became of ``name`` for a run that waits for this one."""
        write_file(self._path(name, "result"), {"at": time.time(), "result": result})

    def kept_result(self, name: str) -> Dict[str, Any]:
        """Return ``{at, result}`` of what became of ``name`` last: ``at`` tells it from others, and not which is newer."""
        return read_file(self._path(name, "result"))

    def handovers(self) -> List[str]:
        """Return the tokens of the work that was handed over to a helper, the oldest first."""
        files = [entry.path for entry in os.scandir(self.directory) if entry.name.endswith(_HANDOVER)]
        return [os.path.basename(path)[: -len(_HANDOVER)] for path in sorted(files, key=_kept_at)]

    def file_of_handover(self, token: str) -> str:
        """Return the path of what was handed over."""
        return os.path.join(self.directory, token + _HANDOVER)

    def drop_drafts_of_handovers(self) -> None:
        """Remove what was killed while it wrote down work, passwords included; the caller sees that nobody writes any now."""
        for draft in glob.glob(os.path.join(glob.escape(self.directory), "*" + _HANDOVER + _DRAFT)):
            os.unlink(draft)

    def _path(self, name: str, kind: str) -> str:
        # An engine's word becomes part of a path: real names are safe there, and of any length.
        if len(name) > 100 or not _SAFE.fullmatch(name):
            digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]
            name = _UNSAFE.sub("-", name).lstrip(".")[:60] + "-" + digest
        return os.path.join(self.directory, f"{name}.{kind}.json")


class Lock:
    """A lock that ends with its process, whatever ends that. Use it in a with statement."""

    def __init__(self, path: str, seconds: float) -> None:
        self._path, self._seconds = path, seconds
        self.waited = False

    def __enter__(self) -> "Lock":
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | _OURS, 0o600)
        deadline = time.monotonic() + self._seconds
        for tries in itertools.count():
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                # The first time it may only be a scan, which looks whether somebody holds it.
                self.waited = tries > 0
            else:
                return self
            if time.monotonic() > deadline:
                os.close(self._file)
                raise JournalUnusable(
                    f"another update on this host has not ended within {self._seconds:.0f} seconds; it holds {self._path}"
                )
            time.sleep(0.1)
        raise AssertionError

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def _place(directory: str, engine_id: str) -> str:
    name = _UNSAFE.sub("-", engine_id).lstrip(".")[:100] or "engine"
    return os.path.join(directory, "containers", name)


def _kept_at(path: str) -> float:
    try:
        return os.path.getmtime(path)
    except OSError:
        return 0.0  # it is over


def read_file(path: str) -> Dict[str, Any]:
    """Return what a file holds, nothing where there is none; raises :class:`JournalUnusable`."""
    try:
        with open(os.open(path, os.O_RDONLY | _OURS), encoding="utf-8") as file:
            kept = decode_json(file.read())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        problem = str(error)
    else:
        if isinstance(kept, dict):
            return kept
        problem = "it holds no JSON object"
    raise JournalUnusable(f"cannot read {path}: {problem}: see that its container runs, then remove the file")


def write_file(path: str, content: Dict[str, Any]) -> None:
    """Write ``content`` for its owner alone, whole or not at all, on the disk before this returns."""
    draft = path + _DRAFT
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _OURS, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
    _sync_directory(path)


def _sync_directory(path: str) -> None:
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
