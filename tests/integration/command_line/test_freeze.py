"""``freeze`` and ``thaw``: have nothing updated for a while, and again."""

import io
import json
from typing import Any

import pytest

from integration.conftest import Run
from registry_docker_updater.cli.here import Here
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.thaw import meant
from registry_docker_updater.clock import utc_now
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.freezes import FreezeRow
from registry_docker_updater.views.trail import newest
from unit.builders import HOST, NEW, container, fleet, whole


def test_everything_is_frozen_where_nothing_else_is_said_and_thawed_by_its_number(
    history: Storage, run: Run
) -> None:
    code, out, _ = run("freeze", "--reason", "end of year")
    assert (code, "everything" in out, "it is thawed" in out, "counts" in out) == (0, True, True, True)
    (listed,) = json.loads(run("freeze", "--list", "--json")[1])
    assert (listed["scope"], listed["of"], listed["until"], listed["reason"]) == (
        "everything",
        "",
        None,
        "end of year",
    )
    assert run("thaw", "1")[0] == 0
    assert "thawed by" in run("freeze", "--list")[1]
    assert history.freezes.counting(utc_now()) == ()


def test_status_says_first_what_is_frozen_and_by_whom(history: Storage, run: Run) -> None:
    assert history
    run("freeze", "solo", "--until", "2999-01-01T00:00Z", "--reason", "it moves")
    first = run("status")[1].splitlines()[0]
    assert first.startswith("frozen: host solo is frozen by ")
    assert first.endswith(" until 2999-01-01 00:00 UTC: it moves")
    (row,) = json.loads(run("status", "--json")[1])["freezes"]
    assert (row["of"], row["counts"]) == ("solo", True)
    run("thaw", "solo")
    assert "frozen" not in run("status")[1]
    assert json.loads(run("status", "--json")[1])["freezes"] == []


def test_all_that_is_frozen_of_one_thing_is_thawed_by_what_it_is_of(history: Storage, run: Run) -> None:
    run("freeze", "solo", "--for", "2h", "--reason", "it moves")
    run("freeze", "host:solo", "--reason", "it moved")
    run("freeze", "--reason", "end of year")
    code, out, _ = run("thaw", "host:solo", "--json")
    assert (code, sorted(row["id"] for row in json.loads(out))) == (0, [1, 2])
    assert [row["id"] for row in json.loads(run("status", "--json")[1])["freezes"]] == [3]
    assert run("thaw", "everything")[0] == 0
    code, out, complaint = run("thaw", "everything")
    assert (code, out, "no freeze that counts is of everything" in complaint) == (1, "", True)
    assert history


def test_what_somebody_else_thawed_meanwhile_keeps_nothing_else_frozen(
    history: Storage, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reason in ("it moves", "it moved", "it stays"):
        run("freeze", "solo", "--reason", reason)
    thaw = Here.thaw

    def after_somebody_else(source: Here, number: int) -> FreezeRow:
        if number == 2:
            thaw(source, number)
        return thaw(source, number)

    monkeypatch.setattr(Here, "thaw", after_somebody_else)
    code, out, remarks = run("thaw", "solo", "--json")
    assert (code, sorted(one["id"] for one in json.loads(out))) == (0, [1, 3])
    assert "freeze 2 has ended already" in remarks
    assert history.freezes.counting(utc_now()) == ()


def row(scope: str, of: str, *managers: str) -> Any:
    return {"scope": scope, "of": of, "managers": list(managers)}


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("everything", [("everything", "")]),
        ("one", [("swarm", "one")]),
        ("swarm:m2", [("swarm", "one")]),
        ("m1", [("host", "m1")]),
        ("prod/*", [("repository", "prod/*")]),
        ("group:shop", [("group", "shop")]),
    ],
)
def test_what_is_to_be_thawed_is_called_as_it_was_frozen(what: str, found: list[tuple[str, str]]) -> None:
    rows = [
        row("everything", ""),
        row("swarm", "one", "m1", "m2"),
        row("host", "m1"),
        row("host", "shop"),
        row("group", "shop"),
        row("repository", "prod/*"),
    ]
    assert [(one["scope"], one["of"]) for one in meant(rows, what)] == found
    with pytest.raises(NothingKnown, match="say which: group:shop, host:shop"):
        meant(rows, "shop")
    with pytest.raises(NothingKnown, match="no freeze that counts is of m2"):
        meant(rows, "m2")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("freeze",), "say by --reason TEXT why everything is to be frozen; --list lists what is"),
        (("freeze", "", "--reason", "x"), "say what is to be frozen"),
        (("freeze", "solo", "--reason", " "), "a freeze has a reason"),
        (("freeze", "nobody", "--reason", "x"), "is called nobody"),
        (("freeze", "--until", "2026-11-01T08:00", "--reason", "x"), "2026-11-01 08:00:00 UTC has passed"),
        (("freeze", "--list", "--reason", "x"), "not both at once"),
        (("freeze", "--for", "0s", "--reason", "x"), "a freeze ends later than now"),
        (("freeze", "--list", "--for", "0s"), "not both at once"),
        (("thaw", "7"), "there is no freeze 7"),
        (("thaw", "9" * 5000), "no freeze that counts is of 9999"),
        (("thaw", "solo"), "no freeze that counts is of solo"),
    ],
)
def test_what_is_missing_or_wrong_is_said_with_the_remedy(
    history: Storage, run: Run, given: tuple[str, ...], says: str
) -> None:
    code, out, complaint = run(*given)
    assert (code, out, says in complaint) == (1, "", True)
    assert history.freezes.change_counter() == 0


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_nobody_is_to_miss_is_red_on_a_terminal_and_cannot_command_it() -> None:
    said = {}
    for kind in (_Terminal, io.StringIO):
        out = kind()
        Output(out, io.StringIO()).alarm("frozen: \x1b[2J")
        said[kind] = out.getvalue()
    assert said == {_Terminal: "\x1b[1;31mfrozen: \\x1b[2J\x1b[0m\n", io.StringIO: "frozen: \\x1b[2J\n"}


def test_who_forces_a_push_is_told_which_freeze_that_breaks_and_the_trail_keeps_who_did(
    store: Storage, run: Run
) -> None:
    store.fleet.apply(whole(fleet(container())))
    run("freeze", "--reason", "end of year")
    image = f"{HOST}/test/app:1@{NEW}"
    code, out, remarks = run("push", image)
    assert (code, out) == (0, f"recorded: {image}, for 1 target, of which 1 waits\n")
    assert "waits: container web at host solo: is frozen by " in remarks
    assert "--force breaks a freeze" in remarks
    code, out, remarks = run("push", image, "--force", "--json")
    said = json.loads(out)
    assert (code, said["targets"], said["waiting"]) == (0, 1, {})
    assert [
        why.endswith("until somebody thaws it: end of year") for why in said["breaks"]["container/solo/web"]
    ] == [True]
    assert "waits: " not in remarks
    last = newest(store, 1)[0][0]
    assert last["kind"] == "push.insisted"
    assert "although it is frozen by " in last["says"]
    assert last["says"].endswith("until somebody thaws it: end of year, on container/solo/web")
