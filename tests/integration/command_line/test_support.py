"""`support` writes what a report of a bug is to tell, whatever is broken; of secrets that are planted everywhere it holds none."""

import json
import stat
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.command_line.conftest import APP
from integration.conftest import Run, Site
from integration.keeping import ONCE, begin, end
from registry_docker_updater.cli import support
from registry_docker_updater.cli.main import main
from registry_docker_updater.cli.redaction import Redactor, own_words
from registry_docker_updater.core.events.pushes import Push, Unreadable
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.storage.storage import Storage
from unit.builders import NEW, OLD, container, host, whole
from unit.engines import container_of, engine_with, played_engine

pytestmark = pytest.mark.slow

# Of several kinds: with digits, of letters only, in several words, of digits only.
PLANTED = (
    "hunter2-of-the-settings", "sesamoeffnedich", "correct zebra battery-staple giraffe", "48151623421", "pw-in-an-address",
    "token-of-the-environment", "password-in-the-inventory", "header-of-the-inventory", "value-of-a-label", "said-by-a-playbook",
    "logged-by-a-container", "body-of-an-event", "journal-line-secret", "name-of-a-receiver-pw",
)  # fmt: skip
(SETTINGS, LETTERS, WORDS, DIGITS, ADDRESS, ENVIRONMENT, INVENTORY, HEADER, LABEL, SAID, LOGGED, BODY, JOURNAL, NAME) = PLANTED  # fmt: skip


def opened(file: Path) -> dict[str, str]:
    with tarfile.open(file) as archive:
        found = {one.name.partition("/")[2]: archive.extractfile(one) for one in archive}
        return {name: stream.read().decode() for name, stream in found.items() if stream}


def no_secret_in(files: dict[str, str]) -> None:
    everything = "\n".join(files.values())
    # Also not as a part, such as the words of one that has several.
    parts = {part for one in PLANTED for part in one.split()}
    assert not [one for one in parts if one in everything]


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock of journalctl: no unit of that name runs where tests do."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/journalctl"
    said = f"rollout 1 failed: {JOURNAL} Authorization: Bearer {LETTERS}"
    line = {"time": "2026-11-27T12:00:00.123Z", "level": "info", "message": said, "host": "solo"}
    program.write_text(f"#!/bin/sh\necho '{said} on solo'\necho '{json.dumps(line)}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")


@pytest.fixture
def planted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPS_TOKEN", ENVIRONMENT)
    site.add_host("solo", APP)
    site.add_host("down", is_down=True)
    site.hosts["solo"] |= {
        "ansible_become_password": INVENTORY,
        "registry_headers": {"Authorization": f"Bearer {HEADER}"},
    }
    # Whoever writes a password into an address has it in what fails to reach it.
    site.hosts["down"]["docker_engine"] = {"docker_host": f"tcp://bob:{ADDRESS}@127.0.0.1:1", "timeout": 2}
    site.hosts["down"]["docker_update_policy"] = {"window": WORDS}
    site.write()
    settings = yaml.safe_load(site.config.read_text())
    settings["registries"][LETTERS] = {
        "format": "distribution",
        "hosts": [f"{SETTINGS}.example.com"],
        "secret": {"env": "SHOPS_TOKEN"},
        "url": "http://127.0.0.1:1/",
    }
    settings["notifications"] = {"receivers": {NAME: {"gets": [{"repositories": [WORDS, DIGITS]}]}}}
    site.config.write_text(yaml.safe_dump(settings, sort_keys=False))


def labelled_engine(site: Site) -> None:
    labels = {
        "registry-docker-updater": "true",
        "registry-docker-updater.window": LABEL,
        "com.example.token": LETTERS,
    }
    one = container_of("web0", APP)
    one["Config"]["Labels"] = labels
    site.stack.enter_context(played_engine(site.sockets / "other.sock", engine_with(one)))
    site.hosts["other"] = {
        "docker_engine": {"docker_host": f"unix://{site.sockets / 'other.sock'}", "timeout": 5}
    }
    site.write()


def lived(store: Storage) -> None:
    """One push, with a rollout that failed, and said what it should not have."""
    now = datetime.now(UTC)
    push = Push("production", "test/app", "1", NEW, now, "event 1", f"alice {LETTERS}")
    store.events.record("production", [push, Unreadable(f"no JSON: {BODY}", BODY)], now)
    web = container("web")
    store.fleet.apply(whole(Fleet({"solo": host("solo", now)}, {web.key: web})))
    begin(store, now, web)
    message = f"cannot log in to https://bob:{ADDRESS}@registry: {SAID}, '{WORDS}'; PIN {DIGITS}"
    outcome = TargetOutcome(
        web.key, web.kind, web.name, web.place, Outcome.FAILED, OLD, OLD, message, log=(LOGGED,)
    )
    end(store, now, outcome, retry=ONCE)


@pytest.mark.usefixtures("planted", "journal")
def test_a_report_tells_how_everything_stands_and_no_secret(site: Site, store: Storage, run: Run) -> None:
    settings = site.config.read_text()
    labelled_engine(site)
    site.config.write_text(settings)
    lived(store)
    file = site.folder / "report.tar.gz"
    code, out, _ = run("support", "--output", str(file))
    assert (code, out.startswith(f"{file}: ")) == (0, True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    files = opened(file)
    no_secret_in(files)
    content: dict[str, Any] = {
        name.removesuffix(".json"): json.loads(text) for name, text in files.items() if name.endswith(".json")
    }
    assert content["versions"]["registry-docker-updater"]
    assert content["problems"] == []
    assert content["settings"]["fleet"]["scan_interval"] == "60s"
    (outcome,) = content["outcomes"][0]["targets"]
    assert (outcome["outcome"], outcome["kind"]) == ("failed", "container")
    assert outcome["message"].startswith("cannot log in to #")
    assert any("cannot reach" in one for one in content["check"]["problems"])
    assert content["status"]["troubles"][0]["kind"] == "no_operator"
    text, line = files["log.txt"].splitlines()
    assert text.startswith("rollout 1 failed: #")
    logged = json.loads(line)
    assert (logged["time"], logged["level"]) == ("2026-11-27T12:00:00.123Z", "info")
    assert logged["message"].startswith("rollout 1 failed: #")
    # The host's name is a word of ours, and the same everywhere.
    assert {logged["host"], text.split()[-1]} <= {one["name"] for one in content["fleet"]["hosts"]}


def test_it_is_written_when_the_settings_are_wrong(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With secrets in all the wrong places, names of settings among them."""
    site.config.write_text(
        f"{LETTERS}: {SETTINGS}\n"
        f"registries: {{production: {{format: harbor, hosts: ['https://bob:{ADDRESS}@x'], secret: {DIGITS},"
        f" url: 'https://bob:{ADDRESS}@x'}}}}\n"
        f"fleet: {{inventory: '{WORDS}', password: {SETTINGS}, hosts: [{WORDS}]}}\n"
        f"rollouts: {{timeout: {LETTERS}, workers: {DIGITS}}}\n"
    )
    file = tmp_path / "report.tar.gz"
    assert main(["support", "--config", str(site.config), "--output", str(file)]) == 0
    files = opened(file)
    no_secret_in(files)
    problems = json.loads(files["problems.json"])
    assert any(one.startswith("  line 1, column 1: #") for one in problems)
    assert any("is not a setting" in one for one in problems)
    assert json.loads(files["settings.json"])["registries"]
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"\xff", b"a: [", b"", None])
def test_it_is_written_when_the_settings_cannot_be_read(
    site: Site, tmp_path: Path, content: bytes | None
) -> None:
    site.config.unlink()
    if content is not None:
        site.config.write_bytes(content)
    file = tmp_path / "report.tar.gz"
    assert main(["--config", str(site.config), "support", "--output", str(file)]) == 0
    assert len(json.loads(opened(file)["problems.json"])) == 2


def test_a_file_that_is_there_is_not_replaced(site: Site, run: Run) -> None:
    site.config.write_text("")
    file = site.folder / "report.tar.gz"
    file.write_text("mine")
    code, _, err = run("support", "--output", str(file))
    assert (code, file.read_text()) == (1, "mine")
    assert "File exists; --output names another file" in err


def test_it_is_written_whatever_else_is_broken(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError(LETTERS)

    monkeypatch.setattr(support, "struck_out", broken)
    monkeypatch.setattr(support, "Parts", broken)
    file = tmp_path / "report.tar.gz"
    assert main(["--config", str(site.config), "support", "--output", str(file)]) == 0
    files = opened(file)
    no_secret_in(files)
    assert json.loads(files["settings.json"]) == {"error": "KeyError"}
    assert json.loads(files["problems.json"]) == ["KeyError: #1"]


def test_whoever_interrupts_it_gets_no_half_of_it(
    site: Site, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    site.config.write_text("")
    monkeypatch.setattr(tarfile.TarFile, "addfile", interrupted)
    file = site.folder / "report.tar.gz"
    assert run("support", "--output", str(file))[0] == 130
    assert not file.exists()


def test_what_is_a_name_is_struck_out_also_where_it_is_a_word_of_ours() -> None:
    names = ("web", "db", "manager", "root", "welcome", "AKIA")
    redactor = Redactor(own_words())
    rows = [{"name": name, "place": "db", "state": "failed"} for name in names]
    redactor.learn(rows)
    assert redactor.value(rows)[0] == {"name": "#1", "place": "#2", "state": "failed"}
    assert redactor.text("host web, asked by db: cannot reach") == "host #1, asked by #2: cannot reach"
    shown = "summer welcome AKIA manager root is it summer there"
    assert redactor.learned("the summer").startswith("#")
    kept = [word for word in redactor.text(shown).split() if not word.startswith("#")]
    assert kept == ["is", "it", "there"]


def test_a_line_of_a_log_of_json_is_one_afterwards() -> None:
    redactor = Redactor(own_words())
    line = json.dumps(
        {"time": "2026-11-27T12:00:00Z", "level": "info", "message": "host asked: hunter2", "target": "web"}
    )
    assert json.loads(redactor.line(line)) == {
        "time": "2026-11-27T12:00:00Z", "level": "info", "message": "host asked: #1", "target": "#2",
    }  # fmt: skip
    assert redactor.line("[1, 2") == "[1, 2"


def test_the_same_text_is_struck_out_by_the_same_number_and_our_own_words_stay() -> None:
    redactor = Redactor(own_words())
    assert redactor.text("cannot reach web1.example.com: 'web1.example.com' is no host (asked 12:30:01)") == (
        "cannot reach #1: #1 is no host (asked 12:30:01)"
    )
    assert redactor.value({"message": "web1.example.com", "count": 3, "x1": [123456, 1.5, None, True]}) == {
        "message": "#1",
        "count": 3,
        "#2": ["#3", 1.5, None, True],
    }
