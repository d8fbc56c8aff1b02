# SPDX-License-Identifier: Apache-2.0
"""What shops set in ansible.cfg is obeyed, and hinders no update."""

import pytest

from fleet.ansible_shop.conftest import REGISTRY_PASSWORD, SECRETS, deploy
from fleet.shop import (
    OTHER_PORT,
    Shop,
)
from lab.images import good

pytestmark = pytest.mark.lab


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
    deploy(lab.host("bastion"), "settings", image)
    hosts = {
        "good": shop.at("bastion"),
        "bad": shop.at("beside", docker_engine={"docker_host": "unix:///none"}),
    }
    account = {"username": "puller", "password": REGISTRY_PASSWORD}
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
    assert shop.holding(*SECRETS) == []


@pytest.mark.extended
def test_a_limit_for_tasks_in_ansible_cfg_ends_no_update(shop: Shop) -> None:
    """The modules know themselves how long they may take; here it is longer than the limit."""
    lab, registry = shop.lab, shop.lab.registry()
    image = f"{registry.address}/test/slow:1"
    registry.push("test/slow", "1", good("1"))
    deploy(lab.host("bastion"), "slow", image)
    account = {"username": "puller", "password": REGISTRY_PASSWORD}
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
