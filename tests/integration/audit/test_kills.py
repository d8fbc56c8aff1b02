"""Killed at any instant, everything that is kept has its entry, and every entry what it tells of."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from integration.audit.lived import flaws, rows

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[2]
# So many kills go to one database: each finds what those before left, and it stays quick to check.
TOGETHER, MOST = 20, 200


@contextmanager
def worker() -> Iterator[tuple[IO[str], IO[str]]]:
    command = [sys.executable, "-m", "integration.audit.worker"]
    with subprocess.Popen(
        command,
        cwd=TESTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    ) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdin, process.stdout


def killed_in_its_work(given: IO[str], said: IO[str], path: Path, seed: int, seconds: float) -> None:
    """Have one write for so many seconds, from when it began to."""
    given.write(f"{path} {seed}\n")
    given.flush()
    lines = [said.readline().strip() for _ in range(2)]
    assert "at work" in lines
    (process,) = (int(line) for line in lines if line != "at work")
    timer = threading.Timer(seconds, os.kill, (process, signal.SIGKILL))
    timer.start()
    assert said.readline() == "ended\n"
    timer.join()


@pytest.mark.parametrize("seed", range(10))
def test_after_a_kill_at_any_instant_every_change_has_its_entry_and_every_entry_its_change(
    tmp_path: Path, seed: int
) -> None:
    path, chance = tmp_path / "updater.db", random.Random(seed)
    kinds, kills = set[str](), 0
    with worker() as (given, said):
        # Where the processor is busy with something else, it takes more of them until both were cut off.
        while kills < TOGETHER or not {"event.received", "run.began"} <= kinds:
            assert kills < MOST
            longest = 0.1 * (1 + kills // TOGETHER)
            killed_in_its_work(given, said, path, seed * MOST + kills, chance.uniform(0, longest))
            assert flaws(path) == []
            kinds, kills = {row["kind"] for row in rows(path, "trail")}, kills + 1
