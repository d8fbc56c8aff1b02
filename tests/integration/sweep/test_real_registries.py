"""The sweep on real registries, with threads and a real store: what no event told is found once."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.conftest import Site, until
from integration.receivers import free_port
from integration.registries import (
    PASSWORD,
    USER,
    RealRegistry,
    htpasswd,
    image,
    needs_registry,
    played,
    registry,
    token_server,
)
from integration.sweep.conftest import APP, HOSTS, OTHER, SECOND, Hand, desired, events
from lab.distribution import RegistryClient as Pusher
from registry_docker_updater.activities.poll import RegistryPoll, check_registry
from registry_docker_updater.activities.questions import PolledRegistry
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.policy.following import Follower, read_follow
from registry_docker_updater.core.rollouts.history import History
from registry_docker_updater.core.rollouts.planner import plan
from registry_docker_updater.edges.registry.client import RegistryClient
from registry_docker_updater.edges.registry.login import Login
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, container, fleet

pytestmark = pytest.mark.lab


def asking(url: str, name: str = "production", login: Login | None = None) -> PolledRegistry:
    return PolledRegistry(name, HOSTS[name], RegistryClient(name, url, lambda: login), SECOND)


@pytest.fixture
def sweeping(stack: ExitStack, store: Storage) -> Callable[..., RegistryPoll]:
    """Sweep some registries for a fleet that runs test/app:1 of each, until the test ends."""

    def start(*sources: PolledRegistry, wake: Callable[[], None] = lambda: None) -> RegistryPoll:
        sweep = RegistryPoll(
            store,
            sources,
            fleet=lambda: fleet(APP, OTHER),
            wake=wake,
            clock=utc_now,
            steady=utc_now,
        )
        sweep.start()
        stack.callback(sweep.stop)
        return sweep

    return start


@pytest.fixture
def real(stack: ExitStack, tmp_path: Path) -> RealRegistry:
    """A registry that sends no events."""
    return stack.enter_context(registry(tmp_path / "registry"))


@needs_registry
def test_a_push_whose_event_was_never_sent_is_recorded_once(
    real: RealRegistry, store: Storage, sweeping: Callable[..., RegistryPoll]
) -> None:
    digest = real.client.push("test/app", "1", image("1"))
    woken: list[bool] = []
    sweeping(asking(f"http://{real.host}"), wake=lambda: woken.append(True))
    until(lambda: desired(store) == {HOST: digest})
    asked = len(real.asked())
    until(lambda: len(real.asked()) > asked + 2)
    (event,) = events(store)
    assert (event["kind"], event["registry"], event["actor"]) == ("push", "production", "found by the sweep")
    assert woken == [True]
    assert len(plan(store.events.desired(HOSTS), fleet(APP), History(), utc_now()).start) == 1


@needs_registry
def test_every_later_push_is_found_too(
    real: RealRegistry, store: Storage, sweeping: Callable[..., RegistryPoll]
) -> None:
    """Also a tag that is moved back to what it was."""
    sweeping(asking(f"http://{real.host}"))
    pushed = []
    for version in ("1", "2", "1"):
        pushed.append(real.client.push("test/app", "1", image(version)))
        until(lambda: desired(store) == {HOST: pushed[-1]})
    assert [event["digest"] for event in events(store)] == pushed[::-1]


@needs_registry
def test_a_tag_that_is_gone_is_no_push_and_is_told_once(
    real: RealRegistry,
    store: Storage,
    sweeping: Callable[..., RegistryPoll],
    caplog: pytest.LogCaptureFixture,
) -> None:
    digest = real.client.push("test/app", "1", image("1"))
    sweeping(asking(f"http://{real.host}"))
    until(lambda: desired(store) == {HOST: digest})
    real.client.delete("test/app", digest)
    until(lambda: "registry production has no test/app:1, though the fleet runs it" in caplog.messages)
    asked = len(real.asked())
    until(lambda: len(real.asked()) > asked + 2)
    assert len(caplog.messages) == len(set(caplog.messages))
    assert desired(store) == {HOST: digest}


@needs_registry
def test_a_registry_that_hangs_delays_no_other_and_not_the_end(
    real: RealRegistry, store: Storage, sweeping: Callable[..., RegistryPoll], stack: ExitStack
) -> None:
    released = threading.Event()
    hanging = threading.Event()

    def hang(*_: Any) -> tuple[int, Any, bytes]:
        hanging.set()
        released.wait(60)
        return 404, {}, b""

    url = stack.enter_context(played(hang))
    stack.callback(released.set)
    digest = real.client.push("test/app", "1", image("1"))
    sweep = sweeping(asking(url, "other"), asking(f"http://{real.host}"))
    assert hanging.wait(30)
    until(lambda: desired(store) == {HOST: digest})
    begun = time.monotonic()
    sweep.stop()
    assert time.monotonic() - begun < 5


@needs_registry
def test_a_wrong_password_is_told_once_and_what_was_missed_is_found_with_the_right_one(
    store: Storage, stack: ExitStack, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "registry"
    real = stack.enter_context(registry(folder, auth=htpasswd(folder)))
    digest = Pusher(real.host, USER, PASSWORD).push("test/app", "1", image("1"))
    logins = [Login(USER, "wrong")]
    client = RegistryClient("production", f"http://{real.host}", lambda: logins[0])
    turns = Hand(store, client)
    turns.pass_time(300)
    refused = [text for text in caplog.messages if "does not let the user 'updater' in" in text]
    assert len(refused) == 1
    assert len([line for line in real.asked() if "test/app" in line]) < 20
    logins[0] = Login(USER, PASSWORD)
    turns.pass_time(900)
    assert desired(store) == {HOST: digest}
    assert "wrong" not in caplog.text


@needs_registry
def test_a_registry_that_was_down_is_asked_when_it_is_back(
    real: RealRegistry, store: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first = real.client.push("test/app", "1", image("1"))
    turns = Hand(store, RegistryClient("production", f"http://{real.host}", lambda: None), hours=24)
    turns.pass_time(1)
    assert desired(store) == {HOST: first}
    real.stop()
    turns.poller.outage()
    turns.pass_time(60)
    assert len([text for text in caplog.messages if "Connection refused" in text]) == 1
    real.start()
    second = real.client.push("test/app", "1", image("2"))
    turns.pass_time(900)
    assert desired(store) == {HOST: second}
    assert "registry production: it can be asked again" in caplog.messages


@needs_registry
def test_a_repository_that_may_not_be_pulled_is_told_once_and_hinders_no_other(
    store: Storage, stack: ExitStack, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By the sweep and by `check`; it is asked for again, after others, and ever more seldom."""
    tokens = stack.enter_context(token_server(tmp_path / "tokens"))
    tokens.denied.add("secret/app")
    folder = tmp_path / "registry"
    with registry(folder) as open_to_all:
        digest = open_to_all.client.push("test/app", "1", image("1"))
    real = stack.enter_context(registry(folder, auth=tokens.auth))
    client = RegistryClient("production", f"http://{real.host}", lambda: Login(USER, PASSWORD))
    turns = Hand(store, client)
    turns.fleet = fleet(APP, container("secret", image=f"{HOST}/secret/app:1"))
    turns.pass_time(3600)
    assert desired(store) == {HOST: digest}
    (refused,) = [
        text for text in caplog.messages if "does not let the user 'updater' pull secret/app" in text
    ]
    tries = len([line for line in real.asked() if "/v2/secret/app/" in line])
    assert 4 <= tries <= 14  # a try is two questions: without the right, and with a new token
    polled = PolledRegistry("production", HOSTS["production"], client, SECOND)
    assert check_registry(polled, turns.fleet, {}).problems == [refused]


@needs_registry
def test_the_operator_finds_at_its_start_what_nobody_told_it_and_check_asks_too(
    site: Site, real: RealRegistry
) -> None:
    """From settings alone: a registry that this machine would pull from without TLS."""
    digest = real.client.push("test/app", "1", image("1"))
    site.add_host("solo", f"{real.host}/test/app:1")
    settings = yaml.safe_load(site.config.read_text())
    secret = {"file": "secret"}
    settings["registries"] = {
        "production": {"format": "distribution", "hosts": [real.host], "secret": secret},
        "gone": {"format": "harbor", "hosts": [f"127.0.0.1:{free_port()}"], "secret": secret},
    }
    site.config.write_text(yaml.safe_dump(settings))
    with site.operator() as operator:
        until(lambda: operator.get("/api/rollouts"))
        (event,) = operator.get("/api/events")
        assert (event["digest"], event["actor"]) == (digest, "found by the sweep")
    checked = subprocess.run(
        [sys.executable, "-m", "registry_docker_updater", "--config", str(site.config), "check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 1, checked.stderr
    (wrong,) = [line for line in checked.stdout.splitlines() if line.startswith("wrong: ")]
    assert "registry gone (http://127.0.0.1:" in wrong
    assert real.asked()[-1].endswith("/v2/test/app/manifests/1 HTTP/1.1")


@needs_registry
def test_the_newest_of_new_tags_that_no_event_told_of_is_recorded_where_it_is_followed(
    real: RealRegistry, store: Storage, stack: ExitStack
) -> None:
    for tag in ("1", "1.4.2", "2.0.0"):
        real.client.push("test/app", tag, image(tag))
    followed = {"test/app": [Follower("1.4.2", (read_follow("semver ^1.4"),))]}
    sweep = RegistryPoll(
        store,
        [asking(f"http://{real.host}")],
        fleet=lambda: fleet(container(image=f"{HOST}/test/app:1.4.2")),
        followed={"production": followed}.__getitem__,
        wake=lambda: None,
        clock=utc_now,
        steady=utc_now,
    )
    sweep.start()
    stack.callback(sweep.stop)
    until(lambda: [event["tag"] for event in events(store)] == ["1.4.2"])
    real.client.push("test/app", "1.5.0", image("1.5.0"))
    digest = real.client.push("test/app", "1.5.1", image("1.5.1"))
    until(lambda: digest in {event["digest"] for event in events(store)})
    assert "2.0.0" not in {event["tag"] for event in events(store)}
