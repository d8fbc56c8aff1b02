"""Backing up while the operator works."""

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
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from integration.audit import worker
from integration.audit.backups import clock, content, keep_run, move_away, packed
from integration.audit.lived import rows, sql
from integration.audit.test_evidence import change_a_byte
from integration.conftest import Run, Site, until
from integration.keeping import ANN
from integration.test_operator import ended_rollouts, event, scanned
from registry_docker_updater.activities.backup import Kept, back_up
from registry_docker_updater.activities.restore import restore
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.progress import progress_on
from registry_docker_updater.core.audit.entries import Step, TrailHead
from registry_docker_updater.core.audit.heads import head_text
from registry_docker_updater.core.audit.kinds import PRUNED
from registry_docker_updater.errors import StoreUnavailable, UpdaterError
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST

pytestmark = pytest.mark.slow

APP = f"{HOST}/test/app:1"


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

    # What does not get smaller.
    lines = "".join(f'{{"a": "{os.urandom(500).hex()}"}}\n' for _ in range(600))
    with closing(Database(state / "updater.db")) as database:
        keep_run(Storage(database), state, "9/update-1", lines)
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
