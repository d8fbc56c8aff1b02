"""Backing up while the operator works, and restoring all of it or nothing."""

import io
import json
import os
import random
import re
import resource
import shutil
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integration.audit import worker
from integration.audit.lived import copied, live, rows, sql
from integration.audit.test_evidence import change_a_byte
from integration.conftest import Run, Site, until
from integration.keeping import push, record
from integration.test_operator import ended_rollouts, event, scanned
from registry_docker_updater.activities.backup import Kept, back_up
from registry_docker_updater.activities.evidence import verify_all
from registry_docker_updater.activities.restore import clean_up, restore
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.progress import progress_on
from registry_docker_updater.core.audit.entries import Person, Step, TrailHead
from registry_docker_updater.core.audit.heads import head_text
from registry_docker_updater.core.audit.kinds import PRUNED, RUN_KEPT
from registry_docker_updater.edges.archive import new_archive
from registry_docker_updater.edges.lock import hold
from registry_docker_updater.edges.runs.packing import RunEnd, pack
from registry_docker_updater.edges.workplaces import workplace
from registry_docker_updater.errors import NotAsKept, StoreUnavailable, UpdaterError
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST

ANN = Person("ann", "command line on control")
APP = f"{HOST}/test/app:1"


def clock() -> datetime:
    return datetime.now(UTC)


def keep_run(storage: Storage, state: Path, where: str) -> None:
    """Pack a run, and have an entry tell of it."""
    directory = state / "runs" / where
    directory.mkdir(mode=0o700, parents=True)
    (directory / "events.jsonl").write_text('{"stdout": "ok"}\n' * 30)
    manifest = pack(directory, {"playbook": "update"}, RunEnd("successful", 0, clock()))
    storage.trail.append(Step(RUN_KEPT, {"kept_in": where, "manifest": manifest}), clock())


@pytest.fixture
def state(site: Site) -> Path:
    """A state directory in which something of everything has happened, with three kept runs."""
    site.add_host("solo")
    site.state.mkdir()
    live(site.state / "updater.db")
    with closing(Database(site.state / "updater.db")) as database:
        for where in ("1/update-1", "1/notify-1", "repairs/repair-1"):
            keep_run(Storage(database), site.state, where)
    return site.state


@pytest.fixture
def file(site: Site) -> Path:
    return site.folder / "nightly.tar.gz"


def move_away(state: Path) -> Path:
    """All that is kept, so that nothing is."""
    before = state.with_name("before")
    state.rename(before)
    return before


def content(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, by its path, but the lock and what SQLite makes of an open database."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("operator.lock", "updater.db-wal", "updater.db-shm")
    }


def packed(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in (folder / "runs").glob("*/*/*")}


# --- Backing up, and what it says


def test_a_backup_is_one_private_file_with_all_that_is_kept_and_can_be_unpacked_by_hand(
    state: Path, run: Run, file: Path
) -> None:
    code, out, _ = run("backup", str(file))
    last = rows(state / "updater.db", "trail")[-1]
    assert code == 0
    assert out.splitlines() == [
        f"{file}: {file.stat().st_size:,} bytes, {last['id']} entries, 3 runs",
        head_text(TrailHead(last["id"], last["hash"])),
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed = subprocess.run(["tar", "tzf", file], text=True, capture_output=True, check=True)
    assert (set(listed.stdout.split()), listed.stderr) == (
        {"backup.json", "updater.db", *packed(state)},
        "",
    )
    assert not list(state.glob("copying-*"))
    assert [path.name for path in file.parent.glob(".nightly*")] == []
    shown = json.loads(run("backup", str(file), "--force", "--json")[1])
    assert (shown["entries"], shown["runs"], shown["head"], shown["flaws"]) == (
        last["id"],
        3,
        last["hash"],
        [],
    )


def test_what_a_backup_printed_is_what_verify_holds_the_trail_against(
    state: Path, run: Run, file: Path
) -> None:
    assert state
    (file.parent / "heads").write_text(run("backup", str(file))[1])
    assert run("audit", "verify", "--against", str(file.parent / "heads"))[0] == 0


def test_a_file_that_is_there_is_replaced_only_when_asked_to(state: Path, run: Run, file: Path) -> None:
    assert state
    file.write_text("mine")
    code, _, said = run("backup", str(file))
    assert (code, f"{file} is there already; --force replaces it" in said) == (1, True)
    assert file.read_text() == "mine"
    assert run("backup", str(file), "--force")[0] == 0
    assert file.read_bytes() != b"mine"


def test_a_run_that_was_pruned_before_is_not_missed(state: Path, run: Run, file: Path) -> None:
    prune(state, "1/notify-1")
    code, out, _ = run("backup", str(file))
    assert (code, "2 runs" in out) == (0, True)


def prune(state: Path, where: str) -> None:
    with closing(Database(state / "updater.db")) as database:
        Storage(database).trail.append(Step(PRUNED, {"entries": [], "runs": [where]}), clock())
    shutil.rmtree(state / "runs" / where)


@pytest.mark.parametrize("moment", ["entries", "runs", "runs backed up"])
def test_runs_that_are_pruned_while_they_are_backed_up_have_it_begun_anew(
    state: Path, file: Path, moment: str
) -> None:
    to_prune = ["1/notify-1", "repairs/repair-1"]

    def meanwhile(what: str, count: int) -> None:
        if what == moment and count == 1 and to_prune:
            prune(state, to_prune.pop())

    with closing(Database(state / "updater.db")) as database:
        made = back_up(Kept(database, state), file, clock, progress=meanwhile)
        assert (made.runs, made.flaws, made.head) == (1, (), Storage(database).trail.head())
        keep_run(Storage(database), state, "2/update-1")
        for number in range(4):
            keep_run(Storage(database), state, f"3/update-{number}")
            to_prune.append(f"3/update-{number}")
        with pytest.raises(UpdaterError, match="again and again, runs were removed"):
            back_up(Kept(database, state), file, clock, may_replace=True, progress=meanwhile)


def test_what_is_not_as_it_was_kept_is_not_backed_up_unless_asked_to_and_then_said_loudly(
    state: Path, run: Run, file: Path
) -> None:
    change_a_byte(state / "runs/1/update-1/manifest.json")
    shutil.rmtree(state / "runs/1/notify-1")
    with sql(state / "updater.db") as connection:
        connection.execute("UPDATE outcomes SET message = 'other'")
        connection.execute("UPDATE events SET actor = 'mallory'")
    code, _, said = run("backup", str(file))
    wrong = said.splitlines()
    assert (code, file.exists(), len(wrong)) == (1, False, 7)
    assert "nothing is backed up, for not all is as it was kept" in wrong[0]
    assert re.fullmatch(r"  and \d+ more", wrong[-1])
    assert "events, row 1: actor is not as entry" in said

    code, out, said = run("backup", str(file), "--even-if-broken")
    assert (code, "2 runs" in out) == (0, True)
    assert said.startswith("WRONG: this backup holds what is not as it was kept:\n  events, row 1")

    move_away(state)
    code, _, said = run("restore", str(file))
    assert (code, "nothing is restored, for not all in" in said) == (1, True)
    assert content(state) == {}
    code, out, said = run("restore", str(file), "--even-if-broken")
    assert (code, "2 runs" in out, said.startswith("WRONG: ")) == (0, True, True)
    assert "thing(s) in it were not as they were kept" in run("audit", "export")[1]


@pytest.mark.parametrize("place", ["nowhere/nightly.tar.gz", "hosts.yml/nightly.tar.gz", "folder"])
def test_a_file_that_cannot_be_written_is_named(state: Path, run: Run, site: Site, place: str) -> None:
    assert state
    (site.folder / "folder").mkdir()
    code, _, said = run("backup", str(site.folder / place), "--force")
    assert (code, f"cannot write {site.folder / place}: " in said) == (1, True)
    assert [path.name for path in site.folder.glob(".*")] == []


@pytest.mark.parametrize("room", [100, 20_000, 160_000])
def test_a_disk_that_is_full_is_said_and_no_part_of_a_file_is_left(
    state: Path, site: Site, file: Path, room: int
) -> None:
    before = content(state)
    command = [
        sys.executable,
        "-m",
        "registry_docker_updater",
        "--config",
        str(site.config),
        "backup",
        str(file),
    ]

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    (state / "runs/1/update-1/events.jsonl.gz").chmod(0o600)
    with closing(Database(state / "updater.db")) as database:
        storage = Storage(database)
        directory = state / "runs/9/update-1"
        directory.mkdir(parents=True)
        # What does not get smaller.
        (directory / "events.jsonl").write_text(
            "".join(f'{{"a": "{os.urandom(500).hex()}"}}\n' for _ in range(600))
        )
        manifest = pack(directory, {}, RunEnd("successful", 0, clock()))
        storage.trail.append(Step(RUN_KEPT, {"kept_in": "9/update-1", "manifest": manifest}), clock())
    before = content(state)
    done = subprocess.run(command, text=True, capture_output=True, check=False, preexec_fn=bounded)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(r"cannot (be copied|write)|full|too large|does not answer", done.stderr), done.stderr
    assert (file.exists(), list(file.parent.glob(".nightly*"))) == (False, [])
    assert content(state) == before


def test_where_nothing_is_kept_yet_there_is_nothing_to_back_up(site: Site, run: Run, file: Path) -> None:
    """Such as with the settings of another machine: it would pass for a backup."""
    code, _, said = run("backup", str(file))
    assert (code, f"there is no updater.db in {site.state}: nothing is kept yet" in said) == (1, True)
    assert not file.exists()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("looks_on", "shown"), [(Terminal(), "1,000 of 5,000 entries"), (io.StringIO(), "")])
def test_how_far_it_is_is_shown_where_somebody_looks_on(looks_on: io.StringIO, shown: str) -> None:
    progress = progress_on(Output(io.StringIO(), looks_on), 5000)
    for count in (999, 1000, 1001):
        progress("entries", count)
    assert re.sub(r"\r|\x1b\[K", "", looks_on.getvalue()) == shown


# --- Under load


def test_a_backup_made_while_several_threads_write_holds_each_time(state: Path, file: Path) -> None:
    path = state / "updater.db"
    is_over = threading.Event()
    with closing(Database(path)) as writing, closing(Database(path)) as reading:
        storage = Storage(writing)

        def write(step: Callable[..., None], seed: int) -> None:
            chance = random.Random(seed)
            while not is_over.wait(chance.random() / 500):
                # SQLite has no queue: with so many writers, one may wait in vain.
                with suppress(StoreUnavailable):
                    step(storage, chance)

        def keep_runs() -> None:
            for number in range(10_000):
                if is_over.wait(0.01):
                    return
                keep_run(storage, state, f"load/update-{number}")

        steps = [
            threading.Thread(target=write, args=(step, seed))
            for seed, step in enumerate((worker.receive, worker.ask, worker.roll_out))
        ]
        steps.append(threading.Thread(target=keep_runs))
        for thread in steps:
            thread.start()
        try:
            heads = []
            for number in range(20):
                made = back_up(Kept(reading, state), file, clock, may_replace=True)
                heads.append(made.head.sequence)
                there = state.with_name(f"restored {number}")
                there.mkdir()
                restored = restore(file, there, ANN, clock)
                assert (restored.backup.head, restored.flaws, restored.runs) == (made.head, (), made.runs)
        finally:
            is_over.set()
            for thread in steps:
                thread.join()
    assert heads == sorted(set(heads)), "it was written meanwhile"


# --- Restoring


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


# --- Backups that somebody made to do harm


Member = tuple[tarfile.TarInfo, bytes]
DESCRIBED = {
    "format": 1,
    "version": "0",
    "created_at": "2026-11-22T12:00:00Z",
    "head": {"number": 1, "hash": "0" * 64},
}


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, to: str = "") -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode = kind, to, len(content), 0o6777
    return info, content


FIRST = member("backup.json", json.dumps(DESCRIBED).encode())
OTHER_FORMAT = member("backup.json", json.dumps({**DESCRIBED, "format": 2}).encode())
DATABASE = member("updater.db", b"no database")
RUN = "runs/1/update-1/manifest.json"


def sealed(file: Path, *members: Member) -> None:
    """Write an archive of those members, sealed as ours are."""
    with new_archive(file, may_replace=True) as made:
        for info, held in members:
            made._tar.addfile(info, io.BytesIO(held))


HOSTILE: tuple[tuple[str, tuple[Member, ...]], ...] = (
    ("'../../x', which no backup does", (FIRST, member("../../x", b"x"))),
    ("'/tmp/rdu-hostile', which no backup does", (FIRST, member("/tmp/rdu-hostile", b"x"))),
    ("'./updater.db', which no backup does", (FIRST, member("./updater.db", b"x"))),
    ("which no backup does", (FIRST, member("runs/../../x/manifest.json", b"x"))),
    ("'runs/1', which no backup does", (FIRST, member("runs/1", kind=tarfile.SYMTYPE, to="/tmp"))),
    ("updater.db in it is no plain file", (FIRST, member("updater.db", kind=tarfile.SYMTYPE, to="../x"))),
    (
        "updater.db in it is no plain file",
        (FIRST, member("updater.db", kind=tarfile.LNKTYPE, to="backup.json")),
    ),
    (f"{RUN} in it is no plain file", (FIRST, member(RUN, kind=tarfile.CHRTYPE))),
    (f"{RUN} in it is no plain file", (FIRST, member(RUN, kind=tarfile.FIFOTYPE))),
    (f"{RUN} in it is no plain file", (FIRST, member(RUN, kind=tarfile.DIRTYPE))),
    ("it holds updater.db twice", (FIRST, DATABASE, DATABASE)),
    (f"it holds {RUN} twice", (FIRST, member(RUN, b"x"), member(RUN, b"y"))),
    ("backup.json is not its first member", (FIRST, FIRST)),
    ("backup.json is not its first member", (DATABASE, FIRST)),
    ("it holds no updater.db", (FIRST,)),
    ("is no backup", ()),
    ("it is of format 2, and this version reads 1", (OTHER_FORMAT, member("new"))),
    ("its backup.json cannot be read", (member("backup.json", b"{}"), DATABASE)),
    ("no backup more than 65,536", (member("backup.json", b" " * 70_000), DATABASE)),
    ("not a database", (FIRST, DATABASE)),
)


@pytest.mark.parametrize(("sentence", "members"), HOSTILE)
def test_a_hostile_backup_is_refused_and_nothing_is_left_of_it_anywhere(
    site: Site, run: Run, file: Path, sentence: str, members: tuple[Member, ...]
) -> None:
    sealed(file, *members)
    site.state.mkdir()
    before = content(site.folder)
    code, _, said = run("restore", str(file), "--even-if-broken")
    assert code == 1
    assert sentence in said
    assert content(site.folder) == before
    assert [path.name for path in site.state.iterdir()] == ["operator.lock"]
    assert not Path("/tmp/rdu-hostile").exists()


def test_what_there_is_no_room_for_is_not_unpacked(
    site: Site, run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed(file, FIRST, member("updater.db", b"x" * 5000))
    room = shutil.disk_usage(site.folder)._replace(free=4000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: room)
    code, _, said = run("restore", str(file))
    assert (code, f"there is no room in {site.state}" in said) == (1, True)


@pytest.mark.parametrize("what", ["nothing", "no archive"])
def test_what_is_no_backup_is_refused_with_a_sentence(run: Run, file: Path, what: str) -> None:
    if what != "nothing":
        file.write_text(what)
    code, _, said = run("restore", str(file), "--even-if-broken")
    assert (code, "Traceback" in said) == (1, False)
    assert ("is no backup, or was cut" if what != "nothing" else f"cannot read {file}") in said


def test_a_backup_of_a_newer_version_is_refused(state: Path, run: Run, file: Path) -> None:
    assert run("backup", str(file))[0] == 0
    before = move_away(state)
    newer = copied(before / "updater.db", before / "newer.db")
    with sql(newer) as connection:
        connection.execute("INSERT INTO migrations VALUES ('0099 of the future')")
    described = member("backup.json", json.dumps(DESCRIBED).encode())
    sealed(file, described, member("updater.db", newer.read_bytes()))
    code, _, said = run("restore", str(file))
    assert (code, "was written by another version, a newer one (0099 of the future)" in said) == (1, True)
    assert content(state) == {}


def test_a_backup_whose_database_is_not_the_one_that_it_tells_of_is_refused(
    state: Path, run: Run, file: Path
) -> None:
    before = move_away(state)
    sealed(file, FIRST, member("updater.db", (before / "updater.db").read_bytes()))
    code, _, said = run("restore", str(file))
    assert (code, "its trail does not have the head that backup.json names" in said) == (1, True)
    assert "run 1/update-1: it is gone, or its manifest is" in said


def test_the_rights_that_an_archive_asks_for_are_not_given(state: Path, run: Run, file: Path) -> None:
    before = move_away(state)
    head = rows(before / "updater.db", "trail")[-1]
    described = {**DESCRIBED, "head": {"number": head["id"], "hash": head["hash"]}}
    sealed(
        file,
        member("backup.json", json.dumps(described).encode()),
        member("updater.db", (before / "updater.db").read_bytes()),
        *(member(name, held) for name, held in content(before).items() if name.startswith("runs/")),
    )
    code, _, said = run("restore", str(file))
    assert code == 0, said
    assert {stat.S_IMODE(path.stat().st_mode) for path in state.rglob("*") if path.is_file()} == {0o600}


# --- Killed


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


# --- With an operator


def test_a_backup_made_beside_an_operator_at_work_is_what_another_starts_on(
    site: Site, run: Run, file: Path
) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        scanned(operator)
        is_over = threading.Event()

        def send() -> None:
            for number in range(1, 50):
                assert (
                    operator.ask("POST", "/events/production", event(f"sha256:{number:064x}", number))[0]
                    == 202
                )
                if is_over.wait(0.02):
                    return

        sending = threading.Thread(target=send)
        sending.start()
        until(lambda: ended_rollouts(operator))
        code, _, said = run("backup", str(file))
        is_over.set()
        sending.join()
        assert code == 0, said
    move_away(site.state)
    code, out, said = run("restore", str(file))
    assert code == 0, said
    assert int(out.split(" entries, ")[1].split()[0]) >= 1
    assert run("audit", "verify")[0] == 0
    with site.operator() as operator:
        until(lambda: operator.get("/readyz") == {"status": "ready"})
        scanned(operator)
        assert operator.ask("POST", "/events/production", event(number=59))[0] == 202
        until(
            lambda: [
                one
                for one in operator.get("/api/rollouts")
                if one["digest"].endswith("b" * 8) and one["state"] != "running"
            ]
        )
    assert run("audit", "verify")[0] == 0
    assert "ERROR" not in operator.log.read_text()
