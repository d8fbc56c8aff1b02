"""A team with real receivers on every channel, and runs of the playbook that tells it about a rollout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from integration.receivers import Mailbox, Webhook, mailbox, webhook

ROOT = Path(__file__).parents[3]


OLD, NEW = "sha256:" + "0a" * 32, "sha256:" + "1b" * 32


SLACK_TOKEN, TEAMS_TOKEN, PASSWORD = "T0SLACK0TOKEN", "T0TEAMS0TOKEN", "p4ssw0rd-of-the-mail"


def outcome(name: str, became: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "service",
        "name": name,
        "where": "swarm alpha",
        "outcome": became,
        "before": {"image": "registry.example.com/test/app:1", "digest": OLD},
        "after": {"image": "registry.example.com/test/app:1", "digest": NEW if became == "updated" else OLD},
        "message": None,
        **more,
    }


def rollout(*outcomes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": 12,
        "image": "registry.example.com/test/app:1",
        "digest": NEW,
        "actor": "alice",
        "pushed_at": "2026-11-22T10:00:00Z",
        "registry": "production",
        "attempt": 1,
        "started_at": "2026-11-22T10:00:01Z",
        "finished_at": "2026-11-22T10:00:09Z",
        "outcomes": list(outcomes),
        **more,
    }


GOOD = rollout(outcome("web", "updated"), outcome("cache", "unchanged", kind="container", where="host solo"))


BAD = rollout(
    outcome("web", "updated"),
    outcome("api", "rolled_back", message="2 of 3 tasks did not become healthy"),
    outcome("cache", "unreachable", kind="container", where="host solo", before=None, after=None),
)


def message(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a message as the operator gives it."""
    return {"id": "m12", "receiver": "default", "sent_for": None, "items": list(items), **more}


SILENT = {
    "topic": "registry silent",
    "title": "Registry production is silent",
    "text": "It has sent nothing for two hours.",
    "then": "Nothing is updated until it sends again.",
    "path": "/registries/production",
    "at": "2026-11-22T10:00:00Z",
    "recovered": False,
}


def unsafe(value: Any) -> Any:
    """Mark every string as text that is never a template, as ansible-core reads it from JSON."""
    if isinstance(value, str):
        return {"__ansible_unsafe": value}
    if isinstance(value, dict):
        return {key: unsafe(inner) for key, inner in value.items()}
    return [unsafe(inner) for inner in value] if isinstance(value, list) else value


@dataclass
class Team:
    """An inventory with channels, and ansible-playbook runs that tell them."""

    folder: Path
    slack: Webhook
    teams: Webhook
    mail: Mailbox
    variables: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.inventory = self.folder / "inventory"
        (self.inventory / "group_vars").mkdir(parents=True)
        (self.inventory / "hosts.yml").write_text("all: {hosts: {web1: {}}}\n")
        self.variables = {
            "notification_slack_webhook_url": self.slack.url,
            "notification_teams_webhook_url": self.teams.url,
            "notification_email_to": ["team@example.com", "boss@example.com"],
            "notification_email_from": "updater@example.com",
            "notification_email_host": "127.0.0.1",
            "notification_email_port": self.mail.port,
            "notification_email_encryption": "none",
        }

    def write(self, said: dict[str, Any]) -> Path:
        """Write the variables, and a rollout or a message to a file."""
        (self.inventory / "group_vars" / "all.yml").write_text(json.dumps(self.variables))
        file = self.folder / "rollout.json"
        name = "notification_message" if "items" in said else "notification_rollout"
        file.write_text(json.dumps({name: unsafe(said)}))
        return file

    def own(self, folder: str, name: str, content: Any) -> Path:
        """Write a file of the shop's own, beside the inventory."""
        path = self.folder / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def tell(
        self, said: dict[str, Any], *arguments: str, playbook: Path = ROOT / "playbooks" / "notify.yml"
    ) -> subprocess.CompletedProcess[str]:
        return self.play(playbook, "-e", f"@{self.write(said)}", *arguments)

    def look(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        (self.inventory / "group_vars" / "all.yml").write_text(json.dumps(self.variables))
        return self.play(ROOT / "playbooks" / "channels.yml", *arguments)

    def play(self, playbook: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                *("-i", str(self.inventory), str(playbook), *arguments),
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "HOME": str(self.folder),
                "ANSIBLE_SHOW_CUSTOM_STATS": "1",
                "ANSIBLE_NOCOLOR": "1",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @property
    def said(self) -> tuple[int, int, int]:
        return len(self.slack.bodies), len(self.teams.bodies), len(self.mail.envelopes)


@contextmanager
def receiving(folder: Path) -> Iterator[Team]:
    with (
        webhook(f"/services/{SLACK_TOKEN}") as slack,
        webhook(f"/workflows/1/run?sig={TEAMS_TOKEN}") as teams,
        mailbox() as mail,
    ):
        teams.status = 202
        yield Team(folder, slack, teams, mail)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    with receiving(tmp_path) as team:
        yield team


def statistics(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found = re.search(r"RUN: (\{.*\})", done.stdout)
    assert found, done.stdout + done.stderr
    said: dict[str, Any] = json.loads(found.group(1))
    return said


def results(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    said: dict[str, str] = statistics(done)["notification_results"]
    return said


def why_nobody(done: subprocess.CompletedProcess[str]) -> str:
    return str(statistics(done)["notification_nobody"])


def texts(node: Any, kind: str) -> list[str]:
    """Every text of a JSON message that stands in an object of this type."""
    if isinstance(node, list):
        return [text for inner in node for text in texts(inner, kind)]
    if not isinstance(node, dict):
        return []
    own = [node["text"]] if node.get("type") == kind and isinstance(node.get("text"), str) else []
    return own + [text for inner in node.values() for text in texts(inner, kind)]


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    content: str = body.get_content()
    return content
