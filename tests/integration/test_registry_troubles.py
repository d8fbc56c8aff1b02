"""One repository's trouble is not its registry's: neither for the sweep, nor for `check`."""

import itertools
import json
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from integration.registries import PASSWORD, USER, played
from registry_docker_updater.activities.poll import check_registry
from registry_docker_updater.activities.questions import PolledRegistry, Questions
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.policy.following import Follower, read_follow
from registry_docker_updater.edges.registry.client import RegistryClient
from registry_docker_updater.edges.registry.login import Login
from registry_docker_updater.errors import RegistryUnavailable, RepositoryUnavailable
from registry_docker_updater.metrics import Metrics
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, NEW, NOON, container, fleet

pytestmark = pytest.mark.slow

BAD = "test/app00"
GOOD = [f"test/app{number:02}" for number in range(1, 21)]
Reply = tuple[int, Mapping[str, str], bytes]
WANTS_USER: Reply = (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
FOUND: Reply = (200, {"Docker-Content-Digest": NEW}, b"")


class Played:
    """A registry whose /v2/ and whose bad repository answer as told; all others tell their digest to anybody."""

    def __init__(self, stack: ExitStack, of_v2: Reply, of_bad: Reply) -> None:
        self.of_v2, self.of_bad = of_v2, of_bad
        self.asked: Counter[str] = Counter()
        self.url = stack.enter_context(played(self._answer))

    def _answer(self, _method: str, path: str, _headers: Mapping[str, str], _body: bytes) -> Reply:
        self.asked[path] += 1
        if path == "/v2/":
            return self.of_v2
        return self.of_bad if BAD in path else FOUND

    def polled(self, login: Login | None = None) -> PolledRegistry:
        client = RegistryClient("production", self.url, lambda: login)
        return PolledRegistry("production", (HOST,), client, timedelta(hours=1))


NOBODY: Mapping[str, Collection[Follower]] = {}


def running(*repositories: str) -> Fleet:
    return fleet(*(container(name.replace("/", "-"), image=f"{HOST}/{name}:1") for name in repositories))


def sweep(polled: PolledRegistry, folder: Path, known: Fleet, seconds: float) -> set[str]:
    """Have so much time go by for the sweep; return the repositories whose push it found."""
    now = NOON
    database = Database(folder / "updater.db")
    store = Storage(database)
    questions = Questions(
        store,
        polled,
        fleet=lambda: known,
        followed=lambda: NOBODY,
        wake=lambda: None,
        clock=lambda: now,
        steady=lambda: now,
        metrics=Metrics(),
    )
    end = now + timedelta(seconds=seconds)
    while now < end:
        now = min(end, now + timedelta(seconds=questions.step(is_lost=False)))
    found = {name for name in [BAD, *GOOD] if store.events.newest_push("production", name, "1")}
    database.close()
    return found


HANGS_UP: Reply = (0, {}, b"")
BAD_ANSWERS = [
    pytest.param((500, {}, b""), id="500"),
    pytest.param((503, {"Retry-After": "900"}, b""), id="503 for a while"),
    pytest.param((429, {"Retry-After": "900"}, b""), id="429"),
    pytest.param((403, {}, b""), id="403"),
    pytest.param(WANTS_USER, id="401"),
    pytest.param((401, {"WWW-Authenticate": "Bearer realm="}, b""), id="401 with a challenge that is none"),
    pytest.param(HANGS_UP, id="hangs up"),
    pytest.param((302, {"Location": "/v2/" + BAD + "/manifests/1"}, b""), id="sends round in a circle"),
    pytest.param((200, {"Docker-Content-Digest": "sha256:short"}, b""), id="no digest"),
    pytest.param((200, {}, b"<html>"), id="no manifest"),
    pytest.param((200, {}, b'{"manifests": ' + b"[" * 100_000), id="too deep a manifest"),
    pytest.param((200, {}, b'["schemaVersion"]'), id="a list"),
]


@pytest.mark.parametrize("of_bad", BAD_ANSWERS)
@pytest.mark.parametrize("of_v2", [FOUND, WANTS_USER], ids=["open", "v2 wants a user"])
def test_one_bad_repository_keeps_no_other_from_being_swept(
    stack: ExitStack, tmp_path: Path, of_v2: Reply, of_bad: Reply
) -> None:
    """It is asked for again at intervals that grow, and the others at once."""
    site = Played(stack, of_v2, of_bad)
    assert sweep(site.polled(), tmp_path, running(BAD, *GOOD), 60) == set(GOOD)
    assert site.asked[f"/v2/{BAD}/manifests/1"] <= 8  # each time twice at the most, and with redirects
    site.of_bad = FOUND
    assert BAD in sweep(site.polled(), tmp_path, running(BAD, *GOOD), 3600)


def test_many_bad_repositories_keep_no_other_from_being_swept(stack: ExitStack, tmp_path: Path) -> None:
    site = Played(stack, WANTS_USER, (500, {}, b""))
    bad = [f"{BAD}/{number:02}" for number in range(30)]
    assert sweep(site.polled(), tmp_path, running(*bad, *GOOD), 600) == set(GOOD)
    assert sum(often for path, often in site.asked.items() if BAD in path) < 120


@pytest.mark.parametrize("of_bad", BAD_ANSWERS)
def test_check_tells_of_the_one_bad_repository_and_goes_on(stack: ExitStack, of_bad: Reply) -> None:
    site = Played(stack, WANTS_USER, of_bad)
    (complaint,) = check_registry(site.polled(), running(BAD, GOOD[0]), {}).problems
    assert "registry production" in complaint
    assert site.asked[f"/v2/{GOOD[0]}/manifests/1"] == 1


def test_check_asks_for_the_tags_of_what_is_followed_and_names_those_that_cannot_be_compared(
    stack: ExitStack,
) -> None:
    tags = json.dumps({"name": BAD, "tags": ["1.4.2", "01.5.0"]}).encode()
    site = Played(stack, FOUND, (200, {"Content-Type": "application/json"}, tags))
    followed = {BAD: [Follower("1.4.2", (read_follow("semver ^1.4"),))]}
    found = check_registry(site.polled(), running(), followed)
    assert found.problems == []
    assert found.notes == [
        f"{BAD}: tag 01.5.0 cannot be compared by `semver ^1.4`, and nothing moves to such a tag"
    ]
    site.of_bad = (403, {}, b"")
    (complaint,) = check_registry(site.polled(), running(), followed).problems
    assert BAD in complaint


def test_check_wants_no_user_where_all_that_is_needed_can_be_read(stack: ExitStack) -> None:
    """Though /v2/ wants one; also where nothing is needed yet."""
    site = Played(stack, WANTS_USER, WANTS_USER)
    assert check_registry(site.polled(), running(*GOOD[:2]), {}).problems == []
    assert check_registry(site.polled(), running(), {}).problems == []


def test_check_says_once_that_a_user_is_wanted_and_that_one_is_not_taken(stack: ExitStack) -> None:
    site = Played(stack, WANTS_USER, WANTS_USER)
    (complaint,) = check_registry(site.polled(), running(BAD, BAD + "/other", GOOD[0]), {}).problems
    assert "wants a user and a password: set registries.production.credentials" in complaint
    (complaint,) = check_registry(site.polled(Login(USER, PASSWORD)), running(GOOD[0]), {}).problems
    assert f"does not let the user '{USER}' in" in complaint


@pytest.mark.parametrize("of_v2", [(500, {}, b""), (429, {}, b""), HANGS_UP], ids=["500", "429", "hangs up"])
def test_a_registry_whose_api_fails_is_unavailable_as_a_whole(stack: ExitStack, of_v2: Reply) -> None:
    site = Played(stack, of_v2, (500, {}, b""))
    with pytest.raises(RegistryUnavailable):
        site.polled().client.find(BAD, "1")
    assert site.polled().client.find(GOOD[0], "1").digest == NEW


def test_a_token_server_that_has_moved_is_found_again(stack: ExitStack) -> None:
    """The registry is asked anew how it wants us to log in when the old way fails."""
    realm = "http://127.0.0.1:1/token"

    def answer(_method: str, path: str, headers: Mapping[str, str], _: bytes) -> Reply:
        if path.startswith("/token"):
            return 200, {}, json.dumps({"token": "good", "expires_in": 1}).encode()
        if headers.get("Authorization") == "Bearer good":
            return FOUND
        return 401, {"WWW-Authenticate": f'Bearer Realm="{realm}",service="x"'}, b""

    url: Any = stack.enter_context(played(answer))
    client = RegistryClient("production", url, lambda: None)
    with pytest.raises(RepositoryUnavailable, match=r"where it sends us for a token, http://127\.0\.0\.1:1/"):
        client.find("test/app", "1")
    realm = f"{url}/token"
    assert client.find("test/app", "1").digest == NEW


def test_a_bug_with_one_tag_keeps_no_other_from_being_swept(
    stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Played(stack, FOUND, FOUND)
    polled = site.polled()
    find = polled.client.find
    monkeypatch.setattr(polled.client, "find", lambda *name: 1 / 0 if name[0] == BAD else find(*name))
    database = Database(tmp_path / "updater.db")
    stack.callback(database.close)
    store = Storage(database)
    known = running(BAD, GOOD[0])
    seconds = itertools.count()
    clock = lambda: NOON + timedelta(seconds=next(seconds))  # noqa: E731
    questions = Questions(
        store,
        polled,
        fleet=lambda: known,
        followed=lambda: NOBODY,
        wake=lambda: None,
        clock=clock,
        steady=clock,
        metrics=Metrics(),
    )
    with pytest.raises(ZeroDivisionError):
        questions.step(is_lost=False)
    questions.step(is_lost=False)
    assert store.events.newest_push("production", GOOD[0], "1")
