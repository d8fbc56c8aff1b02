# SPDX-License-Identifier: Apache-2.0
"""When, and whether: approval, windows, freezes, tags that are followed and opting out, on real parts.

One fleet and one operator serve all tests of this file; each pushes images of its own, to targets of its own.
"""

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import requests
import yaml
from playwright.sync_api import Browser, Locator, Page, expect

from demo import scene
from demo.scene import Deployed
from demo.updater import PORT, Updater, endpoint
from lab import HostSpec, Lab, LabSpec, RegistrySpec, SwarmSpec
from lab.images import Image, good, never_healthy
from lab.waiting import until

pytestmark = pytest.mark.lab

# Ann pushes; she and Bob have the right to operate.
_PASSWORD = "what-the-registry-knows-of-ann"
_TOKENS = {"ann": "what-the-operator-knows-of-ann", "bob": "what-the-operator-knows-of-bob"}
_SECONDS = 120
_OPEN_SECONDS = 20


def _deployed(kind: str, host: str, name: str, image: str, **rules: str) -> Deployed:
    """What has the rules as its labels."""
    named = ((rule.replace("_", "-"), value) for rule, value in rules.items())
    labels = tuple(f"--label=registry-docker-updater.{rule}={value}" for rule, value in named)
    return Deployed(kind, host, name, image, is_target=True, options=labels)


_service, _container = partial(_deployed, "service"), partial(_deployed, "container", "solo")
# What runs, by a word for it.
_WISHED = {
    "production": _service("production-m1", "shop", "shop/app:1", approval="required"),
    "test": _service("test-m1", "shop", "shop/app:1"),
    "free": _container("shop", "shop/app:1"),
    "minutely": _container("minutely", "shop/minutely:1"),
    "frozen": _container("frozen", "shop/frozen:1"),
    "service": _service("test-m1", "follows", "shop/versions:1.4.2", follow="semver ^1.4"),
    "container": _container("follows", "shop/versions:1.4.2", follow="semver ^1.4"),
    "off": _container("off", "shop/some:1", enable="false"),
    "watched": _container("watched", "shop/some:1", monitor_only="true"),
    "odd": _container("odd", "shop/some:1", windwo="22:00-04:00"),
    "plain": _container("plain", "shop/some:1"),
}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    events = endpoint(LabSpec("rules").address, "registry")
    registry = RegistrySpec("registry", 5000, (events,), username="ann", password=_PASSWORD)
    swarms = (SwarmSpec("test"), SwarmSpec("production"))
    with Lab.running(LabSpec("rules", (HostSpec("solo"),), swarms, (registry,))) as lab:
        yield lab


@pytest.fixture(scope="module")
def deployed(lab: Lab) -> dict[str, Deployed]:
    """What is wished, by the same words, when all of it runs."""
    registry = lab.registry()
    for image in sorted({one.image for one in _WISHED.values()}):
        _push(lab, image, good("1"))
    for host in lab.hosts:
        host.docker("login", "--username=ann", "--password-stdin", registry.address, input=_PASSWORD)
    # A swarm has the account that its services came with, and goes back by itself only where it is told to.
    more = {"service": ("--with-registry-auth", "--update-failure-action=rollback"), "container": ()}
    known = {
        word: replace(one, image=f"{registry.address}/{one.image}", options=(*one.options, *more[one.kind]))
        for word, one in _WISHED.items()
    }
    scene.deploy(lab, tuple(known.values()))
    return known


def _push(lab: Lab, name: str, image: Image) -> str:
    repository, _, tag = name.partition(":")
    return lab.registry().push(repository, tag, image)


@pytest.fixture(scope="module")
def updater(lab: Lab, deployed: dict[str, Deployed]) -> Updater:
    updater = Updater(lab, _TOKENS["bob"])
    operate = [{"file": updater.write_secret(name, token), "name": name} for name, token in _TOKENS.items()]
    # Labels say the rest: rules of all three places add up.
    of_production = lab.inventory.parent / "group_vars" / "swarm_production.yml"
    of_production.parent.mkdir()
    of_production.write_text(yaml.safe_dump({"docker_update_policy": {"four-eyes": True}}))
    window = {"repositories": ["shop/minutely"], "window": f"cron * * * * * for {_OPEN_SECONDS}s"}
    account = {"username": "ann", "password": _PASSWORD}
    updater.install(
        {
            "standalone_container_settle": 1,
            "notification_link": updater.url,
            "registry_credentials": {lab.registry().address: account},
        },
        listen={"address": lab.address, "port": PORT, "access": {"operate": operate}},
        notifications={"bundle": "1s"},
        policies=[window],
    )
    updater.start()
    updater.wait_for_scan(len(deployed))
    return updater


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


class _Push:
    """An image that was pushed, and what becomes of it."""

    def __init__(
        self, lab: Lab, updater: Updater, name: str, version: str, image: Image | None = None
    ) -> None:
        self._lab, self._updater, self.name = lab, updater, name
        self.digest = _push(lab, name, image or good(version))

    def until(self, what: str, condition: Callable[[], bool]) -> None:
        until(condition, who=self.name, what=what, deadline=_SECONDS, log=self._updater.log, pause=0.2)

    def until_run_by(self, *some: Deployed) -> None:
        address = self._lab.registry().address
        named = [replace(one, image=f"{address}/{self.name}") for one in some]
        self.until("runs", lambda: all(scene.runs_exactly(self._lab, one, self.digest) for one in named))

    @property
    def rollout(self) -> dict[str, Any]:
        return self._updater.rollout_of(self.digest, self.name) or {}

    def until_rollout(self, state: str, *words: str) -> dict[str, Any]:
        """Wait until its rollout is in a state, and its note has all words; return it."""
        self.until(
            f"is {state}, and says {words}",
            lambda: (
                self.rollout.get("state") == state and all(one in str(self.rollout["note"]) for one in words)
            ),
        )
        return self.rollout


def _slack(updater: Updater, *words: str) -> str:
    """Wait for a message in Slack that has all words; return it."""
    found: list[str] = []

    def has_come() -> bool:
        messages = (html.unescape(json.dumps(json.loads(one))) for one in updater.inbox.messages("slack"))
        found[:] = [one for one in messages if all(word in one for word in words)]
        return bool(found)

    until(has_come, who="the team", what=f"is told {words}", deadline=60, log=updater.log, pause=0.2)
    return found[-1]


def _ground(shown: Locator) -> tuple[int, ...]:
    """The red, green and blue behind what is shown."""
    colour = shown.evaluate("one => getComputedStyle(one).backgroundColor")
    return tuple(map(int, re.findall(r"\d+", colour)[:3]))


def _log_in(page: Page, name: str) -> None:
    page.get_by_label("Token").fill(_TOKENS[name])
    page.get_by_role("button", name="Log in").click()


def test_production_waits_until_somebody_else_than_the_pusher_approves_in_the_browser(
    lab: Lab, deployed: dict[str, Deployed], updater: Updater, page: Page
) -> None:
    """Test has the same push at once; the link in the message shows what would happen, and approves nothing."""
    production = deployed["production"]
    before = scene.state_of(lab, production)

    push = _Push(lab, updater, "shop/app:1", "2")
    push.until_run_by(deployed["test"], deployed["free"])
    rollout = push.until_rollout("waiting", "waits for approval by 1 person")
    message = _slack(updater, "Waits for approval", "/approve/")
    (link,) = set(re.findall(rf"{updater.url}/approve/\d+\?until=\d+&signature=[0-9a-f]+", message))

    seen = requests.get(link, timeout=10)
    assert seen.status_code == 200
    assert push.digest in seen.text
    assert "Log in to approve or refuse" in seen.text
    assert "Approve it now" not in seen.text
    assert requests.post(link, timeout=10).status_code == 405
    refused = requests.post(
        f"{updater.url}/rollouts/{rollout['id']}/approve", timeout=10, allow_redirects=False
    )
    assert refused.status_code in (303, 401, 403)

    page.goto(link)
    page.get_by_role("link", name="Log in to approve").click()
    _log_in(page, "ann")
    page.get_by_role("button", name="Approve it now").click()
    expect(page.locator("main")).to_contain_text("ann pushed it, and somebody else is to approve")
    assert scene.state_of(lab, production) == before

    page.context.clear_cookies()
    page.goto(link)
    page.get_by_role("link", name="Log in to approve").click()
    _log_in(page, "bob")
    page.get_by_role("button", name="Approve it now").click()
    expect(page.locator("#approvals")).to_contain_text("1 of 1: bob")
    push.until_run_by(production)
    push.until_rollout("finished")
    (approved,) = updater.ask("/api/v1/trail?kind=rollout.approved")["items"]
    assert "bob" in approved["says"]


def test_a_push_waits_until_the_window_of_its_target_opens(
    lab: Lab, deployed: dict[str, Deployed], updater: Updater
) -> None:
    until(
        lambda: _OPEN_SECONDS < datetime.now(UTC).second < 50,
        who="the clock",
        what="shows a time at which the window is closed",
        deadline=60,
    )
    opens_at = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)

    push = _Push(lab, updater, "shop/minutely:1", "2")
    waits = push.until_rollout("waiting", "waits for its window", f"opens at {opens_at:%Y-%m-%d %H:%M}")
    push.until_run_by(deployed["minutely"])

    assert waits["runs"] == 0
    started = scene.state_of(lab, deployed["minutely"])["started"]
    assert datetime.fromisoformat(started) >= opens_at


def test_what_is_frozen_waits_until_it_is_thawed_or_a_person_forces_it(
    lab: Lab, deployed: dict[str, Deployed], updater: Updater, page: Page
) -> None:
    target = deployed["frozen"]
    updater.command("freeze", "repository:shop/frozen", "--reason", "stocktaking")
    push = _Push(lab, updater, "shop/frozen:1", "2")
    push.until_rollout("waiting", "frozen", "stocktaking")
    page.goto(f"{updater.url}/rollouts")
    _log_in(page, "bob")
    banner = page.get_by_role("alert").filter(has_text="is frozen")
    expect(banner).to_contain_text("stocktaking")
    red, green, blue = _ground(banner)
    assert red > 2 * max(green, blue)
    assert not scene.runs_exactly(lab, target, push.digest)

    updater.command("thaw", "repository:shop/frozen")
    push.until_run_by(target)
    page.reload()
    expect(banner).to_have_count(0)

    updater.command("freeze", "host:solo", "--reason", "a new disk")
    urgent = _Push(lab, updater, "shop/frozen:1", "3")
    urgent.until_rollout("waiting", "a new disk")
    name = f"{lab.registry().address}/{urgent.name}@{urgent.digest}"
    forced = updater.command("push", name, "--force", "--wait")
    updater.command("thaw", "host:solo")

    assert scene.runs_exactly(lab, target, urgent.digest)
    assert re.search(r"container frozen at host solo.*frozen by .*a new disk", forced.stderr)
    (insisted,) = updater.ask("/api/v1/trail?kind=push.insisted")["items"]
    assert re.search(r"container/solo/frozen.*frozen by .*a new disk", insisted["says"])


def test_a_service_and_a_container_move_to_newer_versions_and_back_from_one_that_is_not_healthy(
    lab: Lab, deployed: dict[str, Deployed], updater: Updater
) -> None:
    both = deployed["service"], deployed["container"]
    too_high = _Push(lab, updater, "shop/versions:2.0.0", "2.0.0")
    fits = _Push(lab, updater, "shop/versions:1.4.3", "1.4.3")
    fits.until_run_by(*both)
    fits.until_rollout("finished")

    unwell = _Push(lab, updater, "shop/versions:1.5.0", "1.5.0", never_healthy("1.5.0"))
    rolled_back = unwell.until_rollout("finished")
    assert {one["outcome"] for one in rolled_back["targets"]} == {"rolled_back"}
    fits.until_run_by(*both)

    mended = _Push(lab, updater, "shop/versions:1.4.4", "1.4.4")
    mended.until_run_by(*both)
    mended.until_rollout("finished")
    assert too_high.rollout == {}


def test_who_opted_out_is_only_watched_or_cannot_be_understood_stays_as_it_is_and_that_is_told(
    lab: Lab, deployed: dict[str, Deployed], updater: Updater
) -> None:
    words = ("off", "watched", "odd")
    before = [scene.state_of(lab, deployed[word]) for word in words]

    push = _Push(lab, updater, "shop/some:1", "2")
    push.until_run_by(deployed["plain"])
    push.until_rollout("waiting", "windwo")

    _slack(updater, "shop/some:1", "watched", "monitor-only")
    assert "windwo" in updater.command("fleet").stdout
    verdicts = {one["name"]: one["verdict"] for word in words for one in updater.listing("why", word)}
    assert verdicts == {"off": "opted_out", "watched": "watched", "odd": "unreadable"}
    assert [scene.state_of(lab, deployed[word]) for word in words] == before
