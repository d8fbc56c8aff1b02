"""The module that sends e-mail: encrypted, to whom it can, and with the cause where it cannot."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.modules.notification_email import (
    NotSent,
    compose,
    send,
)

from integration.notification.conftest import GOOD, PASSWORD, Team, results
from integration.receivers import certificate, endless_greeting, free_port, mailbox


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
        "message_id": None,
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


def test_mail_goes_encrypted_from_the_first_byte(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """By TLS at once, with a login, through the playbook."""
    context, trusted = certificate(team.folder)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with mailbox((b"updater", PASSWORD.encode()), context, implicit=True) as protected:
        team.variables |= {
            "notification_email_port": protected.port,
            "notification_email_encryption": "tls",
            "notification_email_username": "updater",
            "notification_email_password": PASSWORD,
        }

        done = team.tell(GOOD, "-vvv", "-e", '{"notification_channels": ["email"]}')

        assert results(done) == {"email": "ok"}, done.stdout
        assert protected.logins == [(b"updater", PASSWORD.encode())]
        assert PASSWORD not in done.stdout + done.stderr


@pytest.mark.parametrize("greeting", [b"", b"220-wait\r\n"])
def test_a_server_that_does_not_come_to_an_end_is_given_up_in_time(greeting: bytes) -> None:
    """One that goes on greeting keeps a socket's own timeout from ever being reached."""
    with endless_greeting(greeting) as port:
        wanted = options(port, timeout=0.5)
        began = time.monotonic()
        with pytest.raises(NotSent, match=f"mail server 127.0.0.1:{port}.* (timed out|0.5 seconds)"):
            send(compose(wanted), wanted)
        assert time.monotonic() - began < 3


def test_a_server_that_took_the_message_and_hangs_then_got_it(team: Team) -> None:
    """Nobody gets it twice because the server does not say good-bye."""
    team.mail.mute_at_the_end = True
    wanted = options(team.mail.port)

    assert send(compose(wanted), wanted) == {}
    assert len(team.mail.envelopes) == 1


def test_the_same_message_has_the_same_id_and_any_other_another() -> None:
    """So that a reader can show once what was sent twice; whatever text the id holds."""
    ids = [
        compose(options(25, message_id=one))["Message-ID"]
        for one in ("default/m1", "default/m1", "team-a/m1", "x>\r\nBcc: y", None, None)
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 5
    for one in ids[:4]:
        assert re.fullmatch("<[0-9a-f]{32}@example.com>", one)


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
