"""Events over HTTP: who may send them, what is kept of them, and what the listings show."""

import http.client
import json
import sqlite3
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from integration.http.conftest import HARBOR_PUSH, MULTI, PUSH, Listener, counts, listen, listening
from integration.receivers import certificate
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.http.entrance import Certificate
from registry_docker_updater.views.events import event
from unit.builders import HOST, container, fleet, whole


def test_a_push_is_answered_202_once_it_is_stored_and_wakes_the_loop(listener: Listener) -> None:
    assert listener.send(PUSH) == (202, counts(accepted=1))
    assert listener.woken
    with sqlite3.connect(listener.path) as other:
        assert other.execute("SELECT repository, tag FROM events").fetchall() == [("team/app", "v1")]


def test_an_event_sent_again_is_a_duplicate_and_wakes_nobody(listener: Listener) -> None:
    listener.send(PUSH)
    listener.woken.clear()
    assert listener.send(PUSH) == (202, counts(duplicates=1))
    assert not listener.woken


def test_a_push_of_several_platforms_is_one(listener: Listener) -> None:
    answers = [listener.send(request["body"].encode()) for request in MULTI]
    assert [status for status, _ in answers] == [202] * 7
    assert [content for _, content in answers] == [counts(ignored=1)] * 6 + [counts(accepted=1)]


def test_what_distribution_sends_and_nobody_can_read_is_kept_and_shown(listener: Listener) -> None:
    assert listener.send(b"\xff garbage") == (202, counts(unreadable=1))
    assert listener.send(b'{"events": [{"action": "push", "target": 7}]}') == (202, counts(unreadable=1))
    assert not listener.woken
    _, rows = listener.ask("GET", "/api/events")
    assert [row["kind"] for row in rows] == ["unreadable", "unreadable"]
    assert rows[1]["content"] == "\\xff garbage"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 5000,
        b'{"events": [' + b"[" * 900 + b"]" * 900 + b"]}",
        b'{"events": [NaN, 1e999, "\\ud800\\u0000"]}',
    ],
    ids=["cut off", "deep", "numbers and characters"],
)
def test_the_worst_that_can_be_kept_does_not_hinder_the_listing(listener: Listener, body: bytes) -> None:
    status, _ = listener.send(body)
    assert status == 202
    connection = listener.connect()
    connection.request("GET", "/api/events")
    text = connection.getresponse().read()
    (*_, row) = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert row["kind"] == "unreadable"


def test_what_harbor_sends_and_nobody_can_read_is_refused(listener: Listener) -> None:
    status, content = listener.send(b"{}", "harbor")
    assert status == 400
    assert "not an event of format harbor" in content["error"]
    assert listener.send(HARBOR_PUSH, "harbor") == (202, counts(accepted=1))


@pytest.mark.parametrize("given", ["s3cret", "Bearer s3cret"])
def test_the_secret_is_taken_with_and_without_bearer(listener: Listener, given: str) -> None:
    assert listener.ask("POST", "/events/harbor", HARBOR_PUSH, {"Authorization": given})[0] == 202


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer ", "bearer s3cret", "Bearer s3cre", "s3cret1", "Basic s3cret", "S3CRET", "\xff"],
)
def test_anything_else_is_401_and_nothing_is_kept(listener: Listener, given: str) -> None:
    status, content = listener.ask("POST", "/events/production", PUSH, {"Authorization": given})
    assert (status, content) == (401, {"error": "wrong or missing Authorization for registry 'production'"})
    assert listener.ask("POST", "/events/production", PUSH)[0] == 401
    assert listener.ask("GET", "/api/events") == (200, [])


def test_the_secret_of_a_registry_may_hold_any_character(listener: Listener) -> None:
    for given, status in (("Bearer pässwörd ☃", 202), ("pässwörd ☃", 202), ("Bearer passwörd ☃", 401)):
        headers = {"Authorization": given.encode()}
        assert listener.ask("POST", "/events/international", HARBOR_PUSH, headers)[0] == status


def test_a_registry_that_is_not_in_the_settings_is_404(listener: Listener) -> None:
    status, content = listener.send(PUSH, "nobody")
    assert (status, content) == (404, {"error": "no registry 'nobody' in the settings"})


@pytest.mark.parametrize("path", ["/events/nobody", "/events/production/", "/event/production"])
def test_a_registry_that_sends_elsewhere_is_seen_in_the_log(
    listener: Listener, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    assert listener.ask("POST", path, PUSH)[0] == 404
    (record,) = caplog.records
    assert record.getMessage().startswith("404 ")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", "/nothing", 404),
        ("POST", "/events", 404),
        ("POST", "/events/production/x", 404),
        ("GET", "/events/production", 405),
        ("PUT", "/events/production", 405),
        ("POST", "/api/events", 405),
        ("DELETE", "/api/rollouts/1", 405),
        ("GET", "/api/rollouts/one", 404),
    ],
)
def test_what_there_is_not_is_refused_as_json_and_the_connection_stays(
    either: Listener, method: str, path: str, status: int
) -> None:
    connection = either.connect()
    assert either.ask(method, path, connection=connection)[0] == status
    sock = connection.sock
    assert either.ask("GET", "/healthz", connection=connection)[0] == 200
    assert connection.sock is sock


def test_the_listings_are_json(listener: Listener) -> None:
    listener.send(PUSH)
    listener.store.fleet.apply(whole(fleet(container())))
    status, events = listener.ask("GET", "/api/events")
    assert (status, events[0]["repository"], events[0]["occurred_at"]) == (
        200,
        "team/app",
        "2026-11-22T10:59:05.514Z",
    )
    assert listener.ask("GET", "/api/rollouts") == (200, [])
    status, fleet_ = listener.ask("GET", "/api/fleet")
    assert (status, fleet_["targets"][0]["reference"]) == (200, f"{HOST}/test/app:1")
    for number in ("1", "0", "-1", "9" * 30):
        status, content = listener.ask("GET", f"/api/rollouts/{number}")
        assert (status, f"no rollout {number}" in content["error"]) == (404, True)


def test_health_is_always_and_readiness_only_while_the_loop_works(listener: Listener) -> None:
    assert listener.ask("GET", "/readyz") == (200, {"status": "ready"})
    listener.is_ready = False
    assert listener.ask("GET", "/readyz")[0] == 503
    assert listener.ask("GET", "/healthz")[0] == 200


def test_of_many_senders_of_one_event_exactly_one_is_accepted(listener: Listener) -> None:
    with ThreadPoolExecutor(12) as senders:
        answers = list(senders.map(lambda _: listener.send(PUSH), range(36)))
    assert {status for status, _ in answers} == {202}
    assert sum(content["accepted"] for _, content in answers) == 1
    assert sum(content["duplicates"] for _, content in answers) == 35


def test_events_come_over_tls_with_the_certificate_of_the_settings(tmp_path: Path) -> None:
    with listening(tmp_path, with_tls=True) as listener:
        assert listener.send(PUSH) == (202, counts(accepted=1))
        stranger = http.client.HTTPSConnection("127.0.0.1", listener.server.port, timeout=20)
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.request("GET", "/healthz")


@pytest.mark.parametrize("is_rsa", [False, True])
def test_a_certificate_is_changed_while_events_come(tmp_path: Path, *, is_rsa: bool) -> None:
    """Also for one of another kind of key, which OpenSSL would serve beside the old one."""
    with listening(tmp_path, with_tls=True) as listener:
        before = listener.connect()
        assert listener.send(PUSH, connection=before) == (202, counts(accepted=1))
        other = tmp_path / "other"
        other.mkdir()
        _, trusted = certificate(other, is_rsa=is_rsa)
        listener.server.change_certificate(Certificate(str(trusted), str(trusted.with_suffix(".key"))))
        assert listener.send(PUSH, connection=before)[0] == 202
        with pytest.raises(ssl.SSLCertVerificationError):
            listener.send(PUSH)
        listener.trusted = ssl.create_default_context(cafile=trusted)
        assert listener.send(PUSH)[0] == 202
        with pytest.raises(UpdaterError, match="cannot serve with"):
            listener.server.change_certificate(Certificate(str(trusted), str(tmp_path / "none.key")))
        assert listener.send(PUSH)[0] == 202


def test_only_clients_whose_certificate_was_signed_are_heard(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, ours = certificate(tmp_path)
    for name in ("known", "stranger"):
        (tmp_path / name).mkdir()
    _, known = certificate(tmp_path / "known")
    _, stranger = certificate(tmp_path / "stranger")
    tls = Certificate(str(ours), str(ours.with_suffix(".key")), clients=str(known))
    listener = listen(tmp_path, tls)
    try:
        for client in (None, stranger):
            listener.trusted = ssl.create_default_context(cafile=ours)
            if client:
                listener.trusted.load_cert_chain(client, client.with_suffix(".key"))
            with pytest.raises((ssl.SSLError, OSError, http.client.HTTPException)):
                listener.send(PUSH)
        listener.trusted = ssl.create_default_context(cafile=ours)
        listener.trusted.load_cert_chain(known, known.with_suffix(".key"))
        assert listener.send(PUSH) == (202, counts(accepted=1))
        assert len([one for one in caplog.records if "no TLS with 127.0.0.1" in one.getMessage()]) == 2
        assert not [one for one in caplog.records if one.exc_info]
    finally:
        listener.server.stop()
        listener.database.close()


def test_what_is_ignored_is_counted_by_registry_and_reason_and_logged_the_first_time(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """A type of event that its sender gives another name would vanish unseen."""
    caplog.set_level("INFO")
    renamed = json.dumps({"type": "ARTIFACT_PUSHED\n2026-01-01 ERROR", "event_data": {}}).encode()
    for body, registry in (
        (renamed, "harbor"),
        (renamed, "harbor"),
        (MULTI[0]["body"].encode(), "production"),
    ):
        assert listener.send(body, registry)[1] == counts(ignored=1)
    _, rows = listener.ask("GET", "/api/ignored")
    assert [(row["registry"], row["reason"], row["count"]) for row in rows] == [
        ("harbor", "ARTIFACT_PUSHED\n2026-01-01 ERROR", 2),
        ("production", "not an image manifest", 1),
    ]
    first = [one.getMessage() for one in caplog.records if "the first event" in one.getMessage()]
    assert len(first) == 2
    assert "harbor" in first[0]
    assert "ARTIFACT_PUSHED" in first[0]
    assert "\n" not in first[0]


def test_a_listing_holds_the_beginning_of_what_nobody_can_read_and_says_how_to_see_the_rest(
    listener: Listener,
) -> None:
    for number in range(5):
        assert listener.send(b"%d garbage " % number * 8000)[0] == 202
    connection = listener.connect()
    connection.request("GET", "/api/events")
    listing = connection.getresponse().read()
    assert len(listing) < 20_000
    (*_, row) = json.loads(listing)
    assert row["content"].startswith('"0 garbage 0 garbage')
    assert (row["content_size"], row["whole"]) == (80_002, "registry-docker-updater events 1 --json")
    assert event(listener.store, 1)["content"] == "0 garbage " * 8000
