"""The process that has imported Ansible once, and is forked for each run: quick, and no different from Ansible itself."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psutil
import pytest

from integration.ansibles import since
from integration.conftest import until
from integration.shops import MINUTE, Shop, processes
from registry_docker_updater.edges.runs import forked_playbook, forks
from registry_docker_updater.edges.runs.kept_runs import output_of
from registry_docker_updater.edges.runs.playbooks import AnsiblePlaybooks
from registry_docker_updater.edges.runs.port import Playbook

pytestmark = pytest.mark.slow

_CONFIG = (
    "    - ansible.builtin.debug: {msg: \"{{ lookup('ansible.builtin.config', 'DEFAULT_TIMEOUT') }}\"}\n"
)


def server_of(process: int) -> psutil.Process:
    """The fork server among the ancestors of a process."""
    return next(one for one in psutil.Process(process).parents() if one.cmdline()[0].endswith("fork server"))


def test_runs_are_forked_from_one_process_that_has_imported_ansible(shop: Shop) -> None:
    shop.write_endless()
    playbooks = shop.playbooks
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(playbooks.run, Playbook("endless"), shop.runs / str(n), MINUTE) for n in (1, 2)]
        until(lambda: len(shop.at_work()) == 2)
        servers = {server_of(worker).pid for worker in shop.at_work()}
        playbooks.stop()
        assert [run.result(30).status for run in runs] == ["canceled"] * 2
    assert len(servers) == 1


def test_settings_of_ansible_that_were_changed_count_for_the_next_run(shop: Shop) -> None:
    shop.write("asks", _CONFIG)
    playbooks = shop.playbooks
    said: list[Any] = []
    for seconds in (11, 12):
        (shop.folder / "ansible.cfg").write_text(f"[defaults]\ntimeout = {seconds}\n# {'x' * seconds}\n")
        ended = playbooks.run(Playbook("asks"), shop.runs, MINUTE)
        said += [int(result.result["msg"]) for result in ended.results]
    assert said == [11, 12]


def test_filters_of_the_shop_that_were_changed_count_for_the_next_run(shop: Shop) -> None:
    filters = shop.folder / "filters"
    filters.mkdir()
    (shop.folder / "ansible.cfg").write_text("[defaults]\nfilter_plugins = filters\n")
    shop.write("asks", "    - ansible.builtin.debug: {msg: \"{{ 'x' | ours }}\"}\n")
    playbooks = shop.playbooks
    said: list[Any] = []
    for answer in ("first", "second answer"):
        filter_ = (
            f"class FilterModule:\n    def filters(self):\n        return {{'ours': lambda _: {answer!r}}}\n"
        )
        (filters / "ours.py").write_text(filter_)
        ended = playbooks.run(Playbook("asks"), shop.runs, MINUTE)
        said += [result.result["msg"] for result in ended.results]
    assert said == ["first", "second answer"]


@since("2.19", "has workers that end with their task, and not with ansible-playbook")
def test_a_server_that_is_killed_costs_the_run_that_goes_on_and_no_other(shop: Shop) -> None:
    shop.write_endless()
    shop.write("asks", _CONFIG)
    playbooks = shop.playbooks
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(playbooks.run, Playbook("endless"), shop.runs, MINUTE)
        until(shop.at_work)
        server_of(shop.at_work()[0]).send_signal(signal.SIGKILL)
        assert run.result(30).status == "failed"
    until(lambda: not processes(str(shop.folder)))
    assert playbooks.run(Playbook("asks"), shop.runs, MINUTE).status == "successful"


def test_a_server_that_does_not_answer_any_more_is_replaced(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write("asks", _CONFIG)
    playbooks = shop.playbooks
    assert playbooks.run(Playbook("asks"), shop.runs / "1", MINUTE).status == "successful"
    until(lambda: playbooks.trouble() is None)
    monkeypatch.setattr(forks, "_LONGEST_FORK", 1.0)
    servers = [one for one in psutil.Process().children() if one.cmdline()[0].endswith("fork server")]
    (server,) = [one for one in servers if one.cwd() == str(shop.folder)]
    server.suspend()
    try:
        assert playbooks.run(Playbook("asks"), shop.runs / "2", MINUTE).status == "successful"
        until(lambda: not server.is_running())
    finally:
        with suppress(psutil.NoSuchProcess):
            server.kill()
    assert playbooks.trouble() is None


def test_without_a_server_a_run_gets_ansible_playbook_itself(shop: Shop) -> None:
    environment = {**os.environ, forked_playbook.FORK_SERVER: str(shop.folder / "nobody")}
    done = subprocess.run(
        [sys.executable, "-I", "-S", forked_playbook.__file__, "--version"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("ansible-playbook [core ")


def test_what_a_server_was_prepared_for_is_all_that_it_gives(shop: Shop) -> None:
    """A playbook in another environment would have the settings of this one."""
    shop.write_endless()
    with ThreadPoolExecutor(1) as pool:
        playbooks = shop.playbooks
        run = pool.submit(playbooks.run, Playbook("endless"), shop.runs, MINUTE)
        until(shop.at_work)
        path = psutil.Process(server_of(shop.at_work()[0]).pid)
        addresses = (str(one.laddr) for one in path.net_connections("unix"))
        address = next(one for one in addresses if one.endswith("/forks"))
        done = subprocess.run(
            [sys.executable, "-I", "-S", forked_playbook.__file__, "--version"],
            env={**os.environ, "ANSIBLE_TIMEOUT": "3", forked_playbook.FORK_SERVER: address},
            cwd=shop.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        playbooks.stop()
        run.result(30)
    assert done.stdout.startswith("ansible-playbook [core ")


def test_when_the_operator_ends_no_server_is_started_any_more_and_runs_are_stopped_not_dead(
    shop: Shop,
) -> None:
    shop.write("asks", _CONFIG)
    playbooks = shop.playbooks
    playbooks.stop()
    assert playbooks.run(Playbook("asks"), shop.runs, MINUTE).was_stopped
    assert not processes("fork_server", str(shop.folder))
    children = psutil.Process().children()
    assert not [one for one in children if one.is_running() and one.cwd() == str(shop.folder)]


@pytest.mark.parametrize(
    "unknown", ["_EVERY = ('gone',)", "_POLLING = 'GONE'"], ids=["its plugins", "its settings"]
)
def test_an_ansible_that_is_made_in_another_way_is_started_anew_for_each_run(
    shop: Shop, unknown: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As one of a later version may be; it costs time, and no run."""
    (shop.folder / "sitecustomize.py").write_text(
        "import sys\n"
        "if any('fork_server' in one for one in sys.orig_argv):\n"
        "    from registry_docker_updater.edges.runs import forked\n"
        f"    forked.{unknown}\n"
    )
    shop.write("asks", _CONFIG)
    shop.environment["PYTHONPATH"] = str(shop.folder)
    playbooks = AnsiblePlaybooks(shop.folder / "hosts.yml", shop.folder, shop.environment, ["PYTHONPATH"])
    ended = playbooks.run(Playbook("asks"), shop.runs, MINUTE)
    assert (ended.status, [str(one.result["msg"]) for one in ended.results]) == ("successful", ["10"])
    said = caplog.text + output_of(ended.directory)
    assert "anew" in said
    assert "gone" in said.lower()
