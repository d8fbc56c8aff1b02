# SPDX-License-Identifier: Apache-2.0
"""What existing Ansible shops have works as it is: the hosts of all these tests, and ways into them.

Each test has a folder of its own, as a shop's; the hosts are the same for all. An engine answers with its host's
name, so the answer proves where a way led.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.updater import endpoint
from fleet.shop import (
    DEPLOY_PASSWORD,
    OPT_IN,
    OTHER_PORT,
    TLS_PORT,
    Authority,
    Shop,
    close_ssh,
    make_user,
    serve_tls,
)
from lab import Host, HostSpec, Lab, LabSpec, RegistrySpec, SwarmSpec

REGISTRY_PASSWORD = "the-password-of-the-registry"


VAULT_PASSWORD = "the-password-of-the-vault"


SECRETS = (REGISTRY_PASSWORD, VAULT_PASSWORD, DEPLOY_PASSWORD)


REMEDY = "vault_password_file in the ansible.cfg beside the operator's settings"


# Reached only through `bastion`.
BEHIND = "inner"


@pytest.fixture(scope="package")
def lab() -> Iterator[Lab]:
    address = LabSpec("shop").address
    registry = RegistrySpec(
        "registry", 5000, (endpoint(address, "registry"),), username="puller", password=REGISTRY_PASSWORD
    )
    hosts = (HostSpec("bastion"), HostSpec(BEHIND), HostSpec("beside"))
    spec = LabSpec("shop", hosts=hosts, swarms=(SwarmSpec("edge"),), registries=(registry,))
    with Lab.running(spec) as lab:
        key = lab.private_key.with_suffix(".pub").read_text()
        for host in lab.hosts:
            make_user(host, "deploy", key=key)
            make_user(host, "member", "docker", key=key)
            make_user(host, "trusted", key=key)
            host.machine.inside("/etc/sudoers.d/shop").write_text(
                "deploy ALL=(ALL) ALL\ntrusted ALL=(ALL) NOPASSWD: ALL\n"
            )
        close_ssh(lab.host(BEHIND), lab.address)
        bastion = lab.host("bastion").machine
        bastion.start("sshd.log", "/usr/sbin/sshd", "-D", "-e", "-p", str(OTHER_PORT), "-o", "PidFile=none")
        yield lab


@pytest.fixture(scope="package")
def authority(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signed the certificate of the engine of `edge-m1`, which takes nobody else's."""
    authority = Authority(tmp_path_factory.mktemp("tls"), "authority")
    serve_tls(lab.host("edge-m1"), authority, "engine.example.com")
    authority.issue("client")
    return authority


@pytest.fixture
def shop(lab: Lab, tmp_path: Path) -> Shop:
    shop = Shop(lab, tmp_path)
    shop.configure()
    return shop


def deploy(host: Host, name: str, image: str) -> None:
    """Start a container that opted in; the host keeps no account of the registry."""
    registry = image.partition("/")[0]
    host.docker("login", "--username", "puller", "--password-stdin", registry, input=REGISTRY_PASSWORD)
    host.docker("run", "--detach", "--name", name, *OPT_IN, image)
    host.docker("logout", registry)


def runs(host: Host, name: str, digest: str) -> bool:
    image = host.docker("inspect", "--format", "{{.Image}}", name).strip()
    return digest in host.docker("image", "inspect", "--format", "{{json .RepoDigests}}", image)


def through_bastion(lab: Lab, folder: Path) -> str:
    """What leads ssh through the jump host, where the key and the known hosts are the shop's own."""
    jump = f"ssh -i {lab.private_key} -o UserKnownHostsFile={folder}/known_hosts -W %h:%p root@{lab.host('bastion').address}"
    return f'-o ProxyCommand="{jump}"'


def tls(lab: Lab, authority: Authority, **changes: Any) -> dict[str, Any]:
    """The variables of a host whose engine is asked over TLS, from here."""
    engine = {
        "docker_host": f"tcp://{lab.host('edge-m1').address}:{TLS_PORT}",
        "tls": True,
        "ca_path": str(authority.certificate),
        "client_cert": str(authority.folder / "client.pem"),
        "client_key": str(authority.folder / "client.key"),
        **changes,
    }
    return {**HERE, "docker_engine": {name: value for name, value in engine.items() if value is not None}}


HERE = {
    "ansible_connection": "local",
    "ansible_become": False,
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
}


def write_program(shop: Shop, path: str, name: str, variables: dict[str, Any]) -> None:
    answer = {"all": {"hosts": [name]}, "_meta": {"hostvars": {name: variables}}}
    shop.write(path, f"#!/usr/bin/env python3\nimport json\nprint(json.dumps({answer!r}))\n", 0o755)
