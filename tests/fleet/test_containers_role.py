# SPDX-License-Identifier: Apache-2.0
"""The role standalone_container on real hosts, over SSH, as playbooks use it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.containers_proxy import Proxy, Request
from fleet.containers_support import Site
from lab import HostSpec, Lab, LabSpec, RegistrySpec, images

pytestmark = pytest.mark.lab

_ROOT = Path(__file__).parents[2]


@pytest.fixture(
    scope="module", name="site", params=["trixie", pytest.param("sid", marks=pytest.mark.extended)]
)
def _site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    spec = LabSpec(
        f"containers-role-{request.param}",
        (HostSpec("solo", request.param),),
        registries=(RegistrySpec("registry", username="puller", password="secret of the puller"),),
    )
    with Lab.running(spec) as lab:
        site = Site(lab, lab.host("solo"), tmp_path_factory.mktemp("state"), "role")
        site.host.run(
            "docker",
            "login",
            "-u",
            "puller",
            "--password-stdin",
            lab.registry().address,
            input="secret of the puller",
        )
        yield site


@pytest.fixture(scope="module", name="digests")
def _digests(site: Site) -> list[str]:
    digests = site.provide(images.good("1"))
    digests.append(site.push(images.good("2")))
    site.host.run("rm", "/root/.docker/config.json")
    return digests


def play(
    site: Site, folder: Path, variables: dict[str, Any], *arguments: str, entry: str = "main"
) -> tuple[int, str]:
    """Apply the role; return the exit code and what was said, at length."""
    role = {
        "name": "Apply",
        "ansible.builtin.include_role": {"name": "standalone_container", "tasks_from": entry},
    }
    content = [{"name": "Play", "hosts": "all", "gather_facts": False, "tasks": [role]}]
    (folder / "play.json").write_text(json.dumps(content))
    (folder / "variables.json").write_text(json.dumps({"standalone_container_settle": 0.5, **variables}))
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(site.lab.inventory),
            str(folder / "play.json"), "-e", f"@{folder / 'variables.json'}", *arguments,
        ],
        env={**os.environ, "ANSIBLE_ROLES_PATH": str(_ROOT / "roles"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_the_role_updates_what_the_scan_found_in_order_and_goes_on_after_a_failure(
    site: Site, digests: list[str], tmp_path: Path
) -> None:
    host = site.host
    for name, prefix in (("one", "10.231"), ("two", "10.232"), ("three", "10.233")):
        host.docker("network", "create", "--subnet", f"{prefix}.0.0/24", name)
    further = (
        "--network",
        "name=one",
        "--network",
        "name=two,mac-address=02:00:00:00:00:02",
        "--network",
        "name=three",
    )
    host.docker("run", "-d", "--name", "z-first", *further, site.image)
    host.docker("run", "-d", "--name", "a-second", "--network", "container:z-first", site.image)
    host.docker("run", "-d", "--name", "left-alone", site.image)
    names = ["a-second", "gone", "left-alone", "z-first"]
    variables: dict[str, Any] = {
        "fleet_scan_result": {"targets": [{"kind": "container", "name": name} for name in names]},
        "standalone_container_image": site.image,
        "standalone_container_digest": digests[1],
        "standalone_container_skip": ["container/solo/left-alone", "container/elsewhere/a-second"],
        "standalone_container_credentials": {
            site.lab.registry().address: {"username": "puller", "password": "secret of the puller"}
        },
    }

    code, said = play(site, tmp_path, variables, "--check", "--diff")
    assert (code, '"VERSION=2"' in said) == (2, True), said
    assert {host.docker("exec", name, "cat", "/version") for name in names if name != "gone"} == {"1\n"}

    code, said = play(site, tmp_path, variables, "-vvv")
    assert code == 2, said
    first, second = (site.inspect(name)["State"]["StartedAt"] for name in ("z-first", "a-second"))
    assert first < second, "one that leans on the other comes after it"
    assert "there is no container gone on this engine" in said
    assert "secret of the puller" not in said
    versions = {
        name: host.docker("exec", name, "cat", "/version").strip() for name in names if name != "gone"
    }
    assert versions == {"z-first": "2", "a-second": "2", "left-alone": "1"}
    networks = site.inspect("z-first")["NetworkSettings"]["Networks"]
    assert networks["two"]["MacAddress"] == "02:00:00:00:00:02", "configured, and kept"
    record = host.run(
        "cat", f"/var/lib/docker/containers/{site.inspect('z-first')['Id']}/config.v2.json"
    ).stdout
    kept = json.loads(record)["NetworkSettings"]["Networks"]
    assert {name: one["DesiredMacAddress"] for name, one in kept.items()} == {
        "one": "",
        "two": "02:00:00:00:00:02",
        "three": "",
    }, "and what the engine chose stays its choice"

    variables["fleet_scan_result"]["targets"] = [{"kind": "container", "name": "z-first"}]
    code, said = play(site, tmp_path, variables)
    assert (code, "changed=0" in said) == (0, True), said
    mode = host.run("stat", "-c", "%a", "/var/lib/registry-docker-updater").stdout
    assert mode == "700\n"


def test_the_repair_entry_point_finishes_what_was_left_and_else_changes_nothing(
    site: Site, digests: list[str], tmp_path: Path
) -> None:
    code, said = play(site, tmp_path, {}, entry="repair")
    assert (code, "changed=0" in said) == (0, True), said

    site.host.docker("tag", site.at(digests[0]), site.image)
    site.host.docker("run", "-d", "--name", "web", site.image)
    state = "/var/lib/registry-docker-updater"
    with Proxy(tmp_path / "engine.sock", site.socket) as proxy:
        proxy.before = lambda request: kill(request) if request.verb == "POST /containers/start" else None
        site.module(name="web", image=site.image, digest=digests[1], engine={"docker_host": proxy.address})
    assert "web" not in {name for name, status in site.names().items() if status == "running"}
    left = next(site.state.rglob("*.swap.json"))
    engine = site.host.run("docker", "info", "--format", "{{.ID}}").stdout.strip().replace(":", "-")
    site.host.run(
        "sh", "-c", f"umask 077; cat > {state}/containers/{engine}/web.swap.json", input=left.read_text()
    )
    left.unlink()

    code, said = play(site, tmp_path, {}, entry="repair")
    assert (code, "changed=1" in said) == (0, True), said
    assert site.host.docker("exec", "web", "cat", "/version") == "2\n"
    assert [name for name in site.names() if "updater" in name] == []


def kill(request: Request) -> str:
    os.kill(request.process, signal.SIGKILL)
    return "drop"
