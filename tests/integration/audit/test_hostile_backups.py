"""Backups that somebody made to do harm, or that are none."""

import io
import json
import shutil
import stat
import tarfile
from pathlib import Path

import pytest

from integration.audit.backups import content, move_away
from integration.audit.lived import copied, rows, sql
from integration.conftest import Run, Site
from registry_docker_updater import __version__
from registry_docker_updater.edges.archive import new_archive

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
    assert (f"{file} is no backup: `backup` writes" if what != "nothing" else f"cannot read {file}") in said
    assert "even-if-broken" not in said


def test_a_backup_of_a_newer_version_is_refused(state: Path, run: Run, file: Path) -> None:
    assert run("backup", str(file))[0] == 0
    before = move_away(state)
    newer = copied(before / "updater.db", before / "newer.db")
    with sql(newer) as connection:
        connection.execute("INSERT INTO migrations VALUES ('0099 of the future', '9.1.0')")
    described = member("backup.json", json.dumps(DESCRIBED).encode())
    sealed(file, described, member("updater.db", newer.read_bytes()))
    code, _, said = run("restore", str(file))
    assert code == 1
    assert f"its database is of version 9.1.0, and this is {__version__}" in said
    assert "install 9.1.0 again, and restore it with that" in said
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
