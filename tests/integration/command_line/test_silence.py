"""``silence``: want to hear nothing of a trouble that is known, for a while."""

import json
from typing import Any

import pytest

from integration.conftest import Run
from registry_docker_updater.storage.storage import Storage


def test_a_host_is_silenced_listed_and_heard_of_again(history: Storage, run: Run) -> None:
    code, out, _ = run("silence", "solo", "--for", "2h", "--reason", "it moves")
    assert (code, "host     solo" in out, "counts" in out) == (0, True, True)
    (listed,) = json.loads(run("silence", "--list", "--json")[1])
    assert (listed["subject"], listed["of"], listed["reason"]) == ("host", "solo", "it moves")
    assert run("silence", "--end", "1")[0] == 0
    assert "ended by" in run("silence")[1]
    assert history.silences.newest(1)[0].ended_at is not None


def test_until_a_moment_is_in_utc_where_no_zone_is_said(history: Storage, run: Run) -> None:
    assert history
    code, out, _ = run("silence", "production", "--until", "2026-11-01T08:00", "--reason", "x")
    assert code == 1 and out == ""  # noqa: PT018 - one thing
    assert (
        "2026-11-01 08:00:00 UTC has passed"
        in run("silence", "production", "--until", "2026-11-01T08:00Z")[2]
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("solo",), "a silence ends: say --for 2h"),
        (("solo", "--for", "2h"), "a silence has a reason"),
        (("nobody", "--for", "2h", "--reason", "x"), "is called nobody"),
        (("solo", "--for", "0s", "--reason", "x"), "a silence ends later than now"),
        (("--for", "0s"), "say what is to be silenced"),
        (("--end", "7"), "there is no silence 7"),
        (("--for", "2h", "--reason", "x"), "say what is to be silenced"),
        (("solo", "--end", "3"), "not both at once"),
        (("--list", "--for", "2h"), "say what is to be silenced"),
    ],
)
def test_what_is_missing_or_wrong_is_said_with_the_remedy(
    history: Storage, run: Run, given: Any, says: str
) -> None:
    code, out, complaint = run("silence", *given)
    assert (code, out, says in complaint) == (1, "", True)
    assert history.silences.newest(1) == ()


def test_what_is_no_duration_is_wrong_usage(
    history: Storage, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert history
    with pytest.raises(SystemExit):
        run("silence", "solo", "--for", "long")
    assert "'long' is not a duration such as 10s" in capsys.readouterr().err
