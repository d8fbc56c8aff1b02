"""What is installed here, and in which version: what a report of a bug is to tell."""

import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from registry_docker_updater import __version__
from registry_docker_updater.edges.runs.inputs import COLLECTION_FOLDER
from registry_docker_updater.storage.database import sqlite_version

_NONE = "not installed"
# What an update or its record goes through.
_TOLD = ("ansible-core", "ansible-runner", "docker", "SQLAlchemy", "pydantic")


def versions() -> Mapping[str, str]:
    """Return the versions of all that matters, and where the collection lies, by name."""
    return {
        "registry-docker-updater": __version__,
        "Python": platform.python_version(),
        **{name: _version(name) for name in _TOLD},
        "SQLite": sqlite_version(),
        "system": _system(),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "interpreter": sys.executable,
        "collection": str(COLLECTION_FOLDER),
    }


def one_line() -> str:
    """Return what ``--version`` prints: ours first, then those on which most depends."""
    all_of_them = versions()
    beside = ("Python", "ansible-core", "ansible-runner", "docker", "SQLite")
    known = ", ".join(f"{name} {all_of_them[name]}" for name in beside)
    return f"{__version__} ({known}, {all_of_them['system']})"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return _NONE


def _system() -> str:
    try:
        # As os-release(5) has it.
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform()
