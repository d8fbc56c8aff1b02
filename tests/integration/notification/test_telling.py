"""Who is told of which rollout, what a broken channel does, and that no secret is shown."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import ansible_runner
import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.channels import (
    GIVEN,
    OURS,
    PLAIN_ONLY,
    TOPICS,
)

from integration.notification.conftest import (
    BAD,
    GOOD,
    PASSWORD,
    ROOT,
    SLACK_TOKEN,
    TEAMS_TOKEN,
    Team,
    outcome,
    results,
    rollout,
    texts,
    why_nobody,
)
from integration.receivers import free_port

pytestmark = pytest.mark.slow


def test_nothing_is_told_when_nothing_happened(team: Team) -> None:
    """Unchanged, skipped and superseded targets alone are no reason to disturb anybody."""
    done = team.tell(
        rollout(outcome("web", "unchanged"), outcome("api", "skipped"), outcome("db", "superseded"))
    )

    assert done.returncode == 0
    assert results(done) == {}
    assert why_nobody(done) == "no target was updated, and none failed"
    assert team.said == (0, 0, 0)


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
    assert team.said == (0, 0, 0)


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
    said = results(first)
    assert said["email"] == "ok"
    assert said["teams"] == "failed: HTTP 400 (WorkflowTriggerIsNotEnabled)"
    assert said["slack"].startswith("failed: ")
    assert "Connection refused" in said["slack"]
    assert "Not told: slack failed: " in first.stdout
    assert "teams failed: HTTP 400" in first.stdout
    assert team.said == (0, 1, 1)

    team.variables["notification_slack_webhook_url"] = team.slack.url
    team.teams.status = 202
    retry = team.tell(GOOD, "-e", '{"notification_channels": ["slack", "teams"]}')

    assert retry.returncode == 0
    assert results(retry) == {"slack": "ok", "teams": "ok"}
    assert team.said == (1, 2, 1)


def test_a_wrong_webhook_url_is_explained_without_being_shown(team: Team) -> None:
    """A URL that leads nowhere fails its channel with the cause, and its secret stays out of the output."""
    team.variables["notification_slack_webhook_url"] = f"http://127.0.0.1/{SLACK_TOKEN} x"
    team.variables["notification_teams_webhook_url"] = f"http://no-such-host.invalid/{TEAMS_TOKEN}"

    done = team.tell(GOOD, "-vvv")

    said = results(done)
    assert said["slack"] == "failed: the webhook URL is not of the form https://host/path"
    assert "Name or service not known" in said["teams"]
    assert said["email"] == "ok"
    for secret in (SLACK_TOKEN, TEAMS_TOKEN):
        assert secret not in done.stdout + done.stderr


def test_a_message_that_cannot_be_written_stops_no_other(team: Team) -> None:
    """A template that breaks, or gives no JSON, fails its channel only."""
    team.own("notification_templates", "slack.json.j2", "{{ message.nothing.such }}")
    team.own("notification_templates", "teams.json.j2", '{"type": "message",')

    done = team.tell(GOOD)

    assert done.returncode == 2
    said = results(done)
    assert re.match("failed: the template fails: .*nothing", said.pop("slack"))
    assert said == {
        "teams": "failed: the message is no JSON, line 1: Expecting property name enclosed in double quotes",
        "email": "ok",
    }
    assert team.said == (0, 0, 1)


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
    said = stats["event_data"]["artifact_data"]["notification_results"]
    assert said["slack"] == "failed: HTTP 404"
    assert "Connection refused" in said["teams"]
    assert said["email"].startswith("failed: ")
    assert "Authentication failed" in said["email"] or "AUTH" in said["email"]
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
    assert team.said == (0, 0, 0)
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


def test_every_variable_and_topic_of_the_role_is_documented() -> None:
    """The page about notifications names all that the role takes, and the topics that its handlers listen on."""
    page = (ROOT / "docs" / "notifications.md").read_text()
    role = ROOT / "roles" / "notification"
    specification = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())

    names = {name for entry in specification["argument_specs"].values() for name in entry["options"]}
    assert names == {f"notification_{name}" for name in OURS | PLAIN_ONLY | GIVEN} - {
        "notification_receiver_variables"
    }
    assert {name for name in names | {*TOPICS} if f"`{name}`" not in page} <= {"notification_asked_receivers"}


def test_who_did_not_get_an_email_is_warned_of_and_nobody_gets_it_twice(team: Team) -> None:
    """The server took it for the others, so the channel was told."""
    team.mail.refused = {"boss@example.com"}

    done = team.tell(GOOD, "-e", '{"notification_channels": ["email"]}')

    assert results(done) == {"email": "ok"}
    assert "boss@example.com did not get the e-mail: 550 no such user" in done.stdout + done.stderr
