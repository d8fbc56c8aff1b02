# SPDX-License-Identifier: Apache-2.0
"""How the operator knows what runs: scans that no hanging host delays, and engines that it follows itself.

One lab and one operator for all tests of this file, in their order. At first hosts are asked every hour, so that
what is known a moment later is known for another reason.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.updater import Updater, endpoint
from fleet.shop import OPT_IN, TLS_PORT, Authority, serve_tls
from lab import Host, HostSpec, Lab, LabSpec, RegistrySpec
from lab.images import good
from lab.waiting import until

pytestmark = pytest.mark.lab

_SECONDS = 120
_FOLLOWED = ("socket", "ssh", "tls")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    registry = RegistrySpec("registry", 5000, (endpoint(LabSpec("scans").address, "registry"),))
    hosts = tuple(HostSpec(name) for name in (*_FOLLOWED, "plain"))
    with Lab.running(LabSpec("scans", hosts=hosts, registries=(registry,))) as lab:
        lab.registry().push("test/app", "1", good("1"))
        yield lab


@pytest.fixture(scope="module")
def updater(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Updater:
    """An operator that has asked every host once, and follows all but `plain`."""
    authority = Authority(tmp_path_factory.mktemp("tls"), "authority")
    serve_tls(lab.host("tls"), authority)
    certificate, key = authority.issue("client")
    live: dict[str, Any] = {
        "socket": f"unix://{lab.host('socket').machine.inside('/run/docker.sock')}",
        "ssh": {
            "docker_host": "ssh://{{ ansible_user }}@{{ ansible_host }}",
            "ssh_args": "-i {{ ansible_ssh_private_key_file }} {{ ansible_ssh_common_args }}",
        },
        "tls": {
            "docker_host": f"tcp://{{{{ ansible_host }}}}:{TLS_PORT}",
            "ca_path": str(authority.certificate),
            "client_cert": str(certificate),
            "client_key": str(key),
        },
    }
    for name, how in live.items():
        _say(lab, name, docker_live=how)
    updater = Updater(lab)
    _configure(updater, "1h")
    updater.start()
    for name in _FOLLOWED:
        _until(updater, lambda name=name: _host(updater, name)["live"] == "followed", f"follows {name}")
    _until(updater, lambda: _host(updater, "plain"), "has asked plain")
    return updater


@pytest.fixture(scope="module")
def often(lab: Lab, updater: Updater) -> Updater:
    """The same, started again to ask every few seconds; `tls` is followed no longer."""
    updater.stop()
    _configure(updater, "4s")
    updater.start()
    _until(updater, lambda: _host(updater, "tls")["live"] == "followed", "follows tls")
    _listen_no_more(lab.host("tls"))
    return updater


def _configure(updater: Updater, interval: str) -> None:
    inventory = str(updater._lab.inventory)
    updater.install(
        {"standalone_container_settle": 3},
        fleet={"inventory": inventory, "scan_interval": interval, "scan_share": "100%"},
    )


def _say(lab: Lab, host: str, **variables: Any) -> None:
    """Set variables of one host in the inventory."""
    file = Path(lab.inventory).parent / "host_vars" / f"{host}.yml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(variables))


def _deploy(lab: Lab, host: str, name: str, image: str = "test/app:1") -> str:
    """Start a container that opted in; return its key."""
    lab.host(host).docker("run", "--detach", "--name", name, *OPT_IN, f"{lab.registry().address}/{image}")
    return f"container/{host}/{name}"


def _host(updater: Updater, name: str) -> dict[str, Any]:
    """What is known of a host; of one that was never asked, nothing."""
    hosts = updater.ask("/api/fleet")["hosts"]
    return next(
        (host for host in hosts if host["name"] == name), {"live": None, "asked_at": "", "error": None}
    )


def _knows(updater: Updater, key: str) -> bool:
    return key in {target["key"] for target in updater.ask("/api/fleet")["targets"]}


def _until(updater: Updater, condition: Any, what: str) -> None:
    until(condition, who="the operator", what=what, deadline=_SECONDS, log=updater.log, pause=0.2)


@pytest.mark.parametrize("host", _FOLLOWED)
def test_what_was_deployed_a_moment_ago_is_known_where_the_engine_is_followed(
    lab: Lab, updater: Updater, host: str
) -> None:
    """Over the engine's socket, through ssh, and over TLS; and what was removed is known to be gone."""
    key = _deploy(lab, host, "fresh")
    _until(updater, lambda: _knows(updater, key), f"knows {key}")
    lab.host(host).docker("rm", "--force", "fresh")
    _until(updater, lambda: not _knows(updater, key), f"knows that {key} is gone")


def test_a_service_made_a_moment_ago_is_known_where_the_engine_is_followed(
    lab: Lab, updater: Updater
) -> None:
    host = lab.host("socket")
    host.docker("swarm", "init", "--advertise-addr", host.address)
    made = host.docker(
        *("service", "create", "--detach", "--label", "registry-docker-updater=true", "--name", "api"),
        f"{lab.registry().address}/test/app:1",
    ).strip()
    _until(updater, lambda: _knows(updater, f"service/{made}"), "knows the service")
    host.docker("service", "rm", "api")
    _until(updater, lambda: not _knows(updater, f"service/{made}"), "knows that the service is gone")


def test_what_nobody_labelled_is_no_reason_to_look(lab: Lab, updater: Updater) -> None:
    """Nobody waits for what is not to happen: a container with the label comes after it, and is heard of."""
    before = _host(updater, "tls")["asked_at"]
    scans = _scans(updater)
    for number in range(5):
        lab.host("tls").docker(
            "run", "--rm", "--name", f"other{number}", f"{lab.registry().address}/test/app:1", "true"
        )
    key = _deploy(lab, "ssh", "labelled")
    _until(updater, lambda: _knows(updater, key), f"knows {key}")
    assert _host(updater, "tls")["asked_at"] == before
    assert _scans(updater) == scans + 1
    lab.host("ssh").docker("rm", "--force", "labelled")
    _until(updater, lambda: not _knows(updater, key), f"knows that {key} is gone")


def _scans(updater: Updater) -> int:
    """The number of the newest run of a scan."""
    return max(int(path.name.rpartition("-")[2]) for path in updater.state.glob("runs/scans/discover-*"))


def test_a_push_of_a_name_that_nobody_ran_when_asked_last_finds_who_runs_it_now(
    lab: Lab, updater: Updater
) -> None:
    lab.registry().push("test/new", "1", good("1"))
    _deploy(lab, "plain", "new", "test/new:1")
    digest = lab.registry().push("test/new", "1", good("2"))

    def is_rolled_out() -> bool:
        rollout = updater.rollout_of(digest, "test/new:1")
        return bool(rollout and rollout["outcomes"] == {"updated": 1})

    _until(updater, is_rolled_out, "has updated what was deployed before the push")


def test_where_an_engine_cannot_be_followed_any_more_scans_go_on(lab: Lab, often: Updater) -> None:
    updater = often
    _until(updater, lambda: "cannot be followed" in (_host(updater, "tls")["live"] or ""), "says so")
    key = _deploy(lab, "tls", "late")
    _until(updater, lambda: _knows(updater, key), f"knows {key}")
    assert "cannot be followed" in _host(updater, "tls")["live"]
    assert "note: tls: the live view: cannot be followed" in updater.command("fleet").stdout


def test_a_user_who_may_use_the_engine_by_now_is_asked_with_success(lab: Lab, often: Updater) -> None:
    """Though the connection to the host is kept open, on which the user would stay as before."""
    plain = lab.host("plain")
    plain.run("useradd", "--create-home", "--shell", "/bin/sh", "--password", "*", "deploy")
    plain.run("cp", "-r", "/root/.ssh", "/home/deploy/")
    plain.run("chown", "-R", "deploy:", "/home/deploy")
    _say(lab, "plain", ansible_user="deploy")
    try:
        _until(
            often, lambda: "may not open it" in (_host(often, "plain")["error"] or ""), "may not ask plain"
        )
        plain.run("usermod", "--append", "--groups", "docker", "deploy")
        _until(often, lambda: not _host(often, "plain")["error"], "asks plain")
    finally:
        _say(lab, "plain")


def _listen_no_more(host: Host) -> None:
    """Have the engine listen on its socket only."""
    host.run(
        "sh",
        "-c",
        """python3 - <<'END'
import json
path = "/etc/docker/daemon.json"
settings = json.load(open(path))
for name in ("hosts", "tlsverify", "tlscacert", "tlscert", "tlskey"):
    settings.pop(name, None)
json.dump(settings, open(path, "w"))
END""",
    )
    host.stop_engine()
    host.start_engine()


def test_hosts_that_hang_delay_no_other(lab: Lab, often: Updater) -> None:
    """An engine that hangs, and an sshd: what happens elsewhere is known while they are still waited for."""
    updater = often
    lab.host("tls").freeze()
    lab.host("ssh").run("pkill", "-STOP", "sshd")
    try:
        for number in range(3):
            key = _deploy(lab, "plain", f"beside{number}")
            _until(updater, lambda key=key: _knows(updater, key), f"knows {key}")
            if number == 0:
                assert not _host(updater, "tls")["error"]
    finally:
        lab.host("ssh").run("pkill", "-CONT", "sshd")
        lab.host("tls").thaw()


@pytest.mark.extended
def test_hosts_that_go_on_hanging_are_asked_apart_and_found_back(lab: Lab, often: Updater) -> None:
    """An engine that hangs, an sshd that hangs, and a host whose cable is out."""
    updater = often
    lab.host("tls").freeze()
    lab.host("ssh").run("pkill", "-STOP", "sshd")
    lab.host("socket").cut_off()
    try:
        for name in _FOLLOWED:
            _until(updater, lambda name=name: _host(updater, name)["error"], f"has given up {name}")
        hanging = _host(updater, "tls")["asked_at"]
        for _ in range(2):
            asked = _host(updater, "plain")["asked_at"]
            _until(
                updater,
                lambda asked=asked: _host(updater, "plain")["asked_at"] > asked,
                "asks plain on and on",
            )
        assert _host(updater, "tls")["asked_at"] == hanging
    finally:
        lab.host("socket").reconnect()
        lab.host("ssh").run("pkill", "-CONT", "sshd")
        lab.host("tls").thaw()
    for name in _FOLLOWED:
        _until(updater, lambda name=name: not _host(updater, name)["error"], f"finds {name} back")
