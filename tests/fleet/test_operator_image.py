# SPDX-License-Identifier: Apache-2.0
"""The operator as a container on one host, from the compose file that we ship: it updates others, and itself.

One host and one operator serve all tests of this file, in their order.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fleet.operator_image import ROOT, built, variant
from lab import Endpoint, Host, HostSpec, Lab, LabSpec, RegistrySpec
from lab.images import Image, good
from lab.waiting import until

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]

_NAME = "registry-docker-updater"
_SECRET = "only the registry of this lab knows this"
_SETTINGS = """\
listen: {address: 0.0.0.0, port: 8080}
state_directory: state
registries:
  local:
    format: distribution
    hosts: ["%(registry)s"]
    url: http://%(registry)s
    secret: {file: secret}
fleet: {inventory: inventory.yml, scan_interval: 15s}
rollouts: {retry: {first: 3s}}
"""


class Contained:
    """The operator in its container: started by Compose, and asked over HTTP from within the host."""

    def __init__(self, host: Host, registry: str) -> None:
        self.host = host
        self._image = f"{registry}/ops/updater:1"

    def compose(self, *arguments: str) -> None:
        group = self.host.run("stat", "-c", "%g", "/var/run/docker.sock").stdout.strip()
        variables = (f"IMAGE={self._image}", f"DOCKER_GROUP={group}")
        self.host.run(
            "env", *variables, "docker-compose", "--file", "/root/compose.yml", *arguments, timeout=300
        )

    def inspect(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.host.docker("inspect", _NAME))[0]
        return found

    def write(self, file: str, text: str) -> None:
        self.host.docker("exec", "--interactive", _NAME, "sh", "-c", f"cat > {file}", input=text)

    def command(self, *arguments: str) -> Any:
        said = self.host.docker("exec", _NAME, "registry-docker-updater", "--local", *arguments, "--json")
        return json.loads(said)

    def wait_until_healthy(self) -> None:
        def is_healthy() -> bool:
            return bool(self.inspect()["State"]["Health"]["Status"] == "healthy")

        until(is_healthy, who="the operator", what="is healthy", deadline=90, pause=0.5)

    def wait_until_seen(self, name: str) -> None:
        """Return when a target is known: what is made while a push comes may be younger than that."""

        def is_seen() -> bool:
            return name in [one["name"] for one in self.command("fleet")["targets"]]

        until(is_seen, who="the operator", what=f"has seen {name}", deadline=60, pause=0.5)

    def rollout_of(self, digest: str) -> dict[str, Any]:
        """The rollout to a digest, once it has ended; the operator may be away meanwhile."""
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            done = self.host.run(
                *("docker", "exec", _NAME, "registry-docker-updater", "--local", "rollouts", "--json"),
                check=False,
            )
            rows = json.loads(done.stdout) if done.returncode == 0 else []
            for row in rows:
                if row["digest"] == digest and row["state"] == "finished":
                    found.update(self.command("rollout", str(row["id"])))
            return bool(found)

        until(has_ended, who="the operator", what=f"has rolled out {digest}", deadline=180, pause=1)
        return found


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    name = "image"
    spec = LabSpec(name, (HostSpec("solo", "trixie"),))
    target = f"http://{spec.planned_hosts[0].address}:8080/events/local"
    registry = RegistrySpec("registry", endpoints=(Endpoint("updater", target, f"Bearer {_SECRET}"),))
    with Lab.running(LabSpec(name, spec.hosts, registries=(registry,))) as lab:
        yield lab


@pytest.fixture(scope="module")
def operator(lab: Lab) -> Contained:
    registry, host = lab.registry(), lab.host("solo")
    registry.push("ops/updater", "1", built())
    registry.push("test/app", "1", good("1"))
    host.run("tee", "/root/compose.yml", input=(ROOT / "deploy/compose.yml").read_text())
    operator = Contained(host, registry.address)
    operator.compose("up", "--detach")
    operator.wait_until_healthy()
    return operator


def _image_of(host: Host, name: str, digest: str) -> bool:
    """Whether a container runs an image that has this digest."""
    container = json.loads(host.docker("inspect", name))[0]
    image = json.loads(host.docker("image", "inspect", container["Image"]))[0]
    return container["State"]["Running"] and any(one.endswith(digest) for one in image["RepoDigests"])


def test_it_works_with_local_settings_as_nobody_and_can_write_nowhere_but_in_its_state(
    operator: Contained,
) -> None:
    """As Compose starts it, without a file to write beforehand; its root is read-only, and its user is no root."""
    state = operator.inspect()
    assert state["HostConfig"]["ReadonlyRootfs"]
    assert operator.host.docker("exec", _NAME, "id", "-u").strip() == "10001"
    assert operator.host.run("docker", "exec", _NAME, "touch", "/opt/x", check=False).returncode != 0
    assert operator.host.docker("exec", _NAME, "ssh", "-V") == ""  # it says so on the other stream
    assert [one["name"] for one in operator.command("fleet")["hosts"]] == ["localhost"]


def test_its_settings_are_changed_in_its_volume(lab: Lab, operator: Contained) -> None:
    operator.write("config.yml", _SETTINGS % {"registry": lab.registry().address})
    operator.write("secret", _SECRET)
    operator.compose("restart")
    operator.wait_until_healthy()


def test_a_push_updates_another_container_of_the_host(lab: Lab, operator: Contained) -> None:
    image = f"{lab.registry().address}/test/app:1"
    operator.host.docker("run", "--detach", "--name", "app", "--label", f"{_NAME}=true", image)
    operator.wait_until_seen("app")
    digest = lab.registry().push("test/app", "1", good("2"))

    rollout = operator.rollout_of(digest)

    assert [one["outcome"] for one in rollout["targets"]] == ["updated"]
    assert _image_of(operator.host, "app", digest)


def _changes(version: str, **config: Any) -> Image:
    """The operator's image, as one of another version would be."""
    return variant(built(), Labels={"version": version}, **config)


def _others(host: Host) -> list[str]:
    names = host.docker("ps", "--all", "--format", "{{.Names}}").split()
    return [name for name in names if name not in ("app", _NAME)]


def test_a_push_updates_the_operator_itself_and_the_new_one_tells_how_it_ended(
    lab: Lab, operator: Contained
) -> None:
    """A helper replaces it; the new one has the state and the settings of the old, and knows the end of what that began."""
    digest = lab.registry().push("ops/updater", "1", _changes("2"))

    rollout = operator.rollout_of(digest)

    (target,) = rollout["targets"]
    assert (target["name"], target["outcome"]) == (_NAME, "updated")
    assert _image_of(operator.host, _NAME, digest)
    operator.wait_until_healthy()
    assert _others(operator.host) == []


def test_a_version_of_itself_that_cannot_work_is_rolled_back_and_told_of_by_the_old_one(
    lab: Lab, operator: Contained
) -> None:
    before = operator.inspect()["Id"]
    digest = lab.registry().push(
        "ops/updater", "1", _changes("3", Entrypoint=["/bin/sh", "-c", "echo cannot work >&2; exit 1"])
    )

    rollout = operator.rollout_of(digest)

    (target,) = rollout["targets"]
    assert target["outcome"] == "rolled_back"
    assert "cannot work" in target["log"]
    assert operator.inspect()["Id"] == before
    operator.wait_until_healthy()
    assert _others(operator.host) == []


@pytest.mark.extended
@pytest.mark.parametrize("moment", ["-new", "-old"], ids=["created", "set aside"])
def test_a_helper_that_is_killed_goes_on_by_itself_although_no_operator_runs(
    lab: Lab, operator: Contained, moment: str
) -> None:
    """Killed once the new container was made, or the old one was given another name: the engine starts it again."""
    host, killed = operator.host, []
    digest = lab.registry().push("ops/updater", "1", _changes(f"killed at {moment}"))

    def is_killed() -> bool:
        names = _others(host)
        helper = next((name for name in names if name.endswith("-helper")), None)
        if helper and any(name.endswith(moment) for name in names):
            process = _process(host, helper)
            killed.append(process)
            host.run("kill", "-KILL", process)
        return bool(killed)

    until(is_killed, who="the helper", what=f"was killed at {moment}", deadline=120, pause=0)
    rollout = operator.rollout_of(digest)

    assert [one["outcome"] for one in rollout["targets"]] == ["updated"]
    assert _image_of(host, _NAME, digest)
    operator.wait_until_healthy()
    assert _others(host) == []


@pytest.mark.extended
def test_a_helper_goes_on_after_the_host_lost_power_just_when_the_operator_had_stopped(
    lab: Lab, operator: Contained
) -> None:
    """The old one was stopped, and the new one not started yet: the engine starts neither of them, but the helper."""
    host, before, first = operator.host, operator.inspect()["Id"], _process(operator.host, _NAME)
    # It hears that it is to end only when the helper can no longer go on with that.
    host.run("kill", "-STOP", first)
    begun = host.run("date", "+%s").stdout.strip()
    digest = lab.registry().push("ops/updater", "1", _changes("lost power"))

    def is_to_end() -> bool:
        window = ("--since", begun, "--until", "0s")
        named = ("--filter", f"container={before}", "--filter", "event=kill")
        return bool(host.docker("events", *window, *named))

    until(is_to_end, who="the operator", what="is to end", deadline=120, pause=0.2)
    (helper,) = (name for name in _others(host) if name.endswith("-helper"))
    host.run("kill", "-STOP", _process(host, helper))
    host.run("kill", "-CONT", first)
    until(
        lambda: not operator.inspect()["State"]["Running"],
        who="the operator",
        what="has ended",
        deadline=90,
        pause=0.5,
    )

    host.lose_power()
    host.power_on()
    rollout = operator.rollout_of(digest)

    assert [one["outcome"] for one in rollout["targets"]] == ["updated"]
    assert _image_of(host, _NAME, digest)
    operator.wait_until_healthy()
    assert _others(host) == []


def _process(host: Host, container: str) -> str:
    """The id of the first process of a container."""
    return host.docker("inspect", "--format", "{{.State.Pid}}", container).strip()
