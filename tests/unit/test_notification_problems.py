"""What is wrong with how notifications are set, said with the variable's name and without what is secret in it."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.problems import (
    asked_problems,
    problems,
    template_problems,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.receivers import Broken

SECRET = "s3cret-token"
RIGHT: dict[str, Any] = {
    "notification_slack_webhook_url": f"https://hooks.example.com/{SECRET}",
    "notification_teams_webhook_url": f"https://teams.example.com/{SECRET}",
    "notification_webhook_url": f"http://in.example.com/{SECRET}",
    "notification_webhook_secret": SECRET,
    "notification_webhook_headers": {"Authorization": SECRET},
    "notification_apprise_urls": [f"ntfys://{SECRET}@ntfy.example.com/updates"],
    "notification_email_to": ["team@example.com", "Boss <boss@example.com>"],
    "notification_email_from": "updater@example.com",
    "notification_email_host": "mail.example.com",
    "notification_email_port": 587,
    "notification_email_encryption": "tls",
    "notification_email_username": "updater",
    "notification_email_password": SECRET,
    "notification_email_topics": "started, update failed",
    "notification_topics": ["image updated"],
    "notification_channels": ["slack", "pager"],
    "notification_link": "https://updater.example.com",
    "notification_templates": "templates",
    "notification_handlers": "handlers",
    "notification_pager_url": f"https://pager.example.com/{SECRET}",
    "notification_pager_topics": ["update failed"],
    "notification_receivers": {
        "team-a": {
            "slack_webhook_url": f"https://hooks.example.com/{SECRET}",
            "pager_url": SECRET,
            "topics": [],
        },
        "team-b": {"email_to": "b@example.com"},
    },
}


def found(**changes: Any) -> list[str]:
    given = {**RIGHT, **{f"notification_{name}": value for name, value in changes.items()}}
    said = problems(given, ["pager"])
    assert SECRET not in "".join(said)
    return said


def in_receiver(**variables: Any) -> list[str]:
    return found(receivers={"team-a": variables})


def test_what_is_right_has_no_problem() -> None:
    assert found() == []
    assert problems({}, []) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "notification_slack_webhok_url",
            "notification_slack_webhok_url is not known: did you mean notification_slack_webhook_url?",
        ),
        ("notification_xyz", "notification_xyz is not known"),
        (
            "notifcation_slack_webhook_url",
            "notifcation_slack_webhook_url is not known: did you mean notification_slack_webhook_url?",
        ),
    ],
)
def test_a_variable_that_nobody_reads_is_told_with_what_may_have_been_meant(name: str, said: str) -> None:
    assert problems({**RIGHT, name: SECRET}, ["pager"]) == [said]


def test_a_name_that_only_begins_alike_is_somebody_elses() -> None:
    assert problems({"notifier": 1, "notification_message": {}}, []) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"slack_webhook_url": f"hooks.example.com/{SECRET}"}, "notification_slack_webhook_url is not of the form https://host/path"),
        ({"teams_webhook_url": f"ftp://x/{SECRET}"}, "notification_teams_webhook_url is not of the form https://host/path"),
        ({"webhook_url": {"a": 1}}, "notification_webhook_url is not of the form https://host/path"),
        ({"webhook_url": " "}, "notification_webhook_url is empty: nobody is told there"),
        ({"webhook_headers": [SECRET]}, "notification_webhook_headers is no mapping of names to values"),
        ({"apprise_urls": [RIGHT["notification_apprise_urls"][0], f"file:///{SECRET}"]}, "notification_apprise_urls, entry 2: file:// tells nobody elsewhere, and is not used"),
        ({"apprise_urls": SECRET}, "notification_apprise_urls, entry 1: it is not of the form service://…"),
        ({"email_to": ["nobody"]}, "notification_email_to has 'nobody', which is no e-mail address"),
        ({"email_port": "smtp"}, "notification_email_port is no port"),
        ({"email_encryption": "ssl"}, "notification_email_encryption is none of starttls, tls, none"),
        ({"link": "updater.example.com"}, "notification_link is not of the form https://host"),
        ({"channels": ["slak"]}, "notification_channels has an unknown channel 'slak': did you mean slack?"),
        ({"channels": ["fax"]}, "notification_channels has an unknown channel 'fax'; those are slack, teams, email, webhook, apprise, pager"),
        ({"channels": {"slack": True}}, "notification_channels is no list of channels"),
        ({"topics": ["image updatet"]}, "notification_topics has an unknown topic 'image updatet': did you mean image updated?"),
        ({"pager_topics": ["zzz"]}, "notification_pager_topics has an unknown topic 'zzz'; those are image updated, update failed, started, waiting for a person, registry silent, update waits"),
        ({"topics": 7}, "notification_topics is no list of topics"),
        ({"slack_webhook_url": Broken("vault_slack is not defined")}, "notification_slack_webhook_url: vault_slack is not defined"),
        ({"webhook_headers": {"X": Broken("why")}}, "notification_webhook_headers: why"),
        ({"apprise_urls": ["json://h/x", Broken("why")]}, "notification_apprise_urls: why"),
        ({"receivers": ["team-a"]}, "notification_receivers is no mapping of names to variables"),
        ({"receivers": Broken("why")}, "notification_receivers: why"),
        ({"receivers": {"default": {}}}, "notification_receivers has default: that one has the plain variables, notification_…"),
        ({"receivers": {"a, b": {}}}, "notification_receivers has the name 'a, b'; a name has letters, digits, and . _ - after the first"),
        ({"receivers": {"a": []}}, "notification_receivers.a is no mapping of variables"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_told_by_its_variable(changes: dict[str, Any], said: str) -> None:
    assert found(**changes) == [said]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"slack_webhok_url": SECRET}, "notification_receivers.team-a.slack_webhok_url is not known: did you mean slack_webhook_url?"),
        ({"notification_link": "https://x.example.com"}, "notification_receivers.team-a.notification_link is not known: did you mean link?"),
        ({"notification_linc": "x"}, "notification_receivers.team-a.notification_linc is not known"),
        ({"xyz": "x"}, "notification_receivers.team-a.xyz is not known"),
        ({"handlers": "x"}, "notification_receivers.team-a.handlers: that is for the whole inventory, notification_handlers"),
        ({"slack_webhook_url": Broken("vault_a is not defined")}, "notification_receivers.team-a.slack_webhook_url: vault_a is not defined"),
        ({"slack_webhook_url": f"x/{SECRET}"}, "notification_receivers.team-a.slack_webhook_url is not of the form https://host/path"),
        ({"channels": ["slak"]}, "notification_receivers.team-a.channels has an unknown channel 'slak': did you mean slack?"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_receiver_is_told_where_it_stands(variables: dict[str, Any], said: str) -> None:
    assert in_receiver(**variables) == [said]


def test_what_is_inherited_is_told_once() -> None:
    said = found(topics=["zzz"], receivers={"a": {"email_to": "a@example.com"}, "b": {}})
    assert len(said) == 1
    assert said[0].startswith("notification_topics has an unknown topic 'zzz'")


def test_receivers_that_differ_in_case_only_are_told() -> None:
    assert found(receivers={"Team": {}, "team": {}}) == [
        "notification_receivers has Team more than once, in upper and lower case",
        "notification_receivers has team more than once, in upper and lower case",
    ]


def test_an_email_without_server_or_sender_is_told() -> None:
    given = {
        "notification_email_to": "team@example.com",
        "notification_receivers": {"a": {"email_to": "a@example.com"}},
    }
    assert problems(given, []) == [
        "notification_email_to is set, but notification_email_host is not: nobody gets an e-mail",
        "notification_email_to is set, but notification_email_from is not: nobody gets an e-mail",
        "notification_receivers.a.email_to is set, but notification_email_host is not: nobody gets an e-mail",
        "notification_receivers.a.email_to is set, but notification_email_from is not: nobody gets an e-mail",
    ]


def test_a_password_without_an_account_is_told_once() -> None:
    assert found(email_username=None) == [
        "notification_email_password is set, but notification_email_username is not: a login needs both"
    ]


def test_a_receiver_that_somebody_names_and_that_is_not_there_is_told() -> None:
    known = ["default", "team-a"]
    assert asked_problems(["team-a", "team-x", "team-x"], known) == [
        "receiver 'team-x' is not there; there are default, team-a"
    ]
    assert asked_problems("default, team-a", known) == []
    assert asked_problems(None, known) == []


def test_a_template_whose_name_is_none_of_ours_is_told() -> None:
    assert template_problems("/etc/x", ["emial.txt.j2", "slack.json.j2", ".git", "zzz", "_macros.j2"]) == [
        "/etc/x/emial.txt.j2 is no template that is used: did you mean email.txt.j2?",
        (
            "/etc/x/zzz is no template that is used; those are slack.json.j2, teams.json.j2, email.subject.txt.j2, "
            "email.txt.j2, email.html.j2, webhook.json.j2, apprise.title.txt.j2, apprise.txt.j2"
        ),
    ]
