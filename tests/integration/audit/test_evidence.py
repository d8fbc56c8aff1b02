"""What the trail says of runs, and that what is kept of them is as it was."""

import gzip
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.audit.lived import rows, sql
from integration.conftest import Run, Site, site_in, until
from integration.test_operator import ended_rollouts, event, scanned
from registry_docker_updater.edges.runs.kept_runs import digest_of
from unit.builders import HOST, NEW

pytestmark = pytest.mark.slow

APP = f"{HOST}/test/app:1"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state directory of an operator that has rolled out a push, told the team, and ended."""
    with site_in(tmp_path_factory.mktemp("lived")) as site:
        site.add_host("solo", APP)
        with site.operator() as operator:
            scanned(operator)
            assert operator.ask("POST", "/events/production", event())[0] == 202
            (row,) = until(lambda: ended_rollouts(operator))
            until(
                lambda: (
                    (operator.get(f"/api/rollouts/{row['id']}")["message"] or {}).get("state")
                    == "nobody told"
                )
            )
    return site.state


@pytest.fixture
def rolled_out(site: Site, lived: Path) -> Site:
    site.add_host("solo", APP)
    shutil.copytree(lived, site.state)
    return site


def said(site: Site, kind: str) -> dict[str, Any]:
    """The facts of the last entry of a kind."""
    found = [row for row in rows(site.state / "updater.db", "trail") if row["kind"] == kind]
    facts: dict[str, Any] = json.loads(found[-1]["content"])["facts"]
    return facts


def test_from_the_event_to_the_message_everything_has_its_entry_and_holds(rolled_out: Site, run: Run) -> None:
    assert rolled_out
    code, out, _ = run("audit", "verify")
    assert code == 0, out
    code, out, _ = run("audit", "show", "1")
    kinds = [line.split()[2] for line in out.splitlines()[1:]]
    assert kinds == [
        "event.received",
        "pushes.matched",
        "run.began",
        "target.ended",
        "run.ended",
        "news.routed",
        "team.not_told",
    ]
    assert "container/solo/web0: due" in out
    assert said(rolled_out, "event.received")["from"] == "127.0.0.1"


def test_a_run_is_named_by_all_that_it_was_made_of(rolled_out: Site) -> None:
    began, ended, started = (
        said(rolled_out, kind) for kind in ("run.began", "run.ended", "operator.started")
    )
    asked = began["asked"]
    assert asked["playbook"] == "update"
    assert asked["variables"]["docker_update_digest"] == NEW
    assert asked["check"] is False
    assert len(asked["code"]) == 64
    assert set(asked["versions"]) == {"registry_docker_updater", "ansible_core", "ansible_runner", "python"}
    assert [len(digest) for digest in asked["inventory"].values()] == [64]
    assert (began["hosts"], began["targets"]) == (["solo"], ["container/solo/web0"])
    assert began["engines"].keys() == {"solo"}
    directory = rolled_out.state / "runs/1/update-1"
    assert (ended["kept_in"], ended["manifest"]) == ("1/update-1", digest_of(directory))
    assert isinstance(ended["exit_code"], int)
    assert len(str(started["settings"]["sha256"])) == 64
    assert (started["code"], started["versions"]) == (asked["code"], asked["versions"])


def test_playbooks_and_inventory_that_changed_are_an_entry_of_their_own(site: Site) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        scanned(operator)
        (site.folder / "group_vars").mkdir()
        (site.folder / "group_vars/all.yml").write_text("colour: red\n")
        assert operator.ask("POST", "/events/production", event())[0] == 202
        until(lambda: ended_rollouts(operator))
    changed = said(site, "playbooks.changed")
    assert [
        path.rpartition("/")[2]
        for path in set(changed["are"]["inventory"]) - set(changed["were"]["inventory"])
    ] == ["all.yml"]


def change_a_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(bytes(content))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def drop_an_event(file: Path) -> None:
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    file.write_bytes(gzip.compress(b"".join(lines[:-1]), mtime=0))


def swap_events(file: Path) -> None:
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    file.write_bytes(gzip.compress(b"".join([lines[1], lines[0], *lines[2:]]), mtime=0))


TAMPERED: tuple[tuple[str, Callable[[Path], None]], ...] = (
    *(("manifest.json", change) for change in (change_a_byte, cut, Path.unlink)),
    *(
        ("events.jsonl.gz", change)
        for change in (change_a_byte, cut, Path.unlink, drop_an_event, swap_events)
    ),
)


def test_a_kept_run_that_was_changed_is_found_and_named(rolled_out: Site, run: Run) -> None:
    kept = rolled_out.state / "runs/1/update-1"
    for file, tamper in TAMPERED:
        shutil.copytree(kept, rolled_out.folder / "before")
        tamper(kept / file)
        code, out, _ = run("audit", "verify")
        assert code == 1, (file, tamper)
        assert all(line.startswith("wrong: run 1/update-1: ") for line in out.splitlines()[:-1]), out
        shutil.rmtree(kept)
        (rolled_out.folder / "before").rename(kept)
    assert run("audit", "verify")[0] == 0


def test_a_kept_run_that_is_gone_is_missed_and_one_that_was_put_in_is_found(
    rolled_out: Site, run: Run
) -> None:
    kept = rolled_out.state / "runs/1/update-1"
    shutil.copytree(kept, kept.with_name("update-7"))
    shutil.rmtree(kept)
    code, out, _ = run("audit", "verify")
    assert code == 1
    assert "wrong: run 1/update-1: it is gone, or its manifest is" in out


def test_a_run_whose_operator_was_killed_is_kept_and_told_of_after_the_next_start(
    site: Site, run: Run
) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        scanned(operator)
        assert operator.ask("POST", "/events/production", event())[0] == 202
        until(lambda: list(site.state.glob("runs/1/update-1/*")))
        operator.process.send_signal(signal.SIGKILL)
        operator.process.wait()
    with site.operator() as operator:
        until(lambda: ended_rollouts(operator, runs=2))
    assert run("audit", "verify")[0] == 0
    out = run("audit", "show", "1")[1]
    assert "run.interrupted" in out
    assert list(site.state.glob("runs/1/update-1/manifest.json"))
    assert [
        row for row in rows(site.state / "updater.db", "trail") if '"kept_in":"1/update-1"' in row["content"]
    ]


def test_a_run_that_was_packed_before_the_operator_was_killed_is_told_of_after_the_next_start(
    rolled_out: Site, run: Run
) -> None:
    """Between the two there is a moment."""
    kept = rolled_out.state / "runs/1/notify-1"
    shutil.copytree(kept, kept.with_name("notify-2"))
    with rolled_out.operator() as operator:
        scanned(operator)
    assert said(rolled_out, "run.kept")["kept_in"] == "1/notify-2"
    assert run("audit", "verify")[0] == 0


def test_a_run_that_somebody_put_in_the_place_of_another_is_told_of_by_no_restart(
    rolled_out: Site, run: Run
) -> None:
    """Nor one that no rollout can have had, nor is one that was changed packed anew."""
    kept = rolled_out.state / "runs/1/update-1"
    shutil.copytree(kept, kept.with_name("update-7"))
    events = gzip.decompress((kept / "events.jsonl.gz").read_bytes())
    for file in kept.iterdir():
        file.unlink()
    (kept / "events.jsonl").write_bytes(events.replace(b"solo", b"sold"))
    os.utime(kept.with_name("update-7") / "manifest.json", (0, 0))
    with rolled_out.operator() as operator:
        scanned(operator)
    code, out, _ = run("audit", "verify")
    assert code == 1
    assert "wrong: run 1/update-1: its manifest is missing" in out
    assert "wrong: run 1/update-7: no entry tells of it" in out


def test_settings_that_are_read_again_are_told_by_their_hash(site: Site, run: Run) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        scanned(operator)
        site.config.write_text(site.config.read_text() + "\n# another\n")
        operator.process.send_signal(signal.SIGHUP)
        until(lambda: "the settings were read again" in operator.log.read_text())
    before, after = said(site, "operator.started"), said(site, "settings.changed")
    assert before["settings"] != after["settings"]
    assert run("audit", "verify")[0] == 0


def test_nothing_of_a_swept_trail_is_read_as_another_entry(rolled_out: Site, run: Run) -> None:
    with sql(rolled_out.state / "updater.db") as connection:
        connection.execute("UPDATE trail SET content = replace(content, '1/update-1', '1/update-9')")
    out = run("audit", "verify")[1]
    assert "wrong: run 1/update-9: it is gone, or its manifest is" in out
