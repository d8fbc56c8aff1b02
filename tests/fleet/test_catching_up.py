# SPDX-License-Identifier: Apache-2.0
"""A fleet of two swarms and five standalone hosts of which something is always down: everything ends where it should.

One fleet and one operator serve all tests of this file, in their order; each pushes versions of its own. Every
container and task notes when it first starts, so that an update that was done twice would be seen.
"""

import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

from demo import scene
from demo.scene import Deployed
from demo.updater import Updater, endpoint
from lab import Host, HostSpec, Lab, LabSpec, RegistrySpec, SwarmSpec
from lab.errors import CommandFailed
from lab.images import SLEEP, Image, build, crashing
from lab.waiting import until

pytestmark = pytest.mark.lab

_SOLOS = tuple(f"s{number}" for number in range(1, 6))
_SECONDS = 240
_NOTE = 'grep -qx "$VERSION $(hostname)" /seen/starts 2>/dev/null || echo "$VERSION $(hostname)" >> /seen/starts; '


def version(name: str, seconds: int = 0) -> Image:
    """An image that notes in the volume /seen that a container of this version started, once for each container."""
    wait = f"sleep {seconds}; " if seconds else ""
    check = {"Test": ["CMD-SHELL", "test -e /tmp/ready"], "Interval": 10**9, "Retries": 60 + seconds}
    command = f"({wait}: > /tmp/ready) & {_NOTE}{SLEEP}"
    return build(name, {"Cmd": ["/bin/sh", "-c", command], "Healthcheck": check if seconds else None})


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    address = LabSpec("catching-up").address
    spec = LabSpec(
        "catching-up",
        hosts=tuple(map(HostSpec, _SOLOS)),
        swarms=(SwarmSpec("alpha", managers=3), SwarmSpec("beta", managers=3)),
        registries=(RegistrySpec("registry", 5000, (endpoint(address, "registry"),)),),
    )
    with Lab.running(spec) as lab:
        yield lab


@pytest.fixture(scope="module")
def fleet(lab: Lab) -> tuple[Deployed, ...]:
    registry = lab.registry("registry")
    for tag in ("1", "2"):
        registry.push("test/app", tag, version("0"))
    app, other = (f"{registry.address}/test/app:{tag}" for tag in ("1", "2"))
    seen = ("--volume", "seen:/seen")
    mounted = ("--mount", "type=volume,source=seen,target=/seen")
    return scene.deploy(
        lab,
        (
            *(Deployed("container", solo, "app", app, is_target=True, options=seen) for solo in _SOLOS),
            *(
                Deployed("container", solo, "other", other, is_target=True, options=seen)
                for solo in _SOLOS[:2]
            ),
            Deployed("service", "alpha-m1", "api", app, is_target=True, replicas=2, options=mounted),
            Deployed("service", "alpha-m1", "other", other, is_target=True, options=mounted),
            Deployed("service", "beta-m1", "api", app, is_target=True, options=mounted),
        ),
    )


@pytest.fixture(scope="module")
def updater(lab: Lab, fleet: tuple[Deployed, ...]) -> Updater:
    updater = Updater(lab)
    updater.install(
        {"standalone_container_settle": 3},
        rollouts={"workers": 2, "retry": {"first": "2s", "longest": "10s", "attempts": 30}},
    )
    updater.start()
    updater.wait_for_scan(len(fleet))
    return updater


@contextmanager
def cut_off(*hosts: Host) -> Iterator[None]:
    """The hosts answer nobody meanwhile."""
    for host in hosts:
        host.cut_off()
    try:
        yield
    finally:
        for host in hosts:
            host.reconnect()


def of(fleet: Sequence[Deployed], tag: str = "1") -> list[Deployed]:
    return [one for one in fleet if one.image.endswith(f":{tag}")]


def behind(lab: Lab, targets: Sequence[Deployed], digest: str) -> list[str]:
    """The targets that do not run exactly this digest, or of which nobody can tell."""

    def is_there(one: Deployed) -> bool:
        try:
            return scene.runs_exactly(lab, one, digest)
        except CommandFailed:  # a swarm without a leader, a container that is being replaced
            return False

    with ThreadPoolExecutor(6) as pool:
        at_it = list(pool.map(is_there, targets))
    return [one.key for one, there in zip(targets, at_it, strict=True) if not there]


def wait_for(updater: Updater, lab: Lab, targets: Sequence[Deployed], digest: str) -> None:
    until(
        lambda: not behind(lab, targets, digest),
        who="the operator",
        what=f"has brought {len(targets)} targets to {digest}",
        deadline=_SECONDS,
        log=updater.log,
        pause=1,
    )


def wait_for_end(lab: Lab, service: Deployed, updater: Updater, end: str) -> None:
    """Swarm has ended its update of a service, whoever looks."""
    state = ("service", "inspect", "--format", "{{.UpdateStatus.State}}", service.name)
    until(
        lambda: lab.host(service.host).docker(*state).strip() == end,
        who="the swarm",
        what=f"has ended the update as {end}",
        deadline=_SECONDS,
        log=updater.log,
        pause=0.5,
    )


def wait_for_rest(updater: Updater) -> None:
    """Nothing runs and nothing waits any more."""
    until(
        lambda: all(row["state"] in ("finished", "superseded") for row in updater.ask("/api/rollouts")),
        who="the operator",
        what="has ended every rollout",
        deadline=_SECONDS,
        log=updater.log,
        pause=0.5,
    )


def wait_for_run(updater: Updater, digest: str) -> dict[str, Any]:
    """The rollout of a digest of test/app:1 once its first run has ended."""
    found: dict[str, Any] = {}

    def has_ended() -> bool:
        found.update(updater.rollout_of(digest) or {})
        return found.get("ended_at") is not None

    until(has_ended, who="the run", what="has ended", deadline=_SECONDS, log=updater.log, pause=0.5)
    return found


def starts(lab: Lab, one: Deployed) -> Counter[str]:
    """How many containers of each version were ever started for a target, or for a service on all its nodes."""
    hosts: Sequence[Host] = (lab.host(one.host),)
    if one.kind == "service":
        hosts = lab.swarm(one.host.partition("-")[0]).nodes
    counted: Counter[str] = Counter()
    for host in hosts:
        name = one.name if one.kind == "container" else f"{one.name}."
        mine = set(host.docker("ps", "--all", "--quiet", "--filter", f"name={name}").split())
        counted.update(started for started, container in notes(host) if container in mine)
    return counted


def noted(host: Host) -> Counter[str]:
    """How many containers of each version were ever started on a host."""
    return Counter(started for started, _ in notes(host))


def notes(host: Host) -> list[tuple[str, str]]:
    """What containers noted on a host: their versions and ids."""
    lines = host.run("cat", "/var/lib/docker/volumes/seen/_data/starts", check=False).stdout.splitlines()
    return [(line.rpartition(" ")[0], line.rpartition(" ")[2]) for line in lines]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_two_hosts_that_were_cut_off_are_updated_once_when_they_are_back(
    lab: Lab, fleet: tuple[Deployed, ...], updater: Updater
) -> None:
    """The others do not wait; who waits is listed with the reason and the time of the next try."""
    with cut_off(lab.host("s1"), lab.host("s3")):
        digest = lab.registry("registry").push("test/app", "1", version("cut"))
        wait_for(updater, lab, [one for one in of(fleet) if one.host not in ("s1", "s3")], digest)
        rollout: dict[str, Any] = {}

        def waits() -> bool:
            rollout.update(updater.rollout_of(digest) or {})
            return rollout.get("state") == "waiting"

        until(waits, who="the rollout", what="waits", deadline=60, log=updater.log, pause=0.2)

    assert "s1: " in rollout["note"]
    assert "s3: " in rollout["note"]
    assert rollout["due_at"] > rollout["ended_at"]
    wait_for(updater, lab, of(fleet), digest)
    wait_for_rest(updater)
    assert {solo: noted(lab.host(solo))["cut"] for solo in _SOLOS} == dict.fromkeys(_SOLOS, 1)
    assert {one["outcome"] for one in (updater.rollout_of(digest) or {})["targets"]} == {"updated"}


@pytest.mark.extended
def test_a_swarm_that_was_cut_off_whole_catches_up(
    lab: Lab, fleet: tuple[Deployed, ...], updater: Updater
) -> None:
    with cut_off(*lab.swarm("beta").managers):
        digest = lab.registry("registry").push("test/app", "1", version("swarm"))
        wait_for(updater, lab, [one for one in of(fleet) if not one.host.startswith("beta")], digest)

    wait_for(updater, lab, of(fleet), digest)
    wait_for_rest(updater)


@pytest.mark.extended
def test_any_manager_will_do(lab: Lab, fleet: tuple[Deployed, ...], updater: Updater) -> None:
    """The leader is cut off right before the push and stays away: the first run waits until the others elected one."""
    with cut_off(lab.swarm("alpha").leader()):
        digest = lab.registry("registry").push("test/app", "1", version("any"))
        rollout = wait_for_run(updater, digest)

    assert {(one["name"], one["outcome"], one["run"]) for one in rollout["targets"]} == {
        ("app", "updated", 1),
        ("api", "updated", 1),
    }, rollout["note"]
    lab.swarm("alpha").wait_until_ready(deadline=_SECONDS)
    wait_for(updater, lab, of(fleet), digest)
    wait_for_rest(updater)


def test_a_burst_of_pushes_ends_in_the_newest_with_few_runs(
    lab: Lab, fleet: tuple[Deployed, ...], updater: Updater
) -> None:
    """Ten pushes of one image and four of another: two rollouts go on side by side, and none of one target."""
    first = max((row["id"] for row in updater.ask("/api/rollouts")), default=0)
    digests: dict[str, str] = {}
    for number in range(10):
        digests["1"] = lab.registry("registry").push("test/app", "1", version(f"burst {number}"))
        if number % 3 == 0:
            digests["2"] = lab.registry("registry").push("test/app", "2", version(f"other {number}"))

    for tag, digest in digests.items():
        wait_for(updater, lab, of(fleet, tag), digest)
    wait_for_rest(updater)

    rows = [row for row in updater.ask("/api/rollouts") if row["id"] > first]
    runs = Counter(row["image"].rpartition(":")[2] for row in rows for _ in range(row["runs"]))
    assert runs["1"] <= 5, rows
    assert runs["2"] <= 4, rows
    by_image: dict[str, list[tuple[datetime, datetime]]] = {}
    for row in rows:
        by_image.setdefault(row["image"], []).append((at(row["started_at"]), at(row["ended_at"])))
    for spans in by_image.values():
        spans.sort()
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans)), spans
    one, other = by_image.values()
    assert any(a[0] < b[1] and b[0] < a[1] for a in one for b in other), "never side by side"


@pytest.mark.parametrize("kills", [8, pytest.param(20, marks=pytest.mark.extended)])
def test_an_operator_killed_at_random_instants_loses_nothing_and_repeats_nothing(
    lab: Lab, fleet: tuple[Deployed, ...], updater: Updater, kills: int
) -> None:
    """It is killed with -9 again and again while it rolls out; pushes go on meanwhile."""
    chance = random.Random(kills)
    versions: list[str] = []
    digest = ""
    for kill in range(kills):
        if kill % 4 == 0:
            versions.append(f"kill {kill} of {kills}")
            digest = lab.registry("registry").push("test/app", "1", version(versions[-1]))
        # The instant is the point of the test: nothing is awaited.
        time.sleep(chance.uniform(0, 5))
        updater.kill()
        updater.start()

    wait_for(updater, lab, of(fleet), digest)
    wait_for_rest(updater)
    for solo in _SOLOS:
        counted = noted(lab.host(solo))
        assert all(counted[one] <= 1 for one in versions), f"{solo}: {counted}"
        assert counted[versions[-1]] == 1
        names = lab.host(solo).docker("ps", "--all", "--format", "{{.Names}}").split()
        assert sorted(names) == sorted(one.name for one in fleet if one.host == solo)
    for one in of(fleet):
        if one.kind == "service":
            assert starts(lab, one)[versions[-1]] == one.replicas


@pytest.mark.parametrize(
    ("outcome", "end"), [("updated", "completed"), ("rolled_back", ""), ("rolled_back", "rollback_completed")]
)
def test_of_an_update_that_goes_on_while_the_operator_is_killed_its_end_is_known(
    lab: Lab, fleet: tuple[Deployed, ...], updater: Updater, outcome: str, end: str
) -> None:
    """A good one ends while there is no operator; one that never comes up is rolled back by the next, swarm still at it or not."""
    api = next(one for one in of(fleet) if one.host == "beta-m1")
    name = f"unheard {end}"
    image = version(name, seconds=4) if outcome == "updated" else crashing(name)
    digest = lab.registry("registry").push("test/app", "1", image)
    until(
        lambda: digest in str(scene.state_of(lab, api)["image"]),
        who="the operator", what="has begun the update", deadline=60, log=updater.log, pause=0.2,
    )  # fmt: skip
    updater.kill()
    if end:
        wait_for_end(lab, api, updater, end)
    updater.start()
    wait_for_rest(updater)
    rollout = updater.rollout_of(digest) or {}
    assert {one["name"]: one["outcome"] for one in rollout["targets"]} == dict.fromkeys(
        ("app", "api"), outcome
    )
    assert len(rollout["targets"]) == len(of(fleet))


def test_what_a_person_changed_after_a_push_stays_until_told_otherwise(
    lab: Lab, fleet: tuple[Deployed, ...], updater: Updater
) -> None:
    """Also when the operator is restarted; `retry` names it, and `retry --force` brings it back to the push."""
    registry = lab.registry("registry")
    older = str(registry.digest("test/app", "2"))
    digest = registry.push("test/app", "2", version("mine"))
    wait_for(updater, lab, of(fleet, "2"), digest)
    wait_for_rest(updater)
    service = next(one for one in of(fleet, "2") if one.kind == "service")
    pinned = f"{service.image}@{older}"
    lab.host(service.host).docker("service", "update", "--image", pinned, service.name, timeout=120)

    updater.stop()
    updater.start()
    until(
        lambda: any(one["digests"] == [older] for one in updater.ask("/api/fleet")["targets"]),
        who="the operator",
        what="has seen the change",
        deadline=120,
        log=updater.log,
        pause=0.5,
    )
    number = str((updater.rollout_of(digest, "test/app:2") or {})["id"])
    asked = updater.command("retry", number)

    assert "service other at swarm of alpha-m1: " in asked.stderr
    assert "--force" in asked.stderr
    wait_for_rest(updater)
    assert scene.state_of(lab, service)["image"] == pinned

    said = updater.command("retry", number, "--force", "--wait")

    assert "finished" in said.stdout
    assert behind(lab, of(fleet, "2"), digest) == []


def test_a_digest_that_was_rolled_back_is_tried_again_only_when_told(
    lab: Lab, fleet: tuple[Deployed, ...], updater: Updater
) -> None:
    """Neither a second push of it nor a push by hand tries it again; `--force` does."""
    registry = lab.registry("registry")
    good = str(registry.digest("test/app", "2"))
    bad = registry.push("test/app", "2", crashing("bad"))
    until(
        lambda: (updater.rollout_of(bad, "test/app:2") or {"state": ""})["state"] == "finished",
        who="the operator",
        what="has tried the image",
        deadline=_SECONDS,
        log=updater.log,
        pause=0.5,
    )
    outcomes = (updater.rollout_of(bad, "test/app:2") or {})["targets"]
    assert {one["outcome"] for one in outcomes} == {"rolled_back"}
    assert {(*one["log"],) for one in outcomes} == {("cannot work",)}, "each host tells why"
    assert behind(lab, of(fleet, "2"), good) == []

    again = updater.command("push", f"{registry.address}/test/app:2@{bad}")

    assert again.stderr.count("this digest was rolled back here before") == len(of(fleet, "2"))
    assert "no target is to be changed by it" in again.stderr

    forced = updater.command("push", f"{registry.address}/test/app:2@{bad}", "--force", "--wait", check=False)

    assert forced.returncode == 1
    assert f"{len(of(fleet, '2'))} rolled_back" in forced.stdout
    assert behind(lab, of(fleet, "2"), good) == []
    assert json.loads(updater.command("rollouts", "--json").stdout)[0]["state"] == "finished"


# The last one: a manager that was cut off takes more than a minute to be heard by its swarm again.
def test_a_manager_that_is_lost_in_the_middle_costs_no_more_than_seconds(
    lab: Lab, fleet: tuple[Deployed, ...], updater: Updater
) -> None:
    """Another takes over the watch, in the same run, while the service still starts."""
    lead = lab.swarm("alpha").leader()
    witness = next(host for host in lab.swarm("alpha").managers if host is not lead)
    digest = lab.registry("registry").push("test/app", "1", version("lost", seconds=15))
    until(
        lambda: digest in witness.docker("service", "inspect", "--format", "{{json .Spec}}", "api"),
        who="the operator",
        what="has begun with the service",
        deadline=_SECONDS,
        log=updater.log,
        pause=0.5,
    )
    with cut_off(lead):
        rollout = wait_for_run(updater, digest)

    ends = {(one["key"], one["outcome"], one["run"]) for one in rollout["targets"]}
    assert {(outcome, run) for _, outcome, run in ends} == {("updated", 1)}, (ends, rollout["note"])
    assert len(ends) == len(of(fleet))
