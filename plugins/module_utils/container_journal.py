# SPDX-License-Identifier: Apache-2.0
"""What must outlive a crash, in a directory of root's: the swaps under way, refused digests, and one lock.

A journal holds the whole description of a container, its environment included, so it is readable by its
owner only and removed when its swap is over.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from typing import Any, Dict, Iterator, Optional

from ansible_collections.registry.docker_updater.plugins.module_utils.json_text import decode_json

DIRECTORY = "/var/lib/registry-docker-updater"
_REMEMBERED = 20


class JournalUnusable(Exception):
    """The directory cannot be used, or another process held its lock for too long; the message says which."""


class Journal:
    """The journals of one engine, in ``directory``/containers/<engine id>."""

    def __init__(self, directory: str, engine_id: str) -> None:
        name = re.sub(r"[^A-Za-z0-9_.-]", "-", engine_id) or "engine"
        self._directory = os.path.join(directory, "containers", name)
        try:
            os.makedirs(directory, mode=0o700, exist_ok=True)
            os.chmod(directory, 0o700)
            os.makedirs(self._directory, mode=0o700, exist_ok=True)
        except OSError as error:
            hint = (
                ": become root there, or name a directory of this user (standalone_container_state_directory)"
            )
            raise JournalUnusable(
                f"cannot keep a journal in {directory}: {error.strerror}"
                f"{hint if isinstance(error, PermissionError) else ''}"
            ) from None

    def lock(self, seconds: float) -> "Lock":
        """Return the lock that one worker at a time holds; taking it waits for ``seconds`` at most."""
        return Lock(os.path.join(self._directory, "lock"), seconds)

    def swaps(self) -> Iterator[Dict[str, Any]]:
        """Yield the kept swaps, the oldest first."""
        files = [entry.path for entry in os.scandir(self._directory) if entry.name.endswith(".swap.json")]
        for path in sorted(files, key=os.path.getmtime):
            kept = _read(path)
            if kept:
                yield kept

    def keep(self, name: str, swap: Dict[str, Any]) -> None:
        """Keep ``swap`` of the container called ``name``, on the disk before this returns."""
        _write(self._path(name, "swap"), swap)

    def drop(self, name: str) -> None:
        """Forget the swap of ``name``: it is over."""
        path = self._path(name, "swap")
        if os.path.exists(path):
            os.unlink(path)
            _sync_directory(path)

    def refusal(self, name: str, digest: str) -> Optional[Dict[str, Any]]:
        """Return ``{reason, at}`` when ``digest`` was found bad for container ``name``."""
        found: Optional[Dict[str, Any]] = (_read(self._path(name, "refused")) or {}).get(digest)
        return found

    def refuse(self, name: str, digest: str, reason: str) -> None:
        """Remember that ``digest`` was found bad for container ``name``."""
        kept = _read(self._path(name, "refused")) or {}
        kept[digest] = {"reason": reason, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        _write(self._path(name, "refused"), dict(list(kept.items())[-_REMEMBERED:]))

    def keep_result(self, name: str, result: Dict[str, Any]) -> None:
        """Keep what became of ``name`` for a run that waits for this one."""
        _write(self._path(name, "result"), {"at": time.time(), "result": result})

    def result_since(self, name: str, moment: float) -> Optional[Dict[str, Any]]:
        """Return the result of ``name`` when it was kept after ``moment`` (seconds since the epoch)."""
        kept = _read(self._path(name, "result")) or {}
        result: Optional[Dict[str, Any]] = kept.get("result") if kept.get("at", 0) >= moment else None
        return result

    def _path(self, name: str, kind: str) -> str:
        # Names of containers are safe in a path, and of any length.
        if len(name) > 100:
            name = name[:60] + "-" + hashlib.sha256(name.encode()).hexdigest()[:16]
        return os.path.join(self._directory, f"{name}.{kind}.json")


class Lock:
    """A lock that ends with its process, whatever ends that. Use it in a with statement."""

    def __init__(self, path: str, seconds: float) -> None:
        self._path, self._seconds = path, seconds
        self.waited = False

    def __enter__(self) -> "Lock":
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + self._seconds
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self.waited = True
            else:
                return self
            if time.monotonic() > deadline:
                os.close(self._file)
                raise JournalUnusable(
                    f"another update on this host has not ended within {self._seconds:.0f} seconds; it holds {self._path}"
                )
            time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def _read(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            kept = decode_json(file.read())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise JournalUnusable(f"cannot read {path}: {error}") from None
    return kept if isinstance(kept, dict) else None


def _write(path: str, content: Dict[str, Any]) -> None:
    draft = path + ".new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
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
