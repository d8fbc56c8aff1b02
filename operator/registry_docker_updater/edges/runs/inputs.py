"""What a run is made of: our code, Ansible's, the inventory and the settings of Ansible, each by its SHA-256.

``code`` is one SHA-256 of the files below ``playbooks``, ``roles`` and ``plugins`` of the collection, as anybody can compute
it in the collection's folder. Of each file, in the order of the bytes of their paths, it takes a line: the SHA-256 of its
content in hexadecimal, two spaces, and its path from there::

    find playbooks roles plugins -type f -not -path '*/__pycache__/*' -not -path '*/.*' |
        LC_ALL=C sort | xargs sha256sum | sha256sum

Files are read again when the time of their change, their size or their inode is another. What begins with a dot is none of
Ansible's.
"""

import hashlib
import importlib.util
import os
import platform
import stat
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from ansible_collections.registry.docker_updater.plugins import module_utils

from registry_docker_updater import __version__
from registry_docker_updater.edges.runs.environment import ansible_cfg
from registry_docker_updater.edges.runs.kept_events import sha256_of

# Of our collection, wherever it is installed.
COLLECTION_FOLDER = Path(module_utils.__file__).parents[2]
_CODE = ("playbooks", "roles", "plugins")
_BESIDE_FILE, _MESSAGES = ("group_vars", "host_vars"), ("notification_handlers", "notification_templates")
_COMPILED = "__pycache__"
# Of an inventory of more files than these, one digest of all is told.
_MANY = 20

# None of a file that cannot be looked at.
_Signature = tuple[int, int, int] | None
_Signatures = dict[str, _Signature]


class Inputs:
    """Tells what the next run is made of; may be used by several threads. Cheap where nothing was changed since."""

    def __init__(
        self,
        inventory: Path,
        folder: Path,
        environment: Mapping[str, str],
        collection: Path = COLLECTION_FOLDER,
    ) -> None:
        """Tell of runs against ``inventory``, with ``folder`` as the working directory, in ``environment``."""
        self._inventory, self._folder, self._environment = inventory, folder, environment
        self._collection = collection
        self._lock = threading.Lock()
        self._signatures: Mapping[str, _Signatures] = {}
        self._digests: dict[str, tuple[_Signature, str]] = {}
        self._known: Mapping[str, Any] = {}

    def now(self) -> Mapping[str, Any]:
        """Return ``code``, ``versions``, ``inventory`` and ``ansible_cfg``, of which the last two are digests by path.

        What cannot be read is named with None; ``code`` is None where something of it cannot be.
        """
        with self._lock:
            signatures = self._look()
            if signatures != self._signatures:
                self._known = self._read(signatures)
                # What could not be read is tried again.
                is_whole = None not in (self._known["code"], *_values(self._known))
                self._signatures = signatures if is_whole else {}
            return self._known

    def _look(self) -> Mapping[str, _Signatures]:
        collection = str(self._collection)
        return {
            "code": {path: one for name in _CODE for path, one in _files(f"{collection}{os.sep}{name}")},
            "versions": dict(map(_file, _installed_in())),
            "inventory": dict(_inventory(self._inventory)),
            "ansible_cfg": dict(_settings_of_ansible(self._folder, self._environment)),
        }

    def _read(self, signatures: Mapping[str, _Signatures]) -> Mapping[str, Any]:
        before, self._digests = self._digests, {}
        found = {
            kind: {path: self._digest(path, one, before) for path, one in files.items()}
            for kind, files in signatures.items()
            if kind != "versions"
        }
        code = {os.path.relpath(path, self._collection): one for path, one in found["code"].items()}
        return {
            "code": None if None in code.values() else digest_of_files(code),
            "versions": _versions(),
            "inventory": self._short(found["inventory"]),
            "ansible_cfg": found["ansible_cfg"],
        }

    def _short(self, digests: Mapping[str, str | None]) -> Mapping[str, str | None]:
        """Return the digests of an inventory, or one of all where there are many: each run keeps them."""
        if len(digests) <= _MANY or None in digests.values():
            return digests
        return {f"{self._inventory} ({len(digests)} files)": digest_of_files(digests)}

    def _digest(
        self, path: str, signature: _Signature, before: Mapping[str, tuple[_Signature, str]]
    ) -> str | None:
        if signature is None:
            return None
        known = before.get(path)
        digest = known[1] if known and known[0] == signature else sha256_of(path)
        if digest:
            self._digests[path] = signature, digest
        return digest


def digest_of_files(digests: Mapping[str, str | None]) -> str:
    """Return one SHA-256 of several files, of which ``digests`` has each one's by its path, as ``sha256sum`` would print them."""
    whole = hashlib.sha256()
    for path in sorted(digests, key=os.fsencode):
        whole.update(f"{digests[path]}  ".encode() + os.fsencode(path) + b"\n")
    return whole.hexdigest()


def _values(known: Mapping[str, Any]) -> Iterator[str | None]:
    yield from known["inventory"].values()
    yield from known["ansible_cfg"].values()


def _file(path: str) -> tuple[str, _Signature]:
    try:
        found = os.stat(path)  # noqa: PTH116 - a hundred of them before each run, and Path takes as long as the rest
    except OSError:
        return path, None
    # What is no file, such as a pipe, would be waited for.
    is_file = stat.S_ISREG(found.st_mode)
    return path, (found.st_mtime_ns, found.st_size, found.st_ino) if is_file else None


def _files(folder: str, above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[tuple[str, _Signature]]:
    """Yield every file below ``folder``; nothing where there is no such folder."""
    try:
        itself = os.stat(folder)  # noqa: PTH116
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError:
        yield folder, None
        return
    identity = (itself.st_dev, itself.st_ino)
    if identity in above:  # a link that leads back
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name == _COMPILED:
            continue
        if entry.is_dir():
            yield from _files(entry.path, above | {identity})
        else:
            yield _file(entry.path)


def _inventory(inventory: Path) -> Iterator[tuple[str, _Signature]]:
    if inventory.is_dir():
        yield from _files(str(inventory))
    else:
        yield _file(str(inventory))
    for name in _MESSAGES if inventory.is_dir() else (*_BESIDE_FILE, *_MESSAGES):
        yield from _files(str(inventory.parent / name))


def _settings_of_ansible(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, _Signature]]:
    """Yield the one ``ansible.cfg`` that Ansible takes, where there is one."""
    path = ansible_cfg(folder, environment)
    if path:
        yield _file(str(path))


@cache
def _installed_in() -> tuple[str, ...]:
    """Return the folders of packages, whose time of change tells that something was installed."""
    found = (importlib.util.find_spec(name) for name in ("ansible", "ansible_runner"))
    return tuple({str(Path(one.origin).parents[1]) for one in found if one and one.origin})


def _versions() -> Mapping[str, str]:
    return {
        "registry_docker_updater": __version__,
        "ansible_core": metadata.version("ansible-core"),
        "ansible_runner": metadata.version("ansible-runner"),
        "python": platform.python_version(),
    }
