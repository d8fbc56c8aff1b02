# SPDX-License-Identifier: Apache-2.0
"""Root file systems: one Debian per suite and kind of host, made once and then only read.

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
from lab.spec import CONTROL, ENGINE

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
# A machine as a shop has it before anything of ours is on it; there is no way out of a lab to apt's mirror.
_CONTROL_PACKAGES = (
    "ca-certificates",
    "dbus",
    "iproute2",
    "openssh-server",
    "python3",
    "python3-apt",
    "python3-venv",
    "sudo",
    "systemd-sysv",
)
# No host at all: the base of an image.
BARE = "bare"
# What each host gets anew, or nobody needs. The keys above all: they would be the same everywhere.
_REMOVED = ("etc/ssh/ssh_host_*", "etc/machine-id", "var/lib/apt/lists/*", "var/cache/apt/*.bin", "var/log/*")
_FORM = 1
"""Raised when what is done to a root after debootstrap changes."""


def packages(suite: str, kind: str = ENGINE) -> tuple[str, ...]:
    """What a root of this suite, for this kind of host, holds besides the minimum."""
    if kind == BARE:
        return ()
    if kind == CONTROL:
        return _CONTROL_PACKAGES
    return tuple(sorted((*_PACKAGES, *_MORE_PACKAGES.get(suite, _MORE_PACKAGES_SINCE_TRIXIE))))


def location(suite: str, kind: str = ENGINE) -> Path:
    """Where the root of a suite stands, or will."""
    what = "\n".join((suite, str(_FORM), *packages(suite, kind)))
    return cache() / suite / hashlib.sha256(what.encode()).hexdigest()[:12]


def provide(suite: str, progress: Callable[[str], None], kind: str = ENGINE) -> Path:
    """Return the root of a suite; make it first if it is missing, which takes a minute or two.

    Who comes second waits for who came first. Raises `LabError` with the end of debootstrap's log.
    """
    root = location(suite, kind)
    if not root.exists():
        with locked(cache() / f"{root.name}.lock"):
            if not root.exists():
                progress(f"{suite}: making the root file system of kind {kind}, once")
                _make(suite, kind, root)
                progress(f"{suite}: root file system made")
    return root


def provide_all(
    wanted: Collection[tuple[str, str]], progress: Callable[[str], None]
) -> dict[tuple[str, str], Path]:
    """The roots of several suites and kinds, by these; those that are missing are made at the same time."""
    with ThreadPoolExecutor(max(len(wanted), 1)) as pool:
        made = pool.map(lambda one: provide(one[0], progress, one[1]), wanted)
        return dict(zip(wanted, made, strict=True))


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


def _make(suite: str, kind: str, root: Path) -> None:
    root.parent.mkdir(parents=True, exist_ok=True)
    half_made = root.with_name(f"{root.name}.half-made")
    shutil.rmtree(half_made, ignore_errors=True)
    log = cache() / f"{suite}-{kind}.log"
    log.unlink(missing_ok=True)
    source = [uri] if (uri := mirror()) else []
    wanted = packages(suite, kind)
    included = [f"--include={','.join(wanted)}"] if wanted else []
    # If this process is killed, debootstrap is too, with whatever it started and mounted: the lock is free
    # then, and somebody else begins anew in the same place.
    namespaces = (
        *("setpriv", "--pdeathsig", "KILL"),
        *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"),
    )
    debootstrap = ("debootstrap", "--variant=minbase", *included, suite, str(half_made), *source)
    run_logged((*namespaces, "--mount-proc", *debootstrap), str(log), timeout=1800)
    run("chroot", str(half_made), "apt-get", "clean")
    for pattern in _REMOVED:
        for path in half_made.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    half_made.rename(root)
