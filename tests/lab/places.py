# SPDX-License-Identifier: Apache-2.0
"""Where a lab keeps its things, and how everything it makes is named.

Every name holds the lab's, so that what a crashed run left behind is found without its state.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = "registry-docker-updater-lab"


def state_parent() -> Path:
    """The folder of all labs' states, on a real disk: the engines' data is below it."""
    return Path(os.environ.get("REGISTRY_DOCKER_UPDATER_LAB_STATE", f"/var/lib/{PROJECT}"))


def state_directory(lab: str) -> Path:
    return state_parent() / lab


def cache() -> Path:
    """The folder of the root file systems."""
    return Path(os.environ.get("REGISTRY_DOCKER_UPDATER_LAB_CACHE", f"/var/cache/{PROJECT}"))


def bridge_namespace(lab: str) -> str:
    return f"rdu.{lab}"


def host_namespace(lab: str, host: str) -> str:
    # Neither name holds a dot, so this is never taken for another lab's.
    return f"rdu.{lab}.{host}"


def outer_interface(lab: str) -> str:
    """The interface of the outer machine in the lab; names of interfaces end after 15 characters."""
    return f"rdu{hashlib.sha256(lab.encode()).hexdigest()[:8]}"


@contextmanager
def locked(path: Path, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold an exclusive lock on a file, which is made if missing; wait for whoever holds it now.

    `on_wait` is called once if there is somebody to wait for. Who holds the lock may remove the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if on_wait:
                    on_wait()
                fcntl.flock(file, fcntl.LOCK_EX)
            if _is_at(file.fileno(), path):
                yield
                return


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
