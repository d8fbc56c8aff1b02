"""Secrets are planted wherever a shop has some, a push is rolled out and told of, and none of them is kept anywhere."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from integration.conftest import SECRET, Run, Site, until
from integration.receivers import webhook
from integration.test_operator import ended_rollouts, event, scanned
from lab.kept import content_of
from unit.builders import HOST

pytestmark = pytest.mark.slow

APP = f"{HOST}/test/app:1"
SHOWN = ("events", "rollouts", "rollouts/1", "hosts", "targets", "trail?limit=1000", "openapi.json")
# Each has this, so that one which is found names itself.
MARK = "hunter2"


def planted(name: str) -> str:
    return f"{MARK}-{name}"


HOOK = f"""
- name: Ask for a token
  ansible.builtin.command: echo {{{{ vault_token }}}} {planted("printed-by-a-task")}
  no_log: true
  changed_when: false
- name: Say it
  ansible.builtin.debug: {{msg: "{{{{ vault_token }}}} {planted("said-by-a-task")}"}}
  no_log: true
- name: Set it
  ansible.builtin.set_fact: {{token: "{planted("set-by-a-task")}"}}
  no_log: true
- name: Fail with it
  ansible.builtin.fail: {{msg: "{planted("failed-with-in-a-task")}"}}
  no_log: true
  ignore_errors: true
"""


def plant(site: Site, address: str, keep: str) -> None:
    """Have a secret in a vault, the inventory, files, the environment, addresses, and what a shop's own task prints."""
    secrets = {
        "vault_token": planted("in-the-vault"),
        "vault_registry_password": planted("password-of-the-fleet-s-registry"),
        "notification_email_password": planted("password-of-the-mail-server"),
        "notification_slack_webhook_url": address,
    }
    sealed = VaultLib([("default", VaultSecret(b"open"))]).encrypt(yaml.safe_dump(secrets))
    (site.folder / "group_vars/all").mkdir(parents=True)
    (site.folder / "group_vars/all/vault.yml").write_bytes(sealed)
    plain = {
        "ansible_become_password": planted("in-the-inventory"),
        "registry_credentials": {HOST: {"username": "puller", "password": "{{ vault_registry_password }}"}},
        "docker_update_before": "hook.yml",
    }
    (site.folder / "group_vars/all/plain.yml").write_text(yaml.safe_dump(plain))
    (site.folder / "hook.yml").write_text(HOOK)
    (site.folder / "password").write_text("open")
    (site.folder / "ansible.cfg").write_text("[defaults]\nvault_password_file = password\n")
    settings = yaml.safe_load(site.config.read_text())
    (site.folder / "heads").write_text(f"{address}-heads")
    (site.folder / "asker").write_text(planted("password-of-who-asks-the-registry"))
    settings["runs"] = {"keep": keep}
    settings["audit"] = {"heads": {"webhook": {"file": "heads"}, "interval": "1s"}}
    settings["registries"]["production"]["credentials"] = {"username": "asker", "password": {"file": "asker"}}
    site.config.write_text(yaml.safe_dump(settings))


@pytest.fixture(params=["everything", "outcomes"])
def rolled_out(site: Site, request: pytest.FixtureRequest) -> Iterator[tuple[Site, list[str]]]:
    """A site at whose operator a push was rolled out and told of; and all that its API answered."""
    site.add_host("solo", APP)
    with webhook(f"/{planted('address-of-a-webhook')}") as receiver:
        plant(site, receiver.url, request.param)
        with site.operator() as operator:
            scanned(operator)
            assert operator.ask("POST", "/events/production", event())[0] == 202
            until(lambda: ended_rollouts(operator))
            until(lambda: (operator.get("/api/rollouts/1")["message"] or {}).get("state") == "sent")
            answers = [json.dumps(operator.get(f"/api/v1/{path}")) for path in SHOWN]
        assert any("trail head" in str(one.get("text")) for one in receiver.messages)
        assert any("text" in one and "trail head" not in str(one["text"]) for one in receiver.messages)
        yield site, answers


def rows(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        return "\n".join(connection.iterdump())


def test_no_secret_is_in_any_file_row_log_line_export_or_answer(
    rolled_out: tuple[Site, list[str]], run: Run
) -> None:
    site, answers = rolled_out
    files = {path: content_of(path) for path in site.state.rglob("*") if path.is_file()}
    assert [path.name for path in files if path.name == "events.jsonl.gz"]
    kept = {str(path): content.decode(errors="replace") for path, content in files.items()}
    kept["the rows"] = rows(site.state / "updater.db")
    kept["the log"] = (site.folder / "operator.log").read_text()
    kept["the answers"] = "\n".join(answers)
    for command in (
        ("audit", "export"),
        ("audit", "show", "1"),
        ("rollout", "1", "--run", "1"),
        ("rollout", "1", "--run", "1", "--json"),
        ("rollout", "1", "--run", "notify-1"),
        ("rollout", "1", "--json"),
        ("events", "--json"),
        ("fleet", "--json"),
    ):
        code, out, said = run(*command)
        assert code == 0, said
        kept[" ".join(command)] = out + said
    assert {where for where, content in kept.items() if MARK in content or SECRET in content} == set()
    # There was something to look for, and nothing of ours that Ansible would warn of.
    assert "Found duplicate mapping key" not in kept["rollout 1 --run 1"]
    assert MARK in (site.folder / "hook.yml").read_text()
    assert "Ask for a token" in kept["rollout 1 --run 1 --json"]
