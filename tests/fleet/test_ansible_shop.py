# SPDX-License-Identifier: Apache-2.0
"""What existing Ansible shops have works as it is: inventories, vaults, settings, ways in, rights, engines behind TLS.

Each test has a folder of its own, as a shop's; the hosts are the same for all. An engine answers with its host's
name, so the answer proves where a way led.
"""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.updater import Updater, endpoint
from fleet.shop import (
    DEPLOY_PASSWORD,
    OPT_IN,
    OTHER_PORT,
    TLS_PORT,
    Authority,
    Shop,
    close_ssh,
    make_user,
    sealed,
    serve_tls,
)
from lab import Host, HostSpec, Lab, LabSpec, RegistrySpec, SwarmSpec
from lab.images import good
from lab.waiting import until

pytestmark = pytest.mark.lab

_REGISTRY_PASSWORD = "the-password-of-the-registry"
_VAULT_PASSWORD = "the-password-of-the-vault"
_SECRETS = (_REGISTRY_PASSWORD, _VAULT_PASSWORD, DEPLOY_PASSWORD)
_REMEDY = "vault_password_file in the ansible.cfg beside the operator's settings"
# Reached only through `bastion`.
_BEHIND = "inner"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    address = LabSpec("shop").address
    registry = RegistrySpec(
        "registry", 5000, (endpoint(address, "registry"),), username="puller", password=_REGISTRY_PASSWORD
    )
    hosts = (HostSpec("bastion"), HostSpec(_BEHIND), HostSpec("beside"))
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
        close_ssh(lab.host(_BEHIND), lab.address)
        bastion = lab.host("bastion").machine
        bastion.start("sshd.log", "/usr/sbin/sshd", "-D", "-e", "-p", str(OTHER_PORT), "-o", "PidFile=none")
        yield lab


@pytest.fixture(scope="module")
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


def _deploy(host: Host, name: str, image: str) -> None:
    """Start a container that opted in; the host keeps no account of the registry."""
    registry = image.partition("/")[0]
    host.docker("login", "--username", "puller", "--password-stdin", registry, input=_REGISTRY_PASSWORD)
    host.docker("run", "--detach", "--name", name, *OPT_IN, image)
    host.docker("logout", registry)


def _runs(host: Host, name: str, digest: str) -> bool:
    image = host.docker("inspect", "--format", "{{.Image}}", name).strip()
    return digest in host.docker("image", "inspect", "--format", "{{json .RepoDigests}}", image)


def _through_bastion(lab: Lab, folder: Path) -> str:
    """What leads ssh through the jump host, where the key and the known hosts are the shop's own."""
    jump = f"ssh -i {lab.private_key} -o UserKnownHostsFile={folder}/known_hosts -W %h:%p root@{lab.host('bastion').address}"
    return f'-o ProxyCommand="{jump}"'


def _tls(lab: Lab, authority: Authority, **changes: Any) -> dict[str, Any]:
    """The variables of a host whose engine is asked over TLS, from here."""
    engine = {
        "docker_host": f"tcp://{lab.host('edge-m1').address}:{TLS_PORT}",
        "tls": True,
        "ca_path": str(authority.certificate),
        "client_cert": str(authority.folder / "client.pem"),
        "client_key": str(authority.folder / "client.key"),
        **changes,
    }
    return {**_HERE, "docker_engine": {name: value for name, value in engine.items() if value is not None}}


_HERE = {
    "ansible_connection": "local",
    "ansible_become": False,
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
}


# --- inventories ---------------------------------------------------------------------------------------------


def test_an_ini_inventory_with_group_vars_and_host_vars_beside_it(shop: Shop) -> None:
    """Names with dots, dashes and capitals, hosts in several groups, and another port than 22."""
    shop.write(
        "inventory/hosts.ini",
        "[web]\nWeb-01.Example.com\nlegacy_box-2.EXAMPLE.com\n[production]\nWeb-01.Example.com\n[all:vars]\nansible_user=root\n",
    )
    shop.write("inventory/group_vars/all.yml", {"ansible_ssh_private_key_file": str(shop.lab.private_key)})
    address = shop.lab.host("bastion").address
    shop.write("inventory/group_vars/production.yml", {"ansible_host": address, "ansible_port": OTHER_PORT})
    other = shop.lab.host("beside").address
    shop.write("inventory/host_vars/legacy_box-2.EXAMPLE.com.yml", {"ansible_host": other})

    assert shop.scan() == {"Web-01.Example.com": "bastion", "legacy_box-2.EXAMPLE.com": "beside"}


def test_a_folder_of_static_and_dynamic_inventories_is_one_inventory(shop: Shop) -> None:
    """YAML, a program, and a plugin that makes groups of what both say; `fleet.hosts` picks by those groups."""
    shop.write(
        "inventory/01-static.yml", {"all": {"hosts": {"tools": shop.at("bastion", stage="production")}}}
    )
    _write_program(shop, "inventory/02-cloud.py", "node-1", shop.at("beside", stage="production"))
    _write_program(shop, "inventory/03-cloud.py", "node-2", shop.at("beside", stage="test"))
    shop.write(
        "inventory/04-constructed.yml",
        {"plugin": "ansible.builtin.constructed", "keyed_groups": [{"key": "stage", "separator": ""}]},
    )

    assert shop.scan("production:!tools") == {"node-1": "beside"}


@pytest.mark.extended
def test_the_hosts_of_the_settings_are_an_ansible_pattern(shop: Shop) -> None:
    """`production:!maintenance` leaves out what a person took out of service."""
    hosts = {name: shop.at("bastion") for name in ("one", "two", "three")}
    groups = {
        "production": {"hosts": hosts},
        "maintenance": {"hosts": {"two": None}},
        "test": {"hosts": {"four": shop.at("bastion")}},
    }
    shop.write("inventory/hosts.yml", {"all": {"children": groups}})
    shop.configure(fleet={"hosts": "production:!maintenance"})

    done = shop.command("fleet", "--scan", "--json")

    assert '"two"' not in done.stdout
    assert '"four"' not in done.stdout
    assert '"one"' in done.stdout
    assert '"three"' in done.stdout


def test_a_dynamic_inventory_that_fails_is_an_error_and_not_an_empty_fleet(shop: Shop) -> None:
    """Half an inventory would look like hosts that have left it."""
    shop.write("inventory/01-static.yml", {"all": {"hosts": {"tools": shop.at("bastion")}}})
    shop.write("inventory/02-cloud.sh", "#!/bin/sh\necho the cloud does not answer >&2\nexit 1\n", 0o755)

    (problem,) = shop.check()

    assert f"{shop.folder}/inventory/02-cloud.sh" in problem


def _write_program(shop: Shop, path: str, name: str, variables: dict[str, Any]) -> None:
    answer = {"all": {"hosts": [name]}, "_meta": {"hostvars": {name: variables}}}
    shop.write(path, f"#!/usr/bin/env python3\nimport json\nprint(json.dumps({answer!r}))\n", 0o755)


# --- vaults --------------------------------------------------------------------------------------------------


def _write_vaulted(shop: Shop, name: str = "default") -> None:
    """A whole file in the vault, and one variable; without both there is no way in."""
    shop.write(
        "inventory/hosts.yml", {"all": {"hosts": {"tools": shop.at("bastion", ansible_user="deploy")}}}
    )
    whole = sealed("vault_method: sudo\n", _VAULT_PASSWORD, name)
    shop.write("inventory/group_vars/all/vault.yml", whole)
    one = "\n".join(f"  {line}" for line in sealed(DEPLOY_PASSWORD, _VAULT_PASSWORD, name).splitlines())
    shop.write(
        "inventory/group_vars/all/main.yml",
        f'ansible_become: true\nansible_become_method: "{{{{ vault_method }}}}"\nansible_become_password: !vault |\n{one}\n',
    )


def test_a_vault_whose_password_file_stands_in_ansible_cfg(shop: Shop) -> None:
    _write_vaulted(shop)
    shop.write("vault-password", _VAULT_PASSWORD, 0o600)
    shop.configure("vault_password_file = vault-password")
    assert shop.scan() == {"tools": "bastion"}


@pytest.mark.extended
def test_a_vault_whose_password_file_stands_in_the_environment(shop: Shop) -> None:
    _write_vaulted(shop)
    path = shop.write("vault-password", _VAULT_PASSWORD, 0o600)
    assert Shop(shop.lab, shop.folder, {"ANSIBLE_VAULT_PASSWORD_FILE": str(path)}).scan() == {
        "tools": "bastion"
    }


@pytest.mark.extended
def test_a_vault_id_whose_password_a_program_gives(shop: Shop) -> None:
    """A program whose name ends with -client is told which identity it is asked for."""
    _write_vaulted(shop, "prod")
    shop.write(
        "keys-client", f'#!/bin/sh\n[ "$1 $2" = "--vault-id prod" ] && echo {_VAULT_PASSWORD}\n', 0o755
    )
    shop.configure("vault_identity_list = prod@keys-client")
    assert shop.scan() == {"tools": "bastion"}


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        ((), "no vault secrets found"),
        pytest.param(("ask_vault_pass = true",), "no vault secrets found", marks=pytest.mark.extended),
        (("vault_password_file = wrong",), "no vault secrets were found that could decrypt"),
        pytest.param(("vault_password_file = missing",), "missing was not found", marks=pytest.mark.extended),
    ],
    ids=["none", "asked", "wrong", "missing"],
)
def test_without_the_right_vault_password_check_names_cause_and_remedy(
    shop: Shop, lines: tuple[str, ...], cause: str
) -> None:
    """Nor does anything wait for somebody who types it."""
    _write_vaulted(shop)
    shop.write("wrong", "not this one", 0o600)
    shop.configure(*lines)

    problem = " ".join(shop.check())

    assert cause in problem
    assert _REMEDY in problem or "missing" in problem


# --- ansible.cfg ---------------------------------------------------------------------------------------------

_COMMON = (
    "forks = 2",
    "stdout_callback = yaml",
    "callback_plugins = callbacks",
    "callbacks_enabled = marks, timer, profile_tasks",
    "bin_ansible_callbacks = true",
    "gathering = smart",
    "fact_caching = jsonfile",
    "fact_caching_connection = facts",
    "retry_files_enabled = true",
    "interpreter_python = auto_silent",
    "inject_facts_as_vars = false",
    "error_on_undefined_vars = false",
    "jinja2_native = true",
    "hash_behaviour = merge",
    "private_role_vars = true",
    "collections_scan_sys_path = false",
    "ansible_managed = by hand",
    "strategy = free",
    "any_errors_fatal = true",
    "no_log = true",
    "force_handlers = true",
    "log_path = ansible.log",
    "verbosity = 4",
    "debug = true",
    "display_args_to_stdout = true",
    "display_ok_hosts = false",
    "display_skipped_hosts = false",
    "enable_task_debugger = true",
    "ask_pass = true",
    "[privilege_escalation]",
    "become_ask_pass = true",
    "[diff]",
    "always = true",
)
_CALLBACK = """
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME, CALLBACK_NEEDS_ENABLED = 2.0, "notification", "marks", True
    def v2_playbook_on_stats(self, stats):
        open("marks", "a").write("called ")
"""


def test_what_shops_set_in_ansible_cfg_hinders_neither_updates_nor_their_being_read(shop: Shop) -> None:
    """Among it what hides results, ends a run with its first failure, asks questions, or prints passwords."""
    lab, registry = shop.lab, shop.lab.registry()
    image = f"{registry.address}/test/settings:1"
    registry.push("test/settings", "1", good("1"))
    _deploy(lab.host("bastion"), "settings", image)
    hosts = {
        "good": shop.at("bastion"),
        "bad": shop.at("beside", docker_engine={"docker_host": "unix:///none"}),
    }
    account = {"username": "puller", "password": _REGISTRY_PASSWORD}
    variables = {"registry_credentials": {registry.address: account}, "standalone_container_settle": 1}
    shop.write("inventory/hosts.yml", {"all": {"hosts": hosts, "vars": variables}})
    shop.write("callbacks/marks.py", _CALLBACK)
    shop.configure(*_COMMON)
    settings = Shop(lab, shop.folder, {"ANSIBLE_STDOUT_CALLBACK": "json"})

    scanned = settings.scan()
    outcomes = settings.update(image, registry.push("test/settings", "1", good("2")))

    assert scanned["good"] == "bastion"
    assert "there is no such socket" in scanned["bad"]
    lab.host("bastion").docker("rm", "--force", "settings")
    assert outcomes == {"settings": "updated"}
    assert (shop.folder / "marks").read_text() == "called called "
    assert shop.holding(*_SECRETS) == []


@pytest.mark.extended
def test_a_limit_for_tasks_in_ansible_cfg_ends_no_update(shop: Shop) -> None:
    """The modules know themselves how long they may take; here it is longer than the limit."""
    lab, registry = shop.lab, shop.lab.registry()
    image = f"{registry.address}/test/slow:1"
    registry.push("test/slow", "1", good("1"))
    _deploy(lab.host("bastion"), "slow", image)
    account = {"username": "puller", "password": _REGISTRY_PASSWORD}
    host = shop.at(
        "bastion", registry_credentials={registry.address: account}, standalone_container_settle=16
    )
    shop.write("inventory/hosts.yml", {"all": {"hosts": {"tools": host}}})
    shop.configure("task_timeout = 15")

    outcomes = shop.update(image, registry.push("test/slow", "1", good("2")))

    lab.host("bastion").docker("rm", "--force", "slow")
    assert outcomes == {"slow": "updated"}


@pytest.mark.extended
def test_an_ansible_cfg_elsewhere_is_obeyed_when_the_environment_names_it(shop: Shop) -> None:
    """User, key and port come from there, and its vault's password file lies beside it."""
    shop.write(
        "inventory/hosts.yml",
        {"all": {"hosts": {"tools": {"ansible_host": shop.lab.host("bastion").address}}}},
    )
    elsewhere = shop.write(
        "etc/shop.cfg",
        f"[defaults]\nremote_user = member\nremote_port = {OTHER_PORT}\nprivate_key_file = {shop.lab.private_key}\n"
        f"[ssh_connection]\nssh_args = -o UserKnownHostsFile={shop.folder}/known_hosts\n",
    )
    assert Shop(shop.lab, shop.folder, {"ANSIBLE_CONFIG": str(elsewhere)}).scan() == {"tools": "bastion"}


# --- ways in -------------------------------------------------------------------------------------------------


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
    inner = lab.host(_BEHIND).address
    shop.write(
        "ssh_config",
        f"Host *\n  IdentityFile {lab.private_key}\n  UserKnownHostsFile {shop.folder}/known_hosts\n"
        f"Host {inner}\n  ProxyJump root@{lab.host('bastion').address}\n",
    )
    hosts = {
        "direct": shop.at(_BEHIND),
        "by-command": shop.at(_BEHIND, ansible_ssh_common_args=_through_bastion(lab, shop.folder)),
        "by-jump": shop.at(_BEHIND, ansible_ssh_common_args=f"-F {shop.folder}/ssh_config"),
    }
    shop.write("inventory/hosts.yml", {"all": {"hosts": hosts}})

    answers = shop.scan()

    assert answers.pop("direct").startswith("Failed to connect to the host via ssh")
    assert answers == {"by-command": _BEHIND, "by-jump": _BEHIND}


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


# --- rights and interpreters ---------------------------------------------------------------------------------


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


# --- engines over TLS ----------------------------------------------------------------------------------------


def test_an_engine_behind_tls_is_asked_with_certificates_and_refusals_say_what_is_wrong(
    shop: Shop, authority: Authority, tmp_path: Path
) -> None:
    """Another authority, no certificate of our own, another's certificate, another name, a file that is not there."""
    lab = shop.lab
    stranger = Authority(tmp_path, "stranger")
    certificate, key = stranger.issue("strangers-client")
    missing = str(tmp_path / "missing.pem")
    hosts = {
        "right": _tls(lab, authority),
        "named": _tls(lab, authority, tls_hostname="engine.example.com"),
        "other-name": _tls(lab, authority, tls_hostname="other.example.com"),
        "other-authority": _tls(lab, authority, ca_path=str(stranger.certificate)),
        "no-certificate": _tls(lab, authority, client_cert=None, client_key=None),
        "strangers": _tls(lab, authority, client_cert=str(certificate), client_key=str(key)),
        "no-file": _tls(lab, authority, ca_path=missing),
        "not-its-key": _tls(lab, authority, client_key=str(key)),
        "no-tls": _tls(lab, authority, tls=False),
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


# --- the operator in a shop ----------------------------------------------------------------------------------


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
    here = {**_HERE, "standalone_container_state_directory": str(shop.folder / "here")}
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
        "appliance": {**here, **_tls(lab, authority)},
    }
    shop.write("inventory/01-static.yml", {"production": {"hosts": hosts}, "behind": {"hosts": {}}})
    behind = {"ansible_host": lab.host(_BEHIND).address, "zone": "behind"}
    _write_program(shop, "inventory/02-cloud.py", "node_7.cloud", behind)
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
        sealed(f"vault_registry: {_REGISTRY_PASSWORD}\n", _VAULT_PASSWORD),
    )
    shop.write(
        "inventory/group_vars/behind.yml",
        {
            "ansible_become": True,
            "ansible_become_password": "{{ vault_become }}",
            "ansible_ssh_common_args": _through_bastion(lab, shop.folder),
        },
    )
    shop.write(
        "inventory/host_vars/node_7.cloud.yml", sealed(f"vault_become: {DEPLOY_PASSWORD}\n", _VAULT_PASSWORD)
    )
    shop.write("vault-password", _VAULT_PASSWORD, 0o600)
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
    for host, name in (("bastion", "by-group"), (_BEHIND, "behind"), ("beside", "here")):
        _deploy(lab.host(host), name, image)
    manager = lab.host("edge-m1")
    _deploy(manager, "by-tls", image)
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
    assert _runs(lab.host("bastion"), "by-group", rolled_out.digest)
    assert lab.host("bastion").run("stat", "--format=%U %a", "/home/member/updates").stdout == "member 700\n"


def test_a_host_behind_a_jump_host_is_updated_with_a_password_for_sudo_from_the_vault(
    lab: Lab, rolled_out: RolledOut
) -> None:
    assert rolled_out.outcomes["behind"] == "updated"
    assert _runs(lab.host(_BEHIND), "behind", rolled_out.digest)
    log = (lab.host(_BEHIND).machine.logs / "sshd.log").read_text()
    assert f"Accepted publickey for deploy from {lab.host('bastion').address}" in log
    assert f"from {lab.address} " not in log


def test_the_engine_beside_the_operator_is_updated_without_ssh(lab: Lab, rolled_out: RolledOut) -> None:
    assert rolled_out.outcomes["here"] == "updated"
    assert _runs(lab.host("beside"), "here", rolled_out.digest)
    # The tests before this one logged in as somebody else.
    assert "for deploy" not in (lab.host("beside").machine.logs / "sshd.log").read_text()


def test_a_container_and_a_service_are_updated_through_tls(lab: Lab, rolled_out: RolledOut) -> None:
    assert (rolled_out.outcomes["by-tls"], rolled_out.outcomes["web"]) == ("updated", "updated")
    assert _runs(lab.host("edge-m1"), "by-tls", rolled_out.digest)
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
        return "could decrypt" in note and _REMEDY in note

    until(says_why, who="the operator", what="says what is wrong", deadline=60, log=updater.log, pause=0.3)
    logged = updater.log.read_text()
    shop.write("vault-password", _VAULT_PASSWORD, 0o600)

    assert set(_outcomes(updater, digest).values()) == {"updated"}
    assert _REMEDY in logged


def test_no_secret_of_the_vault_is_kept_or_logged(rolled_out: RolledOut) -> None:
    assert rolled_out.shop.holding(_REGISTRY_PASSWORD, DEPLOY_PASSWORD, _VAULT_PASSWORD) == []
    assert list(rolled_out.shop.folder.glob("state/runs/*/update-*/artifacts/run/stdout"))
