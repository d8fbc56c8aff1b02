"""``audit verify``, ``show`` and ``export``; and what others can make of an export, with what the docs tell them."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.audit.lived import live, rows, sql
from integration.conftest import Run, Site
from registry_docker_updater.core.audit.entries import TrailHead
from registry_docker_updater.core.audit.heads import head_text

ROOT = Path(__file__).parents[3]


@pytest.fixture
def lived(site: Site) -> Path:
    site.add_host("solo")
    site.state.mkdir()
    live(site.state / "updater.db")
    return site.state / "updater.db"


def test_verify_says_that_all_is_as_it_was_kept_and_what_only_a_head_elsewhere_can_tell(
    lived: Path, run: Run, tmp_path: Path
) -> None:
    code, out, _ = run("audit", "verify")
    last = rows(lived, "trail")[-1]
    assert code == 0
    assert (
        f"the trail holds: {last['id']} entries, and all that they tell of; its head is {last['hash']}" in out
    )
    assert "--against FILE" in out
    (tmp_path / "heads").write_text(head_text(TrailHead(last["id"], last["hash"])))
    code, out, _ = run("audit", "verify", "--against", str(tmp_path / "heads"))
    assert (code, "--against" in out) == (0, False)


def test_verify_says_what_is_wrong_where_and_since_when_and_ends_with_1(lived: Path, run: Run) -> None:
    with sql(lived) as connection:
        connection.execute("UPDATE outcomes SET outcome = 'updated' WHERE rowid = 1")
    code, out, _ = run("audit", "verify")
    assert code == 1
    said = "wrong: outcomes, row 1 container/solo/web: outcome is not as entry 6 says (after 2026-11-22T12:00:05.000000Z)"
    assert out.splitlines() == [said, "the trail does not hold: 1 thing(s) are not as they were kept"]
    code, out, _ = run("audit", "verify", "--json")
    verified = json.loads(out)
    assert (code, verified["holds"], verified["flaws"][0]["sequence"]) == (1, False, 6)
    assert verified["flaws"][0]["since"] == "2026-11-22T12:00:05.000Z"


@pytest.mark.parametrize("content", ["", "trail head soon", None])
def test_verify_against_what_holds_no_head_is_refused_instead_of_passing(
    lived: Path, run: Run, tmp_path: Path, content: str | None
) -> None:
    assert lived
    if content is not None:
        (tmp_path / "heads").write_text(content)
    code, _, said = run("audit", "verify", "--against", str(tmp_path / "heads"))
    assert code == 1
    assert ("holds no head of a trail" if content is not None else "cannot read") in said


def test_show_tells_the_story_of_a_rollout_in_order(lived: Path, run: Run) -> None:
    assert lived
    code, out, _ = run("audit", "show", "1")
    kinds = re.findall(r"Z  ([a-z]+\.[a-z_]+)  ", out)
    assert code == 0
    assert kinds == [
        "event.received",
        "pushes.matched",
        "run.began",
        "target.ended",
        "run.ended",
        "news.routed",
        "team.told",
        "news.came",
        "rollout.retried",
        "rollout.refused",
    ]
    assert "ann asked for it, command line; whatever came before on container/solo/web" in out
    code, out, _ = run("audit", "show", "1", "--json")
    assert [row["kind"] for row in json.loads(out)] == kinds
    assert run("audit", "show", "9")[0] == 1


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_export_writes_every_entry_with_what_is_needed_to_check_it(lived: Path, run: Run) -> None:
    code, out, _ = run("audit", "export")
    exported = lines(out)
    assert code == 0
    assert [one["hash"] for one in exported] == [row["hash"] for row in rows(lived, "trail")]
    assert all(one["content"] for one in exported)


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        (("--by", "bob"), ["event.received", "event.received"]),
        (
            ("--by", "ann"),
            [
                "rollout.retried",
                "silence.began",
                "silence.ended",
                "freeze.began",
                "freeze.ended",
                "rollout.refused",
                "event.received",
                "push.insisted",
            ],
        ),
        (("--host", "solo"), ["run.began", "target.ended", "run.ended"]),
        (("--image", "test/app:4"), ["event.received"]),
        (
            ("--image", "registry.example.com/test/app:1", "--until", "2026-11-22T12:00:03.001Z"),
            ["event.received", "run.began"],
        ),
        (("--image", "elsewhere.example.com/test/app:9"), []),
        (("--since", "2026-11-22T12:00:09"), ["event.received", "push.insisted"]),
        (("--by", "nobody"), []),
    ],
)
def test_export_writes_what_is_asked_for_and_of_what_lies_between_the_hashes_only(
    lived: Path, run: Run, asked: tuple[str, ...], kinds: list[str]
) -> None:
    assert lived
    _, out, said = run("audit", "export", *asked)
    exported = lines(out)
    assert [one["kind"] for one in exported if one["content"]] == kinds
    assert said == ("" if kinds else "no entry of the trail is of all that\n")
    numbers = [one["sequence"] for one in exported]
    assert numbers == list(range(min(numbers), max(numbers) + 1)) if numbers else kinds == []


def test_a_time_that_is_none_is_refused(lived: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert lived
    with pytest.raises(SystemExit, match="2"):
        run("audit", "export", "--since", "yesterday")
    assert "'yesterday' is no time such as 2026-11-22T12:00Z" in capsys.readouterr().err


@pytest.fixture
def verifier(tmp_path: Path) -> Callable[[str], "subprocess.CompletedProcess[str]"]:
    """The program that the docs have for somebody else."""
    program = re.findall(r"```python\n(.*?)```", (ROOT / "docs/audit.md").read_text(), re.DOTALL)[0]

    def check(export: str) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "export.jsonl").write_text(export)
        command = [sys.executable, "-c", program, str(tmp_path / "export.jsonl")]
        return subprocess.run(command, text=True, capture_output=True, check=False)

    return check


@pytest.mark.parametrize("asked", [(), ("--by", "ann"), ("--host", "solo")])
def test_what_the_docs_tell_others_is_enough_to_check_an_export(
    lived: Path,
    run: Run,
    verifier: Callable[[str], "subprocess.CompletedProcess[str]"],
    asked: tuple[str, ...],
) -> None:
    assert lived
    out = run("audit", "export", *asked)[1]
    checked = verifier(out)
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.split()[-1] == lines(out)[-1]["hash"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"outcome": "rolled_back"', '"outcome": "updated"', "what it says was changed"),
        ('"kind": "run.began"', '"kind": "run.ended"', "was changed"),
        (
            '"at": "2026-11-22T12:00:03.000000Z", "kind"',
            '"at": "2026-11-22T12:00:04.000000Z", "kind"',
            "was changed",
        ),
    ],
)
def test_what_the_docs_tell_others_is_enough_to_find_what_was_changed(
    lived: Path,
    run: Run,
    verifier: Callable[[str], "subprocess.CompletedProcess[str]"],
    old: str,
    new: str,
    said: str,
) -> None:
    assert lived
    out = run("audit", "export")[1]
    assert old in out
    checked = verifier(out.replace(old, new))
    assert (checked.returncode, said in checked.stderr) == (1, True)
    without_one = "\n".join(line for number, line in enumerate(out.splitlines()) if number != 3)
    assert "does not follow" in verifier(without_one).stderr
