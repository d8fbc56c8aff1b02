"""What other people wrote, made fit to be told."""

import time

import pytest
from ansible_collections.registry.docker_updater.plugins.filter.notification_inert import FilterModule
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.cleaning import (
    base_of,
    duration,
    link_to,
    log_lines,
    masked,
    moment,
    plain,
    reason,
    short_digest,
    weight,
)

DIGEST = "sha256:" + "0a1b2c3d" * 8


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\nb\r\nc\td", "a b c d"),
        ("\x00\x1b[31mred\x9b", "[31mred"),
        ("a\u202egnp.exe\u2066\u200bb\u2028c\ufeff", "a gnp.exe b c"),
        ("half \ud83d of a pair", "half of a pair"),
        ("\U0001f6a2 Über 船", "\U0001f6a2 Über 船"),
        ("  \u3164 ", ""),
        (None, ""),
        (12, "12"),
        ([1, "a"], "[1, 'a']"),
    ],
)
def test_a_text_is_one_line_without_what_is_not_seen(text: object, clean: str) -> None:
    assert plain(text) == clean


def test_a_text_that_is_too_long_ends_after_a_word_and_says_so() -> None:
    assert plain("some words that go on and on", 18) == "some words that…"
    assert plain("some words", 10) == "some words"
    assert plain("onelongword" * 3, 20) == "onelongwordonelon…"
    assert plain("a verylongwordindeed", 15) == "a verylongwo…"
    assert plain("x" * 10_000, 10) == "xxxxxxx…"
    assert plain(" " * 10_000 + "x", 10) == "…"


@pytest.mark.parametrize("text", ["&" * 99, "<>" * 50, '"\\' * 50, "'" * 99, "\U0001f6a2" * 30, "ü" * 60])
def test_the_length_is_that_of_the_escaped_text(text: str) -> None:
    assert weight(text) > 80
    assert 60 < weight(plain(text)) <= 80


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("password=hunter2 user=bob", "password=*** user=bob"),
        ("DB_PASSWORD: hunter2", "DB_PASSWORD: ***"),
        ('{"token": "abc def", "a": 1}', '{"token": ***, "a": 1}'),
        ("secret => 'a \\' b' next", "secret => *** next"),
        ("--api-key hunter2 --verbose", "--api-key *** --verbose"),
        ("client.secret=hunter2&x=1 next", "client.secret=*** next"),
        ('PASSWORD=hunter2,hunter2"hunter2', "PASSWORD=***"),
        ('{\\"password\\": \\"hunter2\\", \\"a\\": 1}', '{\\"password\\": ***, \\"a\\": 1}'),
        ('curl -H "Authorization: Basic aHVudGVyMg==" https://x', 'curl -H "Authorization: ***'),
        ('{\\"Authorization\\": \\"hunter2\\"}', '{\\"Authorization\\": ***'),
        ("Set-Cookie: id=hunter2; Path=/", "Set-Cookie: ***"),
        ("sent Bearer hunter2hunter2", "sent Bearer ***"),
        ("postgres://shop:hunter2@db/shop", "postgres://***@db/shop"),
        ("https://hunter2@db/ and ftp://a:b@c@d/", "https://***@db/ and ftp://***@d/"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.abc", "jwt ***"),
        ("to https://hooks.slack.com/services/T0AB12CD/B0AB12CD/hunter2 failed", "to *** failed"),
        (
            "host='hooks.slack.com': url: /services/T0AB12CD/B0AB12CD/hunter2",
            "host='hooks.slack.com': url: ***",
        ),
        ('"https://hooks.slack-gov.com/triggers/E0AB12CD/123/hunter2"', '"***"'),
        ("https://hooks.slack.com/other/hunter2", "***"),
        ("https://discord.com/api/webhooks/123/hunter2-x_y", "***"),
        ("https://ptb.discordapp.com/api/v10/webhooks/123/hunter2?wait=1", "***?wait=1"),
        ("Max retries: /api/webhooks/123/hunter2", "Max retries: ***"),
        ("https://prod-01.westeurope.logic.azure.com:443/workflows/a/run?sp=b&sig=hunter2 x", "*** x"),
        ("https://a.b.environment.api.powerplatform.com/powerautomate/run?sig=hunter2", "***"),
        ("https://shop.webhook.office.com/webhookb2/hunter2@x/IncomingWebhook/y", "***"),
        ("/workflows/a/run?sp=b&sig=hunter2&sv=1.0", "/workflows/a/run?sp=b&sig=***&sv=1.0"),
        ("push ghp_hunter2hunter2 or github_pat_11AA_hunter2", "push *** or ***"),
        ("glpat-hunter2-hunter2 gldt-hunter2hunter2", "*** ***"),
        ("xoxb-1234-hunter2 xoxp-1234-hunter2 xapp-1-hunter2", "*** *** ***"),
        ("for AKIAIOSFODNN7EXAMPLE: denied", "for ***: denied"),
        ("(eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.hunter2)", "(***)"),
        ("password authentication failed for user bob", "password authentication failed for user bob"),
        ("GET /services/tenants/blue and /workflows/1", "GET /services/tenants/blue and /workflows/1"),
        (
            "see https://discord.com/api/ and https://logic.azure.com",
            "see https://discord.com/api/ and https://logic.azure.com",
        ),
        ("see https://example.com/a@b", "see https://example.com/a@b"),
        ("unexpected token } in JSON", "unexpected token } in JSON"),
    ],
)
def test_what_looks_like_a_secret_is_masked(line: str, shown: str) -> None:
    assert masked(line) == shown
    assert "hunter2" not in reason(line)
    assert log_lines([line]) == [plain(shown, 320)]


@pytest.mark.parametrize(
    "part",
    [
        *("a-", "a.b-", "--token ", "password ", "://", "a@", "eyJa.", "eyJabcdefgh-", "\x1b]", 'secret="\\'),
        *(
            "https://a.",
            "http://a.discord.",
            "/services/T00000",
            "/api/webhooks/1",
            "?sig",
            "ghp_",
            "xoxb-",
            "AKIA",
        ),
    ],
)
def test_a_line_made_to_take_long_does_not(part: str) -> None:
    begun = time.process_time()
    log_lines([part * 10_000] * 50)
    assert time.process_time() - begun < 0.5


def test_why_something_failed_is_one_short_line() -> None:
    assert reason(None) == ""
    assert reason("no\nspace") == "no space"
    assert weight(reason("word " * 5_000)) <= 300


def test_of_a_log_the_last_five_lines_that_say_something_are_told() -> None:
    log = [
        "one",
        "two\nthree",
        None,
        "",
        " \x1b[0m ",
        "\x1b[1;31mfour\x1b[0m\x1b]0;title\x07",
        "five",
        "six \x1bM\x00",
    ]
    assert log_lines(log) == ["two", "three", "four", "five", "six"]
    assert log_lines("a\nb") == ["a", "b"]
    assert log_lines(None) == []
    assert log_lines(()) == []


def test_no_line_of_a_log_has_more_than_160_characters() -> None:
    long, heavy, short = log_lines(["x" * 9_999, "&" * 150, "y" * 160])
    assert (long, short) == ("x" * 159 + "…", "y" * 160)
    assert weight(heavy) <= 320


def test_a_digest_is_shortened_to_twelve_digits() -> None:
    assert short_digest(DIGEST) == "sha256:0a1b2c3d0a1b"
    assert short_digest(None) == ""
    assert short_digest("no digest <at> all, and long") == "no digest <at>…"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-22T10:00:00Z", "2026-11-22 10:00:00 UTC"),
        ("2026-11-22T10:00:00.123+00:00", "2026-11-22 10:00:00 UTC"),
        ("2026-11-22T10:00:00.5+09:00", "2026-11-22 10:00:00 +09:00"),
        ("yesterday", "yesterday"),
        (None, ""),
    ],
)
def test_a_moment_is_read_by_people(written: object, read: str) -> None:
    assert moment(written) == read


@pytest.mark.parametrize(
    ("until", "took"),
    [
        ("2026-11-22T10:00:09.9Z", "9 s"),
        ("2026-11-22T10:02:05Z", "2 min 5 s"),
        ("2026-11-22T13:00:00Z", "3 h 0 min"),
        ("2026-11-24T11:00:00Z", "2 d 1 h"),
        ("2026-11-22T09:59:59Z", ""),
        (None, ""),
    ],
)
def test_how_long_it_took_is_told_in_two_units(until: object, took: str) -> None:
    assert duration("2026-11-22T10:00:00Z", until) == took
    assert duration(None, until) == ""


def test_only_addresses_of_the_operator_become_links() -> None:
    assert base_of("https://updater.example.com/") == "https://updater.example.com"
    assert base_of("http://[::1]:8080/updater") == "http://[::1]:8080/updater"
    for text in (
        None,
        "",
        "javascript:alert(1)",
        "https://",
        'https://a"b',
        "https://a|b",
        "https://a b",
        "https://a\n",
    ):
        assert base_of(text) == ""
    assert link_to("https://a", "/registries/production") == "https://a/registries/production"
    for path in (None, "", "evil.example", "/a b", "/<b>", "/a|b", "/" + "x" * 400, "/a\n"):
        assert link_to("https://a", path) == ""
    assert link_to("", "/a") == ""


def test_an_inert_text_mentions_nobody_and_links_nowhere() -> None:
    inert = FilterModule().filters()["notification_inert"]
    assert inert("@all <b> [a](https://b) `c`") == "\uff20all \u2039b\u203a [a] (https://b) \u02cbc\u02cb"
    assert inert(12) == "12"
