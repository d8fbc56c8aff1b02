# SPDX-License-Identifier: Apache-2.0
"""What a shop that uses Ansible has, as the tests of it need it: a folder of Ansible's files, users, keys, certificates."""

import datetime as dt
import ipaddress
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from demo.updater import PORT, endpoint
from lab import Host, Lab
from lab.kept import holding
from registry_docker_updater.core.runs import reasons
from registry_docker_updater.edges.runs.kept_runs import output_of
from registry_docker_updater.edges.runs.playbooks import AnsiblePlaybooks
from registry_docker_updater.edges.runs.port import FinishedRun, Playbook

OPT_IN = ("--label", "registry-docker-updater=true")
DEPLOY_PASSWORD = "the-deploy-users-own-password"
TLS_PORT = 2376
OTHER_PORT = 2222
_LONGEST = timedelta(minutes=5)


@dataclass(frozen=True)
class Shop:
    """A folder as a shop has it, and the operator's settings in it."""

    lab: Lab
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    inventory: str = "inventory"

    def write(self, path: str, content: Any, mode: int = 0o644) -> Path:
        """Write a file of the folder: text as it is, anything else as YAML."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
        file.chmod(mode)
        return file

    def configure(self, *lines: str, fleet: Mapping[str, Any] | None = None, **settings: Any) -> None:
        """Write `ansible.cfg` with `lines` in its first section, and the operator's settings.

        Host keys are checked: those of the lab are known.
        """
        self.write("known_hosts", "".join(map(_known, self.lab.hosts)))
        known = f"ssh_args = -o UserKnownHostsFile={self.folder}/known_hosts -o ConnectTimeout=5"
        self.write("ansible.cfg", "\n".join(("[defaults]", *lines, "[ssh_connection]", known, "")))
        self.write("secret", endpoint("", "").authorization.removeprefix("Bearer "), 0o600)
        self.write(
            "config.yml",
            {
                "listen": {"address": self.lab.address, "port": PORT},
                "state_directory": "state",
                "registries": {
                    one.name: {
                        "format": "distribution",
                        "hosts": [one.address, one.host_name],
                        "secret": {"file": "secret"},
                        "sweep_interval": "never",
                    }
                    for one in self.lab.registries
                },
                "fleet": {"inventory": self.inventory, **(fleet or {})},
                "rollouts": {"retry": {"first": "2s"}},
                **settings,
            },
        )

    def at(self, host: str, **variables: Any) -> dict[str, Any]:
        """The variables of an inventory host that is this host of the lab, as root with the lab's key."""
        return {
            "ansible_host": self.lab.host(host).address,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.lab.private_key),
            **variables,
        }

    def run(self, playbook: str, limit: str | None = None, **variables: Any) -> FinishedRun:
        """Run a playbook as the operator does."""
        playbooks = AnsiblePlaybooks(
            self.folder / self.inventory, self.folder, {**os.environ, **self.environment}
        )
        return playbooks.run(Playbook(playbook, variables, limit), self.folder / "runs", _LONGEST)

    def scan(self, limit: str | None = None) -> dict[str, str]:
        """What each host of the inventory answers: the name of its engine, or why there is no answer."""
        ended = self.run("discover", limit)
        answers = {
            one.host: one.result["scan"]["engine"]["name"]
            if "scan" in one.result
            else reasons.of_result(one.result)
            for one in ended.results
        }
        assert answers or ended.status == "successful", output(ended)
        return answers

    def update(self, image: str, digest: str, limit: str | None = None) -> dict[str, str]:
        """Update what runs `image`; return what became of each target, by its name."""
        ended = self.run("update", limit, image=image, digest=digest)
        outcomes = {
            one.result["name"]: one.result["outcome"]
            for one in ended.results
            if "outcome" in one.result and "kind" in one.result
        }
        assert outcomes, output(ended)
        return outcomes

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the operator's command line."""
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "registry_docker_updater",
                "--config",
                str(self.folder / "config.yml"),
                *arguments,
            ],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **self.environment},
        )

    def check(self) -> list[str]:
        """What `check` finds wrong."""
        done = self.command("check", "--json")
        if not done.stdout:
            return [done.stderr]
        problems: list[str] = json.loads(done.stdout)["problems"]
        return problems

    def holding(self, *secrets: str) -> list[str]:
        """The kept files and logs that hold one of these secrets."""
        logs = [path for path in self.folder.glob("*.log") if any(one in path.read_text() for one in secrets)]
        folders = [self.folder / name for name in ("runs", "state")]
        return [
            *(f"{folder.name}/{path}" for folder in folders for path in holding(folder, *secrets)),
            *(path.name for path in logs),
        ]


def _known(host: Host) -> str:
    key = host.machine.inside("/etc/ssh/ssh_host_ed25519_key.pub").read_text()
    return f"{host.address},[{host.address}]:{OTHER_PORT} {key}"


def output(ended: FinishedRun) -> str:
    """All that Ansible printed in a run."""
    return output_of(ended.directory)


def sealed(text: str, password: str, name: str = "default") -> str:
    """A text as `ansible-vault` encrypts it."""
    vault = VaultLib([(name, VaultSecret(password.encode()))])
    encrypted: bytes = vault.encrypt(text, vault_id=name if name != "default" else None)
    return encrypted.decode()


def make_user(host: Host, name: str, *groups: str, key: str) -> None:
    """Make a user who may log in with the key, and whose password is DEPLOY_PASSWORD."""
    host.run(
        "useradd", "--create-home", "--shell", "/bin/sh", *(f"--groups={group}" for group in groups), name
    )
    host.run("chpasswd", input=f"{name}:{DEPLOY_PASSWORD}\n")
    host.run("install", "-d", "-m", "700", "-o", name, f"/home/{name}/.ssh")
    host.run("sh", "-c", f"cat > /home/{name}/.ssh/authorized_keys", input=key)


def close_ssh(host: Host, source: str) -> None:
    """Let nobody at the address `source` reach the host's sshd."""
    host.run("iptables", "-I", "INPUT", "-p", "tcp", "--dport", "22", "-s", source, "-j", "DROP")


@dataclass(frozen=True)
class Authority:
    """A certificate authority with the files of it in a folder."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def certificate(self) -> Path:
        return self.folder / f"{self.name}.pem"

    def issue(self, name: str, *addresses: str, names: tuple[str, ...] = ()) -> tuple[Path, Path]:
        """Write a certificate for clients and servers, and its key; return both files."""
        if not self.certificate.exists():
            self._write(self.name, self.key, self._sign(self.name, self.key, ca=True))
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [
            *(x509.IPAddress(ipaddress.ip_address(one)) for one in addresses),
            *(x509.DNSName(one) for one in names),
        ]
        return self._write(name, key, self._sign(name, key, alternatives=alternatives))

    def _sign(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        *,
        ca: bool = False,
        alternatives: list[Any] | None = None,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        if not ca:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
            builder = builder.add_extension(usage, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def _write(
        self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
    ) -> tuple[Path, Path]:
        files = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        files[1].chmod(0o600)
        return files


def serve_tls(host: Host, authority: Authority, *names: str) -> None:
    """Have the host's engine listen for TLS, too, and take only clients with a certificate of the authority."""
    certificate, key = authority.issue(f"engine-{host.name}", host.address, names=names)
    place = "/etc/docker/tls"
    host.run("mkdir", "-p", place)
    for file, name in ((authority.certificate, "ca.pem"), (certificate, "cert.pem"), (key, "key.pem")):
        host.machine.inside(f"{place}/{name}").write_bytes(file.read_bytes())
    settings = host.machine.inside("/etc/docker/daemon.json")
    daemon = {
        **json.loads(settings.read_text()),
        "hosts": ["unix:///run/docker.sock", f"tcp://0.0.0.0:{TLS_PORT}"],
        "tlsverify": True,
        "tlscacert": f"{place}/ca.pem",
        "tlscert": f"{place}/cert.pem",
        "tlskey": f"{place}/key.pem",
    }
    settings.write_text(json.dumps(daemon))
    host.stop_engine()
    host.start_engine()
