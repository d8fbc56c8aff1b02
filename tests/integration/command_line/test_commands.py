"""The command line as a whole: its help, its exit codes, `check`, snippets, and what is wrong with settings."""

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from integration.command_line.conftest import APP
from integration.conftest import Run, Site
from registry_docker_updater.cli.main import main, parser
from registry_docker_updater.settings.local import settings_file
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import events

pytestmark = pytest.mark.slow

COMMANDS = re.findall(r"^    ([a-z][a-z-]*)(?: |$)", parser().format_help(), re.MULTILINE)


def test_all_commands_of_the_contract_that_are_made_are_listed() -> None:
    assert {
        "serve",
        "check",
        "fleet",
        "plan",
        "push",
        "events",
        "rollouts",
        "rollout",
        "registry-config",
    } <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"registry-docker-updater {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("rollout",),
        ("rollout", "one"),
        ("plan",),
        ("events", "--limit", "many"),
        ("events", "--limit", "0"),
        ("events", "--limit", "9" * 20),
    ],
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: registry-docker-updater" in capsys.readouterr().err


def test_the_command_is_installed_and_tells_its_version() -> None:
    command = Path(sys.executable).parent / "registry-docker-updater"
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(
        r"\d+\.\d+\.\d+\S* \(Python [\d.]+, ansible-core [\d.]+, ansible-runner [\d.]+, docker [\d.]+, SQLite [\d.]+, .+\)\n",
        done.stdout,
    )


def test_settings_that_are_not_there_are_named_with_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", "/nowhere/config.yml", "events"]) == 1
    complaint = capsys.readouterr().err
    assert "/nowhere/config.yml has 1 problem" in complaint
    assert "give --config" in complaint
    assert "Traceback" not in complaint


def test_settings_that_are_wrong_are_listed(site: Site, run: Run) -> None:
    site.config.write_text("registries: {}\nfleat: {}\n")
    code, out, err = run("check")
    assert (code, out) == (1, "")
    assert all(line in err for line in ("registries: ", "fleat: is not a setting", "fleet: is missing"))


def test_a_state_directory_that_cannot_be_made_is_named(site: Site, run: Run) -> None:
    site.state.write_text("in the way")
    code, _, err = run("events")
    assert (code, f"state_directory: cannot make {site.state}" in err) == (1, True)


def test_a_database_of_a_later_version_is_refused_with_what_to_do(
    site: Site, store: Storage, run: Run
) -> None:
    assert events(store, 1) == []
    with sqlite3.connect(site.state / "updater.db") as connection:
        connection.execute("INSERT INTO migrations (name) VALUES ('9999 of tomorrow')")
    code, _, err = run("events")
    assert (
        code,
        f"{site.state}/updater.db is of a later version (9999 of tomorrow), and this is" in err,
    ) == (1, True)
    assert "install that version again, or restore a backup of before the upgrade" in err


def test_check_asks_every_host_and_is_content_when_all_answer(site: Site, run: Run) -> None:
    site.add_host("solo", APP)
    code, out, err = run("check")
    *_, channels, hosts = out.splitlines()
    assert (code, hosts) == (0, "1 of 1 hosts answer, 1 targets")
    assert channels.startswith("channels: default by no channel, gets everything")
    assert "solo: answers" in err


def test_check_finds_a_host_wrong_that_does_not_answer(site: Site, run: Run) -> None:
    site.add_host("solo", APP)
    site.add_host("down", is_down=True)
    code, out, _ = run("check")
    assert code == 1
    assert "wrong: host down: cannot reach the Docker engine at unix://" in out
    assert "there is no such socket" in out
    assert "1 of 2 hosts answer, 1 targets" in out
    code, out, _ = run("check", "--json")
    said = json.loads(out)
    assert (code, said["hosts"], said["targets"], len(said["problems"])) == (1, 2, 1, 1)


def test_check_finds_an_empty_inventory_wrong(site: Site, run: Run) -> None:
    code, out, _ = run("check")
    assert code == 1
    assert f"wrong: fleet: no host of {site.folder}/hosts.yml matches 'all'" in out


def test_check_finds_an_inventory_wrong_that_is_none(site: Site, run: Run) -> None:
    (site.folder / "hosts.yml").write_text("all: [this, is, no, inventory]\n")
    code, out, err = run("check")
    assert code == 1
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("registry", "word"), [("production", "notifications:"), ("harbor", "PUSH_ARTIFACT")]
)
def test_the_snippet_for_a_registry_names_its_address_and_no_secret(
    run: Run, registry: str, word: str
) -> None:
    code, out, _ = run("registry-config", registry, "--url", "https://updater.example.com/")
    assert code == 0
    assert word in out
    assert f'"https://updater.example.com/events/{registry}"' in out
    assert "s3cret" not in out


def test_without_url_the_snippet_has_what_the_settings_say_of_listening(run: Run, site: Site) -> None:
    port = yaml.safe_load(site.config.read_text()).get("listen", {}).get("port", 8080)
    assert f":{port}/events/production" in run("registry-config", "production")[1]
    assert "http://" in run("registry-config", "production")[1]


@pytest.mark.parametrize("url", ["updater:8080", "updater.example.com", "ftp://updater"])
def test_a_url_that_no_registry_can_use_is_refused(run: Run, url: str) -> None:
    code, out, err = run("registry-config", "production", "--url", url)
    assert (code, out, f"--url {url} is no address" in err) == (1, "", True)


def test_what_cannot_be_opened_in_the_state_directory_is_named_with_the_remedy(run: Run, site: Site) -> None:
    (site.state / "operator.lock").mkdir(parents=True)
    code, _, err = run("check")
    assert (code, f"cannot open {site.state}/operator.lock" in err) == (1, True)
    assert "run this as the operator's user" in err


def test_a_run_that_cannot_be_kept_is_named_with_the_remedy(run: Run, site: Site) -> None:
    (site.state / "runs").mkdir(parents=True)
    (site.state / "runs/scans").touch()
    code, _, err = run("fleet", "--scan")
    assert (code, f"cannot keep a run in {site.state}/runs/scans" in err) == (1, True)


def test_local_settings_that_cannot_be_written_are_an_error_with_a_remedy(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(site.config))
    assert main(["--local", "events"]) == 1
    assert "set XDG_STATE_HOME to a folder of yours" in capsys.readouterr().err


@pytest.mark.parametrize(("user", "has_own_place"), [(0, False), (1000, True)])
def test_local_settings_of_a_user_who_is_not_root_keep_the_journals_of_updates_in_a_place_of_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, has_own_place: bool
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    inventory = settings_file({"XDG_STATE_HOME": str(tmp_path)}).with_name("inventory.yml")
    (host,) = yaml.safe_load(inventory.read_text())["all"]["hosts"].values()
    assert ("standalone_container_state_directory" in host) is has_own_place


def test_a_registry_that_is_not_in_the_settings_has_no_snippet(run: Run) -> None:
    code, _, err = run("registry-config", "nobody")
    assert (code, "there are production, harbor" in err) == (1, True)
