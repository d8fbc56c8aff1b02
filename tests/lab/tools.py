# SPDX-License-Identifier: Apache-2.0
"""What a lab, a Prometheus that looks at an operator, and shells that complete commands, need of the machine they run on: asked for by trying, and installed where apt can."""

import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab import cgroups
from lab.commands import ENVIRONMENT, run, run_logged
from lab.errors import LabError
from lab.places import state_parent

_PROGRAMS = {
    "buildah": "buildah",
    "busybox": "busybox-static",
    "chromium": "chromium",
    "debootstrap": "debootstrap",
    "docker-registry": "docker-registry",
    "fish": "fish",
    "htpasswd": "apache2-utils",
    "ip": "iproute2",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "setpriv": "util-linux",
    "skopeo": "skopeo",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
    "zsh": "zsh",
}

# Packages that start a service of their name.
_SERVICES = frozenset(("docker-registry", "prometheus"))

# All that a host is made of, in one line: namespaces, an overlay, a process table of its own.
_TRIAL = """
mount -t tmpfs trial "$1" && mkdir "$1/lower" "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
mount -t proc proc "$1/root"
"""


def missing_packages() -> tuple[str, ...]:
    """The Debian packages of the programs that this machine lacks."""
    return tuple(
        sorted({pkg for name, pkg in _PROGRAMS.items() if not shutil.which(name, path=ENVIRONMENT["PATH"])})
    )


def setup(progress: Callable[[str], None]) -> None:
    """Install what is missing, by apt. Quick when all is there. Raises `LabError` if apt cannot."""
    missing = missing_packages()
    if not missing:
        progress("every program is there")
        return
    if not shutil.which("apt-get"):
        raise LabError(f"no apt-get to install {', '.join(missing)} with")
    progress(f"installing {', '.join(missing)}")
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        run_logged(("apt-get", "update"), log.name, timeout=600)
        run_logged(
            ("apt-get", "install", "--yes", "--no-install-recommends", *missing), log.name, timeout=1800
        )
    for package in _SERVICES.intersection(missing) if Path("/run/systemd/system").is_dir() else ():
        # The package starts one of the machine's own, which nobody asked for.
        run("systemctl", "disable", "--now", f"{package}.service", check=False)
    progress("installed")


@functools.cache
def why_not() -> str | None:
    """Why this machine cannot run a lab, in a sentence; none if it can. Takes some hundredths of a second."""
    if sys.platform != "linux":
        return "a lab needs Linux"
    if os.geteuid() != 0:
        return "a lab needs root"
    missing = missing_packages()
    if missing:
        return f"a lab needs {', '.join(missing)}: `python -m lab setup` installs them"
    if not cgroups.usable():
        return f"a lab needs control groups it can write to at {cgroups.MOUNT}"
    state_parent().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".trial-", dir=state_parent()) as directory:
        namespaces = ("--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--propagation", "private")
        try:
            run("unshare", *namespaces, "sh", "-euc", _TRIAL, "trial", directory, timeout=10)
        except LabError as error:
            return f"a lab needs namespaces and overlay mounts: {error}"
    return None
