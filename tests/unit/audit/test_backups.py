"""What a backup may hold, and what it says of itself."""

import json
from typing import Any

import pytest

from registry_docker_updater.core.audit.backups import (
    Backup,
    description,
    members_of_run,
    read_description,
    refused,
)
from registry_docker_updater.core.audit.entries import TrailHead
from registry_docker_updater.errors import UpdaterError
from unit.builders import at

MADE = Backup("1.2.3", at(1.25), TrailHead(7, "ab" * 32))
RUN_FILE = "runs/1/update-1/manifest.json"


def test_what_a_backup_says_of_itself_is_read_as_it_was_written() -> None:
    assert read_description(description(MADE)) == MADE


def said(**changed: Any) -> bytes:
    return json.dumps({**json.loads(description(MADE)), **changed}).encode()


def test_a_backup_of_another_format_is_refused_with_the_version_that_can_read_it() -> None:
    with pytest.raises(UpdaterError, match=r"of format 2, and this version reads 1: .* made it, 9\.0"):
        read_description(said(format=2, version="9.0", head="elsewhere"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        said(head=None),
        said(head={"number": "x", "hash": ""}),
        said(head={"number": 1}),
        said(created_at="yesterday"),
        said(created_at=5),
    ],
)
def test_a_description_that_nobody_can_read_is_refused(content: bytes) -> None:
    with pytest.raises(UpdaterError, match=r"its backup.json cannot be read"):
        read_description(content)


def test_the_files_of_a_run_are_two_below_its_name() -> None:
    assert members_of_run("1/update-1") == (RUN_FILE, "runs/1/update-1/events.jsonl.gz")
    assert members_of_run("repairs/repair-7") is not None


@pytest.mark.parametrize(
    "where", ["", "1", "../x", "1/..", "1/./update-1", "/etc/x", "1/a b", "1/update-1\n", "1//x"]
)
def test_a_run_that_is_said_to_be_elsewhere_is_none(where: str) -> None:
    assert members_of_run(where) is None


def why(
    name: str, size: int = 10, *, is_file: bool = True, is_first: bool = False, is_there: bool = False
) -> str:
    return refused(name, size, is_file=is_file, is_first=is_first, is_there=is_there) or ""


def test_what_a_backup_holds_may_be_in_it() -> None:
    assert [why("backup.json", is_first=True), why("updater.db", 2**50), why(RUN_FILE)] == ["", "", ""]


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (why("updater.db", is_first=True), "backup.json is not its first member, and only that"),
        (why("backup.json"), "backup.json is not its first member, and only that"),
        (why("updater.db-wal"), "it holds 'updater.db-wal', which no backup does"),
        (why("../../x"), "it holds '../../x', which no backup does"),
        (why("/updater.db"), "it holds '/updater.db', which no backup does"),
        (why("runs/1/../manifest.json"), "it holds 'runs/1/../manifest.json', which no backup does"),
        (why("runs/1/update-1/other"), "it holds 'runs/1/update-1/other', which no backup does"),
        (why("updater.db", is_file=False), "updater.db in it is no plain file"),
        (why("updater.db", is_there=True), "it holds updater.db twice"),
        (
            why(RUN_FILE, 2**40),
            f"{RUN_FILE} in it has 1,099,511,627,776 bytes, and no backup more than 1,073,741,824",
        ),
        (
            why("backup.json", 2**20, is_first=True),
            "backup.json in it has 1,048,576 bytes, and no backup more than 65,536",
        ),
    ],
)
def test_what_no_backup_holds_is_refused(refusal: str, sentence: str) -> None:
    assert refusal == sentence
