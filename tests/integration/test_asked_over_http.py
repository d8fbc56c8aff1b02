"""What is asked of a running operator over HTTP is done once, also where it is killed before anybody has the answer."""

import http.client
import json
from typing import Any

import pytest
import yaml

from integration.conftest import Run, Running, Site, until
from unit.builders import HOST, NEW

ASKED = json.dumps({"image": f"{HOST}/test/app:1@{NEW}"})


@pytest.fixture
def token(site: Site) -> str:
    """A token with which the operator of the site does what is asked."""
    (site.folder / "token").write_text("a-token-to-operate")
    settings = yaml.safe_load(site.config.read_text())
    settings["listen"]["access"] = {"operate": [{"file": "token", "name": "ann"}]}
    site.config.write_text(yaml.safe_dump(settings))
    return "a-token-to-operate"


def sent(running: Running, token: str) -> http.client.HTTPConnection:
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": "5f0c1c3e",
    }
    assert running.port
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
    connection.request("POST", "/api/v1/pushes", ASKED, headers)
    return connection


def pushes(run: Run) -> list[Any]:
    found: list[Any] = json.loads(run("events", "--json")[1])
    return found


def test_a_push_whose_answer_nobody_got_is_not_made_again_by_who_asks_again(
    site: Site, token: str, run: Run
) -> None:
    with site.operator() as running:
        connection = sent(running, token)
        until(lambda: pushes(run))
        running.process.kill()
        running.process.wait()
        connection.close()
    with site.operator() as running:
        answer = sent(running, token).getresponse()
        row = json.loads(answer.read())
        assert (answer.status, row["push"], row["actor"]) == (201, 1, "ann (by hand)")
    assert [row["id"] for row in pushes(run)] == [1]
    assert run("audit", "verify")[0] == 0
