"""What is kept of a run by the real Ansible: two files, what they say, and what never gets to the disk."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from integration.conftest import Site
from integration.shops import MINUTE, Shop
from lab.kept import holding
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.runs.results import ModuleResult
from registry_docker_updater.edges.runs import playbooks as runs
from registry_docker_updater.edges.runs.kept_events import Keep
from registry_docker_updater.edges.runs.kept_runs import (
    digest_of,
    output_of,
    read_events,
    read_manifest,
    verify_run,
)
from registry_docker_updater.edges.runs.playbooks import AnsiblePlaybooks
from registry_docker_updater.edges.runs.port import FinishedRun, Playbook
from registry_docker_updater.parts import Parts
from registry_docker_updater.settings.loading import load
from unit.builders import HOST, NEW

pytestmark = pytest.mark.slow

_MODULE = """
from ansible.module_utils.basic import AnsibleModule
AnsibleModule({"password": {"no_log": True}}).exit_json(msg="said by ours", outcome="updated")
"""
# What a shop's own tasks are given, return, print, and keep for the end.
_PRINTS = """
    - name: Print it
      ansible.builtin.debug: {msg: hunter2-debug}
    - name: Return it
      ansible.builtin.command: {argv: [echo, hunter2-command]}
    - name: Fail with it
      ansible.builtin.fail: {msg: hunter2-fail}
      ignore_errors: true
    - name: Loop over it
      ansible.builtin.command: {argv: [echo, "{{ item }}"]}
      loop: [hunter2-loop]
    - name: Try it again
      ansible.builtin.command: {argv: [echo, hunter2-again]}
      register: again
      until: again.attempts == 2
      retries: 2
      delay: 0
    - name: Tell it at the end
      ansible.builtin.set_stats: {data: {stats: hunter2-stats}}
    - name: Warn of it
      ansible.builtin.command: {argv: [echo, hunter2-warning]}
      async: 20
      poll: 1
"""
_HIDES = """
    - name: Hide it
      ansible.builtin.command: {argv: [echo, hunter2-hidden]}
      no_log: true
    - name: Fail with it hidden
      ansible.builtin.fail: {msg: hunter2-failed}
      no_log: true
      ignore_errors: true
    - name: Loop over it hidden
      ansible.builtin.fail: {msg: "{{ item }}"}
      loop: [hunter2-item, hunter2-other]
      no_log: true
      ignore_errors: true
    - name: Try it again hidden
      ansible.builtin.command: {argv: [sh, -c, "echo hunter2-again; exit 1"]}
      register: again
      until: again.rc == 0
      retries: 1
      delay: 0
      no_log: true
      ignore_errors: true
    - name: Lose a host hidden
      ansible.builtin.ping:
      vars: {ansible_connection: ssh, ansible_host: "hunter2 host"}
      no_log: true
      ignore_unreachable: true
"""
_OURS = """
    - name: Ours
      registry.docker_updater.speaks: {password: hunter2-password}
"""


def write(shop: Shop, name: str, tasks: str) -> None:
    """A playbook, and a module in the collection of the tests' own."""
    shop.write(name, tasks)
    module = shop.folder / "ansible_collections/registry/docker_updater/plugins/modules/speaks.py"
    module.parent.mkdir(parents=True, exist_ok=True)
    module.write_text(_MODULE)


def run(shop: Shop, name: str, keep: Keep, on_result: Callable[[ModuleResult], None]) -> FinishedRun:
    playbooks = AnsiblePlaybooks(shop.folder / "hosts.yml", shop.folder, shop.environment, keep=keep)
    return playbooks.run(Playbook(name), shop.runs, MINUTE, on_result)


@pytest.mark.parametrize("keep", ["everything", "outcomes"])
def test_what_a_task_with_no_log_says_is_in_no_file_of_its_run(shop: Shop, keep: Keep) -> None:
    """Ansible hides what such a task returns, and not all of what it prints."""
    shop.environment["ANSIBLE_VERBOSITY"] = "2"
    write(shop, "hides", _HIDES + _OURS)
    meanwhile: list[str] = []
    ended = run(shop, "hides", keep, lambda _: meanwhile.extend(holding(shop.runs, "hunter2")))
    assert ended.status == "successful", output_of(ended.directory)
    assert ended.results[-1].result["outcome"] == "updated"
    assert meanwhile + holding(shop.runs, "hunter2") == []
    assert "fatal: [one]: FAILED! => {" in output_of(ended.directory) or keep == "outcomes"


def test_with_outcomes_nothing_that_a_shops_own_tasks_say_is_written_down(shop: Shop) -> None:
    shop.environment |= {"ANSIBLE_SHOW_CUSTOM_STATS": "true", "ANSIBLE_VERBOSITY": "3"}
    write(shop, "prints", _PRINTS + _OURS + _PRINTS)
    meanwhile: list[str] = []
    in_memory: set[str] = set()

    def look(result: ModuleResult) -> None:
        handed_over = shop.runs / "prints-1/artifacts/run/job_events"
        if result.result.get("outcome"):
            meanwhile.extend(holding(shop.runs, "hunter2"))
            in_memory.add(str(handed_over.readlink()))

    ended = run(shop, "prints", "outcomes", look)

    assert ended.status == "successful"
    assert {place.rpartition("/")[0] for place in in_memory} == {"/dev/shm"}
    assert meanwhile + holding(shop.runs, "hunter2") == []
    assert not [place for place in in_memory if Path(place).exists()]
    events = read_events(ended.directory)
    for kept in ("said by ours", "Return it", '"host":"one"', "runner_on_failed", "runner_item_on_ok"):
        assert kept in events
    assert (read_manifest(ended.directory) or {})["kept"] == "outcomes"
    assert "TASK [Return it]" in output_of(ended.directory)


def test_without_it_they_are_kept(shop: Shop) -> None:
    """The control of the test above: what it looks for would be there."""
    write(shop, "prints", _PRINTS + _OURS)
    ended = run(shop, "prints", "everything", lambda _: None)
    events = read_events(ended.directory)
    for what in ("debug", "command", "fail", "loop", "again", "stats"):
        assert f"hunter2-{what}" in events
    assert "hunter2-debug" in output_of(ended.directory)
    assert "hunter2-password" not in events


@pytest.mark.parametrize("keep", ["everything", "outcomes"])
def test_a_run_that_ansible_refused_keeps_the_reason(shop: Shop, keep: Keep) -> None:
    sealed = VaultLib([("default", VaultSecret(b"the right one"))]).encrypt("answer: 42\n")
    (shop.folder / "group_vars").mkdir()
    (shop.folder / "group_vars/all.yml").write_bytes(sealed)
    shop.write("answer", '    - ansible.builtin.debug: {msg: "{{ answer }}"}\n')
    ended = run(shop, "answer", keep, lambda _: None)
    assert "no vault secrets" in (ended.refusal or "")
    assert "no vault secrets" in output_of(ended.directory)
    manifest = read_manifest(ended.directory) or {}
    assert (manifest["status"], manifest["exit_code"]) == ("failed", ended.exit_code)
    assert ended.exit_code not in (0, None)


def test_the_manifest_says_what_was_asked_what_ran_and_how_it_ended(shop: Shop) -> None:
    """The tests' own playbook is none of our collection."""
    shop.write("hello", '    - ansible.builtin.debug: {msg: "{{ word }}"}\n')
    (shop.folder / "group_vars").mkdir()
    (shop.folder / "group_vars/all.yml").write_text("word: hello\n")
    playbooks = shop.playbooks
    asked = Playbook("hello", {"a": {"b": ["{{ c }}"]}, "n": 1}, ("one",), forks=3, number=4)
    ended = playbooks.run(asked, shop.runs, MINUTE)

    manifest: dict[str, Any] = dict(read_manifest(ended.directory) or {})
    assert ended.directory == shop.runs / "hello-4"
    assert (ended.manifest, verify_run(ended.directory)) == (digest_of(ended.directory), [])
    assert manifest.pop("began_at") < manifest.pop("ended_at")
    assert manifest.pop("cost_seconds") == round(ended.cost, 3)
    assert manifest.pop("events")["count"] == read_events(ended.directory).count("\n")
    assert manifest.pop("inputs") == playbooks.inputs()
    playbook = shop.folder / "ansible_collections/registry/docker_updater/playbooks/hello.yml"
    assert manifest.pop("files") == {str(playbook): hashlib.sha256(playbook.read_bytes()).hexdigest()}
    assert manifest == {
        "format": 1,
        "playbook": "hello",
        "status": "successful",
        "exit_code": 0,
        "limit": ["one"],
        "forks": 3,
        "variables": {"a": {"b": ["{{ c }}"]}, "n": 1},
        "check": False,
        "kept": "everything",
        "said": "",
    }
    assert sorted(path.name for path in ended.directory.iterdir()) == ["events.jsonl.gz", "manifest.json"]


def test_a_run_whose_number_is_taken_has_the_next_one_that_is_free(shop: Shop) -> None:
    shop.write("hello", "    - ansible.builtin.debug: {msg: hello}\n")
    for name in ("hello-2", "hello-3", "hello-9"):
        (shop.runs / name).mkdir(parents=True)
    playbooks = shop.playbooks
    made = [playbooks.run(Playbook("hello", number=n), shop.runs, MINUTE).directory.name for n in (2, 1)]
    assert made == ["hello-4", "hello-1"]


def test_a_run_that_cannot_be_packed_has_ended_as_it_did_and_is_left_as_it_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runs, "pack", full)
    shop.write("hello", "    - ansible.builtin.debug: {msg: hello}\n")
    ended = shop.run("hello")
    assert (ended.status, ended.manifest, len(ended.results)) == ("successful", None, 1)
    assert "No space left on device" in caplog.text
    assert "hello" in output_of(ended.directory)
    assert (ended.directory / "events.jsonl").exists()
    assert replace(ended, manifest="x").exit_code == 0


def test_of_a_shops_own_tasks_their_file_is_kept_and_with_outcomes_not_what_they_say(site: Site) -> None:
    """The playbook as it is, and the operator's settings."""
    hook = site.folder / "before.yml"
    hook.write_text(
        "- ansible.builtin.debug: {msg: hunter2}\n- ansible.builtin.command: {argv: [echo, hunter2]}\n"
    )
    image = f"{HOST}/test/app:1"
    site.add_host("solo", image)
    site.hosts["solo"]["docker_update_before"] = str(hook)
    site.write()
    site.config.write_text(site.config.read_text() + "runs: {keep: outcomes}\n")
    parts = Parts(load(site.config), site.config, os.environ, utc_now)

    asked = Playbook("update", {"image": image, "digest": NEW}, ("solo",))
    ended = parts.playbooks.run(asked, site.folder / "runs", MINUTE)

    manifest = read_manifest(ended.directory) or {}
    events = read_events(ended.directory)
    assert manifest["files"] == {str(hook): hashlib.sha256(hook.read_bytes()).hexdigest()}
    assert (manifest["kept"], manifest["inputs"]) == ("outcomes", parts.playbooks.inputs())
    assert str(hook) in events
    # The played engine can run nothing; that it was tried is enough.
    assert '"outcome":"failed"' in events
    assert holding(site.folder / "runs", "hunter2") == []
