# SPDX-License-Identifier: Apache-2.0
"""The operator as a service of a swarm, from the stack file that we ship: it updates services, and itself.

One swarm and one operator serve all tests of this file, in their order.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from fleet.operator_image import ROOT, built, variant
from lab import Endpoint, Host, Lab, LabSpec, RegistrySpec, SwarmSpec
from lab.images import good
from lab.waiting import until

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]

_SERVICE, _NODE, _LABEL = "updater_updater", "alpha-m1", "registry-docker-updater"
_SECRET = "only the registry of this lab knows this"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    swarm = SwarmSpec("alpha", suite="trixie")
    address = LabSpec("stack", swarms=(swarm,)).planned_hosts[0].address
    endpoint = Endpoint("updater", f"http://{address}:8080/events/registry", f"Bearer {_SECRET}")
    registry = RegistrySpec("registry", endpoints=(endpoint,))
    with Lab.running(LabSpec("stack", swarms=(swarm,), registries=(registry,))) as lab:
        yield lab


class Stacked:
    """The operator in its service, asked by its own command line."""

    def __init__(self, host: Host, image: str) -> None:
        self.host, self._image = host, image

    def deploy(self, *variables: str) -> None:
        """Deploy the files that are there now."""
        command = ("docker", "stack", "deploy", "--compose-file", "/root/stack/stack.yml", "updater")
        self.host.run("env", f"NODE={_NODE}", f"IMAGE={self._image}", *variables, *command, timeout=300)

    def spec(self, service: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.host.docker("service", "inspect", service))[0]["Spec"]
        return found

    def container(self) -> str:
        """The id of the one that runs, nothing while there is none."""
        label = f"label=com.docker.swarm.service.name={_SERVICE}"
        return self.host.docker("ps", "--quiet", "--filter", label).strip()

    def ask(self, *arguments: str) -> Any:
        """What a command says, nothing while the operator is away."""
        command = (
            "docker",
            "exec",
            self.container() or "none",
            "registry-docker-updater",
            *arguments,
            "--json",
        )
        done = self.host.run(*command, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def wait_until_healthy(self) -> None:
        def is_healthy() -> bool:
            identity = self.container()
            status = "{{.State.Health.Status}}"
            return (
                bool(identity)
                and "healthy" in self.host.docker("inspect", "--format", status, identity).split()
            )

        until(is_healthy, who="the operator", what="is healthy", deadline=120, pause=1)

    def wait_until_seen(self, name: str) -> None:
        """Return when a target is known: what is made while a push comes may be younger than that."""

        def is_seen() -> bool:
            return name in [one["name"] for one in (self.ask("fleet") or {"targets": ()})["targets"]]

        until(is_seen, who="the operator", what=f"has seen {name}", deadline=90, pause=1)

    def rollout_of(self, digest: str) -> dict[str, Any]:
        """The rollout to a digest, once it has ended."""
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            for row in self.ask("rollouts") or ():
                if row["digest"] == digest and row["state"] == "finished":
                    found.update(self.ask("rollout", str(row["id"])) or {})
            return bool(found)

        until(has_ended, who="the operator", what=f"has rolled out {digest}", deadline=240, pause=1)
        return found


@pytest.fixture(scope="module")
def operator(lab: Lab) -> Stacked:
    """Deployed from files as the page of the container tells to write them."""
    registry, host = lab.registry(), lab.host(_NODE)
    registry.push("ops/updater", "1", built())
    registry.push("test/app", "1", good("1"))
    settings = {
        "registries": {
            "registry": {
                "format": "distribution",
                "hosts": [registry.address],
                "url": f"http://{registry.address}",
                "secret": {"file": "/run/secrets/registry_secret"},
            }
        },
        "fleet": {"inventory": "/etc/registry-docker-updater/hosts.yml", "scan_interval": "15s"},
        "rollouts": {"retry": {"first": "3s"}},
    }
    reached = {
        "ansible_host": host.address,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": "/run/secrets/ssh_key",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    key = host.run("cat", "/etc/ssh/ssh_host_ed25519_key.pub").stdout
    files = {
        "stack.yml": (ROOT / "deploy/stack.yml").read_text(),
        "config.yml": yaml.safe_dump(settings),
        "hosts.yml": yaml.safe_dump({"all": {"hosts": {_NODE: reached}}}),
        "known_hosts": f"{host.address} {key}",
        "registry_secret": _SECRET,
        "ssh_key": lab.private_key.read_text(),
    }
    host.run("mkdir", "/root/stack")
    for name, text in files.items():
        host.run("tee", f"/root/stack/{name}", input=text)
    operator = Stacked(host, f"{registry.address}/ops/updater:1")
    operator.deploy()
    operator.wait_until_healthy()
    return operator


def test_a_push_updates_a_service_over_ssh(lab: Lab, operator: Stacked) -> None:
    image = f"{lab.registry().address}/test/app:1"
    operator.host.docker("service", "create", "--name", "app", "--label", f"{_LABEL}=true", image)
    operator.wait_until_seen("app")
    digest = lab.registry().push("test/app", "1", good("2"))

    rollout = operator.rollout_of(digest)

    assert [one["outcome"] for one in rollout["targets"]] == ["updated"]
    assert operator.spec("app")["TaskTemplate"]["ContainerSpec"]["Image"].endswith(digest)


def test_its_settings_are_changed_by_deploying_the_next_revision(operator: Stacked) -> None:
    """Swarm changes no config: another file is a config of another name."""
    place = "/root/stack/config.yml"
    settings = yaml.safe_load(operator.host.run("cat", place).stdout)
    settings["fleet"]["scan_interval"] = "14s"
    operator.host.run("tee", place, input=yaml.safe_dump(settings))
    before = operator.container()

    operator.deploy("REVISION=2")

    def is_another() -> bool:
        return operator.container() not in ("", before)

    until(is_another, who="the operator", what="was deployed anew", deadline=120, pause=1)
    operator.wait_until_healthy()
    read = operator.host.docker(
        "exec", operator.container(), "cat", "/etc/registry-docker-updater/config.yml"
    )
    assert yaml.safe_load(read) == settings


def test_a_push_updates_the_operators_own_service_and_the_new_one_says_how_it_ended(
    lab: Lab, operator: Stacked
) -> None:
    """Swarm stops the old one in the midst of its own run; there is never more than one."""
    digest = lab.registry().push("ops/updater", "1", variant(built(), Labels={"version": "2"}))

    rollout = operator.rollout_of(digest)

    assert [one["outcome"] for one in rollout["targets"]] == ["updated"]
    assert operator.spec(_SERVICE)["TaskTemplate"]["ContainerSpec"]["Image"].endswith(digest)
    operator.wait_until_healthy()


@pytest.mark.extended
def test_a_version_of_itself_that_cannot_work_is_rolled_back_by_swarm_and_told_of_by_the_old_one(
    lab: Lab, operator: Stacked
) -> None:
    before = operator.spec(_SERVICE)["TaskTemplate"]["ContainerSpec"]["Image"]
    broken = variant(built(), Labels={"version": "3"}, Entrypoint=["/bin/sh", "-c", "exit 1"])
    digest = lab.registry().push("ops/updater", "1", broken)

    rollout = operator.rollout_of(digest)

    assert [one["outcome"] for one in rollout["targets"]] == ["rolled_back"]
    assert operator.spec(_SERVICE)["TaskTemplate"]["ContainerSpec"]["Image"] == before
