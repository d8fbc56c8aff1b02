"""Links to what waits for approval: whoever has one sees it until it expires, and nothing else."""

from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from registry_docker_updater.core.policy.links import plain_path, problem_of_link, signed_path
from unit.builders import NOON, at

KEY = b"a key that nobody else has"
FOREIGN = "this link was not made by this operator, or is not whole"


def problem(
    path: str, rollout: int = 7, key: bytes = KEY, now: datetime = NOON, **changed: str
) -> str | None:
    query = {**dict(parse_qsl(urlsplit(path).query)), **changed}
    return problem_of_link(key, rollout, query["until"], query["signature"], now)


def test_a_link_shows_one_rollout_until_it_expires() -> None:
    path = signed_path(KEY, 7, at(3600))
    assert urlsplit(path).path == "/approve/7"
    assert problem(path) is None
    assert problem(path, now=at(3599)) is None
    assert problem(path, now=at(3600)) == "this link has expired"


@pytest.mark.parametrize(
    "changed",
    [
        {"until": "99999999999"},
        {"signature": "0" * 64},
        {"signature": ""},
        {"signature": "ü"},
        {"until": "٣"},
    ],
)
def test_a_link_that_was_changed_shows_nothing(changed: dict[str, Any]) -> None:
    assert problem(signed_path(KEY, 7, at(3600)), **changed) == FOREIGN


def test_a_link_is_not_for_another_rollout_or_of_another_operator() -> None:
    path = signed_path(KEY, 7, at(3600))
    assert problem(path, rollout=8) == FOREIGN
    assert problem(path, key=b"another") == FOREIGN


def test_without_a_key_a_link_leads_to_the_page_of_the_rollout() -> None:
    assert plain_path(7, at(3600)) == "/rollouts/7"
