"""What the messages say on each channel, whatever comes from outside and however much it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from integration.notification.conftest import (
    BAD,
    NEW,
    OLD,
    Team,
    outcome,
    part,
    receiving,
    results,
    rollout,
    texts,
)

pytestmark = pytest.mark.slow


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
    team, said = failed_update

    assert said == {"slack": "ok", "teams": "ok", "email": "ok"}
    assert team.said == (1, 1, 1)
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
    link = "https://updater.example.com/rollouts/12"
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
            "url": "https://updater.example.com/rollouts/12",
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
    said = rollout(
        *(
            outcome(text, "failed", message=text, where=text, kind=text, before={"digest": text}, after=None)
            for text in hostile
        ),
        **dict(zip(names, hostile, strict=True)),
    )

    done = team.tell(said)

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
    said = rollout(
        *(outcome(f"good{number}", "updated") for number in range(470)),
        *(
            outcome(f"bad{number}-{long}", "failed", message='"\\&<>' * 400, where=long, kind=long)
            for number in range(30)
        ),
        actor=long,
        image="registry.example.com/" + long,
        registry=long,
    )

    done = team.tell(said)

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
