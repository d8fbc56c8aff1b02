"""The sweep on real registries and a real store: what no event told is found once, and the races with events."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
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
from lab.distribution import RegistryClient as Pusher
from registry_docker_updater.activities.poll import PolledRegistry, Poller, RegistryPoll, registry_problems
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.events.newest import SETTLE
from registry_docker_updater.core.events.pushes import Push, Unreadable
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.history import History
from registry_docker_updater.core.rollouts.planner import judge, plan
from registry_docker_updater.core.rollouts.verdicts import CHANGED
from registry_docker_updater.edges.registry.client import Login, RegistryClient
from registry_docker_updater.edges.registry.port import Found
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import events as view
from unit.builders import HOST, NEW, NEWER, NOON, OLD, at, container, fleet

HOSTS = {"production": (HOST,), "other": ("other.example.com",)}
SECOND = timedelta(seconds=1)
APP, OTHER = container(), container("other", image="other.example.com/test/app:1")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def store(storage: Storage) -> Storage:
    return storage


def events(store: Storage) -> list[dict[str, Any]]:
    return view(store, 100)


def desired(store: Storage) -> dict[str, str]:
    return {one.hosts[0]: one.digest for one in store.events.desired(HOSTS)}


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


# With real registries and threads.


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
    assert list(registry_problems(polled, turns.fleet)) == [refused]


# With a clock in the hand.


@dataclass
class Told(RegistryClient):
    """A registry that says what it is told to say; ``meanwhile`` happens between a question and its answer."""

    digest: str | None = NEW
    lag: timedelta = timedelta()
    now: Callable[[], datetime] = utc_now
    meanwhile: Callable[[], Any] = lambda: None
    asked: list[str] = field(default_factory=list)

    def find(self, repository: str, tag: str) -> Found:
        self.asked.append(f"{repository}:{tag}")
        found = Found(self.digest, (self.now() + self.lag).replace(microsecond=0))
        self.meanwhile()
        return found


class Hand:
    """What asks one registry, with a clock that is set by hand."""

    def __init__(self, store: Storage, client: RegistryClient, hours: float = 1) -> None:
        self.now = NOON
        self.set_by = timedelta()
        self.fleet = fleet(APP)
        self.store = store
        if isinstance(client, Told):
            client.now = lambda: self.now
        source = PolledRegistry("production", HOSTS["production"], client, timedelta(hours=hours))
        self.poller = Poller(
            store,
            source,
            fleet=lambda: self.fleet,
            wake=lambda: None,
            clock=self.clock,
            steady=lambda: self.now,
        )

    def clock(self) -> datetime:
        """The time of day, on a clock that somebody may have set."""
        return self.now + self.set_by

    def pass_time(self, seconds: float) -> None:
        """Have so much time go by, during which the sweep does what is due."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.now = min(end, self.now + timedelta(seconds=self.poller.step()))

    def event(self, digest: str, when: datetime, *, by_hand: bool = False) -> None:
        """What the registry, or a person, tells now of a push at ``when``."""
        push = Push("production", "test/app", "1", digest, when, f"{digest} {when}", "alice", by_hand=by_hand)
        self.store.events.record("production", [push], self.clock())


@pytest.fixture
def client() -> Told:
    return Told()


@pytest.fixture
def hand(store: Storage, client: Told) -> Hand:
    return Hand(store, client)


def test_what_an_event_told_is_not_found_again(hand: Hand, store: Storage) -> None:
    hand.event(NEW, NOON)
    hand.pass_time(7200)
    assert len(events(store)) == 1


def test_after_each_push_the_registry_is_asked_once_more_and_not_before_its_hour(
    hand: Hand, client: Told
) -> None:
    hand.event(NEW, NOON)
    hand.pass_time(3600)
    before = len(client.asked)
    hand.event(NEWER, hand.now)
    client.digest = NEWER
    hand.pass_time(59)
    assert len(client.asked) <= before + 1
    hand.pass_time(10)
    assert before + 1 <= len(client.asked) <= before + 2


def test_what_another_registry_pushes_or_nobody_can_read_asks_for_nothing(
    hand: Hand, client: Told, store: Storage
) -> None:
    hand.pass_time(3600)
    before, due = len(client.asked), hand.poller._schedule.due
    elsewhere = Push("other", "test/app", "1", NEWER, hand.now, "elsewhere")
    store.events.record("other", [elsewhere], hand.now)
    store.events.record("production", [Unreadable("why", "what")], hand.now)
    assert store.events.pushed_after("production", 1) == {}
    hand.poller.step()
    assert (len(client.asked), hand.poller._schedule.due) == (before, due)


def test_an_answer_that_a_push_overtook_is_dropped(hand: Hand, client: Told, store: Storage) -> None:
    """The tag had another digest when the registry was asked, and the event of the next push came first."""
    client.meanwhile = lambda: hand.event(NEWER, hand.now)
    hand.poller.step()
    assert desired(store) == {HOST: NEWER}
    assert len(events(store)) == 1


def test_an_event_that_comes_before_the_tag_is_named_is_not_undone(
    hand: Hand, client: Told, store: Storage
) -> None:
    """Distribution's order; the event of the push before was lost."""
    hand.event(NEWER, NOON)
    hand.pass_time(30)
    assert len(client.asked) == 1
    client.digest = NEWER
    hand.pass_time(3600)
    assert [event["digest"] for event in events(store)] == [NEWER]


def test_an_event_of_a_push_that_failed_in_the_end_is_corrected(hand: Hand, store: Storage) -> None:
    hand.event(NEWER, NOON)
    hand.pass_time(70)
    assert [event["digest"] for event in events(store)] == [NEW, NEWER]


def test_a_tag_that_was_moved_back_without_an_event_is_a_push(
    hand: Hand, client: Told, store: Storage
) -> None:
    hand.event(NEW, NOON)
    hand.pass_time(100)
    hand.event(NEWER, hand.now)
    client.digest = NEWER
    hand.pass_time(100)
    client.digest = NEW
    hand.pass_time(3600)
    assert [event["digest"] for event in events(store)] == [NEW, NEWER, NEW]


@pytest.mark.parametrize("lag", [timedelta(hours=-1), timedelta(), timedelta(hours=1)])
def test_late_events_change_nothing_about_what_was_found(
    hand: Hand, client: Told, store: Storage, lag: timedelta
) -> None:
    """A queue that is delivered after an outage; whatever clock the registry has."""
    client.lag = lag
    hand.pass_time(1)
    (found,) = store.events.desired(HOSTS)
    changed = replace(APP, digests=frozenset((OLD,)), since=at(200))
    hand.pass_time(3000)
    hand.event(OLD, at(-90) + lag)
    hand.event(NEWER, at(-60) + lag)
    hand.event(NEW, at(-30) + lag)
    assert store.events.desired(HOSTS) == (found,)
    assert judge(changed, found, History(), fleet(changed), hand.now) is CHANGED
    hand.pass_time(3600)
    assert store.events.desired(HOSTS) == (found,)


@pytest.mark.parametrize("lag", [timedelta(hours=-1), timedelta(), timedelta(hours=1)])
def test_a_push_right_after_the_sweep_is_newer(
    hand: Hand, client: Told, store: Storage, lag: timedelta
) -> None:
    client.lag = lag
    hand.now = at(0.9)
    hand.poller.step()
    assert desired(store) == {HOST: NEW}
    hand.now = at(1.1)
    hand.event(NEWER, at(0.95) + lag)
    assert desired(store) == {HOST: NEWER}


def test_an_event_that_was_taken_for_old_is_made_good_soon(hand: Hand, client: Told, store: Storage) -> None:
    """The tag was not named yet when the registry answered, though its event was dated before."""
    hand.poller.step()
    hand.event(NEWER, at(-1))
    client.digest = NEWER
    assert desired(store) == {HOST: NEW}
    hand.pass_time(SETTLE.total_seconds() + 10)
    assert desired(store) == {HOST: NEWER}


def test_a_push_by_hand_stays_until_the_registry_says_something_new(
    hand: Hand, client: Told, store: Storage
) -> None:
    hand.event(NEW, NOON)
    hand.pass_time(100)
    hand.event(OLD, hand.now, by_hand=True)
    hand.pass_time(7200)
    assert desired(store) == {HOST: OLD}
    client.digest = NEWER
    hand.pass_time(3600)
    assert desired(store) == {HOST: NEWER}


def test_a_push_by_hand_before_the_registry_was_ever_asked_stays(hand: Hand, store: Storage) -> None:
    hand.event(OLD, NOON, by_hand=True)
    hand.pass_time(7200)
    assert desired(store) == {HOST: OLD}


def test_a_new_image_of_the_fleet_is_asked_for_soon(hand: Hand, client: Told) -> None:
    hand.pass_time(100)
    hand.fleet = fleet(APP, container("db", image=f"{HOST}/test/db:1"))
    hand.pass_time(10)
    assert client.asked[-1] == "test/db:1"
    hand.fleet = Fleet()
    before = len(client.asked)
    hand.pass_time(7200)
    assert len(client.asked) == before


def test_after_an_outage_of_ours_everything_is_asked_again(hand: Hand, client: Told) -> None:
    hand.pass_time(10)
    before = len(client.asked)
    hand.poller.outage()
    hand.pass_time(1)
    assert len(client.asked) == before + 1


@pytest.mark.parametrize("digest", [NEW, NEWER])
def test_after_a_clock_was_a_day_ahead_each_tag_is_asked_for_within_its_interval_and_what_it_has_counts(
    hand: Hand, client: Told, store: Storage, digest: str
) -> None:
    hand.event(NEW, NOON)
    hand.pass_time(7200)
    hand.set_by = timedelta(days=1)
    hand.event(NEW, hand.clock())
    hand.pass_time(7200)
    hand.set_by = timedelta()
    client.digest, before = digest, len(client.asked)
    hand.pass_time(3600 + 61)
    assert before + 1 <= len(client.asked) <= before + 2
    assert desired(store) == {HOSTS["production"][0]: digest}


def test_an_answer_without_a_date_is_dated_by_when_it_was_asked_for(store: Storage, stack: ExitStack) -> None:
    def answer(*_: Any) -> tuple[int, Mapping[str, str], bytes]:
        return 200, {"Docker-Content-Digest": NEW, **dated}, b""

    dated: dict[str, str] = {}
    turns = Hand(store, RegistryClient("production", stack.enter_context(played(answer)), lambda: None))
    turns.poller.step()
    assert [one["occurred_at"] for one in events(store)] == ["2026-11-22T12:00:00.000Z"]
    dated["Date"] = format_datetime(at(-50).astimezone(UTC), usegmt=True)
    dated["Docker-Content-Digest"] = NEWER
    turns.pass_time(3700)
    assert events(store)[0]["occurred_at"] == "2026-11-22T11:59:10.000Z"


# As a whole.


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
