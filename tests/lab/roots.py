# SPDX-License-Identifier: Apache-2.0
"""Root file systems: one Debian with a Docker engine per suite, made once and then only read.

A root stands at `<cache>/<suite>/<fingerprint>`, where the fingerprint is of all that decides what is in
it. It gets there by one rename, so one that is there is whole.
"""

import hashlib
import shutil
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab.commands import run, run_logged
from lab.errors import LabError
from lab.places import cache, locked

_PACKAGES = (
    "busybox-static",
    "ca-certificates",
    "docker-compose",
    "docker.io",
    "iproute2",
    "iptables",
    "openssh-server",
    "python3",
    "python3-venv",
    "sudo",
    "tini",
)
_MORE_PACKAGES = {"bookworm": ()}
_MORE_PACKAGES_SINCE_TRIXIE = ("docker-cli",)
# What each host gets anew, or nobody needs. The keys above all: they would be the same everywhere.
_REMOVED = ("etc/ssh/ssh_host_*", "etc/machine-id", "var/lib/apt/lists/*", "var/cache/apt/*.bin", "var/log/*")
_FORM = 1
"""Raised when what is done to a root after debootstrap changes."""


def packages(suite: str) -> tuple[str, ...]:
    """What a root of this suite holds besides the minimum."""
    return tuple(sorted((*_PACKAGES, *_MORE_PACKAGES.get(suite, _MORE_PACKAGES_SINCE_TRIXIE))))


def location(suite: str) -> Path:
    """Where the root of a suite stands, or will."""
    what = "\n".join((suite, str(_FORM), *packages(suite)))
    return cache() / suite / hashlib.sha256(what.encode()).hexdigest()[:12]


def provide(suite: str, progress: Callable[[str], None]) -> Path:
    """Return the root of a suite; make it first if it is missing, which takes a minute or two.

    Who comes second waits for who came first. Raises `LabError` with the end of debootstrap's log.
    """
    root = location(suite)
    if not root.exists():
        with locked(cache() / f"{suite}.lock"):
            if not root.exists():
                progress(f"{suite}: making the root file system, once")
                _make(suite, root)
                progress(f"{suite}: root file system made")
    return root


def provide_all(suites: Collection[str], progress: Callable[[str], None]) -> dict[str, Path]:
    """The roots of several suites, by suite; those that are missing are made at the same time."""
    with ThreadPoolExecutor(max(len(suites), 1)) as pool:
        made = pool.map(lambda suite: provide(suite, progress), suites)
        return dict(zip(suites, made, strict=True))


def forget() -> None:
    """Remove every root. No lab may be up."""
    shutil.rmtree(cache(), ignore_errors=True)


def mirror() -> str | None:
    """The Debian mirror of this machine's apt, or none: then debootstrap knows one."""
    try:
        targets = run("apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)").stdout
    except (LabError, FileNotFoundError):
        return None
    for line in targets.splitlines():
        origin, label, uri = line.split("|", 2)
        # Updates for security have the same origin in an archive of their own, by another label.
        if (origin, label) == ("Debian", "Debian") and uri.startswith(("http://", "https://")):
            return uri
    return None


def _make(suite: str, root: Path) -> None:
    root.parent.mkdir(parents=True, exist_ok=True)
    half_made = root.with_name(f"{root.name}.half-made")
    shutil.rmtree(half_made, ignore_errors=True)
    log = cache() / f"{suite}.log"
    log.unlink(missing_ok=True)
    source = [uri] if (uri := mirror()) else []
    included = f"--include={','.join(packages(suite))}"
    # If this process is killed, debootstrap is too, with whatever it started and mounted: the lock is free
    # then, and somebody else begins anew in the same place.
    namespaces = (
        *("setpriv", "--pdeathsig", "KILL"),
        *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"),
    )
    debootstrap = ("debootstrap", "--variant=minbase", included, suite, str(half_made), *source)
    run_logged((*namespaces, "--mount-proc", *debootstrap), str(log), timeout=1800)
    run("chroot", str(half_made), "apt-get", "clean")
    for pattern in _REMOVED:
        for path in half_made.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    half_made.rename(root)
