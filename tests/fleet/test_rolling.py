# SPDX-License-Identifier: Apache-2.0
"""playbooks/update.yml across hosts and swarms, in steps: canaries, shares, orders, and the shop's own tasks."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import Host, HostSpec, Lab, LabSpec, RegistrySpec, SwarmSpec
from lab.images import SLEEP, Image, build, crashing, good, slow
from lab.waiting import until
from registry_docker_updater.edges.runs.playbooks import AnsiblePlaybooks
from registry_docker_updater.edges.runs.port import Playbook
from unit.builders import outcome_of

pytestmark = pytest.mark.lab

_ROOT = Path(__file__).parents[2]
_HOSTS = ("one", "two", "three", "four", "five")
_SPEC = LabSpec(
    "rolling",
    hosts=tuple(HostSpec(name) for name in _HOSTS),
    swarms=(SwarmSpec("test", managers=1, workers=0), SwarmSpec("production", managers=1, workers=0)),
    registries=(RegistrySpec("registry"),),
)
_MANAGERS = {"test": "test-m1", "production": "production-m1"}


def fragile(version: str) -> Image:
    """Ends at once in a container that has $BROKEN."""
    return build(version, {"Cmd": ["/bin/sh", "-c", f'[ -z "$BROKEN" ] || exit 1; {SLEEP}']})


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.running(_SPEC) as lab:
        yield lab


@dataclass
class Run:
    """A run of update.yml that ended."""

    code: int
    output: str

    def shown(self, host: str, name: str = "app") -> str:
        """What was said of a target that no module updated."""
        start = f"{host} | {name} | "
        return " ".join(
            line.removeprefix(start) for line in self.output.splitlines() if line.startswith(start)
        )


@dataclass
class Shop:
    """An inventory of its own, and an image name of its own that runs on some of the hosts."""

    lab: Lab
    folder: Path
    name: str
    made: list[tuple[Host, str, str]] = field(default_factory=list)

    @property
    def image(self) -> str:
        return f"{self.lab.registry().address}/{self.name}:1"

    def push(self, image: Image) -> str:
        return self.lab.registry().push(self.name, "1", image)

    def says(self, group: str = "all", **variables: Any) -> None:
        """Set variables of the inventory."""
        path = self.folder / "group_vars" / f"{group}.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(variables))

    def tasks(self, name: str, *tasks: dict[str, Any]) -> None:
        # Beside the inventory: of a folder that is one, Ansible reads every file as hosts.
        (self.folder.parent / name).write_text(yaml.safe_dump(list(tasks), sort_keys=False))

    def run_containers(self, *hosts: str, labels: tuple[str, ...] = (), broken: tuple[str, ...] = ()) -> None:
        """Have a container "app" on each host."""

        def start(name: str) -> None:
            options = [f"--label=registry-docker-updater{label}" for label in ("=true", *labels)]
            options += ["--env=BROKEN=1"] if name in broken else []
            self.lab.host(name).docker("run", "-d", "--name=app", *options, self.image, timeout=120)

        self.made += [(self.lab.host(name), "container", "app") for name in hosts]
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(start, hosts))

    def run_services(self, *names: str, swarms: tuple[str, ...] = ("test", "production")) -> None:
        """Have services in the swarms."""
        managers = [self.lab.host(_MANAGERS[swarm]) for swarm in swarms]
        settings = ("--detach", "--update-monitor=2s", "--rollback-monitor=2s", "--restart-delay=1s")
        for manager in managers:
            for name in names:
                self.made.append((manager, "service", name))
                label = "--label=registry-docker-updater=true"
                manager.docker("service", "create", *settings, label, f"--name={name}", self.image)
        for manager in managers:
            until(
                partial(_run_all, manager, len(names)),
                who=manager.name,
                what="runs its services",
                deadline=90,
                pause=0.3,
            )

    def versions(self, *hosts: str) -> dict[str, str]:
        return {name: self.lab.host(name).docker("exec", "app", "cat", "/version").strip() for name in hosts}

    def container(self, host: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.lab.host(host).docker("inspect", "app"))[0]
        return found

    def service(self, swarm: str, name: str = "web") -> dict[str, Any]:
        found = json.loads(self.lab.host(_MANAGERS[swarm]).docker("service", "inspect", name))
        service: dict[str, Any] = found[0]
        return service

    def digest_in(self, swarm: str, name: str = "web") -> str:
        image: str = self.service(swarm, name)["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
        return image.partition("@")[2]

    def update(self, digest: str, *arguments: str) -> Run:
        process = self.start(digest, *arguments)
        output, _ = process.communicate(timeout=300)
        return Run(process.returncode, output)

    def start(self, digest: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                *("-i", str(self.folder), "playbooks/update.yml", "-e", f"image={self.image}"),
                *("-e", f"digest={digest}", "-e", "standalone_container_settle=0.5", *arguments),
            ],
            cwd=_ROOT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def clean(self) -> None:
        for host, kind, name in self.made:
            remove = ("service", "rm", name) if kind == "service" else ("rm", "-f", name)
            host.run("docker", *remove, check=False)


def _run_all(manager: Host, services: int) -> bool:
    return manager.docker("service", "ls").count(" 1/1 ") == services


@pytest.fixture
def shop(lab: Lab, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    folder = tmp_path / "inventory"
    folder.mkdir()
    shutil.copy(lab.inventory, folder / "hosts.yml")
    shop = Shop(lab, folder, f"rolling/app{abs(hash(request.node.name)) % 10**9}")
    shop.push(good("1"))
    yield shop
    shop.clean()


def test_the_first_batch_is_a_canary_whose_failure_stops_the_rest_and_says_what_is_left_alone(
    shop: Shop,
) -> None:
    shop.says(docker_update_serial=[1, "50%", "100%"])
    shop.run_containers(*_HOSTS, broken=("one",))
    before = [shop.container(host)["Id"] for host in _HOSTS]

    run = shop.update(shop.push(fragile("2")))

    assert run.code == 2, run.output
    assert [shop.container(host)["Id"] for host in _HOSTS] == before
    for host in _HOSTS[1:]:
        assert run.shown(host) == "skipped: left alone: step 1 of 3 failed: host one (app rolled_back)"
    assert run.shown("one") == ""


@pytest.mark.extended
def test_percentages_are_of_all_hosts_and_each_step_waits_for_the_one_before(shop: Shop) -> None:
    shop.says(docker_update_serial="40%")
    shop.run_containers(*_HOSTS)

    run = shop.update(shop.push(good("2")))

    assert run.code == 0, run.output
    assert shop.versions(*_HOSTS) == dict.fromkeys(_HOSTS, "2")
    made = {host: shop.container(host)["Created"] for host in _HOSTS}
    assert max(made["one"], made["two"]) < min(made["three"], made["four"])
    assert max(made["three"], made["four"]) < made["five"]


def test_an_allowed_share_of_failures_lets_it_go_on(shop: Shop) -> None:
    shop.says(docker_update_serial=2, docker_update_max_failures="50%")
    shop.run_containers(*_HOSTS[:4], broken=("one",))

    run = shop.update(shop.push(fragile("2")))

    assert run.code == 2, run.output
    assert shop.versions(*_HOSTS[:4]) == {"one": "1", "two": "2", "three": "2", "four": "2"}
    assert not any(map(run.shown, _HOSTS))


def test_steps_are_set_by_label_which_comes_before_the_inventory_and_the_operator_hears_what_is_left_alone(
    shop: Shop,
) -> None:
    shop.says(docker_update_serial="100%", docker_update_max_failures="100%")
    shop.run_containers(*_HOSTS[:3], labels=(".serial=1", ".max-failures=0"), broken=("one",))
    digest = shop.push(fragile("2"))
    variables = {"image": shop.image, "digest": digest, "standalone_container_settle": 0.5}

    playbooks = AnsiblePlaybooks(shop.folder, _ROOT, os.environ)
    ended = playbooks.run(Playbook("update", variables), shop.folder.parent / "runs", timedelta(minutes=5))

    shown = {one.key: one for result in ended.results if (one := outcome_of(result, {}))}
    assert shop.versions(*_HOSTS[:3]) == dict.fromkeys(_HOSTS[:3], "1")
    assert {key: (one.outcome, one.left_alone) for key, one in shown.items()} == {
        "container/one/app": ("rolled_back", False),
        "container/two/app": ("skipped", True),
        "container/three/app": ("skipped", True),
    }
    assert (
        shown["container/three/app"].message == "left alone: step 1 of 3 failed: host one (app rolled_back)"
    )
    assert shown["container/three/app"].before == shown["container/three/app"].after != digest


def test_the_test_swarm_comes_before_the_production_swarm(shop: Shop) -> None:
    shop.says("swarm_test", docker_update_order=10)
    shop.says("swarm_production", docker_update_order=20)
    shop.run_services("web")
    new = shop.push(good("2"))

    run = shop.update(new)

    assert run.code == 0, run.output
    assert shop.digest_in("test") == shop.digest_in("production") == new
    assert shop.service("test")["UpdateStatus"]["CompletedAt"] < shop.service("production")["UpdatedAt"]


def test_production_is_left_alone_when_test_fails(shop: Shop) -> None:
    shop.says("swarm_test", docker_update_order=10)
    shop.says("swarm_production", docker_update_order=20)
    shop.run_services("web")
    version = shop.service("production")["Version"]

    run = shop.update(shop.push(crashing("2")))

    assert run.code == 2, run.output
    assert shop.service("production")["Version"] == version
    assert run.shown(_MANAGERS["production"], "web") == (
        "skipped: left alone: step 1 of 2 failed: swarm of test-m1 (web rolled_back)"
    )


@pytest.mark.extended
def test_production_is_left_alone_when_nothing_of_test_answers(shop: Shop) -> None:
    shop.says("swarm_test", docker_update_order=10)
    shop.says("swarm_production", docker_update_order=20)
    shop.run_services("web")
    version = shop.service("production")["Version"]
    shop.lab.host("test-m1").cut_off()
    try:
        run = shop.update(shop.push(good("2")))
    finally:
        shop.lab.host("test-m1").reconnect()
        shop.lab.swarm("test").wait_until_ready(deadline=120)

    assert shop.service("production")["Version"] == version
    assert "left alone: no host of order 10 answered (test-m1)" in run.shown("production-m1", "web")


def test_the_shops_tasks_run_before_and_after_each_target(shop: Shop) -> None:
    """On the host of a container, and on the manager that acts for a service, with what they need to know."""
    written = {"argv": ["tee", "-a", "/root/hooks"], "stdin": "{{ docker_update_target | to_json }}"}
    shop.tasks("before.yml", {"ansible.builtin.command": written})
    shop.tasks("after.yml", {"ansible.builtin.command": written})
    shop.says(docker_update_before="../before.yml", docker_update_after=str(shop.folder.parent / "after.yml"))
    shop.run_containers("one")
    shop.run_services("web", "api", swarms=("test",))
    old, new = shop.container("one"), shop.push(good("2"))

    checked = shop.update(new, "--check", "--limit=one")
    assert checked.code == 0, checked.output
    assert shop.lab.host("one").run("cat", "/root/hooks", check=False).stdout == ""
    run = shop.update(new)
    again = shop.update(new, "--limit=one")

    assert run.code == 0, run.output
    shown = _hooks_of(shop, "one")
    assert [one.get("outcome") for one in shown] == [None, "updated", None]
    common = {"kind": "container", "name": "app", "host": "one", "image": shop.image, "digest": new}
    assert shown[0].items() >= {**common, "id": old["Id"]}.items()
    assert shown[0]["before"]["digest"] != new
    assert shown[1].items() >= {**common, "id": shop.container("one")["Id"], "outcome": "updated"}.items()
    assert shown[1]["after"]["digest"] == new
    services = _hooks_of(shop, "test-m1")
    # Both are of one batch: all before, the updates, all after.
    assert [one.get("outcome") for one in services] == [None, None, "updated", "updated"]
    assert {one["name"] for one in services[:2]} == {one["name"] for one in services[2:]} == {"web", "api"}
    assert {one["id"] for one in services} == {shop.service("test", name)["ID"] for name in ("web", "api")}
    # Of the second run the container had the digest already, so that there was nothing to test after it.
    assert again.code == 0, again.output


def _hooks_of(shop: Shop, host: str) -> list[dict[str, Any]]:
    decoder, text = json.JSONDecoder(), shop.lab.host(host).run("cat", "/root/hooks").stdout
    found = []
    while text:
        one, end = decoder.raw_decode(text)
        found.append(one)
        text = text[end:].lstrip()
    return found


def test_a_task_before_that_fails_leaves_the_target_untouched_and_hinders_no_other(shop: Shop) -> None:
    fail = {
        "name": "Back up",
        "ansible.builtin.fail": {"msg": "no space"},
        "when": "docker_update_target.name != 'api'",
    }
    shop.tasks("before.yml", fail)
    shop.says(docker_update_before="../before.yml")
    shop.run_containers("one")
    shop.run_services("web", "api", swarms=("test",))
    container, version = shop.container("one")["Id"], shop.service("test")["Version"]
    new = shop.push(good("2"))

    run = shop.update(new)

    assert run.code == 2, run.output
    assert (shop.container("one")["Id"], shop.service("test")["Version"]) == (container, version)
    for host, name in (("one", "app"), ("test-m1", "web")):
        said = run.shown(host, name)
        assert said == "failed: not updated, because the shop's tasks before it failed: Back up: no space"
    assert shop.digest_in("test", "api") == new


def test_a_smoke_test_that_fails_stops_the_rest(shop: Shop) -> None:
    shop.tasks("smoke.yml", {"name": "Smoke test", "ansible.builtin.fail": {"msg": "it burns"}})
    shop.says(docker_update_after="../smoke.yml", docker_update_serial="1")
    shop.run_containers("one", "two")

    run = shop.update(shop.push(good("2")))

    assert run.code == 2, run.output
    assert shop.versions("one", "two") == {"one": "2", "two": "1"}
    assert run.shown("one") == "failed: updated, but the shop's tasks after it failed: Smoke test: it burns"
    assert run.shown("two") == "skipped: left alone: step 1 of 2 failed: host one (app failed)"


@pytest.mark.extended
def test_a_canary_that_is_lost_in_the_middle_does_not_end_the_run_before_the_rest_is_told(
    shop: Shop,
) -> None:
    shop.says(docker_update_serial=1)
    shop.run_containers("one", "two")
    canary, old = shop.lab.host("one"), shop.container("one")["Id"]

    process = shop.start(shop.push(slow("2", seconds=60)))
    try:
        until(
            lambda: canary.docker("ps", "-q", "--no-trunc").split() not in ([], [old]),
            who="one",
            what="begins its update",
            deadline=120,
            pause=0.3,
        )
        canary.cut_off()
        output, _ = process.communicate(timeout=200)
    finally:
        process.kill()
        canary.reconnect()

    run = Run(process.returncode, output)
    assert run.code == 2, output
    assert run.shown("one").startswith("unreachable: one was lost in the middle of the run")
    assert run.shown("two") == "skipped: left alone: step 1 of 2 failed: host one (app unreachable)"
    assert shop.versions("two") == {"two": "1"}
