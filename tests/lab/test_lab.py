# SPDX-License-Identifier: Apache-2.0
"""The lab itself: what it promises to tests that stand on it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lab import (
    Endpoint,
    HostSpec,
    Lab,
    LabError,
    LabSpec,
    RegistrySpec,
    SwarmSpec,
    cgroups,
    images,
    network,
    sweep,
)
from lab.distribution import RegistryClient
from lab.places import outer_interface, state_directory, state_parent
from lab.processes import Process
from lab.waiting import port_says, until

_REASON = Lab.why_not()
pytestmark = [pytest.mark.lab, pytest.mark.skipif(_REASON is not None, reason=_REASON or "")]

_ADDRESS = LabSpec("lab-tests").address
_FLEET = LabSpec(
    "lab-tests",
    hosts=(HostSpec("solo", "trixie"), HostSpec("old", "bookworm")),
    swarms=(SwarmSpec("alpha", managers=3),),
    registries=(
        RegistrySpec("registry", endpoints=(Endpoint("ear", f"http://{_ADDRESS}:8080/x", "Bearer s3cret"),)),
        RegistrySpec("closed", port=5001, username="me", password="hidden"),
    ),
)
_SMALL = LabSpec(
    "lab-tests-small", hosts=(HostSpec("one", "bookworm"),), registries=(RegistrySpec("registry"),)
)

_MAKER = """
import signal, sys
from lab import Lab, LabSpec
Lab.up(LabSpec.from_json(sys.argv[1]))
print("up", flush=True)
signal.pause()
"""

# A stand-in for what comes once in many thousand starts: the container is made, and does not run.
_LOSES_ONE_START = """
cat > /usr/local/sbin/docker <<'END'
#!/bin/sh
if [ "$1" = run ] && [ ! -e /tmp/lost ]; then
  touch /tmp/lost; shift 2
  /usr/bin/docker create "$@"
  echo "docker: runc create failed: read init-p: connection reset by peer: unknown." >&2; exit 125
fi
exec /usr/bin/docker "$@"
END
chmod 755 /usr/local/sbin/docker
"""

_GIVES_UP_ONCE = """
cat > /usr/local/sbin/dockerd <<'END'
#!/bin/sh
if [ ! -e /tmp/gave-up ]; then touch /tmp/gave-up; echo 'failed to start containerd' >&2; exit 1; fi
exec /usr/sbin/dockerd "$@"
END
chmod 755 /usr/local/sbin/dockerd
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.running(_FLEET) as lab:
        yield lab


class _Ear(BaseHTTPRequestHandler):
    heard: list[tuple[str | None, dict[str, object]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        events = json.loads(body)["events"]
        self.heard.extend((self.headers["Authorization"], event) for event in events)
        self.send_response(202)
        self.end_headers()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


def _ssh(lab: Lab, address: str, command: str) -> "subprocess.CompletedProcess[str]":
    quiet = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")
    options = (
        "-F",
        "none",
        "-i",
        str(lab.private_key),
        "-o",
        "ConnectTimeout=2",
        "-o",
        "BatchMode=yes",
        *quiet,
    )
    line = ("ssh", *options, f"root@{address}", command)
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=20)


def test_each_host_has_the_engine_of_its_suite(lab: Lab) -> None:
    assert lab.host("solo").engine_version.startswith("26.1.")
    assert lab.host("old").engine_version.startswith("20.10.")


def test_a_host_is_reached_by_ssh_and_is_itself(lab: Lab) -> None:
    for host in lab.hosts:
        assert (
            _ssh(lab, host.address, "hostname && test $(cat /proc/1/comm) = tini").stdout.strip() == host.name
        )


def test_the_hosts_know_each_other_and_the_registries_by_name(lab: Lab) -> None:
    known = lab.host("solo").run("getent", "hosts", "old", "alpha-m3", "closed.lab").stdout.split()
    assert known[::2] == [lab.host("old").address, lab.host("alpha-m3").address, lab.address]


def test_a_command_that_does_not_end_is_ended(lab: Lab) -> None:
    host = lab.host("solo")
    with pytest.raises(LabError, match="not done after"):
        host.run("sleep", "4711", timeout=0.5)
    assert host.run("pgrep", "-f", "sleep 4711", check=False).stdout == ""


def test_there_is_no_way_out_of_a_lab(lab: Lab) -> None:
    assert lab.host("solo").run("ip", "route", "show", "default").stdout == ""


def test_the_inventory_groups_standalone_hosts_and_swarms(lab: Lab) -> None:
    ansible = Path(sys.executable).with_name("ansible-inventory")
    listed = subprocess.run(
        [ansible, "-i", lab.inventory, "--list"], capture_output=True, text=True, check=True, timeout=60
    )
    groups = json.loads(listed.stdout)
    assert groups["standalone"]["hosts"] == ["solo", "old"]
    assert groups["swarm_alpha"]["hosts"] == ["alpha-m1", "alpha-m2", "alpha-m3"]
    assert groups["_meta"]["hostvars"]["old"]["ansible_host"] == lab.host("old").address


def test_a_swarm_of_three_managers_is_ready_on_every_node(lab: Lab) -> None:
    for manager in lab.swarm("alpha").managers:
        states = manager.docker("node", "ls", "--format", "{{.Status}} {{.ManagerStatus}}").split("\n")
        assert sorted(filter(None, states)) == ["Ready Leader", "Ready Reachable", "Ready Reachable"]


@pytest.mark.extended
def test_a_swarm_elects_another_leader_when_its_leader_is_cut_off(lab: Lab) -> None:
    swarm = lab.swarm("alpha")
    before = swarm.leader()

    def another_leads() -> bool:
        try:
            return swarm.leader() is not before
        except LabError:
            return False

    before.cut_off()
    try:
        until(another_leads, who="alpha", what="another leader", deadline=60)
    finally:
        before.reconnect()
    swarm.wait_until_ready(seen_by=before)


def test_a_host_cut_off_is_silent_and_answers_when_reconnected(lab: Lab) -> None:
    host = lab.host("old")
    host.cut_off()
    try:
        began = time.monotonic()
        done = _ssh(lab, host.address, "true")
        assert done.returncode == 255
        assert "timed out" in done.stderr
        assert time.monotonic() - began > 1.5
        assert host.run("hostname").stdout == "old\n"
    finally:
        host.reconnect()
    assert _ssh(lab, host.address, "true").returncode == 0


@pytest.mark.parametrize("name", ["solo", "old"])
def test_an_engine_killed_and_started_again_keeps_its_containers(lab: Lab, name: str) -> None:
    host, registry = lab.host(name), lab.registry()
    digest = registry.push("kept/app", "1", images.good("1"))
    image = f"{registry.address}/kept/app@{digest}"
    host.docker("run", "--detach", "--name", "kept", "--restart", "always", image)
    host.kill_engine()
    assert not host.engine_answers()
    host.start_engine()
    until(
        lambda: host.docker("inspect", "--format", "{{.State.Running}}", "kept") == "true\n",
        who=name,
        what="its container runs again",
        deadline=20,
    )
    host.stop_engine()
    assert not host.engine_answers()
    host.start_engine()
    assert host.docker("ps", "--all", "--format", "{{.Names}}") == "kept\n"
    host.docker("rm", "--force", "kept")


def test_an_engine_that_gives_up_while_it_starts_is_started_again(lab: Lab) -> None:
    host = lab.host("solo")
    host.stop_engine()
    host.run("sh", "-euc", _GIVES_UP_ONCE)
    try:
        host.start_engine()
    finally:
        host.run("rm", "/usr/local/sbin/dockerd")
    assert host.engine_answers()
    assert host.run("test", "-e", "/tmp/gave-up", check=False).returncode == 0


def test_a_container_whose_runtime_lost_its_first_process_is_started_once_more(lab: Lab) -> None:
    host, registry = lab.host("solo"), lab.registry()
    image = f"{registry.address}/lost/app@{registry.push('lost/app', '1', images.good('1'))}"
    host.run("sh", "-euc", _LOSES_ONE_START)
    try:
        started = host.docker("run", "-d", "--name", "lost", image).strip()
    finally:
        host.run("rm", "/usr/local/sbin/docker")

    assert host.docker("inspect", "--format", "{{.Id}} {{.State.Status}}", "lost").split() == [
        started,
        "running",
    ]
    host.docker("rm", "-f", "lost")


def test_a_frozen_engine_hangs_until_it_is_thawed(lab: Lab) -> None:
    host = lab.host("old")
    host.freeze()
    try:
        assert not host.engine_answers()
    finally:
        host.thaw()
    assert host.engine_answers()


def test_a_pushed_image_is_pulled_by_digest_and_the_registry_tells_its_listener(lab: Lab) -> None:
    registry, host = lab.registry(), lab.host("solo")
    _Ear.heard = []
    with HTTPServer((lab.address, 8080), _Ear) as ear:
        threading.Thread(target=ear.serve_forever).start()
        try:
            digest = registry.push("heard/app", "1", images.good("1"))
            until(
                lambda: any(event["action"] == "push" and _tag(event) == "1" for _, event in _Ear.heard),
                who="listener",
                what="hears of the push",
                deadline=20,
            )
        finally:
            ear.shutdown()
    assert {authorization for authorization, _ in _Ear.heard} == {"Bearer s3cret"}
    host.docker("pull", f"{registry.address}/heard/app@{digest}")
    host.docker("pull", f"{registry.host_name}/heard/app:1")
    ran = host.docker("run", "--rm", f"{registry.address}/heard/app@{digest}", "cat", "/version")
    assert ran == "1\n"


def _tag(event: dict[str, object]) -> object:
    target = event["target"]
    return target.get("tag") if isinstance(target, dict) else None


def test_retagging_keeps_the_digest_and_deleting_takes_the_tag_away(lab: Lab) -> None:
    registry = lab.registry()
    pair = {"linux/amd64": images.good("1"), "linux/s390x": images.build("1", architecture="s390x")}
    digest = registry.push_index("test/app", "1", pair)
    assert registry.retag("test/app", "1", "prod/app", "stable") == digest
    assert registry.digest("prod/app", "stable") == digest
    registry.delete("prod/app", digest)
    assert registry.digest("prod/app", "stable") is None
    assert registry.digest("test/app", "1") == digest


def test_a_host_takes_its_own_architecture_from_an_index(lab: Lab) -> None:
    registry, host = lab.registry(), lab.host("old")
    native = images.native_architecture()
    pair = {f"linux/{native}": images.good("native"), "linux/s390x": images.build("no", architecture="s390x")}
    digest = registry.push_index("multi/app", "1", pair)
    image = f"{registry.address}/multi/app@{digest}"
    assert host.docker("run", "--rm", image, "cat", "/version") == "native\n"


def test_a_registry_with_a_user_refuses_everybody_else(lab: Lab) -> None:
    registry, host = lab.registry("closed"), lab.host("solo")
    with pytest.raises(LabError, match="401"):
        RegistryClient(registry.address).push("app", "1", images.good("1"))
    registry.push("app", "1", images.good("1"))
    image = f"{registry.address}/app:1"
    assert host.run("docker", "pull", image, check=False).returncode != 0
    host.docker("login", "--username", "me", "--password-stdin", registry.address, input="hidden")
    host.docker("pull", image)


def test_a_registry_stopped_and_started_again_keeps_its_images(lab: Lab) -> None:
    registry = lab.registry()
    digest = registry.push("stays/app", "1", images.good("1"))
    registry.stop()
    assert not registry.client.answers()
    registry.start()
    assert registry.digest("stays/app", "1") == digest


def test_images_become_healthy_or_not_as_their_makers_say(lab: Lab) -> None:
    host, registry = lab.host("solo"), lab.registry()
    expected = {
        "healthy": (images.healthy("1"), "running healthy"),
        "unwell": (images.never_healthy("1"), "running unhealthy"),
        "slow": (images.slow("1", seconds=2), "running healthy"),
        "crashing": (images.crashing("1"), "exited 1"),
    }
    for name, (image, _) in expected.items():
        registry.push(f"kinds/{name}", "1", image)
        host.docker("run", "--detach", "--name", name, f"{registry.address}/kinds/{name}:1")
    seen = "{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.ExitCode}}{{end}}"
    for name, (_, state) in expected.items():
        until(
            lambda name=name, state=state: host.docker("inspect", "-f", seen, name) == f"{state}\n",  # type: ignore[misc]
            who=name,
            what=state,
            deadline=20,
        )
    host.docker("rm", "--force", *expected)


def test_a_lab_is_attached_to_by_name(lab: Lab) -> None:
    again = Lab.attach(lab.spec.name)
    assert again.spec == lab.spec
    with closing(again.host("old").api()) as api:
        assert api.info()["Name"] == "old"


def test_down_leaves_nothing_behind() -> None:
    with Lab.running(_SMALL) as lab:
        host, registry = lab.host("one"), lab.registry()
        registry.push("app", "1", images.good("1"))
        host.docker("run", "--detach", f"{registry.address}/app:1")
        host.docker("run", "--detach", "--name", "paused", f"{registry.address}/app:1")
        host.docker("pause", "paused")
        stats = [Path(f"/proc/{pid}/stat").read_text() for pid in cgroups.processes(_SMALL.name)]
        processes = [Process.from_stat(stat) for stat in stats]
        assert len(processes) > 5
        assert network.namespaces(_SMALL.name) == ["rdu.lab-tests-small", "rdu.lab-tests-small.one"]
    assert _nothing_is_left(_SMALL.name)
    assert [process for process in processes if process.alive] == []


def test_a_lab_is_removed_by_name_when_its_state_is_lost() -> None:
    Lab.up(_SMALL)
    directory = state_directory(_SMALL.name)
    lost = directory.rename(state_parent() / ".lost")
    try:
        Lab.remove(_SMALL.name)
        assert _nothing_is_left(_SMALL.name)
    finally:
        subprocess.run(["rm", "-rf", lost], check=True)


@pytest.mark.parametrize("moment", ["while it starts", "when it is up"])
def test_a_lab_whose_maker_was_killed_is_replaced_by_the_next(moment: str) -> None:
    maker = subprocess.Popen(
        [sys.executable, "-c", _MAKER, _SMALL.to_json()],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
    )
    try:
        if moment == "when it is up":
            assert maker.stdout is not None
            assert maker.stdout.readline() == b"up\n"
        else:
            until(
                lambda: bool(cgroups.processes(_SMALL.name)), who="maker", what="first process", deadline=30
            )
    finally:
        maker.send_signal(signal.SIGKILL)
        maker.communicate()
    with Lab.running(_SMALL) as lab:
        assert port_says(lab.host("one").address, 22, b"SSH-")
    assert _nothing_is_left(_SMALL.name)


def test_a_lab_that_cannot_start_says_why_and_leaves_nothing() -> None:
    taken = LabSpec(_SMALL.name, registries=(RegistrySpec("a", 5000), RegistrySpec("b", 5001)))
    interface = outer_interface("somebody-else")
    subprocess.run(["ip", "link", "add", interface, "type", "veth"], check=True)
    try:
        subprocess.run(["ip", "address", "add", f"{taken.address}/24", "dev", interface], check=True)
        with pytest.raises(LabError, match=f"is in use, by {interface}"):
            Lab.up(taken)
    finally:
        subprocess.run(["ip", "link", "delete", interface], check=True)
    assert _nothing_is_left(_SMALL.name)


def _nothing_is_left(name: str) -> bool:
    interface = Path(f"/sys/class/net/{outer_interface(name)}")
    return sweep.leftovers(name) == [] and not interface.exists() and name not in sweep.known_labs()
