# SPDX-License-Identifier: Apache-2.0
"""What a running update tells, and how its end is known."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.progress import (
    Progress,
    read_progress,
)

_DYING = """
import signal, sys
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.progress import Progress
with Progress(sys.argv[1]) as progress:
    progress.say("going on")
    print("said", flush=True)
    signal.pause()
"""


def test_what_is_told_is_heard_once_and_the_end_is_known(tmp_path: Path) -> None:
    path = str(tmp_path / "progress")
    with Progress(path) as progress:
        progress.say("one")
        progress.say("one")
        progress.say("two\nlines")
        lines, offset, over = read_progress(path, 0)
        assert [line.partition(": ")[2] for line in lines] == ["one", "two lines"]
        assert not over
        progress.say("three")

    lines, offset, over = read_progress(path, offset)
    assert [line.partition(": ")[2] for line in lines] == ["three"]
    assert over
    assert read_progress(path, offset) == ([], offset, True)


def test_an_update_that_has_not_told_anything_yet_is_not_over(tmp_path: Path) -> None:
    path = tmp_path / "progress"
    assert read_progress(str(path), 0) == ([], 0, False)
    path.touch()
    assert read_progress(str(path), 0) == ([], 0, False)


def test_an_update_that_was_killed_is_over(tmp_path: Path) -> None:
    path = str(tmp_path / "progress")
    with subprocess.Popen([sys.executable, "-c", _DYING, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"said\n"
        assert not read_progress(path, 0)[2]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert read_progress(path, 0)[2]


def test_half_a_line_is_left_for_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "progress"
    path.write_text("0 s: one\n1 s: tw")

    assert read_progress(str(path), 0) == (["0 s: one"], 9, True)


def test_without_a_path_nothing_is_told() -> None:
    with Progress(None) as progress:
        progress.say("one")
