"""What the playbook says that looks at how notifications are set."""

from __future__ import annotations

import pytest

from integration.notification.conftest import SLACK_TOKEN, TEAMS_TOKEN, Team, statistics

pytestmark = pytest.mark.slow


def test_who_is_told_on_which_channels_is_said_and_nothing_is_sent(team: Team) -> None:
    team.own(
        "notification_handlers", "pager.yml", [{"ansible.builtin.debug": {"msg": "{{ message.subject }}"}}]
    )
    team.own("notification_templates", "email.txt.j2", "{{ message.subject }} {{ message.link }}")
    team.variables["notification_receivers"] = {
        "team-a": {"slack_webhook_url": team.slack.url, "pager_number": "1"},
        "team-b": {},
    }

    done = team.look("-vvv", "-e", '{"notification_asked_receivers": ["team-a", "default"]}')

    assert done.returncode == 0, done.stdout + done.stderr
    assert statistics(done)["notification_report"] == {
        "receivers": {"default": ["slack", "teams", "email"], "team-a": ["slack", "pager"], "team-b": []},
        "problems": [],
    }
    assert team.said == (0, 0, 0)
    for secret in (SLACK_TOKEN, TEAMS_TOKEN):
        assert secret not in done.stdout + done.stderr


def test_what_is_wrong_is_said_all_together_and_fails(team: Team) -> None:
    """Variables, receivers that labels name, templates, and channels of the shop's own; and no address of them."""
    for name, content in (
        ("bad.yml", "a: 1"),
        ("worse.yml", "a: ["),
        ("empty.yml", ""),
        ("play.yml", "- hosts: all\n  tasks: []\n"),
        ("slack.yml", "[]"),
        ("Loud.yml", "[]"),
    ):
        team.own("notification_handlers", name, content)
    for name, content in (
        ("slack.json.j2", "{{ message.nothing.such }}"),
        ("teams.json.j2", '{"a":'),
        ("email.txt.j2", "{% if %}"),
        ("email.subject.txt.j2", " "),
        ("emial.html.j2", ""),
    ):
        team.own("notification_templates", name, content)
    (team.inventory / "notification_templates").mkdir()
    team.variables |= {
        "notification_slack_webhok_url": f"https://hooks.example.com/{SLACK_TOKEN}",
        "notification_teams_webhook_url": f"teams.example.com/{TEAMS_TOKEN}",
        "notification_webhook_url": "{{ vault_webhook_url }}",
        "notification_webhook_secret": "{{ lookup('ansible.builtin.file', '/no/such/file') }}",
        "notification_email_password": f"{{{{ '{SLACK_TOKEN}' | no_such_filter }}}}",
        "notification_receivers": {"team-a": {"templates": "no-such-folder"}},
    }

    done = team.look("-vvv", "-e", '{"notification_asked_receivers": ["team-x"]}')

    assert done.returncode == 2
    said = statistics(done)["notification_report"]["problems"]
    handlers, templates = team.folder / "notification_handlers", team.folder / "notification_templates"
    for problem in (
        "notification_slack_webhok_url is not known: did you mean notification_slack_webhook_url?",
        "notification_teams_webhook_url is not of the form https://host/path",
        "notification_webhook_url: vault_webhook_url is not defined",
        "notification_webhook_secret: file /no/such/file is not there",
        "notification_email_password: its value cannot be worked out",
        "receiver 'team-x' is not there; there are default, team-a",
        "templates of receiver team-a: there is no folder no-such-folder",
        (
            f"{team.inventory}/notification_templates: Ansible takes what is in an inventory's folder for "
            "hosts; put it beside that folder"
        ),
        f"{handlers}/bad.yml is no list of tasks",
        f"{handlers}/empty.yml is no list of tasks",
        f"{handlers}/play.yml is a playbook; a channel is a list of tasks, as under `tasks`",
        f"{handlers}/worse.yml cannot be read as YAML, line 1",
        f"{handlers}/slack.yml is not used: there is a channel slack already",
        f"{handlers}/Loud.yml is not used: its name is to have small letters, digits and _ only",
        f"{templates}/emial.html.j2 is no template that is used: did you mean email.html.j2?",
    ):
        assert problem in said
        assert problem in done.stdout
    broken = {name: [one for one in said if one.startswith(f"{templates}/{name}, for a message about")] for name in (
        "slack.json.j2", "teams.json.j2", "email.txt.j2", "email.subject.txt.j2"
    )}  # fmt: skip
    assert all(len(one) == 1 for one in broken.values()), said
    assert "no JSON, line 1" in broken["teams.json.j2"][0]
    assert "it gives nothing" in broken["email.subject.txt.j2"][0]
    for secret in (SLACK_TOKEN, TEAMS_TOKEN):
        assert secret not in done.stdout + done.stderr


def test_with_a_vault_that_cannot_be_read_the_variables_in_it_are_named(team: Team) -> None:
    sealed = "$ANSIBLE_VAULT;1.1;AES256\n3333"
    team.variables["notification_slack_webhook_url"] = {"__ansible_vault": sealed}

    done = team.look()

    (problem,) = statistics(done)["notification_report"]["problems"]
    assert (
        problem
        == "notification_slack_webhook_url: it cannot be decrypted with the vault's password that is given"
    )


def test_with_nothing_set_nothing_is_wrong_and_nobody_has_a_channel(team: Team) -> None:
    team.variables = {}

    done = team.look()

    assert done.returncode == 0
    assert statistics(done)["notification_report"] == {"receivers": {"default": []}, "problems": []}
