# SPDX-License-Identifier: Apache-2.0
"""Ways to hosts and to their engines: agents, jump hosts, host keys, rights, interpreters and TLS."""

import os
import subprocess
from pathlib import Path

import pytest

from fleet.ansible_shop.conftest import BEHIND, through_bastion, tls
from fleet.shop import (
    DEPLOY_PASSWORD,
    Authority,
    Shop,
)
from lab.waiting import until

pytestmark = pytest.mark.lab


@pytest.mark.extended
def test_keys_of_an_ssh_agent_are_used(shop: Shop, tmp_path: Path) -> None:
    """Among them one whose passphrase nobody could type to the operator."""
    locked = tmp_path / "locked"
    locked.write_bytes(shop.lab.private_key.read_bytes())
    locked.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "passphrase", "-f", locked], check=True)
    shop.write("inventory/hosts.yml", {"all": {"hosts": {"tools": shop.at("bastion")}}})
    shop.write("inventory/host_vars/tools.yml", {"ansible_ssh_private_key_file": str(locked)})
    agent = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", agent], stdout=subprocess.DEVNULL) as process:
        try:
            until(agent.exists, who="ssh-agent", what="listens", deadline=10)
            environment = {**os.environ, "SSH_AUTH_SOCK": str(agent)}
            subprocess.run(["ssh-add", "-q", shop.lab.private_key], env=environment, check=True)
            without, with_agent = (
                shop.scan(),
                Shop(shop.lab, shop.folder, {"SSH_AUTH_SOCK": str(agent)}).scan(),
            )
        finally:
            process.terminate()

    assert "Permission denied" in without["tools"]
    assert with_agent == {"tools": "bastion"}


@pytest.mark.extended
def test_a_jump_host_of_the_inventory_or_of_the_ssh_configuration(shop: Shop) -> None:
    """The host behind it answers nobody else."""
    lab = shop.lab
    inner = lab.host(BEHIND).address
    shop.write(
        "ssh_config",
        f"Host *\n  IdentityFile {lab.private_key}\n  UserKnownHostsFile {shop.folder}/known_hosts\n"
        f"Host {inner}\n  ProxyJump root@{lab.host('bastion').address}\n",
    )
    hosts = {
        "direct": shop.at(BEHIND),
        "by-command": shop.at(BEHIND, ansible_ssh_common_args=through_bastion(lab, shop.folder)),
        "by-jump": shop.at(BEHIND, ansible_ssh_common_args=f"-F {shop.folder}/ssh_config"),
    }
    shop.write("inventory/hosts.yml", {"all": {"hosts": hosts}})

    answers = shop.scan()

    assert answers.pop("direct").startswith("Failed to connect to the host via ssh")
    assert answers == {"by-command": BEHIND, "by-jump": BEHIND}


@pytest.mark.extended
def test_a_host_key_that_changed_is_an_error_unless_the_shop_says_otherwise(shop: Shop) -> None:
    """Host keys are checked, and nobody is asked."""
    shop.write("inventory/hosts.yml", {"all": {"hosts": {"tools": shop.at("bastion")}}})
    known = (shop.folder / "known_hosts").read_text().split("\n")
    shop.write("known_hosts", f"{known[0].split()[0]} {' '.join(known[1].split()[1:])}\n")

    refused = shop.scan()
    shop.configure("host_key_checking = false")
    (shop.folder / "known_hosts").unlink()
    accepted = shop.scan()

    assert "Host key verification failed" in refused["tools"]
    assert accepted == {"tools": "bastion"}


def test_a_login_without_root_becomes_it_as_the_host_says(shop: Shop) -> None:
    """sudo without and with a password, su, and a member of the group docker who becomes nobody."""
    become = {"ansible_become": True, "ansible_become_password": DEPLOY_PASSWORD}
    root = shop.lab.host("bastion")
    root.run("chpasswd", input=f"root:{DEPLOY_PASSWORD}\n")
    hosts = {
        "sudo": shop.at("bastion", ansible_user="trusted", ansible_become=True),
        "sudo-password": shop.at("bastion", ansible_user="deploy", **become),
        "su": shop.at("bastion", ansible_user="deploy", ansible_become_method="su", **become),
        "group": shop.at("bastion", ansible_user="member"),
        "nothing": shop.at("bastion", ansible_user="deploy"),
        "no-password": shop.at("bastion", ansible_user="deploy", ansible_become=True),
        "wrong-password": shop.at(
            "bastion", ansible_user="deploy", **{**become, "ansible_become_password": "wrong"}
        ),
    }
    shop.write("inventory/hosts.yml", {"all": {"hosts": hosts}})
    shop.configure("forks = 7")

    answers = shop.scan()

    assert [answers[name] for name in ("sudo", "sudo-password", "su", "group")] == ["bastion"] * 4
    assert "use become, or add the user to the group" in answers["nothing"]
    assert answers["no-password"] == "Missing sudo password"
    assert answers["wrong-password"] == "Incorrect sudo password"


def test_each_host_has_the_python_that_its_variables_name(shop: Shop) -> None:
    """One in a place of its own, one found by Ansible, and one that is not there."""
    python = shop.lab.host("beside").machine.inside("/opt/shop-python")
    python.write_text('#!/bin/sh\ntouch /run/shop-python-was-used\nexec /usr/bin/python3 "$@"\n')
    python.chmod(0o755)
    hosts = {
        "own": shop.at("beside", ansible_python_interpreter="/opt/shop-python"),
        "found": shop.at("bastion", ansible_python_interpreter="auto"),
        "missing": shop.at("bastion", ansible_python_interpreter="/opt/nothing"),
    }
    shop.write("inventory/hosts.yml", {"all": {"hosts": hosts}})

    answers = shop.scan()

    assert (answers["own"], answers["found"]) == ("beside", "bastion")
    assert "'/opt/nothing' was not found" in answers["missing"]
    assert shop.lab.host("beside").machine.inside("/run/shop-python-was-used").exists()


def test_an_engine_behind_tls_is_asked_with_certificates_and_refusals_say_what_is_wrong(
    shop: Shop, authority: Authority, tmp_path: Path
) -> None:
    """Another authority, no certificate of our own, another's certificate, another name, a file that is not there."""
    lab = shop.lab
    stranger = Authority(tmp_path, "stranger")
    certificate, key = stranger.issue("strangers-client")
    missing = str(tmp_path / "missing.pem")
    hosts = {
        "right": tls(lab, authority),
        "named": tls(lab, authority, tls_hostname="engine.example.com"),
        "other-name": tls(lab, authority, tls_hostname="other.example.com"),
        "other-authority": tls(lab, authority, ca_path=str(stranger.certificate)),
        "no-certificate": tls(lab, authority, client_cert=None, client_key=None),
        "strangers": tls(lab, authority, client_cert=str(certificate), client_key=str(key)),
        "no-file": tls(lab, authority, ca_path=missing),
        "not-its-key": tls(lab, authority, client_key=str(key)),
        "no-tls": tls(lab, authority, tls=False),
    }
    shop.write("inventory/hosts.yml", {"all": {"hosts": hosts}})
    shop.configure("forks = 9")

    answers = shop.scan()

    assert (answers["right"], answers["named"]) == ("edge-m1", "edge-m1")
    assert "tls_hostname a name in that" in answers["other-name"]
    assert "ca_path is to be the authority" in answers["other-authority"]
    assert "does the engine accept client_cert?" in answers["no-certificate"]
    assert "does the engine accept client_cert?" in answers["strangers"]
    assert f"ca_path: cannot read {missing}" in answers["no-file"]
    assert "client_key the unencrypted key of client_cert" in answers["not-its-key"]
    assert "HTTP request to an HTTPS server" in answers["no-tls"]
