"""What the answer of a webhook means, how a message is signed, and which addresses are some."""

import base64
import hashlib
import hmac
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.addresses import (
    is_webhook,
    service_of,
    what_is_wrong_with_service,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.answers import (
    Answer,
    Reply,
    classify,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.signature import signed

URL = "https://hooks.example.com/services/T0/B0/s3cret_token"
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
NOT_TAKEN = "HTTP 200, but the answer does not say that it was taken"
TEAMS_ERROR = (
    "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {} with ContextId "
    "tcid=1,server=X,cv=y.."
)


@pytest.mark.parametrize(
    ("kind", "reply"),
    [
        ("slack", Reply(200, "ok")),
        ("slack", Reply(200, "ok\n")),
        ("slack", Reply(200, '{"ok": true, "ts": "1"}')),
        ("slack", Reply(200, '{"success": true}')),
        ("slack", Reply(200, "")),
        ("teams", Reply(202, "")),
        ("teams", Reply(202, '{"error": "anything"}')),
        ("teams", Reply(200, "")),
        ("teams", Reply(200, "1")),
        ("teams", Reply(200, "ok")),
        ("teams", Reply(200, '{"id": "7"}')),
        ("any", Reply(200, "<html>")),
        ("any", Reply(204)),
        ("any", Reply(299, '{"ok": false}')),
    ],
)
def test_what_says_so_is_taken(kind: str, reply: Reply) -> None:
    assert classify(kind, reply, URL, NOW) == Answer(sent=True)


@pytest.mark.parametrize(
    ("kind", "reply", "reason"),
    [
        ("slack", Reply(200, "invalid_payload"), "HTTP 200, but the answer is an error (invalid_payload)"),
        ("slack", Reply(200, '{"ok": false, "error": "x_y"}'), "HTTP 200, but the answer is an error (x_y)"),
        ("slack", Reply(200, '{"ok": "true"}'), NOT_TAKEN),
        ("slack", Reply(200, "<html>Log in</html>"), NOT_TAKEN),
        ("slack", Reply(200, '{"success": false}'), NOT_TAKEN),
        ("slack", Reply(200, "[1]"), NOT_TAKEN),
        ("teams", Reply(200, "<html>Log in</html>"), NOT_TAKEN),
        ("slack", Reply(202, "okay"), "HTTP 202, but the answer is an error (okay)"),
        ("slack", Reply(403, "action_prohibited"), "HTTP 403 (action_prohibited)"),
        ("slack", Reply(404, f"no_service at {URL}"), "HTTP 404"),
        ("slack", Reply(410, "channel_is_archived"), "HTTP 410 (channel_is_archived)"),
        (
            "teams",
            Reply(200, TEAMS_ERROR.format(413)),
            "HTTP 200, and in it the error 413 of Microsoft Teams",
        ),
        ("teams", Reply(200, "Failed"), "HTTP 200, but the answer is an error (Failed)"),
        ("teams", Reply(200, "Summary or Text is required."), NOT_TAKEN),
        (
            "teams",
            Reply(400, '{"error": {"code": "InvalidBotJson", "message": "m"}}'),
            "HTTP 400 (InvalidBotJson)",
        ),
        ("teams", Reply(401, '{"error": {"message": "m"}}'), "HTTP 401"),
        ("any", Reply(500, '{"code": "Oops"}'), "HTTP 500 (Oops)"),
        ("any", Reply(500, '[{"error": "x"}]'), "HTTP 500"),
        ("any", Reply(400, '{"error": ["x"]}'), "HTTP 400"),
        ("any", Reply(302), "HTTP 302: it redirects elsewhere, which is not followed"),
        ("any", Reply(500, "s3cret_token"), "HTTP 500"),
        ("any", Reply(500, "S3CRET_TOKEN"), "HTTP 500"),
        ("any", Reply(500, "[" * 100_000), "HTTP 500"),
        ("any", Reply(500, "x" * 61), "HTTP 500"),
    ],
)
def test_what_is_not_taken_says_why_and_no_more(kind: str, reply: Reply, reason: str) -> None:
    assert classify(kind, reply, URL, NOW) == Answer(sent=False, reason=reason)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("30", 30),
        (" 0 ", 0),
        ("99999999999999999999", 86400),
        ("Fri, 27 Nov 2026 12:01:30 GMT", 90),
        ("Fri, 27 Nov 2026 11:00:00 GMT", 0),
        ("Sat, 27 Nov 2027 12:00:00 GMT", 86400),
        ("Fri, 31 Feb 2026 12:00:00 GMT", None),
        ("Fri, 27 Foo 2026 12:00:00 GMT", None),
        ("-1", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_how_long_the_other_side_asks_to_wait_is_told_within_a_day(
    given: str | None, seconds: int | None
) -> None:
    assert classify("slack", Reply(429, "rate_limited", given), URL, NOW).retry_after == seconds
    assert classify("any", Reply(503, "", given), URL, NOW).retry_after == seconds
    assert classify("any", Reply(500, "", given), URL, NOW).retry_after is None


def test_a_429_that_teams_names_in_a_text_is_one() -> None:
    answer = classify("teams", Reply(200, TEAMS_ERROR.format(429), "17"), URL, NOW)
    assert answer == Answer(
        sent=False, reason="HTTP 200, and in it the error 429 of Microsoft Teams", retry_after=17
    )


def test_the_signature_is_that_of_the_example_in_the_specification() -> None:
    """The secret, id, time, body and signature that the specification's own libraries are tested with."""
    headers = signed(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_example_of_the_docs_takes_what_we_signed_and_nothing_else() -> None:
    """As pasted: of the body that was sent, from who knows the secret, and new."""
    page = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    pasted: dict[str, Any] = {}
    exec(example, pasted)
    is_from_the_updater = pasted["is_from_the_updater"]
    secret = "whsec_" + base64.b64encode(b"a key").decode()
    headers = signed(secret, "m1", int(time.time()), b"{}")

    assert is_from_the_updater(secret, headers, b"{}")
    assert not is_from_the_updater(secret, headers, b"{ }")
    assert not is_from_the_updater("whsec_AAAA", headers, b"{}")
    assert not is_from_the_updater(secret, signed(secret, "m1", int(time.time()) - 3600, b"{}"), b"{}")


def test_a_secret_without_the_prefix_is_the_key_itself() -> None:
    digest = hmac.new(b"plain s\xc3\xa4cret", b"m1.7.{}", hashlib.sha256).digest()
    headers = signed("plain säcret", "m1", 7, b"{}")
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def test_a_secret_that_has_the_prefix_and_is_no_base64_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^behind whsec_ there is no base64$"):
        signed("whsec_not base64", "m1", 7, b"{}")


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        ("https://hooks.example.com/x?sig=1", True),
        ("http://[::1]:80/", True),
        ("HTTPS://hooks.example.com/x", True),
        ("https://hooks.example.com", False),
        ("https://user:password@hooks.example.com/x", False),
        ("https://hooks.example.com/a b", False),
        ("https://hooks.example.com/x\n", False),
        ("ftp://hooks.example.com/x", False),
        ("file:///etc/passwd", False),
        (Path("x"), False),
        (None, False),
    ],
)
def test_a_webhook_has_a_host_and_a_path(url: object, is_one: bool) -> None:
    assert is_webhook(url) is is_one


@pytest.mark.parametrize(
    ("url", "service", "wrong"),
    [
        ("ntfys://token@ntfy.example.com/updates", "ntfys", ""),
        (" JSON://host/x", "json", ""),
        ("file:///etc/passwd", "file", "file:// tells nobody elsewhere, and is not used"),
        ("Syslog://x", "syslog", "syslog:// tells nobody elsewhere, and is not used"),
        ("!include other.yml", "", "it is not of the form service://…"),
        ("/etc/apprise.yml", "", "it is not of the form service://…"),
        (7, "", "it is not of the form service://…"),
    ],
)
def test_a_notification_service_is_one_that_tells_somebody_elsewhere(
    url: object, service: str, wrong: str
) -> None:
    assert service_of(url) == service
    assert what_is_wrong_with_service(url) == wrong
