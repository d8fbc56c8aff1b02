# SPDX-License-Identifier: Apache-2.0
"""A host as a bare machine: its files, its first process, and running things in it.

What a host is for, sshd and the engine, is the business of `lab.host`.
"""

import json
import shlex
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import cgroups
from lab.commands import run
from lab.errors import LabError
from lab.places import host_namespace
from lab.processes import Process, launch
from lab.spec import CONTROL, LabSpec, PlannedHost
from lab.waiting import until

_BOOT = Path(__file__).with_name("boot.sh")
_SSHD = """\
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
UseDNS no
MaxStartups 200
"""
# Units of a control host that would change the machine below.
_MASKED = (
    "dev-hugepages.mount",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-firstboot.service",
    "systemd-modules-load.service",
    "systemd-networkd.service",
    "systemd-networkd.socket",
    "systemd-sysctl.service",
    "systemd-timesyncd.service",
)


@dataclass(frozen=True)
class Machine:
    """The files of a host and, while it is up, its first process."""

    lab: str
    plan: PlannedHost
    directory: Path

    @property
    def logs(self) -> Path:
        return self.directory / "log"

    @property
    def is_up(self) -> bool:
        process = Process.recorded(self.directory / "init")
        return process is not None and process.alive

    @property
    def init(self) -> Process:
        """The first process. Raises `LabError` if the host is not up."""
        process = Process.recorded(self.directory / "init")
        if process is None or not process.alive:
            raise LabError(f"{self.plan.name}: is not up")
        return process

    def inside(self, path: str) -> Path:
        """A path of the host as one of the outer machine. Absolute links on the way lead astray."""
        return Path(f"/proc/{self.init.pid}/root{path}")

    def install(self, spec: LabSpec, public_key: str) -> None:
        """Write what distinguishes this host from the root it shares with the others."""
        for name in ("upper", "work", "root", "docker", "log"):
            (self.directory / name).mkdir(parents=True)
        registries = [f"{spec.address}:{one.port}" for one in spec.registries]
        named = [f"{one.name}.lab:{one.port}" for one in spec.registries]
        daemon = {
            "insecure-registries": registries + named,
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "cgroup-parent": cgroups.containers_parent(spec.name, self.plan.name),
            "storage-driver": "overlay2",
        }
        etc = self.directory / "upper" / "etc"
        for folder, mode in ((etc / "ssh/sshd_config.d", 0o755), (etc / "docker", 0o755)):
            folder.mkdir(parents=True, mode=mode)
        (etc / "hostname").write_text(f"{self.plan.name}\n")
        (etc / "hosts").write_text(_names(spec))
        (etc / "resolv.conf").write_text("# A lab has no name servers.\n")
        (etc / "docker/daemon.json").write_text(json.dumps(daemon, indent=2))
        (etc / "ssh/sshd_config.d/lab.conf").write_text(_SSHD)
        if self.plan.kind == CONTROL:
            self._install_systemd(etc)
        host_key = str(etc / "ssh/ssh_host_ed25519_key")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.plan.name, "-f", host_key)
        ssh = self.directory / "upper/root/.ssh"
        for folder in (ssh.parent, ssh):
            folder.mkdir(mode=0o700)
        (ssh / "authorized_keys").write_text(public_key)

    def _install_systemd(self, etc: Path) -> None:
        """Keep systemd from what is the outer machine's: its kernel, and the network that the lab has made."""
        (etc / "machine-id").write_text(f"{uuid.uuid4().hex}\n")
        units = etc / "systemd/system"
        units.mkdir(parents=True)
        for name in _MASKED:
            (units / name).symlink_to("/dev/null")

    def boot(self, root: Path) -> None:
        """Start the first process on the shared `root`, and return when it stands on its own."""
        (self.directory / "init").unlink(missing_ok=True)  # of a boot before
        launch(
            (
                *("nsenter", f"--net=/run/netns/{host_namespace(self.lab, self.plan.name)}"),
                *("unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--propagation", "private"),
                *(("--cgroup",) if self.plan.kind == CONTROL else ()),
                *("sh", str(_BOOT), str(self.directory), str(root), self.plan.name, self.plan.kind),
            ),
            log=self.logs / "boot.log",
            record=None,
            groups=cgroups.make(self.lab, self.plan.name, unified=self.plan.kind == CONTROL),
        )
        until(
            (self.directory / "init").exists,
            who=self.plan.name,
            what="booted",
            deadline=30,
            log=self.logs / "boot.log",
        )

    def run(
        self, *command: str, check: bool = True, stdin: str | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the host, as root. Raises as `lab.commands.run` does."""
        target = f"--target={self.init.pid}"
        enter = ("nsenter", target, "--mount", "--uts", "--ipc", "--net", "--pid")
        try:
            return run(*enter, "--", *command, check=check, input=stdin, timeout=timeout)
        except LabError as error:
            error.add_note(f"on {self.plan.name}")
            raise

    def start(self, log: str, *command: str) -> None:
        """Start a command in the host that outlives this call; its output is added to `log` in `logs`."""
        groups = cgroups.make(self.lab, self.plan.name)
        joining = "; ".join(f"echo 0 > {shlex.quote(str(group))}" for group in groups)
        line = f"{joining}; exec {shlex.join(command)} < /dev/null >> /var/log/{log} 2>&1"
        self.run("setsid", "--fork", "sh", "-c", f"exec < /dev/null > /dev/null 2>&1; {line}")

    def processes_of(self, program: str) -> Sequence[Process]:
        """The processes in the host that run this program, as the outer machine knows them."""
        inside = Path(f"/proc/{self.init.pid}/ns/pid").readlink()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "ns/pid").readlink() == inside and (
                    process / "comm"
                ).read_text().strip() == program:
                    found.append(Process.from_stat((process / "stat").read_text()))
            except OSError:  # it ended meanwhile
                continue
        return found


def _names(spec: LabSpec) -> str:
    lines = ["127.0.0.1 localhost"]
    lines += [f"{host.address} {host.name}" for host in spec.planned_hosts]
    lines += [f"{spec.address} {registry.name}.lab" for registry in spec.registries]
    return "\n".join(lines) + "\n"
