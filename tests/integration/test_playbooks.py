"""Runs of playbooks, by the real ansible-runner and Ansible, with playbooks of the tests' own.

They lie in a collection of the same name as the project's, which Ansible finds first.
"""

import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from integration.shops import INVENTORY, MINUTE, Shop
from lab.kept import holding
from registry_docker_updater.core.runs import reasons
from registry_docker_updater.core.runs.results import ModuleResult
from registry_docker_updater.edges.runs import directories
from registry_docker_updater.edges.runs.directories import as_text, make_directory
from registry_docker_updater.edges.runs.kept_runs import read_events
from registry_docker_updater.edges.runs.playbooks import AnsiblePlaybooks
from registry_docker_updater.edges.runs.port import Playbook
from registry_docker_updater.errors import UpdaterError

pytestmark = pytest.mark.slow


def test_a_run_returns_results_of_modules_and_statistics(shop: Shop) -> None:
    shop.write(
        "hello",
        """
    - ansible.builtin.debug: {msg: "{{ greeting }}"}
    - ansible.builtin.set_fact: {nothing: to be said}
    - ansible.builtin.set_stats: {data: {channels: [mail]}}
      run_once: true
""",
        "all",
    )
    ended = shop.run("hello", {"greeting": "good day"})
    assert (ended.status, ended.cut_short, ended.was_stopped) == ("successful", None, False)
    expected = [
        ModuleResult(host, "runner_on_ok", "ansible.builtin.debug", {"msg": "good day"})
        for host in ("one", "two")
    ]
    assert sorted(ended.results, key=lambda result: result.host) == expected
    assert ended.statistics == {"channels": ["mail"]}


def test_a_run_that_fails_says_why(shop: Shop) -> None:
    shop.write("wrong", "    - ansible.builtin.fail: {msg: no disk}\n")
    ended = shop.run("wrong")
    assert (ended.status, ended.cut_short) == ("failed", None)
    assert [(result.event, reasons.of_result(result.result)) for result in ended.results] == [
        ("runner_on_failed", "no disk")
    ]


def test_a_failure_that_the_playbook_ignores_is_none(shop: Shop) -> None:
    shop.write("fine", "    - ansible.builtin.fail: {msg: no disk}\n      ignore_errors: true\n")
    assert shop.run("fine").results == ()


@pytest.mark.parametrize("limit", [("two",), "two"])
def test_a_run_touches_only_the_hosts_it_is_limited_to(shop: Shop, limit: Any) -> None:
    shop.write("hello", "    - ansible.builtin.debug: {msg: hello}\n", "all")
    assert [result.host for result in shop.run("hello", limit=limit).results] == ["two"]


def test_each_run_has_a_directory_of_its_own(shop: Shop) -> None:
    shop.write("hello", "    - ansible.builtin.debug: {msg: hello}\n")
    assert [shop.run("hello").directory.name for _ in range(2)] == ["hello-1", "hello-2"]


def test_runs_of_one_folder_begun_at_the_same_time_have_directories_of_their_own(shop: Shop) -> None:
    """Two processes may do so: the operator, and a command."""
    begin = threading.Barrier(8)

    def make(_: int) -> Path:
        begin.wait()
        return make_directory(shop.runs, "hello")

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(8)))
    assert len(set(made)) == 8


def test_what_a_run_costs_is_measured_with_all_that_it_started(shop: Shop) -> None:
    busy = "import time; [None for _ in iter(lambda: time.process_time() < 1.5, False)]"
    shop.write("busy", f"    - ansible.builtin.command: {{argv: [{sys.executable}, -c, '{busy}']}}\n")
    shop.write("idle", "    - ansible.builtin.command: {argv: [sleep, '1']}\n")
    idle, busy_run = shop.run("idle").cost, shop.run("busy").cost
    assert idle > 0.2
    assert 1.0 < busy_run - idle < 20


def test_a_run_may_ask_more_hosts_at_the_same_time_than_the_shop_says(shop: Shop) -> None:
    (shop.folder / "ansible.cfg").write_text("[defaults]\nforks = 3\n")
    shop.write("forks", '    - ansible.builtin.debug: {msg: "{{ ansible_forks }}"}\n')
    ended = shop.playbooks.run(Playbook("forks", forks=17), shop.runs, MINUTE)
    assert str(ended.results[0].result["msg"]) == "17"


@pytest.mark.parametrize(
    ("config", "arguments"),
    [
        ("", "-C -o ControlMaster=auto -o ControlPersist=150s"),
        ("[ssh_connection]\nssh_args = -o ControlPersist=7s\n", "-o ControlPersist=7s"),
    ],
    ids=["where the shop says nothing", "as the shop says"],
)
def test_connections_stay_open_from_one_scan_to_the_next(shop: Shop, config: str, arguments: str) -> None:
    (shop.folder / "ansible.cfg").write_text(config)
    asked = "'ssh_args', plugin_type='connection', plugin_name='ssh'"
    shop.write(
        "asks",
        f"    - ansible.builtin.debug: {{msg: \"{{{{ lookup('ansible.builtin.config', {asked}) }}}}\"}}\n",
    )
    assert shop.run("asks").results[0].result["msg"] == arguments


def test_the_hosts_of_the_inventory_are_listed_as_a_run_would_have_them(shop: Shop) -> None:
    assert shop.playbooks.hosts("all").names == {"one", "two"}
    assert shop.playbooks.hosts("all:!two").names == {"one"}
    assert shop.playbooks.hosts("one").cost > 0.1


def test_a_dynamic_inventory_and_the_shops_settings_count_for_the_listing_too(shop: Shop) -> None:
    program = shop.folder / "hosts.py"
    program.write_text(
        f"#!{sys.executable}\nimport json, os\n"
        "print(json.dumps({'all': {'hosts': ['dynamic', os.environ['ANSIBLE_SHOP']]},"
        " '_meta': {'hostvars': {'dynamic': {'password': 'hunter2'}}}}))\n"
    )
    program.chmod(0o755)
    (shop.folder / "ansible.cfg").write_text("[inventory]\nenable_plugins = script\n")
    shop.environment["ANSIBLE_SHOP"] = "said"
    playbooks = AnsiblePlaybooks(program, shop.folder, shop.environment)
    assert playbooks.hosts("all").names == {"dynamic", "said"}


@pytest.mark.parametrize(
    ("inventory", "pattern", "reason"),
    [("all: [", "all", "hosts.yml"), (INVENTORY, "nobody", "nobody"), ("all: {hosts: {}}", "all", "'all'")],
)
def test_an_inventory_that_cannot_be_read_or_has_no_such_host_is_an_error(
    shop: Shop, inventory: str, pattern: str, reason: str
) -> None:
    (shop.folder / "hosts.yml").write_text(inventory)
    with pytest.raises(UpdaterError, match=reason):
        shop.playbooks.hosts(pattern)


def test_the_settings_of_ansible_in_the_shops_folder_are_obeyed(shop: Shop) -> None:
    (shop.folder / "ansible.cfg").write_text("[defaults]\nforks = 3\n")
    shop.write("forks", "    - ansible.builtin.debug: {msg: \"{{ lookup('config', 'DEFAULT_FORKS') }}\"}\n")
    assert str(shop.run("forks").results[0].result["msg"]) == "3"


def test_results_come_while_the_run_goes_on(shop: Shop) -> None:
    """The playbook waits for a file that is made when its first result is heard."""
    heard = shop.folder / "heard"
    shop.write(
        "waiting",
        f"    - ansible.builtin.debug: {{msg: first}}\n    - ansible.builtin.wait_for: {{path: {heard}, timeout: 20}}\n",
    )
    assert shop.run("waiting", on_result=lambda _: heard.touch()).status == "successful"


def test_text_from_outside_is_never_a_template(shop: Shop) -> None:
    shop.write("show", '    - ansible.builtin.debug: {msg: "{{ digest }} {{ skip[0] }} {{ deep.a }}"}\n')
    ran = shop.folder / "ran"
    evil = f"{{{{ lookup('pipe', 'touch {ran}') }}}}"
    ended = shop.run("show", {"digest": evil, "skip": [evil], "deep": {"a": evil}})
    assert ended.results[0].result["msg"] == f"{evil} {evil} {evil}"
    assert not ran.exists()


def test_without_that_mark_it_would_be_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: what it guards against is real."""
    monkeypatch.setattr(directories, "as_text", lambda value: value)
    shop.write("show", '    - ansible.builtin.debug: {msg: "{{ digest }}"}\n')
    ran = shop.folder / "ran"
    shop.run("show", {"digest": f"{{{{ lookup('pipe', 'touch {ran}') }}}}"})
    assert ran.exists()


def test_what_is_no_text_stays_what_it_is() -> None:
    given = {"a": [1, True, None, 1.5, ("x",)], 2: {}}
    assert as_text(given) == {"a": [1, True, None, 1.5, [{"__ansible_unsafe": "x"}]], "2": {}}


@pytest.mark.parametrize(
    ("environment", "cfg", "forks"),
    [({}, "", "25"), ({"ANSIBLE_FORKS": "7"}, "", "7"), ({}, "[defaults]\nforks = 3\n", "3")],
)
def test_a_run_has_as_many_forks_as_the_shop_says_and_enough_where_it_says_nothing(
    shop: Shop, environment: dict[str, str], cfg: str, forks: str
) -> None:
    shop.environment |= environment
    (shop.folder / "ansible.cfg").write_text(cfg)
    shop.write("hello", '    - ansible.builtin.debug: {msg: "{{ ansible_forks }}"}\n')
    assert str(shop.run("hello", {}).results[0].result["msg"]) == forks


def test_what_is_kept_is_for_its_owner_and_holds_no_secret(shop: Shop) -> None:
    shop.environment |= {"PRODUCTION_SECRET": "hunter2-of-the-registry", "AWS_KEY": "hunter2-of-the-cloud"}
    shop.write(
        "hello",
        "    - ansible.builtin.debug: {msg: \"{{ lookup('env', 'PRODUCTION_SECRET') }}|{{ text }}\"}\n",
    )
    ended = shop.run("hello", {"text": "kept"})
    assert ended.results[0].result["msg"] == "|kept"
    assert holding(ended.directory, "hunter2") == []
    for folder in (ended.directory, shop.runs):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_ansible_gets_the_variables_that_the_settings_name_and_no_others(shop: Shop) -> None:
    """A dynamic inventory may need an account of a cloud."""
    shop.environment |= {"AWS_PROFILE": "fleet", "AWS_OTHER": "not named"}
    shop.write(
        "hello",
        "    - ansible.builtin.debug: {msg: \"{{ lookup('env', 'AWS_PROFILE') }}|{{ lookup('env', 'AWS_OTHER') }}\"}\n",
    )
    playbooks = AnsiblePlaybooks(shop.folder / "hosts.yml", shop.folder, shop.environment, ["AWS_PROFILE"])
    ended = playbooks.run(Playbook("hello"), shop.runs, timedelta(minutes=1))
    assert ended.results[0].result["msg"] == "fleet|"


@pytest.mark.parametrize("said", [None, "True", "False"])
def test_the_check_of_host_keys_is_for_the_shop_to_say(shop: Shop, said: str | None) -> None:
    if said:
        shop.environment["ANSIBLE_HOST_KEY_CHECKING"] = said
    shop.write(
        "keys", "    - ansible.builtin.debug: {msg: \"{{ lookup('config', 'HOST_KEY_CHECKING') }}\"}\n"
    )
    assert str(shop.run("keys").results[0].result["msg"]) == (said or "True")


def test_a_run_that_ansible_refuses_says_why_and_what_to_do(shop: Shop) -> None:
    """Nobody is asked for the password, though the shop's settings say so."""
    secret = VaultSecret(b"the right one")
    sealed = VaultLib([("default", secret)]).encrypt("answer: 42\n")
    (shop.folder / "group_vars").mkdir()
    (shop.folder / "group_vars" / "all.yml").write_bytes(sealed)
    (shop.folder / "ansible.cfg").write_text("[defaults]\nask_vault_pass = true\n")
    shop.write("answer", '    - ansible.builtin.debug: {msg: "{{ answer }}"}\n')

    refused = shop.run("answer")
    (shop.folder / "password").write_text("the right one")
    shop.environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(shop.folder / "password")
    ended = shop.run("answer")

    assert (refused.status, refused.results) == ("failed", ())
    assert "no vault secrets" in (refused.refusal or "")
    assert "ANSIBLE_VAULT_PASSWORD_FILE" in (refused.refusal or "")
    assert (ended.refusal, ended.results[0].result) == (None, {"msg": 42})


def test_an_inventory_of_which_a_part_is_broken_is_refused_unless_the_shop_says_otherwise(shop: Shop) -> None:
    """Its hosts would look as if they had left the inventory."""
    inventory = shop.folder / "hosts.yml"
    inventory.unlink()
    inventory.mkdir()
    (inventory / "one.yml").write_text(INVENTORY)
    (inventory / "two").write_text("#!/bin/sh\nexit 1\necho the cloud does not answer\n")
    (inventory / "two").chmod(0o755)
    shop.write("hello", "    - ansible.builtin.debug: {msg: hello}\n")

    refused = shop.run("hello")
    shop.environment["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] = "false"
    ended = shop.run("hello")

    assert f"inventory source {inventory}/two" in (refused.refusal or "")
    # ansible-core 2.17 writes the name of the plugin without marks.
    assert re.search(r"with '?script'? plugin", refused.refusal or "")
    assert (ended.status, ended.refusal) == ("successful", None)


@pytest.mark.parametrize(
    ("patterns", "is_refused"), [("", False), ("[inventory]\nignore_patterns = x\n", True)]
)
def test_what_messages_are_made_of_is_no_inventory_unless_the_shop_says_what_is_none(
    shop: Shop, patterns: str, *, is_refused: bool
) -> None:
    inventory = shop.folder / "hosts.yml"
    inventory.unlink()
    (inventory / "notification_handlers").mkdir(parents=True)
    (inventory / "one.yml").write_text(INVENTORY)
    (inventory / "notification_handlers" / "pager.yml").write_text("- name: Call\n  ansible.builtin.debug:\n")
    (shop.folder / "ansible.cfg").write_text(f"[defaults]\nforks = 2\n{patterns}")
    shop.write("hello", "    - ansible.builtin.debug: {msg: hello}\n")
    assert bool(shop.run("hello").refusal) is is_refused


def test_an_inventory_that_cannot_be_read_says_why_and_where(shop: Shop) -> None:
    (shop.folder / "hosts.yml").write_text("all:\n  hosts:\n    one:\n   two: 1\n")
    shop.write("hello", "    - ansible.builtin.debug: {msg: hello}\n")
    shown = shop.run("hello").refusal or ""
    # As ansible-core says it since 2.19, or before.
    assert re.search(r"YAML parsing failed|did not find expected key", shown)
    assert re.search(rf"see {shop.folder}/hosts\.yml:4:4|line 4, column 4", shown)


def test_how_ansible_prints_is_not_for_the_shop_to_say(shop: Shop) -> None:
    """Neither a callback for the screen, nor one that this Ansible does not have, hides what modules say."""
    (shop.folder / "ansible.cfg").write_text(
        "[defaults]\nstdout_callback = gone\nverbosity = 4\ndisplay_args_to_stdout = true\n"
    )
    shop.environment["ANSIBLE_STDOUT_CALLBACK"] = "gone, too"
    shop.write("hello", '    - ansible.builtin.debug: {msg: "{{ word }}"}\n')

    ended = shop.run("hello", {"word": "hello"})

    assert [result.result for result in ended.results] == [{"msg": "hello"}]
    assert 'task_args":"msg' not in read_events(ended.directory)
