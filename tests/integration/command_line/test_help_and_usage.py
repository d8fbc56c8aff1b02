"""What every help tells, what is said where something is not known, and with which codes it ends whatever happens."""

import json
import os
import shlex
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from integration.conftest import Run, Site, until
from registry_docker_updater.cli.command import Command
from registry_docker_updater.cli.exits import USUAL, Exit
from registry_docker_updater.cli.main import COMMANDS, main, parser
from registry_docker_updater.cli.parser import PROGRAM, read
from unit.builders import HOST, NEW

pytestmark = pytest.mark.slow

ENTRY = [sys.executable, "-m", "registry_docker_updater"]
DOCS = Path(__file__).parents[3] / "docs"


def help_of(*command: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_every_help_says_what_the_command_does_with_examples_that_can_be_typed_and_its_exit_codes(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    said = help_of(command.name, capsys=capsys)
    assert " ".join(command.about.split()) in said
    assert command.examples
    for example in command.examples:
        assert f"{PROGRAM} {example}" in said
        assert read(parser(), shlex.split(example.partition(" > ")[0])).command is command
    for code, meaning in {**USUAL, **command.exits}.items():
        assert f"{code} {meaning}" in said


def test_the_exit_codes_are_those_of_the_page_of_commands() -> None:
    page = (DOCS / "commands.md").read_text()
    assert [f"| {code} |" in page for code in Exit] == [True] * len(Exit)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["psuh"], "'psuh' is not known; did you mean push?"),
        (["registryconfig"], "did you mean registry-config?"),
        (["audit", "verfy", "--json"], "'verfy' is not known; did you mean verify?"),
        (["completion", "tcsh"], "argument SHELL: 'tcsh' is not known"),
        (["nonsense"], "'nonsense' is not known; known are serve, status, "),
        (["push", "x", "--wiat"], "unrecognized arguments: --wiat; did you mean --wait?"),
        (["--confg", "x", "events"], "did you mean --config?"),
        (["audit", "export", "--sinse=2026-11-22"], "did you mean --since?"),
        (["events", "--zzz"], "unrecognized arguments: --zzz"),
        (["--json", "serve"], "this prints no JSON: leave --json out"),
        (["--local", "events", "--config", "x"], "--local has settings of its own"),
        (
            ["--server", "https://x", "events", "--config", "x"],
            "--server is somewhere else than the settings",
        ),
    ],
)
def test_what_is_not_known_or_does_not_go_together_ends_with_2_and_what_may_have_been_meant(
    given: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == Exit.USAGE
    assert meant in capsys.readouterr().err


def test_general_options_stand_before_the_command_or_after_it(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ("--config", str(site.config))
    for given in (
        (*config, "--json", "rollouts"),
        (*config, "rollouts", "--json"),
        ("rollouts", "--json", *config),
        ("--json", "rollouts", *config),
        ("--config", "/nowhere", "--json", "rollouts", *config),
        ("--json", "audit", "verify", *config),
    ):
        assert main(given) == 0
        json.loads(capsys.readouterr().out)


def test_a_plan_that_nobody_is_concerned_by_ends_with_4(site: Site, run: Run) -> None:
    site.add_host("solo", f"{HOST}/test/app:1")
    assert run("plan", f"{HOST}/test/app:1@{NEW}")[0] == Exit.DONE
    code, _, err = run("plan", f"{HOST}/test/other:1")
    assert (code, f"no target runs {HOST}/test/other:1" in err) == (Exit.NOBODY, True)
    assert run("plan", f"{HOST}/test/other:1", "--json")[:2] == (Exit.NOBODY, "[]\n")


def test_versions_are_told_without_any_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["versions", "--json", "--config", "/nowhere"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ansible-core"] == version("ansible-core")
    assert (Path(found["collection"]) / "playbooks/update.yml").exists()
    assert {
        "registry-docker-updater",
        "Python",
        "ansible-runner",
        "docker",
        "SQLite",
        "system",
        "kernel",
    } <= found.keys()
    assert main(["versions"]) == 0
    assert f"ansible-core: {version('ansible-core')}\n" in capsys.readouterr().out


def test_settings_are_told_as_they_are_in_force_and_secrets_by_their_place(site: Site, run: Run) -> None:
    code, out, _ = run("settings")
    assert code == 0
    assert "fleet.scan_interval: 1m\n" in out
    assert "rollouts.retry.attempts: 1\n" in out
    assert f"registries.production.secret.file: {site.folder}/secret\n" in out
    assert "audit.heads.log: true\n" in out
    assert "registries.harbor.sweep_interval: never\n" in out
    text = run("settings", "--json")[1]
    found = json.loads(text)
    assert found["registries"]["harbor"]["sweep_interval"] == "never"
    # What is printed is a settings file itself.
    site.config.write_text(text)
    assert run("settings", "--json") == (0, text, "")
    assert found["fleet"]["scan_share"] == "20%"


def test_settings_that_are_wrong_are_told_with_their_lines(site: Site, run: Run) -> None:
    site.config.write_text("registries: {}\nfleat: {}\n")
    code, out, err = run("settings")
    assert (code, out) == (Exit.WRONG, "")
    assert "line 2, column 1: fleat: is not a setting; did you mean fleet?" in err
    assert "line 1, column 1: registries: " in err


def test_the_schema_is_printed_whatever_the_settings_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "--schema", "--config", "/nowhere"]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("given", [["--help"], ["push", "--help"], ["settings", "--schema"]])
def test_whoever_stops_reading_makes_no_noise(given: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*ENTRY, *given], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", [("settings",), ("settings", "--schema"), ("rollouts", "--json")])
def test_what_cannot_be_printed_ends_with_a_sentence(site: Site, command: tuple[str, ...]) -> None:
    """Whether it is noticed in the midst, or when all is said."""
    with Path("/dev/full").open("wb") as full:
        given = [*ENTRY, "--config", str(site.config), *command]
        done = subprocess.run(given, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"{PROGRAM}: cannot print: No space left on device\n")


def test_a_standard_output_that_is_closed_is_read_by_nobody(site: Site) -> None:
    line = f"{shlex.join([*ENTRY, '--config', str(site.config), 'rollouts'])} >&-"
    done = subprocess.run(["sh", "-c", line], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (site.state / "updater.db").read_bytes().startswith(b"SQLite format 3")


def test_whoever_interrupts_a_command_gets_130_and_no_trace(site: Site) -> None:
    site.add_host("solo", f"{HOST}/test/app:1")
    # It asks a host that never answers.
    (site.folder / "hosts.sh").write_text('#!/bin/sh\ntouch "$0.begun"\nexec sleep 60\n')
    (site.folder / "hosts.sh").chmod(0o755)
    site.config.write_text(site.config.read_text().replace("hosts.yml", "hosts.sh"))
    # Whoever runs tests in the background of a shell has it ignored.
    heeding = ("env", "--default-signal=INT")
    process = subprocess.Popen(
        [*heeding, *ENTRY, "--config", str(site.config), "fleet", "--scan"], stderr=subprocess.PIPE, text=True
    )
    until((site.folder / "hosts.sh.begun").exists)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == Exit.INTERRUPTED
    assert "Traceback" not in err
    assert err.endswith(f"{PROGRAM}: interrupted\n")


def test_whoever_interrupts_it_before_it_has_begun_gets_130_too() -> None:
    """Reading all of the code takes a moment, in which many a Ctrl-C falls."""
    interrupts = """
import sys

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "registry_docker_updater.cli.main":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupts())
from registry_docker_updater.__main__ import main
sys.exit(main())
"""
    done = subprocess.run([sys.executable, "-c", interrupts], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (Exit.INTERRUPTED, "")
