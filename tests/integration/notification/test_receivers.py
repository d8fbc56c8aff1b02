"""Who is told on which channel: receivers, topics of a channel, channels of a shop's own, and peers in trouble."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from pathlib import Path

import pytest

from integration.ansibles import since
from integration.notification.conftest import (
    BAD,
    GOOD,
    SILENT,
    SLACK_TOKEN,
    Team,
    message,
    outcome,
    results,
    rollout,
    statistics,
    texts,
    why_nobody,
)
from integration.receivers import free_port, webhook

pytestmark = pytest.mark.slow

ONLY_SLACK = ("-e", '{"notification_channels": ["slack"]}')


def item(topic: str, *outcomes: str, recovered: bool = False) -> dict[str, object]:
    return {
        **rollout(*(outcome(f"target{n}", one) for n, one in enumerate(outcomes))),
        "topic": topic,
        "recovered": recovered,
    }


def test_a_message_is_told_to_its_receiver_on_the_channels_that_are_its_own(team: Team) -> None:
    """Addresses are not inherited, the mail server is; the message's id is that of the e-mail for as often as it is sent."""
    team.variables["notification_receivers"] = {"team-a": {"email_to": ["a@example.com"]}, "team-b": {}}
    said = message(SILENT, receiver="team-a")

    done = team.tell(said)

    assert results(done) == {"email": "ok"}
    assert statistics(done)["notification_channels_set"] == ["email"]
    assert team.said == (0, 0, 1)
    assert team.mail.envelopes[0].rcpt_tos == ["a@example.com"]
    assert team.tell(said).returncode == 0
    first, second = team.mail.messages
    assert first["Message-ID"] == second["Message-ID"]


def test_a_receiver_that_is_not_there_is_named_with_those_that_are(team: Team) -> None:
    team.variables["notification_receivers"] = {"team-a": {}}

    done = team.tell(message(SILENT, receiver="team-x"))

    assert done.returncode == 2
    why = "there is no receiver 'team-x' in notification_receivers, but default, team-a"
    assert f'"msg": "{why}"' in done.stdout or f"]: {why}" in done.stdout
    assert statistics(done) == {
        "notification_results": {},
        "notification_channels_set": [],
        "notification_retry_after": {},
        "notification_nobody": why,
    }
    assert team.said == (0, 0, 0)
    assert why_nobody(team.tell(message(SILENT, receiver="team-a"))).startswith(
        "receiver team-a has no channel; slack_"
    )


def test_each_channel_is_told_the_items_that_it_wants(team: Team) -> None:
    """A recovery is told to those who want failures; a channel that wants none of the items is not told, and fails nothing."""
    team.variables |= {
        "notification_topics": ["update failed"],
        "notification_teams_topics": ["started"],
        "notification_email_topics": ["registry silent", "image updated"],
    }
    said = message(item("image updated", "updated", recovered=True), SILENT)

    done = team.tell(said)

    assert done.returncode == 0, done.stdout
    assert results(done) == {"slack": "ok", "email": "ok"}
    assert team.said == (1, 0, 1)
    slack = "\n".join(texts(team.slack.messages, "plain_text"))
    assert "registry.example.com/test/app:1" in slack
    assert "silent" not in slack
    assert "Registry production is silent" in team.mail.messages[0].as_string()


def test_a_generic_webhook_gets_a_signed_event_and_apprise_its_services(team: Team) -> None:
    """The event is verified with the steps of standardwebhooks.com; its content is a CloudEvent of the same id."""
    with webhook("/in") as peer, webhook("") as ntfy:
        ntfy.answer = "{}"
        team.variables = {
            "notification_webhook_url": peer.url,
            "notification_webhook_secret": "whsec_" + base64.b64encode(b"a secret of 24 bytes....").decode(),
            "notification_webhook_headers": {"Authorization": "Bearer s3cret-bearer"},
            "notification_apprise_urls": [ntfy.url.replace("http:", "ntfy:") + "/updates"],
        }

        done = team.tell({**message(item("update failed", "failed"))}, "-vvv")

        assert results(done) == {"webhook": "ok", "apprise": "ok"}, done.stdout
        (headers,), (body,), (event,) = peer.headers, peer.bodies, peer.messages
        assert headers["Content-Type"].startswith("application/cloudevents+json")
        assert headers["Authorization"] == "Bearer s3cret-bearer"
        assert (event["specversion"], event["id"], headers["Webhook-Id"]) == ("1.0", "m12", "m12")
        content = b".".join([b"m12", headers["Webhook-Timestamp"].encode(), body])
        digest = hmac.new(b"a secret of 24 bytes....", content, hashlib.sha256).digest()
        assert headers["Webhook-Signature"] == "v1," + base64.b64encode(digest).decode()
        assert ntfy.messages[0]["topic"] == "updates"
        assert "registry.example.com/test/app:1" in ntfy.messages[0]["title"] + ntfy.messages[0]["message"]
        for secret in ("s3cret-bearer", "whsec_", peer.url, "ntfy://"):
            assert secret not in done.stdout + done.stderr


def test_a_channel_that_hangs_is_given_up_and_keeps_no_other_from_hearing(team: Team) -> None:
    """Twenty seconds at the most, here made shorter by nobody: the others have been told while it hangs."""
    team.slack.manner = "mute"
    team.teams.status, team.teams.answer, team.teams.more = 429, "slow_down", {"Retry-After": "30"}
    began = time.monotonic()

    done = team.tell(GOOD)

    assert time.monotonic() - began < 40
    assert results(done) == {
        "slack": "failed: it has not answered within 20 seconds",
        "teams": "failed: HTTP 429 (slow_down)",
        "email": "ok",
    }
    assert statistics(done)["notification_retry_after"] == {"teams": 30}


def test_a_variable_that_cannot_be_worked_out_breaks_its_channel_and_is_named(team: Team) -> None:
    """A vault that is not there, and names that nobody reads, keep nobody from hearing on the other channels."""
    team.variables |= {
        "notification_slack_webhook_url": "{{ vault_slack_webhook_url }}",
        "notification_teams_webhok_url": "https://teams.example.com/T0SECRET",
    }

    done = team.tell(GOOD)

    assert done.returncode == 2
    assert results(done) == {
        "slack": "failed: notification_slack_webhook_url: vault_slack_webhook_url is not defined",
        "teams": "ok",
        "email": "ok",
    }
    assert (
        "notification_teams_webhok_url is not known: did you mean notification_teams_webhook_url?"
        in done.stdout
    )
    assert "T0SECRET" not in done.stdout + done.stderr


def test_what_only_other_receivers_need_is_not_asked_for(team: Team) -> None:
    """A vault on another machine that hangs keeps only those from hearing whose secrets are in it."""
    asked = team.folder / "asked"
    team.variables["notification_receivers"] = {
        "team-a": {"slack_webhook_url": f"{{{{ lookup('ansible.builtin.pipe', 'touch {asked}; echo x') }}}}"},
        "team-b": {"email_to": "b@example.com"},
    }

    done = team.tell(message(SILENT, receiver="team-b"))

    assert results(done) == {"email": "ok"}
    assert "team-a" not in done.stdout
    assert not asked.exists()
    assert results(team.tell(message(SILENT, receiver="team-a"))) == {
        "slack": "failed: the webhook URL is not of the form https://host/path"
    }
    assert asked.exists()


PAGER = [
    {
        "name": "Call the duty phone",
        "ansible.builtin.uri": {
            "url": "{{ notification_receiver_variables.pager_url }}",
            "method": "POST",
            "body_format": "json",
            "body": {
                "text": "{{ message.subject }}",
                "id": "{{ notification_message.id }}",
                "first": "{{ notification_message['items'][0].topic }}",
            },
        },
    }
]


PAGER_OF_DUTY = [
    {"ansible.builtin.uri": {"url": "{{ notification_receiver_variables.duty_url }}", "method": "POST"}}
]


def test_a_channel_of_a_shops_own_is_told_beside_ours(team: Team) -> None:
    """It gets the message and the receiver's own variables, and what it is given is not shown."""
    team.own("notification_handlers", "pager.yml", PAGER)
    with webhook("/pager/T0SECRET") as ours, webhook("/pager/T1SECRET") as theirs:
        team.variables |= {
            "notification_pager_url": ours.url,
            "notification_pager_topics": ["update failed"],
            "notification_receivers": {"team-a": {"pager_url": theirs.url}},
        }

        done = team.tell(BAD, "-vvv")
        assert results(done) == {"slack": "ok", "teams": "ok", "email": "ok", "pager": "ok"}, done.stdout
        assert results(team.tell(GOOD, *ONLY_SLACK)) == {"slack": "ok"}
        other = team.tell(message(item("update failed", "failed"), receiver="team-a"))

        assert results(other) == {"pager": "ok"}, other.stdout
        (got,), (other_got,) = ours.messages, theirs.messages
        assert (got["id"], got["first"]) == ("rollout-12-1", "update failed")
        assert "registry.example.com/test/app:1" in got["text"]
        assert other_got["id"] == "m12"
        for secret in ("T0SECRET", "T1SECRET", SLACK_TOKEN):
            assert secret not in done.stdout + done.stderr + other.stdout


def test_a_channel_of_a_shops_own_that_fails_is_named_and_only_it_is_told_again(team: Team) -> None:
    """Whatever it says of its address is hidden, what it says is no template, and those after it are told."""
    trap = team.folder / "trap"
    hostile = f"{{{{ lookup('pipe', 'touch {trap}') }}}}"
    team.own("notification_handlers", "duty.yml", PAGER_OF_DUTY)
    team.own("notification_handlers", "loud.yml", f'- ansible.builtin.fail:\n    msg: !unsafe "{hostile}"\n')
    team.own(
        "notification_handlers",
        "log.yml",
        [{"ansible.builtin.copy": {"dest": "{{ log }}", "content": "{{ message.subject }}", "mode": "0600"}}],
    )
    written = team.folder / "told"
    team.variables |= {
        "notification_duty_url": f"http://127.0.0.1:{free_port()}/T0SECRET",
        "log": str(written),
    }

    done = team.tell(GOOD, "-vvv")

    assert done.returncode == 2
    said = results(done)
    assert re.match("failed: .*Connection refused", said.pop("duty"))
    assert said.pop("loud").startswith("failed: { { lookup(")
    assert said == {"slack": "ok", "teams": "ok", "email": "ok", "log": "ok"}
    assert 'Run again with notification_channels=["duty", "loud"]' in done.stdout.replace('\\"', '"')
    assert "T0SECRET" not in done.stdout + done.stderr
    assert not trap.exists()
    assert "registry.example.com/test/app:1" in written.read_text()
    written.unlink()
    again = team.tell(GOOD, "-e", '{"notification_channels": ["duty"]}')
    assert list(results(again)) == ["duty"]
    assert not written.exists()


def test_a_channel_of_a_shops_own_that_hangs_is_given_up(team: Team) -> None:
    """After 20 seconds, or after the time that its task says."""
    sleep = {"ansible.builtin.command": {"cmd": "sleep 60"}, "changed_when": True}
    team.own("notification_handlers", "pager.yml", [{**sleep, "timeout": 1}])
    team.variables = {}

    done = team.tell(GOOD)

    assert re.match(r"failed: .*(1 second|time frame \(1\))", results(done)["pager"])


def test_nothing_of_an_address_is_shown_by_channels_that_fail(team: Team) -> None:
    """Whatever they echo, and however much Ansible prints."""
    secrets = ["T0WEBHOOK0PATH", "T0SIGNING0KEY", "T0HEADER0TOKEN", "T0APPRISE0TOKEN", "T1APPRISE1TOKEN"]
    with webhook(f"/in/{secrets[0]}") as peer:
        peer.status, peer.answer, peer.echoes = 400, " ".join(secrets), True
        team.variables = {
            "notification_webhook_url": peer.url,
            "notification_webhook_secret": secrets[1],
            "notification_webhook_headers": {"Authorization": f"Bearer {secrets[2]}"},
            "notification_apprise_urls": [
                peer.url.replace("http:", "json:") + f"/{secrets[3]}",
                f"json://no-such-host.invalid/{secrets[3]}",
                f"nosuch://{secrets[4]}",
                secrets[4],
            ],
        }

        done = team.tell(BAD, "-vvv")

    assert done.returncode == 2
    assert results(done) == {
        "webhook": "failed: HTTP 400",
        "apprise": "failed: entry 1 (json): HTTP 400; entry 2 (json): no connection; entry 3 (nosuch): Apprise knows no such service; "
        "entry 4: it is not of the form service://…",
    }
    for secret in secrets:
        assert secret not in done.stdout + done.stderr


@since("2.19", "shows no warning of a task with no_log")
def test_a_service_of_several_that_is_dead_has_the_others_told_once(team: Team) -> None:
    """To try again would tell all of them again; a warning says who was not told."""
    with webhook("/T0WEBHOOK0PATH") as peer:
        alive = peer.url.replace("http:", "json:")
        dead = f"json://127.0.0.1:{free_port()}/T0APPRISE0TOKEN"
        team.variables = {"notification_apprise_urls": [alive, dead]}

        done = team.tell(GOOD)
        team.variables = {"notification_apprise_urls": [dead, dead]}
        nobody = team.tell(GOOD)

    assert done.returncode == 0
    assert results(done) == {"apprise": "ok"}
    assert len(peer.bodies) == 1
    said = " ".join((done.stdout + done.stderr).split())
    assert "entry 2 (json): no connection; the others got the message" in said
    assert "T0WEBHOOK0PATH" not in said
    assert "T0APPRISE0TOKEN" not in said
    assert results(nobody) == {
        "apprise": "failed: entry 1 (json): no connection; entry 2 (json): no connection"
    }


def test_channels_of_a_shops_own_have_a_minute_together(team: Team) -> None:
    """One that would begin later is not told, and one that is at work has what is left."""
    note = {"ansible.builtin.debug": {"msg": "told"}}
    late = {"ansible.builtin.set_fact": {"__notification_own_until": "{{ now().timestamp() | int + 2 }}"}}
    sleep = {"ansible.builtin.command": {"cmd": "sleep 15"}, "changed_when": True}
    for name, tasks in (("a", [note, late]), ("b", [sleep]), ("c", [note])):
        team.own("notification_handlers", f"{name}.yml", tasks)
    team.variables = {}

    done = team.tell(GOOD)

    said = results(done)
    assert re.match(r"failed: .*([12] second|time frame \([12]\))", said.pop("b")), done.stdout
    assert said == {"a": "ok", "c": "failed: there was no time left for it"}


def test_a_channel_of_a_shops_own_that_ends_the_play_has_no_other_told_again(team: Team) -> None:
    team.own("notification_handlers", "first.yml", [{"ansible.builtin.debug": {"msg": "told"}}])
    team.own("notification_handlers", "second.yml", [{"ansible.builtin.meta": "end_play"}])

    done = team.tell(GOOD)

    assert results(done) == {
        **dict.fromkeys(("slack", "teams", "email", "first"), "ok"),
        "second": "failed: it was not tried",
    }


def test_own_channels_come_from_the_folders_of_all_inventories_or_from_the_one_that_is_named(
    team: Team,
) -> None:
    second = team.folder / "other" / "hosts.yml"
    second.parent.mkdir()
    second.write_text("all: {}\n")
    log = [{"ansible.builtin.debug": {"msg": "told"}}]
    for folder, name in (("notification_handlers", "first.yml"), ("elsewhere", "third.yml")):
        team.own(folder, name, log)
    (second.parent / "notification_handlers").mkdir()
    (second.parent / "notification_handlers" / "second.yml").write_text(
        "- ansible.builtin.debug: {msg: told}\n"
    )
    team.variables = {}

    both = team.tell(GOOD, "-i", str(second))
    named = team.tell(GOOD, "-e", "notification_handlers=../elsewhere")

    assert results(both) == {"first": "ok", "second": "ok"}, both.stdout
    assert results(named) == {"third": "ok"}


def test_telling_nobody_takes_few_tasks(team: Team) -> None:
    """Each task costs a process."""
    team.variables = {}

    done = team.tell(GOOD)

    assert why_nobody(done).startswith("no channel is set")
    assert (
        len(re.findall("^TASK", done.stdout, re.MULTILINE))
        + len(re.findall("^RUNNING", done.stdout, re.MULTILINE))
        == 4
    )


def test_check_mode_tells_no_channel_of_a_shops_own(team: Team) -> None:
    log = team.folder / "told"
    team.own(
        "notification_handlers",
        "log.yml",
        [{"ansible.builtin.command": {"cmd": f"touch {log}"}, "check_mode": False}],
    )

    for more in ((), ("--diff",)):
        done = team.tell(GOOD, "--check", *more)
        assert done.returncode == 0, done.stdout + done.stderr
    assert not Path(log).exists()
    assert team.said == (0, 0, 0)
