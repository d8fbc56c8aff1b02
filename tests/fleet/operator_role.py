# SPDX-License-Identifier: Apache-2.0
"""A control host of a lab, the packages that are installed on it, and what its operator is to work with."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
import yaml

from lab import Endpoint, Host, HostSpec, Lab, LabSpec, RegistrySpec
from lab.commands import PROXIES
from lab.places import cache, locked
from lab.spec import CONTROL
from lab.wheels import fetch

ROOT = Path(__file__).parents[2]
BROKEN = "this release is broken on purpose"
SECRET = "only the registry of this lab knows this"
PORT = 8080
STATE = "/var/lib/registry-docker-updater"
_LOCK = ROOT / "roles/operator/files/requirements.txt"
_WHEELS = "/srv/wheels"


def spec(name: str, suite: str) -> LabSpec:
    """A control host, a host with an engine, and a registry that sends to the operator to be."""
    control = HostSpec("control", suite, CONTROL)
    address = LabSpec(name, (control,)).planned_hosts[0].address
    sends = Endpoint("updater", f"http://{address}:{PORT}/events/lab", f"Bearer {SECRET}")
    return LabSpec(
        name, (control, HostSpec("solo", "bookworm")), (), (RegistrySpec("lab", endpoints=(sends,)),)
    )


def wheels() -> Path:
    """All that the operator needs, for the Pythons of both Debians: fetched once, since no lab has a way out."""
    folder = cache() / "wheels" / sha256(_LOCK.read_bytes()).hexdigest()[:12]
    with locked(cache() / "wheels.lock"):
        if not folder.exists():
            half_made = folder.with_name(f"{folder.name}.half-made")
            shutil.rmtree(half_made, ignore_errors=True)
            for python in ("3.11", "3.13"):
                fetch(half_made, python, "--no-deps", "--require-hashes", f"--requirement={_LOCK}")
            half_made.rename(folder)
    return folder


def kill(play: subprocess.Popen[str]) -> None:
    """Kill a play with its workers, which are in sessions of their own and would wait for it for ever."""
    workers = psutil.Process(play.pid).children(recursive=True)
    play.kill()
    for one in workers:
        with suppress(psutil.NoSuchProcess):
            one.kill()


def build(folder: Path, version: str, *, is_broken: bool = False) -> Path:
    """Build a wheel of this checkout that says it is a version.

    One that is broken brings the database up to a version of its own when it starts, and ends.
    """
    copy = folder / version
    for name in subprocess.check_output(
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"], text=True
    ).split("\n"):
        if name.startswith(("operator/", "playbooks/", "roles/", "plugins/", "meta/")) or "/" not in name:
            source = ROOT / name
            if source.is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, copy / name)
    package = copy / "operator/registry_docker_updater"
    _replace(package / "__init__.py", r'(__version__[^"]*)"[^"]*"', rf'\1"{version}"')
    if is_broken:
        declared = r"(?m)^(MIGRATIONS: Mapping.*\{\n)"
        (migrations,) = (
            path for path in package.glob("storage/*.py") if re.search(declared, path.read_text())
        )
        _replace(migrations, declared, r'\1    "9999 of a broken release": lambda _: None,\n')
        _replace(
            package / "cli/serve.py",
            r"(?m)^( *)operator\.guard\.prepare\(\)",
            rf'\1raise UpdaterError("{BROKEN}")',
        )
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=copy,
        check=True,
        capture_output=True,
        timeout=120,
    )
    return folder / f"registry_docker_updater-{version}-py3-none-any.whl"


def _replace(path: Path, old: str, new: str) -> None:
    text, count = re.subn(old, new, path.read_text())
    assert count, f"{old!r} is not in {path}"
    path.write_text(text)


@dataclass(frozen=True)
class Played:
    """What a playbook said in the end."""

    code: int
    text: str

    @property
    def changed(self) -> int:
        return int(re.findall(r"changed=(\d+)", self.text)[-1])


@dataclass(frozen=True)
class Shop:
    """Who installs the operator: a folder with an inventory, and the variables that are given."""

    lab: Lab
    folder: Path

    @property
    def control(self) -> Host:
        return self.lab.host("control")

    def prepare(self) -> None:
        """Write the inventories, of the control host and of its fleet, and put what pip is to find where it looks."""
        address = self.control.address
        known = {
            "ansible_user": "root",
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        common = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        mine = {
            "registry_docker_updater": {
                "hosts": {"control": {"ansible_host": address}},
                "vars": {
                    **known,
                    "ansible_ssh_private_key_file": str(self.lab.private_key),
                    "ansible_ssh_common_args": common,
                },
            }
        }
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(mine))
        fleet = {"all": {"vars": known, "hosts": {"solo": {"ansible_host": self.lab.host("solo").address}}}}
        (self.folder / "fleet").mkdir()
        (self.folder / "fleet/hosts.yml").write_text(yaml.safe_dump(fleet))
        shutil.copytree(wheels(), self.control.machine.inside(_WHEELS))

    def variables(self, package: Path, **changes: Any) -> dict[str, Any]:
        """Return what the role is given, with changes."""
        solo = self.lab.host("solo")
        key = solo.run("cat", "/etc/ssh/ssh_host_ed25519_key.pub").stdout.rsplit(maxsplit=1)[0]
        registry = self.lab.registry("lab")
        return {
            "operator_package": str(package),
            "operator_install_environment": {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": _WHEELS},
            "operator_settings": {
                "registries": {
                    "lab": {
                        "format": "distribution",
                        "hosts": [registry.address],
                        "url": f"http://{registry.address}",
                        "secret": {"file": "lab.secret"},
                    }
                },
                "fleet": {"inventory": "inventory", "scan_interval": "30s"},
            },
            "operator_secrets": {"lab.secret": SECRET},
            "operator_files": {"ansible.cfg": "[ssh_connection]\npipelining = true\n"},
            "operator_environment": {"TOKEN": 'a "quoted" $value \\ with `all`'},
            "operator_inventory": str(self.folder / "fleet"),
            "operator_ssh_private_key": self.lab.private_key.read_text(),
            "operator_known_hosts": [f"{solo.address} {key}"],
            "operator_url": f"http://{self.control.address}:{PORT}",
            "operator_ready_minutes": 1,
            **changes,
        }

    def start(self, variables: Mapping[str, Any], *options: str, playbook: str = "") -> subprocess.Popen[str]:
        """Begin to play the playbook of this project, or another one."""
        given = self.folder / "variables.json"
        given.write_text(json.dumps(variables))
        environment = {name: value for name, value in os.environ.items() if name not in PROXIES}
        return subprocess.Popen(
            [
                "ansible-playbook",
                *("--inventory", str(self.folder / "hosts.yml"), "--extra-vars", f"@{given}", *options),
                playbook or str(ROOT / "playbooks/operator.yml"),
            ],
            cwd=self.folder,
            env={
                **environment,
                "ANSIBLE_ROLES_PATH": str(ROOT / "roles"),
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_PIPELINING": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def play(self, variables: Mapping[str, Any], *options: str, playbook: str = "") -> Played:
        """Play it to its end."""
        with self.start(variables, *options, playbook=playbook) as process:
            try:
                text, _ = process.communicate(timeout=580)
            except BaseException:
                process.kill()
                raise
        return Played(process.returncode, text)

    def operator(self, *arguments: str) -> Any:
        """What a command of the operator says, as JSON, asked as its user on the control host."""
        command = ("runuser", "-u", "updater", "--", "env", f"HOME={STATE}", "registry-docker-updater")
        return json.loads(self.control.run("env", "--chdir=/", *command, *arguments, "--json").stdout)

    def shown(self, name: str) -> str:
        """A property of the service, as systemd has it."""
        return self.control.run(
            "systemctl", "show", "--value", f"--property={name}", "registry-docker-updater"
        ).stdout.strip()

    @property
    def release(self) -> str:
        """The release that is in force."""
        return Path(self.control.run("readlink", "/opt/registry-docker-updater/current").stdout.strip()).name
