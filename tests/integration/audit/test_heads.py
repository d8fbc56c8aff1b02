"""Heads of the trail are kept out of reach, in real files, by real syslog and webhooks; and a broken chain is said loudly."""

import json
import logging
import os
import socket
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from integration.audit.lived import flaws, sql
from integration.conftest import Site, until
from integration.keeping import push, record
from integration.receivers import free_port, webhook
from integration.test_operator import ended_rollouts, event, scanned
from registry_docker_updater.activities import heads as activity
from registry_docker_updater.activities.heads import TrailHeads
from registry_docker_updater.core.audit.entries import Step, TrailHead
from registry_docker_updater.core.audit.heads import head_text, heads_in
from registry_docker_updater.edges.heads.keepers import FileHeads, LogHeads, SyslogHeads, WebhookHeads
from registry_docker_updater.edges.heads.port import HeadKeeper
from registry_docker_updater.edges.web import Web
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, NOON, at

pytestmark = pytest.mark.slow

APP = f"{HOST}/test/app:1"


def heads(storage: Storage, *keepers: HeadKeeper) -> TrailHeads:
    return TrailHeads(storage, keepers, timedelta(minutes=5), lambda: NOON)


def begin_anew(path: Path) -> None:
    """Have nothing but the beginning of a trail, so that the database holds at the end of the test."""
    with sql(path) as connection:
        connection.execute("DELETE FROM trail WHERE id > 1")
        connection.execute("DELETE FROM events")
        connection.execute("DELETE FROM newest")
        connection.execute("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'trail'")


def test_the_head_is_appended_to_a_file_where_there_is_a_new_one(storage: Storage, tmp_path: Path) -> None:
    kept = tmp_path / "heads"
    keeping = heads(storage, FileHeads(kept))
    first = storage.trail.head()
    keeping.step()
    keeping.step()
    record(storage, now=at(1))
    keeping.step()
    lines = kept.read_text().splitlines()
    assert [line.rpartition(f"{socket.gethostname()} ")[2] for line in lines] == [
        head_text(first),
        head_text(storage.trail.head()),
    ]
    assert lines[0].startswith("2026-11-22T12:00:00.000Z ")
    assert not kept.stat().st_mode & stat.S_IWOTH


def test_a_trail_that_was_written_anew_does_not_hold_against_the_file(
    storage: Storage, path: Path, tmp_path: Path
) -> None:
    record(storage, now=at(1))
    heads(storage, FileHeads(tmp_path / "heads")).step()
    kept = heads_in((tmp_path / "heads").read_text().splitlines())
    assert flaws(path, kept) == []
    other = {number: frozenset(("e" * 64,)) for number in kept}
    assert flaws(path, other)


@pytest.fixture
def syslog() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        yield server


def test_syslog_gets_the_head(storage: Storage, syslog: socket.socket) -> None:
    heads(storage, SyslogHeads(("127.0.0.1", syslog.getsockname()[1]))).step()
    message = syslog.recv(4096).decode()
    assert f"registry-docker-updater: {head_text(storage.trail.head())}" in message


def test_a_webhook_gets_the_head_and_its_address_is_in_no_log(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    with webhook("/s3cret-path") as receiver:
        keeping = heads(storage, WebhookHeads(lambda: receiver.url, Web()))
        receiver.status = 500
        keeping.step()
        receiver.status = 204
        keeping.step()
    head = storage.trail.head()
    content = receiver.messages[-1]
    assert content["text"] == head_text(head)
    assert (content["sequence"], content["hash"], content["at"]) == (*head, "2026-11-22T12:00:00.000Z")
    assert heads_in([json.dumps(content)]) == {head.sequence: {head.hash}}
    assert "the head of the trail cannot be kept at the webhook: it answered 500" in caplog.text
    assert "s3cret-path" not in caplog.text


def test_a_place_that_is_gone_is_named_once_and_keeps_no_other_from_its_head(
    storage: Storage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    gone = tmp_path / "mount" / "heads"
    nobody = f"http://127.0.0.1:{free_port()}/s3cret"
    keepers = (
        FileHeads(gone),
        SyslogHeads(str(tmp_path / "none")),
        WebhookHeads(lambda: nobody, Web()),
        LogHeads(),
    )
    keeping = heads(storage, *keepers)
    for number in range(3):
        record(storage, push(when=at(number)), now=at(number))
        keeping.step()
    said = [one.message for one in caplog.records if "cannot be kept" in one.message]
    assert sorted(one.split(": ")[0] for one in said) == sorted(
        [
            f"the head of the trail cannot be kept at {gone}",
            f"the head of the trail cannot be kept at syslog at {tmp_path / 'none'}",
            "the head of the trail cannot be kept at the webhook",
        ]
    )
    assert "s3cret" not in caplog.text
    assert head_text(storage.trail.head()) in caplog.text
    gone.parent.mkdir()
    keeping.step()
    assert f"the head of the trail is kept at {gone} again" in caplog.text
    assert heads_in(gone.read_text().splitlines()) == {
        storage.trail.head().sequence: {storage.trail.head().hash}
    }


def test_a_broken_chain_is_said_loudly_once_and_the_trail_goes_on(
    storage: Storage, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeping = heads(storage)
    for number in range(4):
        record(storage, push(when=at(number)), now=at(number))
    keeping.step()
    assert not caplog.records
    record(storage, push(when=at(7)), now=at(7))
    with sql(path) as connection:
        connection.execute(
            "UPDATE trail SET at = '2020-01-01 00:00:00.000000' WHERE id IN (SELECT max(id) FROM trail)"
        )
    keeping.step()
    keeping.step()
    (first, second) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert first.message.startswith(
        "the trail was tampered with, or damaged: entry 6 (event.received): it was changed"
    )
    assert "`registry-docker-updater audit verify` tells all of it" in second.message
    storage.trail.append(Step("team.told"), NOON)
    begin_anew(path)


def test_an_operator_that_stops_in_the_middle_of_a_check_says_what_it_found_so_far(
    storage: Storage, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        record(storage, push(when=at(number)), now=at(number))
    with sql(path) as connection:
        connection.execute("UPDATE trail SET at = '2020-01-01 00:00:00.000000' WHERE id = 2")
    monkeypatch.setattr(activity, "_CHECKED_TOGETHER", 3)
    keeping = heads(storage)
    keeping.stop()
    keeping.step()
    assert "the trail was tampered with, or damaged: entry 2 (event.received)" in caplog.text
    begin_anew(path)


def test_a_trail_that_was_cut_while_the_operator_worked_is_noticed(
    storage: Storage, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeping = heads(storage)
    storage.trail.append(Step("team.told"), NOON)
    keeping.step()
    with sql(path) as connection:
        connection.execute("DELETE FROM trail WHERE id > 1")
        connection.execute("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'trail'")
    for _ in range(3):
        keeping.step()
    assert caplog.text.count("entry 2 is not there any more, or not as it was") == 1


def test_an_operator_that_finds_its_chain_broken_says_so_and_updates_all_the_same(site: Site) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        scanned(operator)
    with sql(site.state / "updater.db") as connection:
        connection.execute("UPDATE trail SET kind = 'operator.stopped' WHERE kind = 'operator.started'")
    with site.operator() as operator:
        until(
            lambda: (
                "the trail was tampered with, or damaged: entry 2 (operator.stopped)"
                in operator.log.read_text()
            )
        )
        assert operator.ask("POST", "/events/production", event())[0] == 202
        until(lambda: ended_rollouts(operator))
        head = until(lambda: heads_in(operator.log.read_text().splitlines()))
        assert head


def test_a_place_that_hangs_holds_up_no_other_and_is_named(
    storage: Storage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As a mount does whose server is gone: here nobody reads what is written."""
    os.mkfifo(tmp_path / "hangs")
    keeping = heads(storage, FileHeads(tmp_path / "hangs"), FileHeads(tmp_path / "heads"))
    for number in (1, 2):
        record(storage, push(when=at(number)), now=at(number))
        keeping.step()
    head = storage.trail.head()
    assert heads_in((tmp_path / "heads").read_text().splitlines())[head.sequence] == {head.hash}
    assert f"cannot be kept at {tmp_path / 'hangs'}: it hangs; it is tried again" in caplog.text
    with (tmp_path / "hangs").open("rb") as reader:
        assert b"trail head" in reader.read()


def test_a_line_that_was_cut_makes_no_other_head_of_the_next(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "heads").write_text(f"2026-11-22 control {head_text(TrailHead(5, 'a' * 60))}")
    heads(storage, FileHeads(tmp_path / "heads")).step()
    assert heads_in((tmp_path / "heads").read_text().splitlines()) == {1: {storage.trail.head().hash}}
