"""What arrives on every channel, sent by the playbook to real receivers: valid, and nothing of it evaluated or cut."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from integration.notification.conftest import Team, part, results
from integration.notification.rendering import bundle
from integration.notification.test_forms import HOSTILE, everywhere, message, outcome, rollout
from integration.notification.validating import validate_cloudevent, validate_slack, validate_teams
from integration.receivers import webhook

pytestmark = pytest.mark.slow


def deliver(team: Team, news: dict[str, Any]) -> dict[str, Any]:
    """Send ``news`` on all five channels, and return what each receiver got."""
    with webhook("/in") as peer, webhook("/updates") as ntfy:
        ntfy.answer = "{}"
        team.variables |= {
            "notification_webhook_url": peer.url,
            "notification_apprise_urls": [ntfy.url.replace("http:", "ntfy:")],
            "notification_link": "https://updater.example.com",
            "notification_topics": [
                "image updated",
                "update failed",
                "started",
                "waiting for a person",
                "registry silent",
                "update waits",
            ],
        }
        done = team.tell(news)
        assert set(results(done).items()) == {
            (one, "ok") for one in ("slack", "teams", "email", "webhook", "apprise")
        }, done.stdout
        (slack,), (teams,) = team.slack.messages, team.teams.messages
        (mail,) = team.mail.messages
        return {
            "slack": slack,
            "teams": teams,
            "email": mail,
            "webhook": peer.messages[0],
            "apprise": ntfy.messages[0],
        }


def validate(got: dict[str, Any]) -> None:
    validate_slack(got["slack"])
    validate_teams(got["teams"])
    validate_cloudevent(got["webhook"])
    assert got["apprise"]["topic"] == "updates"
    assert got["apprise"]["title"]
    assert len(got["apprise"]["message"]) <= 2000
    mail = message_from_bytes(got["email"].as_bytes(), policy=default)
    assert mail.get_content_type() == "multipart/alternative"
    assert not mail.defects
    assert len(mail["Subject"]) <= 200


def test_every_channel_gets_what_its_vendor_takes(team: Team) -> None:
    """All news at once, with the texts in them that nobody should have."""
    trap = team.folder / "trap"
    text = " ".join(HOSTILE[:7]).replace("trap", str(trap)).replace("\ud800", "")

    got = deliver(team, {**everywhere(bundle(), text), "receiver": "default"})

    validate(got)
    assert not trap.exists()
    assert "{% for x in [1] %}FOUND{% endfor %}" in part(got["email"], "plain")
    assert set(got["email"].keys()) >= {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"}
    assert "Bcc" not in got["email"]
    assert team.mail.envelopes[0].rcpt_tos == ["team@example.com", "boss@example.com"]


def test_a_fleet_of_500_targets_is_summed_up_within_the_limits_of_every_channel(team: Team) -> None:
    long = 'quote " and \\ and & and <tag> and 🚢 ' * 40
    good = (outcome(f"good{number}") for number in range(470))
    bad = (outcome(f"bad{number}-{long}", "failed", message=long, where=long) for number in range(30))

    got = deliver(
        team, message(rollout(1, *good, *bad, topic="update failed", image="r.example.com/" + long))
    )

    validate(got)
    assert "30 failed, 470 updated" in part(got["email"], "plain")
