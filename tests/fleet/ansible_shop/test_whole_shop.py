# SPDX-License-Identifier: Apache-2.0
"""The operator in a whole shop, where each host has another way in and nothing works without the vault."""

from dataclasses import dataclass
from typing import Any

import pytest

from demo.updater import Updater
from fleet.ansible_shop.conftest import (
    BEHIND,
    HERE,
    REGISTRY_PASSWORD,
    REMEDY,
    VAULT_PASSWORD,
    deploy,
    runs,
    through_bastion,
    tls,
    write_program,
)
from fleet.shop import (
    DEPLOY_PASSWORD,
    OPT_IN,
    OTHER_PORT,
    Authority,
    Shop,
    sealed,
)
from lab import Lab
from lab.images import good
from lab.waiting import until

pytestmark = pytest.mark.lab


@dataclass(frozen=True)
class RolledOut:
    """A push that the operator of a whole shop rolled out."""

    shop: Shop
    updater: Updater
    digest: str
    outcomes: dict[str, str]


def _whole_shop(lab: Lab, authority: Authority) -> Shop:
    """Each host has another way in, and nothing works without the vault: neither the rights nor the pulls."""
    shop = Shop(lab, lab.state_directory / "updater")
    here = {**HERE, "standalone_container_state_directory": str(shop.folder / "here")}
    hosts = {
        "Web-01.Example.com": {
            "ansible_host": lab.host("bastion").address,
            "ansible_port": OTHER_PORT,
            "ansible_user": "member",
            "standalone_container_state_directory": "~/updates",
        },
        "beside": {
            **here,
            "docker_engine": {
                "docker_host": f"unix://{lab.host('beside').machine.inside('/run/docker.sock')}"
            },
        },
        "appliance": {**here, **tls(lab, authority)},
    }
    shop.write("inventory/01-static.yml", {"production": {"hosts": hosts}, "behind": {"hosts": {}}})
    behind = {"ansible_host": lab.host(BEHIND).address, "zone": "behind"}
    write_program(shop, "inventory/02-cloud.py", "node_7.cloud", behind)
    shop.write(
        "inventory/03-groups.yml",
        {"plugin": "constructed", "keyed_groups": [{"key": "zone", "separator": ""}]},
    )
    shop.write(
        "inventory/group_vars/all/main.yml",
        {
            "ansible_user": "deploy",
            "registry_credentials": {
                lab.registry().address: {"username": "puller", "password": "{{ vault_registry }}"}
            },
            "standalone_container_settle": 1,
        },
    )
    shop.write(
        "inventory/group_vars/all/vault.yml",
        sealed(f"vault_registry: {REGISTRY_PASSWORD}\n", VAULT_PASSWORD),
    )
    shop.write(
        "inventory/group_vars/behind.yml",
        {
            "ansible_become": True,
            "ansible_become_password": "{{ vault_become }}",
            "ansible_ssh_common_args": through_bastion(lab, shop.folder),
        },
    )
    shop.write(
        "inventory/host_vars/node_7.cloud.yml", sealed(f"vault_become: {DEPLOY_PASSWORD}\n", VAULT_PASSWORD)
    )
    shop.write("vault-password", VAULT_PASSWORD, 0o600)
    shop.configure(
        "vault_password_file = vault-password",
        f"private_key_file = {lab.private_key}",
        "stdout_callback = yaml",
        "verbosity = 1",
        fleet={"hosts": "all:!maintenance", "scan_interval": "60s"},
    )
    return shop


@pytest.fixture(scope="module")
def rolled_out(lab: Lab, authority: Authority) -> RolledOut:
    registry, image = lab.registry(), f"{lab.registry().address}/test/app:1"
    first = registry.push("test/app", "1", good("1"))
    for host, name in (("bastion", "by-group"), (BEHIND, "behind"), ("beside", "here")):
        deploy(lab.host(host), name, image)
    manager = lab.host("edge-m1")
    deploy(manager, "by-tls", image)
    pinned = f"{image}@{first}"
    manager.docker("service", "create", "--detach", "--update-monitor=1s", "--name=web", *OPT_IN, pinned)
    shop, updater = _whole_shop(lab, authority), Updater(lab)
    updater.start()
    updater.wait_for_scan(5)
    digest = registry.push("test/app", "1", good("2"))
    return RolledOut(shop, updater, digest, _outcomes(updater, digest))


def _outcomes(updater: Updater, digest: str) -> dict[str, str]:
    """What became of each target, by its name, when the rollout has ended for good."""

    def rollout() -> dict[str, Any]:
        return updater.rollout_of(digest) or {"state": "not begun"}

    until(
        lambda: rollout()["state"] in ("finished", "superseded"),
        who="the operator",
        what=f"has rolled out {digest}",
        deadline=240,
        log=updater.log,
        pause=0.3,
    )
    return {one["name"]: one["outcome"] for one in rollout()["targets"]}


def test_a_member_of_the_group_docker_updates_without_root(lab: Lab, rolled_out: RolledOut) -> None:
    """At a host that listens on another port, by a name in capitals."""
    assert rolled_out.outcomes["by-group"] == "updated"
    assert runs(lab.host("bastion"), "by-group", rolled_out.digest)
    assert lab.host("bastion").run("stat", "--format=%U %a", "/home/member/updates").stdout == "member 700\n"


def test_a_host_behind_a_jump_host_is_updated_with_a_password_for_sudo_from_the_vault(
    lab: Lab, rolled_out: RolledOut
) -> None:
    assert rolled_out.outcomes["behind"] == "updated"
    assert runs(lab.host(BEHIND), "behind", rolled_out.digest)
    log = (lab.host(BEHIND).machine.logs / "sshd.log").read_text()
    assert f"Accepted publickey for deploy from {lab.host('bastion').address}" in log
    assert f"from {lab.address} " not in log


def test_the_engine_beside_the_operator_is_updated_without_ssh(lab: Lab, rolled_out: RolledOut) -> None:
    assert rolled_out.outcomes["here"] == "updated"
    assert runs(lab.host("beside"), "here", rolled_out.digest)
    # The tests before this one logged in as somebody else.
    assert "for deploy" not in (lab.host("beside").machine.logs / "sshd.log").read_text()


def test_a_container_and_a_service_are_updated_through_tls(lab: Lab, rolled_out: RolledOut) -> None:
    assert (rolled_out.outcomes["by-tls"], rolled_out.outcomes["web"]) == ("updated", "updated")
    assert runs(lab.host("edge-m1"), "by-tls", rolled_out.digest)
    image = lab.host("edge-m1").docker(
        "service", "inspect", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Image}}", "web"
    )
    assert image.strip().endswith(f"/test/app:1@{rolled_out.digest}")


@pytest.mark.extended
def test_a_vault_password_that_is_wrong_for_a_while_loses_no_push(lab: Lab, rolled_out: RolledOut) -> None:
    """The rollout waits and says what is wrong, with the remedy; and goes on by itself when it is right."""
    updater, shop = rolled_out.updater, rolled_out.shop
    shop.write("vault-password", "not this one", 0o600)
    digest = lab.registry().push("test/app", "1", good("3"))

    def says_why() -> bool:
        note = str((updater.rollout_of(digest) or {}).get("note"))
        return "could decrypt" in note and REMEDY in note

    until(says_why, who="the operator", what="says what is wrong", deadline=60, log=updater.log, pause=0.3)
    logged = updater.log.read_text()
    shop.write("vault-password", VAULT_PASSWORD, 0o600)

    assert set(_outcomes(updater, digest).values()) == {"updated"}
    assert REMEDY in logged


def test_no_secret_of_the_vault_is_kept_or_logged(rolled_out: RolledOut) -> None:
    assert rolled_out.shop.holding(REGISTRY_PASSWORD, DEPLOY_PASSWORD, VAULT_PASSWORD) == []
    assert list(rolled_out.shop.folder.glob("state/runs/*/update-*/events.jsonl.gz"))
