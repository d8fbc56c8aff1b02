"""Restoring all of a backup or nothing, at whatever instant it is killed."""

import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from integration.audit.backups import clock, content, move_away, packed
from integration.audit.lived import rows
from integration.conftest import Run, Site, until
from integration.keeping import ANN, push, record
from registry_docker_updater.activities.backup import Kept, back_up
from registry_docker_updater.activities.evidence import verify_all
from registry_docker_updater.activities.restore import clean_up, restore
from registry_docker_updater.core.audit.entries import TrailHead
from registry_docker_updater.core.audit.heads import head_text
from registry_docker_updater.edges.lock import hold
from registry_docker_updater.edges.workplaces import workplace
from registry_docker_updater.errors import NotAsKept, UpdaterError
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage


def test_what_was_restored_is_what_was_backed_up_and_an_entry_says_who_did(
    state: Path, run: Run, file: Path
) -> None:
    assert run("backup", str(file))[0] == 0
    before = move_away(state)
    head = rows(before / "updater.db", "trail")[-1]
    code, out, _ = run("restore", str(file))
    assert code == 0
    assert out.splitlines()[1] == head_text(TrailHead(head["id"], head["hash"]))
    there, here = content(before), content(state)
    assert {name: there[name] for name in there if name != "updater.db"} == {
        name: here[name] for name in here if name != "updater.db"
    }
    assert rows(state / "updater.db", "trail")[:-1] == rows(before / "updater.db", "trail")
    last = rows(state / "updater.db", "trail")[-1]
    facts = json.loads(last["content"])["facts"]
    assert last["kind"] == "database.restored"
    assert (facts["file"], facts["head"], facts["hash"]) == (file.name, head["id"], head["hash"])
    assert facts["name"]
    assert facts["place"].startswith("command line on ")
    assert run("audit", "verify")[0] == 0
    modes = {stat.S_IMODE(path.stat().st_mode) for path in state.rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in (state, *state.rglob("*")) if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})
    seconds = {path.name: int(path.stat().st_mtime) for path in (before / "runs").glob("*/*")}
    assert seconds
    kept = "runs/1/update-1/manifest.json"
    assert int((state / kept).stat().st_mtime) == int((before / kept).stat().st_mtime)


def test_after_an_older_backup_was_restored_verify_against_heads_names_what_is_lost_and_which_are_as_they_were(
    state: Path, run: Run, file: Path
) -> None:
    heads = file.with_name("heads")
    printed = run("backup", str(file))[1]
    with closing(Database(state / "updater.db")) as database:
        storage = Storage(database)
        for number in range(3):
            record(storage, push(tag=f"later{number}"))
        later = head_text(storage.trail.head())
        heads.write_text(f"{printed}\n{later}\n")
    move_away(state)
    assert json.loads(run("restore", str(file), "--json")[1])["flaws"] == []
    code, out, _ = run("audit", "verify", "--against", str(heads))
    backed_up = int(printed.split("trail head ")[1].split()[0])
    assert code == 1
    assert f"entry {backed_up + 3}, whose hash was kept elsewhere, is not there" in out
    assert f"up to entry {backed_up} it is as it was" in out


@pytest.mark.parametrize("name", ["updater.db", "updater.db-wal", "updater.db-shm", "runs/7/update-1"])
def test_nothing_is_restored_over_what_is_there(state: Path, run: Run, file: Path, name: str) -> None:
    assert run("backup", str(file))[0] == 0
    move_away(state)
    (state / name).mkdir(parents=True)
    (state / name / "mine").touch()
    code, _, said = run("restore", str(file))
    where = state / name.partition("/")[0]
    assert (code, f"{where} is there already; move it away first" in said) == (1, True)
    assert list(content(state)) == [f"{name}/mine"]


def test_nothing_is_restored_where_an_operator_works_or_into_what_belongs_to_another_user(
    state: Path, run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("backup", str(file))[0] == 0
    move_away(state)
    state.mkdir()
    held = hold(state)
    code, _, said = run("restore", str(file))
    assert (code, f"an operator works with {state}; stop it first" in said) == (1, True)
    held.release()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    code, _, said = run("restore", str(file))
    assert (code, f"{state} belongs to another user; run this as the operator's user" in said) == (1, True)
    assert content(state) == {}


def test_a_database_that_a_command_makes_meanwhile_is_not_replaced(
    state: Path, file: Path, tmp_path: Path
) -> None:
    with closing(Database(state / "updater.db")) as database:
        back_up(Kept(database, state), file, clock)
    there = tmp_path / "there"
    there.mkdir()

    def meanwhile(what: str, count: int) -> None:
        if (what, count) == ("runs", 1):
            (there / "updater.db").write_text("another")

    with pytest.raises(UpdaterError, match="cannot restore into"):
        restore(file, there, ANN, clock, progress=meanwhile)
    assert content(there) == {"updater.db": b"another"}
    assert not (there / "runs").exists()


def test_a_backup_whose_any_byte_was_changed_or_cut_off_is_refused(
    state: Path, file: Path, tmp_path: Path
) -> None:
    with closing(Database(state / "updater.db")) as database:
        back_up(Kept(database, state), file, clock)
    whole = file.read_bytes()
    there = tmp_path / "there"
    there.mkdir()
    places = {*range(20), *range(20, len(whole) - 110, 97), *range(len(whole) - 110, len(whole))}
    changed = [
        whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :]
        for place in sorted(places)
        for bit in (1, 128)
    ]
    cut = [whole[:-1], whole[:-87], whole[: len(whole) // 2], b"", whole + b"\0", whole + whole]
    for broken in (*changed, *cut):
        file.write_bytes(broken)
        with pytest.raises(NotAsKept, match="was changed or cut"):
            restore(file, there, ANN, clock)
    assert content(there) == {}
    file.write_bytes(whole)
    assert restore(file, there, ANN, clock).runs == 3


@contextmanager
def dies_after(count: int, folder: Path) -> Iterator[None]:
    """End this process without a word when it has done so many things with files in a folder."""
    left = [count]

    def hook(what: str, values: tuple[Any, ...]) -> None:
        if what in ("open", "os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir") and str(
            folder
        ) in str(values):
            left[0] -= 1
            if not left[0]:
                os._exit(9)

    sys.addaudithook(hook)
    yield


def restored_in_a_process(file: Path, state: Path, count: int) -> bool:
    """Restore in a process that dies after so many steps; tell whether it came to its end."""
    process = os.fork()
    if not process:
        code = 1
        with dies_after(count, state):
            restore(file, state, ANN, clock)
            code = 0
        os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert status in (0, 9)
    return status == 0


def test_a_restore_that_is_killed_at_any_instant_leaves_nothing_or_all(
    state: Path, file: Path, tmp_path: Path
) -> None:
    with closing(Database(state / "updater.db")) as database:
        back_up(Kept(database, state), file, clock)
    ends = set()
    for count in range(1, 1000):
        there = tmp_path / f"killed {count}"
        there.mkdir()
        is_done = restored_in_a_process(file, there, count)
        was_there = (there / "updater.db").exists()
        clean_up(there)
        if was_there:
            with closing(Database(there / "updater.db")) as database:
                storage = Storage(database)
                assert list(verify_all(storage, there / "runs", clock())) == []
                entry = storage.trail.last_of("database.restored")
                assert entry
                assert entry.head == storage.trail.head()
            assert packed(there) == packed(state)
            assert not [path for path in (there / "runs").iterdir() if path.is_file()]
        else:
            assert list(there.iterdir()) == []
            if count % 10 == 0:
                restore(file, there, ANN, clock)
        assert not list(there.glob("restoring-*"))
        ends.add((was_there, is_done))
        if is_done:
            break
    assert ends == {(False, False), (True, False), (True, True)}


def test_what_cannot_be_removed_of_it_stops_nobody_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "copying-1").mkdir()

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(shutil, "rmtree", refuse)
    clean_up(tmp_path)
    assert (
        f"{tmp_path}/copying-1 was left by one that was killed, and cannot be removed: Permission denied"
        in caplog.text
    )


def test_what_a_killed_restore_or_backup_left_is_removed_at_the_next_start_and_what_is_in_use_is_not(
    site: Site,
) -> None:
    site.add_host("solo")
    for name in ("restoring-1", "copying-1"):
        (site.state / name).mkdir(parents=True)
        (site.state / name / "updater.db").touch()
    with workplace(site.state, "copying") as place:
        with site.operator() as operator:
            until(lambda: operator.get("/readyz") == {"status": "ready"})
        assert place.exists()
    assert not list(site.state.glob("*-*"))
