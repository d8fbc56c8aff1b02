# SPDX-License-Identifier: Apache-2.0
"""What a running update tells, and how its end is known."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm import background
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.progress import (
    Progress,
    read_progress,
    read_result,
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


def until(is_so: Callable[[], object]) -> None:
    """Wait for what another process does."""
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_updates_in_the_background_tell_their_progress_and_their_end_to_whoever_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_KEPT_SECONDS", 1.0)
    monkeypatch.setattr(background, "_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def good(say: Callable[[str], None]) -> dict[str, Any]:
        say("updating")
        return {"name": "web", "outcome": "updated", "seen_by": os.getsid(0)}

    def bad(_: Callable[[str], None]) -> dict[str, Any]:
        raise KeyError("nobody thought of that")

    files = background.update_in_background({"web": good, "api": bad}, parallel=2)
    until(lambda: read_result(files["web"]) and read_result(files["api"]))
    web, api = read_result(files["web"]), read_result(files["api"])
    assert web is not None
    assert api is not None
    assert (web["outcome"], web["seen_by"] != os.getsid(0)) == ("updated", True), "it outlives its caller"
    assert api["message"] == "this is a bug: KeyError: 'nobody thought of that'"
    until(lambda: read_progress(files["web"], 0)[2])
    assert read_progress(files["web"], 0)[0] == ["0 s: updating"]
    until(lambda: not list(tmp_path.iterdir()))


def test_an_update_that_was_killed_kept_no_end(tmp_path: Path) -> None:
    assert read_result(str(tmp_path / "none")) is None
