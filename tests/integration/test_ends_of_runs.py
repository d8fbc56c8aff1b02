"""How runs of playbooks and listings of inventories end that take too long, are stopped or are killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from integration.conftest import until
from integration.shops import MINUTE, Shop, processes
from registry_docker_updater.core.runs.results import ModuleResult
from registry_docker_updater.edges.runs import leftovers, playbooks
from registry_docker_updater.edges.runs.directories import is_going_on
from registry_docker_updater.edges.runs.kept_runs import output_of, read_manifest
from registry_docker_updater.edges.runs.leftovers import end_leftovers
from registry_docker_updater.edges.runs.playbooks import AnsiblePlaybooks
from registry_docker_updater.edges.runs.port import Playbook
from registry_docker_updater.errors import UpdaterError

pytestmark = pytest.mark.slow


def test_stop_ends_the_listing_of_an_inventory_that_hangs(shop: Shop) -> None:
    program = shop.folder / "hosts.sh"
    program.write_text(f"#!/bin/sh\n: > {shop.folder}/begun\nsleep 600\n")
    program.chmod(0o755)
    playbooks = AnsiblePlaybooks(program, shop.folder, shop.environment)
    with ThreadPoolExecutor(1) as pool:
        listing = pool.submit(playbooks.hosts, "all")
        until((shop.folder / "begun").exists)
        playbooks.stop()
        with pytest.raises(UpdaterError, match="stopped"):
            listing.result(20)
    until(lambda: not processes(str(shop.folder)))


def test_a_listing_that_hangs_is_ended_and_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    program = shop.folder / "hosts.sh"
    program.write_text("#!/bin/sh\nsleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(playbooks, "_LISTING_SECONDS", 1)
    with pytest.raises(UpdaterError, match="not done within 1 s; does a program of the inventory hang"):
        AnsiblePlaybooks(program, shop.folder, shop.environment).hosts("all")


def test_a_run_that_takes_too_long_is_ended(shop: Shop) -> None:
    shop.write_endless()
    begun = time.monotonic()
    ended = shop.run("endless", timeout=timedelta(seconds=6))
    assert time.monotonic() - begun < 20
    assert ended.status == "timeout"
    assert ended.cut_short == "the run took longer than rollouts.timeout and was ended"
    assert [result.result for result in ended.results] == [{"msg": "it goes on"}]
    until(lambda: not processes(str(shop.folder)))


def test_stop_ends_every_run_soon_and_starts_no_other(shop: Shop) -> None:
    shop.write_endless()
    playbooks = shop.playbooks
    heard = threading.Barrier(3)

    def hear(_: ModuleResult) -> None:
        heard.wait(30)

    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(playbooks.run, Playbook("endless"), shop.runs / str(n), MINUTE, hear) for n in (1, 2)
        ]
        heard.wait(30)
        begun = time.monotonic()
        playbooks.stop()
        ends = [run.result(30) for run in runs]
    assert time.monotonic() - begun < 10
    assert [(ended.status, ended.was_stopped) for ended in ends] == [("canceled", True)] * 2
    until(lambda: not processes(str(shop.folder)))
    assert playbooks.run(Playbook("endless"), shop.runs, MINUTE).was_stopped


_OPERATOR = """
import sys
from datetime import timedelta
from pathlib import Path
from registry_docker_updater.edges.runs.playbooks import AnsiblePlaybooks
from registry_docker_updater.edges.runs.port import Playbook
folder = Path(sys.argv[1])
playbooks = AnsiblePlaybooks(folder / "hosts.yml", folder, dict(ANSIBLE_COLLECTIONS_PATH=sys.argv[1], LC_ALL="C.UTF-8"))
playbooks.run(Playbook("endless"), folder / "runs/7", timedelta(minutes=5))
"""


def test_an_operator_that_is_killed_takes_its_runs_with_it(shop: Shop) -> None:
    shop.write_endless()
    operator = subprocess.Popen([sys.executable, "-c", _OPERATOR, str(shop.folder)])
    try:
        until(shop.at_work)
        assert processes("registry-docker-updater run", str(shop.folder))
    finally:
        operator.send_signal(signal.SIGKILL)
        operator.wait()
    until(lambda: not processes(str(shop.folder)))


def test_a_run_whose_process_is_killed_is_said_to_have_died(shop: Shop) -> None:
    """Its worker is out of our reach then and works its task off, so it is the test that ends it."""
    shop.write_endless()
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(shop.run, "endless")
        until(shop.at_work)
        (process,) = processes("registry-docker-updater run", str(shop.folder))
        os.kill(process, signal.SIGKILL)
        ended = run.result(20)
    for left in shop.at_work():
        os.kill(left, signal.SIGKILL)
    assert (ended.status, ended.cut_short) == ("died", "the process of the run died")
    assert sorted(path.name for path in ended.directory.iterdir()) == ["events.jsonl.gz", "manifest.json"]
    manifest = read_manifest(ended.directory) or {}
    assert (manifest["status"], manifest["exit_code"]) == ("died", None)
    assert "it goes on" in output_of(ended.directory)
    until(lambda: not processes(str(shop.folder)))


_LEFT = """
import sys, time
from pathlib import Path
from registry_docker_updater.edges.runs.directories import note_process
note_process(Path(sys.argv[1]))
print("noted", flush=True)
time.sleep(600)
"""


def test_a_leftover_run_is_ended_and_packed_before_anything_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose process does not end by itself, though nobody has its run in hand any more."""
    monkeypatch.setattr(leftovers, "_GRACE_SECONDS", 1)
    directory = tmp_path / "7/update-1"
    directory.mkdir(parents=True)
    left = [sys.executable, "-c", _LEFT, str(directory)]
    with subprocess.Popen(left, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout
        process.stdout.readline()
        packed = end_leftovers(tmp_path)
        assert process.wait(10) == -signal.SIGKILL
    assert packed == [directory]
    assert (read_manifest(directory) or {})["status"] == "interrupted"
    assert end_leftovers(tmp_path) == []


def test_a_run_that_another_command_has_in_hand_is_no_leftover(shop: Shop) -> None:
    """Such as that of a scan by hand, while the operator starts."""
    shop.write_endless()
    playbooks = shop.playbooks
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(playbooks.run, Playbook("endless"), shop.runs, MINUTE)
        until(shop.at_work)
        assert end_leftovers(shop.folder / "runs") == []
        assert is_going_on(shop.runs / "endless-1")
        playbooks.stop()
        ended = run.result(30)
    assert ended.status == "canceled"
    assert not is_going_on(ended.directory)


def test_a_process_that_only_has_the_number_of_a_run_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as other:
        for number, text in enumerate((f"{other.pid}\n", f"{other.pid} 1\n", "", "words\n", "999999999 5\n")):
            note = tmp_path / f"7/update-{number}/process.pid"
            note.parent.mkdir(parents=True)
            note.write_text(text)
        assert len(end_leftovers(tmp_path)) == 5
        assert other.poll() is None
        other.kill()


def test_an_exception_of_who_listens_ends_the_run(shop: Shop) -> None:
    shop.write_endless()

    def fail(_: ModuleResult) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        shop.run("endless", on_result=fail)
    until(lambda: not processes(str(shop.folder)))


_NOTES = """
import sys
from pathlib import Path
from registry_docker_updater.edges.runs.directories import note_process
note_process(Path(sys.argv[1]))
print("noted", flush=True)
input()
"""


def test_a_run_goes_on_by_whatever_path_its_directory_is_reached_and_no_other_process_is_taken_for_it(
    tmp_path: Path,
) -> None:
    """A state directory may be a link; and the number of a process that ended is given to another one."""
    directory = tmp_path / "update-1"
    directory.mkdir()
    (tmp_path / "link").symlink_to(directory)
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", _NOTES, str(directory)], stdin=pipe, stdout=pipe) as process:
        assert process.stdout
        process.stdout.readline()
        assert is_going_on(directory)
        assert is_going_on(tmp_path / "link")
        process.kill()
        process.wait()
    assert not is_going_on(directory)
    for other in (str(os.getpid()), "no number", ""):
        (directory / "process.pid").write_text(other)
        assert not is_going_on(directory)
