"""The playbook that tells a team about a rollout, against real receivers."""

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

import ansible_runner
import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.registry.docker_updater.plugins.modules.notification_email import (
    NotSent,
    compose,
    send,
)

from integration.receivers import Mailbox, Webhook, certificate, free_port, mailbox, webhook

ROOT = Path(__file__).parents[2]
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

    def write(self, told: dict[str, Any]) -> Path:
        (self.inventory / "group_vars" / "all.yml").write_text(json.dumps(self.variables))
        file = self.folder / "rollout.json"
        file.write_text(json.dumps({"notification_rollout": unsafe(told)}))
        return file

    def tell(
        self, told: dict[str, Any], *arguments: str, playbook: Path = ROOT / "playbooks" / "notify.yml"
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                *("-i", str(self.inventory), str(playbook), "-e", f"@{self.write(told)}", *arguments),
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
    def told(self) -> tuple[int, int, int]:
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


def results(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    found = re.search(r"RUN: (\{.*\})", done.stdout)
    assert found, done.stdout + done.stderr
    told: dict[str, str] = json.loads(found.group(1))["notification_results"]
    return told


def why_nobody(done: subprocess.CompletedProcess[str]) -> str:
    found = re.search(r"RUN: (\{.*\})", done.stdout)
    assert found, done.stdout + done.stderr
    return str(json.loads(found.group(1))["notification_nobody"])


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


@pytest.fixture(scope="module")
def failed_update(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Team, dict[str, str]]]:
    """The receivers after one failed update was told, and what the run said of each channel."""
    with receiving(tmp_path_factory.mktemp("failed_update")) as team:
        team.variables["notification_link"] = "https://updater.example.com/"
        yield team, results(team.tell(BAD))


def test_every_channel_tells_image_digests_actor_and_targets(
    failed_update: tuple[Team, dict[str, str]],
) -> None:
    """Slack, Teams and e-mail say which image, the old and the new digest, who pushed, and every outcome."""
    team, told = failed_update

    assert told == {"slack": "ok", "teams": "ok", "email": "ok"}
    assert team.told == (1, 1, 1)
    slack = "\n".join(texts(team.slack.messages, "plain_text") + texts(team.slack.messages, "mrkdwn"))
    teams = "\n".join(texts(team.teams.messages, "TextBlock") + texts(team.teams.messages, "TextRun"))
    mail = team.mail.messages[0]
    for message in (slack, teams, part(mail, "plain"), part(mail, "html")):
        for word in (
            "Update failed",
            "registry.example.com/test/app:1",
            OLD,
            NEW,
            "alice",
            "2026-11-22T10:00:00Z",
            "production",
            "1 rolled back, 1 unreachable, 1 updated",
            f"service web on swarm alpha: updated, {OLD[:19]} → {NEW[:19]}",
            f"service api on swarm alpha: rolled back, is at {OLD[:19]}",
            "2 of 3 tasks did not become healthy",
            "container cache on host solo: unreachable",
        ):
            assert word in message
        assert message.index("service api") < message.index("service web"), "failures come first"
    link = "https://updater.example.com/api/rollouts/12"
    assert f"<{link}|Show the rollout>" in slack
    assert link in part(mail, "plain")
    assert f'href="{link}"' in part(mail, "html")


def test_mail_has_a_text_and_an_html_part_and_says_the_outcome_in_its_subject(
    failed_update: tuple[Team, dict[str, str]],
) -> None:
    """One mail goes to all recipients, and no auto-responder answers it."""
    (mail,) = failed_update[0].mail.messages

    assert mail["Subject"] == (
        "Update failed: registry.example.com/test/app:1 (1 rolled back, 1 unreachable, 1 updated)"
    )
    assert (mail["From"], mail["To"]) == ("updater@example.com", "team@example.com, boss@example.com")
    assert mail.get_content_type() == "multipart/alternative"
    assert mail["Auto-Submitted"] == "auto-generated"


def test_teams_gets_an_adaptive_card_in_the_envelope_of_workflows(
    failed_update: tuple[Team, dict[str, str]],
) -> None:
    """The body of the webhook of a Teams workflow is a message with one Adaptive Card, in declared UTF-8."""
    team, _ = failed_update
    (message,) = team.teams.messages
    (attachment,) = message["attachments"]
    card = attachment["content"]

    assert message["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["contentUrl"] is None
    assert card["$schema"] == "http://adaptivecards.io/schemas/adaptive-card.json"
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["actions"] == [
        {
            "type": "Action.OpenUrl",
            "title": "Show the rollout",
            "url": "https://updater.example.com/api/rollouts/12",
        }
    ]
    assert team.teams.headers[0]["Content-Type"] == "application/json; charset=utf-8"


HOSTILE = (
    "{{ lookup('pipe', 'touch FILE') }}",
    "{% for x in [1] %}FOUND{% endfor %}",
    "$(touch FILE) `touch FILE`",
    'quote" and \\" and \'',
    "line\nBcc: thief@example.com\r\nX-Evil: 1\n\n<p>body",
    "<!channel> <@U1> & <https://evil.example|click>",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[click](https://evil.example) **bold** _it_",
    "\x00\x1b[31mred \u202egnp.exe\u2028next",
)


def test_what_comes_from_outside_stays_text_on_every_channel(team: Team) -> None:
    """Names, actors and engine messages are never evaluated, and are escaped as each medium needs it."""
    trap = team.folder / "trap"
    hostile = [text.replace("FILE", str(trap)) for text in HOSTILE]
    names = (
        "image",
        "digest",
        "actor",
        "pushed_at",
        "registry",
        "id",
        "attempt",
        "started_at",
        "finished_at",
    )
    told = rollout(
        *(
            outcome(text, "failed", message=text, where=text, kind=text, before={"digest": text}, after=None)
            for text in hostile
        ),
        **dict(zip(names, hostile, strict=True)),
    )

    done = team.tell(told)

    assert results(done) == {"slack": "ok", "teams": "ok", "email": "ok"}
    assert not trap.exists()
    for body in (team.slack.bodies[0], team.teams.bodies[0]):
        assert b"touch" in body
        assert b"FOUND" in body.replace(b"FOUND{% endfor %}", b"FOUND"), "the template is shown, not run"
        assert b"{% for x in [1] %}" in body

    (slack,) = team.slack.messages
    assert slack["mrkdwn"] is False
    assert texts(slack, "mrkdwn") == []
    for text in [slack["text"], *texts(slack, "plain_text")]:
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", text)
    assert any("&lt;!channel&gt;" in text for text in texts(slack, "plain_text"))

    (card,) = team.teams.messages
    assert texts(card, "TextBlock") == ["Update failed"], "only TextRun knows no Markdown"
    assert any("[click](https://evil.example) **bold**" in text for text in texts(card, "TextRun"))

    (mail,) = team.mail.messages
    assert set(mail.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"),
        *(("X-Peer", "X-MailFrom", "X-RcptTo") if "X-Peer" in mail else ()),
    }
    assert team.mail.envelopes[0].rcpt_tos == ["team@example.com", "boss@example.com"]
    html = part(mail, "html")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert not re.search(r"<(script|img|!channel|p>body)", html)

    everything = [
        slack["text"],
        *texts(slack, "plain_text"),
        *texts(card, "TextRun"),
        part(mail, "plain"),
        html,
    ]
    assert not re.search("[\x00\x1b\r\u202e\u2028]", "".join(everything).replace("\r\n", "\n"))
    assert not re.search(r"^(Bcc|X-Evil)", part(mail, "plain"), re.MULTILINE)


def test_a_rollout_of_500_targets_makes_bounded_messages(team: Team) -> None:
    """However many targets and however long their texts, messages stay within the limits and say what is left out."""
    long = 'quote " and \\ and & and <tag> and 🚢 ' * 40
    told = rollout(
        *(outcome(f"good{number}", "updated") for number in range(470)),
        *(
            outcome(f"bad{number}-{long}", "failed", message='"\\&<>' * 400, where=long, kind=long)
            for number in range(30)
        ),
        actor=long,
        image="registry.example.com/" + long,
        registry=long,
    )

    done = team.tell(told)

    assert results(done) == {"slack": "ok", "teams": "ok", "email": "ok"}
    (slack,) = team.slack.messages
    assert len(slack["blocks"]) <= 50
    assert len(slack["blocks"][0]["text"]["text"]) <= 150
    assert all(len(text) <= 3000 for text in texts(slack, "plain_text"))
    assert sum(len(text) for text in texts(slack, "plain_text")) < 12_500
    assert not any(re.search(r"&(?!amp;|lt;|gt;)", text) for text in texts(slack, "plain_text")), (
        "no entity is cut in two"
    )
    assert len(team.teams.bodies[0]) < 28 * 1024
    mail = part(team.mail.messages[0], "plain")
    for message in ("\n".join(texts(slack, "plain_text")), team.teams.bodies[0].decode()):
        assert "30 failed, 470 updated" in message
        assert "bad19-" in message
        assert "bad20-" not in message
        assert "and 480 more" in message
    assert "good69 " in mail
    assert "good70 " not in mail
    assert "and 400 more" in mail


def test_nothing_is_told_when_nothing_happened(team: Team) -> None:
    """Unchanged, skipped and superseded targets alone are no reason to disturb anybody."""
    done = team.tell(
        rollout(outcome("web", "unchanged"), outcome("api", "skipped"), outcome("db", "superseded"))
    )

    assert done.returncode == 0
    assert results(done) == {}
    assert why_nobody(done) == "no target was updated, and none failed"
    assert team.told == (0, 0, 0)


def test_with_no_channel_set_it_says_that_nobody_is_told_and_how_to_set_one(team: Team) -> None:
    team.variables = {}

    done = team.tell(GOOD)

    assert done.returncode == 0
    assert results(done) == {}
    assert why_nobody(done).startswith("no channel is set; notification_slack_webhook_url, ")
    assert "Nobody is told: no channel is set" in done.stdout


@pytest.mark.parametrize(
    ("became", "headline"),
    [("superseded", "Image updated"), ("exploded", "Update failed")],
)
def test_the_topic_follows_the_worst_outcome(team: Team, became: str, headline: str) -> None:
    """A superseded target spoils no success, and is listed; an outcome that nobody knows counts as a failure."""
    team.tell(
        rollout(outcome("web", "updated"), outcome("api", became)),
        "-e",
        '{"notification_channels": ["slack"]}',
    )

    (slack,) = team.slack.messages
    assert slack["text"].startswith(headline + ":")
    assert any(
        f"api on swarm alpha: {became.replace('_', ' ')}" in text for text in texts(slack, "plain_text")
    )


def test_channels_hear_only_of_the_topics_they_want(team: Team) -> None:
    """With notification_topics a success is not told, and the run is none the worse for it."""
    team.variables["notification_topics"] = ["update failed"]

    done = team.tell(GOOD)

    assert done.returncode == 0
    assert results(done) == {}
    assert why_nobody(done) == 'notification_topics leaves "image updated" out'
    assert team.told == (0, 0, 0)


def test_a_broken_channel_is_named_and_only_it_is_told_again(team: Team) -> None:
    """All channels are tried, the run fails naming those that failed and why, and a retry may name just those."""
    team.variables["notification_slack_webhook_url"] = (
        f"http://127.0.0.1:{free_port()}/services/{SLACK_TOKEN}"
    )
    team.teams.status, team.teams.answer = (
        400,
        '{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"…"}}',
    )

    first = team.tell(GOOD)

    assert first.returncode == 2
    told = results(first)
    assert told["email"] == "ok"
    assert told["teams"] == "failed: HTTP 400 (WorkflowTriggerIsNotEnabled)"
    assert told["slack"].startswith("failed: ")
    assert "Connection refused" in told["slack"]
    assert "Not told: slack failed: " in first.stdout
    assert "teams failed: HTTP 400" in first.stdout
    assert team.told == (0, 1, 1)

    team.variables["notification_slack_webhook_url"] = team.slack.url
    team.teams.status = 202
    retry = team.tell(GOOD, "-e", '{"notification_channels": ["slack", "teams"]}')

    assert retry.returncode == 0
    assert results(retry) == {"slack": "ok", "teams": "ok"}
    assert team.told == (1, 2, 1)


def test_a_wrong_webhook_url_is_explained_without_being_shown(team: Team) -> None:
    """A URL that leads nowhere fails its channel with the cause, and its secret stays out of the output."""
    team.variables["notification_slack_webhook_url"] = f"http://127.0.0.1/{SLACK_TOKEN} x"
    team.variables["notification_teams_webhook_url"] = f"http://no-such-host.invalid/{TEAMS_TOKEN}"

    done = team.tell(GOOD, "-vvv")

    told = results(done)
    assert told["slack"] == "failed: the webhook URL is not of the form https://host/path"
    assert "Name or service not known" in told["teams"]
    assert told["email"] == "ok"
    for secret in (SLACK_TOKEN, TEAMS_TOKEN):
        assert secret not in done.stdout + done.stderr


def test_a_message_that_cannot_be_written_stops_no_other(team: Team) -> None:
    """A template that breaks fails its channel only."""
    done = team.tell(GOOD, "-e", '{"__notification_listed": {"teams": 20, "email": 20}}')

    assert done.returncode == 2
    told = results(done)
    assert re.match("failed: .*template", told.pop("slack"))
    assert told == {"teams": "ok", "email": "ok"}


def test_secrets_stand_in_no_output_and_in_no_kept_run(team: Team) -> None:
    """Webhook URLs and passwords are neither in -vvv output nor in any file of an ansible-runner run that fails."""
    team.slack.status, team.slack.answer = 404, f"no_service at {team.slack.url}"
    team.variables["notification_teams_webhook_url"] = f"http://127.0.0.1:{free_port()}/run?sig={TEAMS_TOKEN}"
    team.variables |= {"notification_email_username": "updater", "notification_email_password": PASSWORD}
    kept = team.folder / "kept"
    kept.mkdir()

    run = ansible_runner.run(
        private_data_dir=str(kept),
        project_dir=str(ROOT),
        playbook="playbooks/notify.yml",
        inventory=str(team.inventory),
        cmdline=f"-vvv -e @{team.write(BAD)}",
        envvars={
            "HOME": str(team.folder),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        },
        quiet=True,
    )

    stats = next(event for event in run.events if event["event"] == "playbook_on_stats")
    told = stats["event_data"]["artifact_data"]["notification_results"]
    assert told["slack"] == "failed: HTTP 404"
    assert "Connection refused" in told["teams"]
    assert told["email"].startswith("failed: ")
    assert "Authentication failed" in told["email"] or "AUTH" in told["email"]
    (output,) = kept.rglob("stdout")
    assert "EXEC" in output.read_text()
    assert "PUT" not in output.read_text(), "no module's arguments are put into a temporary file"
    for path in (path for path in kept.rglob("*") if path.is_file()):
        for secret in (SLACK_TOKEN, TEAMS_TOKEN, PASSWORD):
            assert secret.encode() not in path.read_bytes(), path


def test_check_mode_shows_the_messages_and_sends_nothing(team: Team) -> None:
    """--check --diff prints what every channel would get."""
    done = team.tell(BAD, "--check", "--diff")

    assert done.returncode == 0, done.stdout + done.stderr
    assert team.told == (0, 0, 0)
    assert "application/vnd.microsoft.card.adaptive" in done.stdout
    assert '"type": "plain_text"' in done.stdout
    assert "✗ service api on swarm alpha: rolled back" in done.stdout
    assert SLACK_TOKEN not in done.stdout


def test_group_vars_of_the_inventory_apply_and_how_hosts_are_reached_does_not(team: Team) -> None:
    """Channels come from group_vars/all, its vault too; how that says hosts are reached is not for this play."""
    (team.inventory / "hosts.yml").write_text("all: {hosts: {web1: {}, localhost: {}}}\n")
    team.variables |= {
        "ansible_connection": "ssh",
        "ansible_become": True,
        "ansible_become_method": "none.such",
        "ansible_python_interpreter": "/no/such/python",
    }
    team.write(GOOD)
    plain = team.inventory / "group_vars" / "all.yml"
    everything = plain.read_text()
    (team.inventory / "group_vars" / "all").mkdir()
    sealed = VaultLib([("default", VaultSecret(b"sesame"))]).encrypt(everything, VaultSecret(b"sesame"))
    (team.inventory / "group_vars" / "all" / "vault.yml").write_bytes(sealed)
    team.variables = {}
    (team.folder / "password").write_text("sesame")

    done = team.tell(GOOD, "--vault-password-file", str(team.folder / "password"))

    assert done.returncode == 0, done.stdout + done.stderr
    assert results(done) == {"slack": "ok", "teams": "ok", "email": "ok"}


def test_a_playbook_of_ones_own_listens_on_the_topics(team: Team) -> None:
    """Handlers beside the role are told after ours, and when one fails it is still known which channels were told."""
    seen = team.folder / "seen"
    playbook = team.folder / "own.yml"
    own = {
        "name": "Tell about a rollout, our way as well",
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        },
        "roles": ["registry.docker_updater.notification"],
        "handlers": [
            {
                "name": "Write it down",
                "listen": "update failed",
                "ansible.builtin.copy": {
                    "dest": str(seen),
                    "content": "{{ notification_rollout.image }}",
                    "mode": "0600",
                },
            },
            {"name": "Break", "listen": "update failed", "ansible.builtin.fail": {"msg": "out of paper"}},
            {"name": "Never", "listen": "image updated", "ansible.builtin.fail": {"msg": "wrong topic"}},
        ],
    }
    playbook.write_text(json.dumps([own]))

    done = team.tell(BAD, playbook=playbook)

    assert done.returncode == 2
    assert results(done) == {"slack": "ok", "teams": "ok", "email": "ok"}
    assert seen.read_text() == "registry.example.com/test/app:1"
    assert "out of paper" in done.stdout + done.stderr
    assert "wrong topic" not in done.stdout


# The e-mail module by itself


def options(port: int, **more: Any) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": port,
        "encryption": "none",
        "username": None,
        "password": None,
        "sender": "updater@example.com",
        "recipients": ["team@example.com"],
        "subject": "Image updated",
        "text": "hello",
        "html": "<p>hello</p>",
        "timeout": 5,
        **more,
    }


def test_mail_goes_encrypted_and_authenticated(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """By STARTTLS with a trusted certificate and a login, through the playbook and with the vault's password."""
    context, trusted = certificate(team.folder)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with mailbox((b"updater", PASSWORD.encode()), context) as protected:
        team.variables |= {
            "notification_email_port": protected.port,
            "notification_email_encryption": "starttls",
            "notification_email_username": "updater",
            "notification_email_password": PASSWORD,
        }

        done = team.tell(GOOD, "-vvv", "-e", '{"notification_channels": ["email"]}')

        assert results(done) == {"email": "ok"}, done.stdout
        assert protected.logins == [(b"updater", PASSWORD.encode())]
        assert protected.messages[0]["Subject"].strip().startswith("Image updated")
        assert PASSWORD not in done.stdout + done.stderr

        wrong = options(protected.port, encryption="starttls", username="updater", password="wrong-one")
        with pytest.raises(NotSent, match="refused the login of updater: 535") as refused:
            send(compose(wrong), wrong)
        assert "wrong-one" not in str(refused.value)

        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(
            NotSent, match=f"127.0.0.1:{protected.port} shows a certificate that is not trusted"
        ):
            send(compose(wrong), wrong)


def test_mail_is_not_sent_in_clear_text_unless_told_so(team: Team) -> None:
    """A server that offers no STARTTLS gets neither the password nor the message."""
    wanted = options(team.mail.port, encryption="starttls", username="updater", password=PASSWORD)

    with pytest.raises(NotSent, match="STARTTLS"):
        send(compose(wanted), wanted)

    assert team.mail.envelopes == []


def test_mail_problems_name_the_server_and_the_cause(team: Team) -> None:
    """Nobody has to guess which server it was, or why."""
    closed = options(free_port())
    with pytest.raises(
        NotSent, match=f"cannot talk to mail server 127.0.0.1:{closed['port']}: Connection refused"
    ):
        send(compose(closed), closed)

    unknown = options(25, host="no-such-host.invalid")
    with pytest.raises(
        NotSent, match=r"cannot talk to mail server no-such-host.invalid:25: Name or service not known"
    ):
        send(compose(unknown), unknown)

    team.mail.refused = {"gone@example.com", "team@example.com"}
    nobody = options(team.mail.port, recipients=["gone@example.com", "team@example.com"])
    with pytest.raises(NotSent, match=r"refused every recipient: gone@example.com \(550 no such user\)"):
        send(compose(nobody), nobody)


def test_mail_to_some_is_sent_and_tells_whom_the_server_refused(team: Team) -> None:
    """One address that is gone does not keep the others from hearing."""
    team.mail.refused = {"gone@example.com"}
    some = options(team.mail.port, recipients=["gone@example.com", "team@example.com"])

    assert send(compose(some), some) == {"gone@example.com": "550 no such user"}
    assert team.mail.envelopes[0].rcpt_tos == ["team@example.com"]


@pytest.mark.parametrize(
    "subject", ["a\nBcc: thief@example.com", "a\r\nBcc: thief@example.com", "a\rBcc: x", "a\x00\x0bBcc: x"]
)
def test_no_subject_adds_a_header(subject: str) -> None:
    """Line ends and other control characters in a subject are spaces."""
    message = compose(options(25, subject=subject, text="half a pair: \ud800"))

    assert message["Bcc"] is None
    assert message["Subject"].startswith("a Bcc: ")
    assert b"\nBcc:" not in message.as_bytes()


@pytest.mark.parametrize("address", ["a@example.com\nBcc: b@example.com", "nobody", "a@b@c d", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    """An address with a line end, or none at all, is named."""
    with pytest.raises(NotSent, match=r"recipients: .* is not an e-mail address"):
        compose(options(25, recipients=[address]))


def test_every_variable_and_topic_of_the_role_is_documented() -> None:
    """The page about notifications names all that the role takes, and both topics that its handlers listen on."""
    page = (ROOT / "docs" / "notifications.md").read_text()
    role = ROOT / "roles" / "notification"
    specification = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())
    handlers = yaml.safe_load((role / "handlers" / "main.yml").read_text())

    names = set(specification["argument_specs"]["main"]["options"])
    topics = {topic for handler in handlers for topic in handler["listen"]}
    assert {name for name in names | topics if f"`{name}`" not in page} <= {"notification_rollout"}
