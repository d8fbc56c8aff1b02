"""Packing a run that is over: what it leaves, after a kill at whatever instant too, and what is wrong with what was changed."""

import gzip
import hashlib
import itertools
import json
import os
import sys
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.edges.runs import packing
from registry_docker_updater.edges.runs.kept_events import KeptEvents
from registry_docker_updater.edges.runs.kept_runs import (
    LastEvents,
    digest_of,
    last_events,
    names_of_runs,
    output_of,
    read_events,
    read_manifest,
    verify_run,
)
from registry_docker_updater.edges.runs.leftovers import end_leftovers
from registry_docker_updater.edges.runs.packing import ProcessEnd, pack

EVENTS = [{"counter": n, "event": "verbose", "stdout": f"line {n}\r\nand more"} for n in range(1, 4)]
LINES = "".join(json.dumps(one) + "\n" for one in EVENTS)
ASKED: dict[str, Any] = {
    "playbook": "update",
    "began_at": "2026-11-22T12:00:00.000Z",
    "limit": ["solo"],
    "forks": None,
    "variables": {"docker_update_image": "x"},
    "check": False,
    "inputs": {"code": "0" * 64},
    "kept": "everything",
}
END = ProcessEnd("failed", 2, datetime(2026, 11, 22, 12, 1, tzinfo=UTC), 1.23456, "ERROR: a word\n")


def begun(directory: Path, events: str | None = LINES) -> Path:
    """A run that has ended and is not packed yet."""
    for name in ("artifacts/run/callback", "env", "inventory"):
        (directory / name).mkdir(parents=True)
    (directory / "request.json").write_text(json.dumps({"asked": ASKED, "timeout": 60, "run": {}}))
    (directory / "artifacts/run/status").write_text("failed")
    (directory / "artifacts/run/rc").write_text("2")
    (directory / "files.jsonl").write_text('{"/shop/tasks.yml":"abc"}\n{"/shop/gone.yml":null}\n')
    for name in ("env/extravars", "hosts", "process.log", "artifacts/run/callback/x.py"):
        (directory / name).write_text("x")
    if events is not None:
        (directory / "events.jsonl").write_text(events)
    return directory


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return begun(tmp_path / "7/update-1")


def test_a_packed_run_is_two_small_files_for_their_owner(directory: Path) -> None:
    digest = pack(directory, ASKED, END)
    kept = sorted(directory.rglob("*"))
    assert [path.name for path in kept] == ["events.jsonl.gz", "manifest.json"]
    assert [path.stat().st_mode & 0o777 for path in (directory, *kept)] == [0o700, 0o600, 0o600]
    assert sum(path.stat().st_size for path in kept) < 1000
    assert digest == digest_of(directory) == hashlib.sha256(kept[1].read_bytes()).hexdigest()
    assert verify_run(directory) == []


def test_the_manifest_says_what_ran_and_how_it_ended(directory: Path) -> None:
    pack(directory, ASKED, END)
    compressed = (directory / "events.jsonl.gz").read_bytes()
    assert read_manifest(directory) == {
        **ASKED,
        "format": 1,
        "status": "failed",
        "exit_code": 2,
        "ended_at": "2026-11-22T12:01:00.000Z",
        "cost_seconds": 1.235,
        "files": {"/shop/tasks.yml": "abc", "/shop/gone.yml": None},
        "said": "ERROR: a word\n",
        "events": {
            "count": 3,
            "size": len(compressed),
            "sha256": hashlib.sha256(compressed).hexdigest(),
        },
    }
    text = (directory / "manifest.json").read_text()
    assert [line.split('"')[1] for line in text.splitlines() if line.startswith(' "')] == sorted(
        read_manifest(directory) or {}
    )


def test_the_same_events_are_packed_to_the_same_bytes(tmp_path: Path) -> None:
    packed: list[list[bytes]] = []
    for name in ("update-1", "update-2"):
        directory = begun(tmp_path / name)
        os.utime(directory / "events.jsonl", (len(packed), len(packed)))
        pack(directory, ASKED, END)
        packed.append([path.read_bytes() for path in sorted(directory.iterdir())])
    assert packed[0] == packed[1]


def test_events_and_output_are_read_while_a_run_goes_on_and_after(directory: Path) -> None:
    (directory / "events.jsonl").write_text(LINES + '{"cut')
    said = "".join(f"line {n}\nand more\n" for n in (1, 2, 3))
    assert (read_events(directory), output_of(directory), read_manifest(directory)) == (LINES, said, None)
    pack(directory, ASKED, END)
    assert (read_events(directory), output_of(directory)) == (LINES, said)
    assert gzip.decompress((directory / "events.jsonl.gz").read_bytes()).decode() == LINES


def test_where_there_are_no_events_the_end_of_what_was_printed_is_kept(tmp_path: Path) -> None:
    directory = begun(tmp_path / "update-1", events=None)
    (directory / "artifacts/run/stdout").write_text("x" * 20_000 + "ERROR! no vault secrets\n")
    pack(directory, ASKED, END)
    manifest = read_manifest(directory) or {}
    assert (len(manifest["printed"]), manifest["events"]["count"]) == (20_000, 0)
    assert output_of(directory).endswith("ERROR! no vault secrets\n")
    assert verify_run(directory) == []


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """Have a process killed before that system call of what it does; return whether it came so far."""
    process = os.fork()
    if process == 0:
        calls = itertools.count()

        def end(_frame: Any, event: str, what: Any) -> None:
            if event == "c_call" and getattr(what, "__module__", "") == "posix" and next(calls) == step:
                os._exit(9)

        sys.setprofile(end)
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 9


def test_a_kill_at_whatever_step_of_packing_loses_nothing(tmp_path: Path) -> None:
    whole = begun(tmp_path / "0/update-1")
    pack(whole, ASKED, END)
    expected = [path.read_bytes() for path in sorted(whole.iterdir())]
    steps = 0
    for step in itertools.count():
        directory = begun(tmp_path / f"{step + 1}/update-1")
        if not killed_at(step, lambda directory=directory: pack(directory, ASKED, END)):  # type: ignore[misc]
            break
        steps += 1
        assert read_events(directory) == LINES
        # What has a manifest is packed whole.
        names = sorted(path.name for path in directory.iterdir())
        assert "manifest.json" not in names or names == ["events.jsonl.gz", "manifest.json"]
        pack(directory, ASKED, END)
        assert [path.read_bytes() for path in sorted(directory.iterdir())] == expected
    assert steps > 20


def _cut(directory: Path) -> None:
    path = directory / "events.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-9])


def _change(directory: Path) -> None:
    path = directory / "events.jsonl.gz"
    path.write_bytes(gzip.compress(LINES.replace("line 2", "line 9").encode(), mtime=0))


def _add(directory: Path) -> None:
    path = directory / "events.jsonl.gz"
    path.write_bytes(gzip.compress((LINES + "{}\n").encode(), mtime=0))


def _say(**said: Any) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        path = directory / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **said}))

    return change


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda directory: (directory / "manifest.json").unlink(), ["manifest.json is missing"]),
        (lambda directory: (directory / "manifest.json").write_text("{"), ["manifest.json cannot be read"]),
        (_say(format=2), ["manifest.json is of format 2, which this version does not know"]),
        (_say(events=None), ["manifest.json says nothing of the events"]),
        (lambda directory: (directory / "events.jsonl.gz").unlink(), ["events.jsonl.gz is missing"]),
        (_cut, ["events.jsonl.gz has", "was changed", "was cut or broken"]),
        (_change, ["was changed"]),
        (_add, ["events.jsonl.gz has", "was changed", "holds 4 events, not 3"]),
    ],
)
def test_what_was_changed_cut_or_removed_is_found(
    directory: Path, harm: Callable[[Path], None], said: list[str]
) -> None:
    digest = pack(directory, ASKED, END)
    harm(directory)
    found = verify_run(directory)
    assert len(found) == len(said)
    assert all(words in sentence for words, sentence in zip(said, found, strict=True)), found
    assert digest_of(directory) != digest or said[0] != "manifest.json"


def test_a_leftover_is_packed_as_its_process_left_it_and_what_is_packed_is_left_alone(
    tmp_path: Path, directory: Path
) -> None:
    interrupted = begun(tmp_path / "7/update-2", LINES + '{"event": "cut in the mid')
    (interrupted / "artifacts/run/status").unlink()
    ready = begun(tmp_path / "scans/discover-5")
    pack(ready, ASKED, END)
    (ready / "manifest.json").write_text("not read at a start")
    (tmp_path / "7/update-3").mkdir()
    lost = begun(tmp_path / "7/update-4")
    pack(lost, ASKED, END)
    (lost / "manifest.json").unlink()
    (tmp_path / "7/notes-of-somebody").mkdir()
    (tmp_path / "7/notes-of-somebody/x").write_text("x")

    packed = end_leftovers(tmp_path)

    assert packed == [directory, interrupted]
    manifests = [read_manifest(one) or {} for one in packed]
    assert [(one["status"], one["exit_code"]) for one in manifests] == [("failed", 2), ("interrupted", 2)]
    assert [one["events"]["count"] for one in manifests] == [3, 3]
    assert [one["variables"] for one in manifests] == [ASKED["variables"]] * 2
    # That a manifest was removed stays to be seen.
    assert verify_run(lost) == ["manifest.json is missing"]
    assert end_leftovers(tmp_path) == []


@pytest.mark.parametrize("is_compressed", [True, False])
def test_a_run_of_the_version_before_is_packed_too(tmp_path: Path, *, is_compressed: bool) -> None:
    directory = begun(tmp_path / "7/update-1", events=None)
    artifacts = directory / "artifacts/run"
    request = {"playbook": "registry.docker_updater.update", "limit": f"@{directory}/hosts", "timeout": 1800}
    (directory / "request.json").write_text(json.dumps(request))
    (directory / "hosts").write_text("solo\nother\n")
    (directory / "env/extravars").write_text(
        json.dumps({"image": {"__ansible_unsafe": "x"}, "skip": [{"__ansible_unsafe": "y"}]})
    )
    if is_compressed:
        (artifacts / "job_events.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    else:
        (artifacts / "job_events.jsonl").write_text(LINES)
    (artifacts / "status").write_text("canceled")
    (artifacts / "rc").write_text("254")

    assert read_events(directory) == LINES
    assert len(end_leftovers(tmp_path)) == 1

    manifest = read_manifest(directory) or {}
    assert sorted(path.name for path in directory.iterdir()) == ["events.jsonl.gz", "manifest.json"]
    assert (manifest["status"], manifest["exit_code"]) == ("canceled", None)
    assert (manifest["playbook"], manifest["limit"]) == ("update", ["solo", "other"])
    assert manifest["variables"] == {"image": "x", "skip": ["y"]}
    assert (read_events(directory), verify_run(directory)) == (LINES, [])


def test_a_leftover_that_cannot_be_packed_hinders_no_other(
    tmp_path: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path / "7/update-2")
    real = packing._pack_events

    def full(where: Path) -> Any:
        if where == directory:
            raise OSError(28, "No space left on device")
        return real(where)

    monkeypatch.setattr(packing, "_pack_events", full)
    assert [one.name for one in end_leftovers(tmp_path)] == ["update-2"]
    assert (directory / "events.jsonl").read_text() == LINES


def test_events_that_were_held_in_memory_when_a_run_was_killed_are_removed(tmp_path: Path) -> None:
    """Of a folder of ours only, whatever else a link may lead to."""
    directory = tmp_path / "7/update-1"
    directory.mkdir(parents=True)
    KeptEvents(directory, "outcomes", tmp_path)
    handed_over = directory / "artifacts/run/job_events"
    memory = handed_over.readlink()
    (memory / "an-event-partial.json").write_text("{}")
    other = begun(tmp_path / "7/update-2")
    (tmp_path / "theirs").mkdir()
    (other / "artifacts/run/job_events").symlink_to(tmp_path / "theirs")

    assert len(end_leftovers(tmp_path)) == 2

    assert not memory.exists()
    assert (tmp_path / "theirs").exists()


def test_the_names_of_runs_are_told_in_the_order_in_which_they_ran(tmp_path: Path) -> None:
    for name in ("notify-1", "update-10", "update-1", "notify-2", "update-2", "x", "y-z"):
        (tmp_path / name).mkdir()
    assert names_of_runs(tmp_path) == ("update-1", "notify-1", "update-2", "notify-2", "update-10")
    assert names_of_runs(tmp_path / "none") == ()


@pytest.mark.parametrize("is_packed", [False, True])
def test_of_a_long_run_the_last_events_are_read_and_no_more_is_held(directory: Path, is_packed: bool) -> None:
    line = json.dumps({"event": "verbose", "stdout": "x" * 2000}) + "\n"
    (directory / "events.jsonl").write_text(line * 30_000 + LINES + '{"cut')
    if is_packed:
        pack(directory, ASKED, END)
    tracemalloc.start()
    found = last_events(directory, 10_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == LastEvents(line * 4 + LINES, are_all=False)
    assert output_of(directory, found.lines).endswith("line 3\nand more\n")
    assert most < 8_000_000


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("events", [LINES, "", '{"cut', LINES + '{"cut'])
def test_of_a_short_run_the_last_events_are_all(directory: Path, events: str, is_packed: bool) -> None:
    (directory / "events.jsonl").write_text(events)
    if is_packed:
        pack(directory, ASKED, END)
    assert last_events(directory, 10_000) == LastEvents(read_events(directory))
    assert last_events(directory / "gone", 10_000) == LastEvents()
