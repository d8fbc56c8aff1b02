"""What a start needs of the host and that is gone: told before anything stops. The engine is played, the files are real."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container import (
    needs as container_needs,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.checks import check_target
from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.host import Host
from ansible_collections.registry.docker_updater.plugins.module_utils.container.needs import missing_needs

ID = "f" * 64


@pytest.fixture(name="root")
def _root() -> Iterator[Path]:
    """A folder with the socket of an engine that sees the same files as we do: it is this process."""
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        socket.socket(socket.AF_UNIX) as listening,
    ):
        listening.bind(f"{folder}/docker.sock")
        listening.listen()
        yield Path(folder)


def container(**host: Any) -> dict[str, Any]:
    return {
        "Id": ID,
        "Name": "/app",
        "State": {"Running": True},
        "Config": {},
        "HostConfig": host,
        "Mounts": [],
    }


def missing(root: Path, shown: dict[str, Any], *others: dict[str, Any], **engine: Any) -> list[str]:
    played = SimpleNamespace(
        address=engine.get("address", f"unix://{root}/docker.sock"),
        get=lambda *_: {"Volumes": engine.get("volumes", [])},
    )
    containers = cast("Containers", SimpleNamespace(engine=played))
    return list(missing_needs(containers, shown, engine.get("info", {}), [shown, *others]))


def test_a_device_that_was_removed_is_told_and_one_that_is_there_is_not(root: Path) -> None:
    devices = [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/null"}]
    assert missing(root, container(Devices=devices)) == []
    devices.append({"PathOnHost": "/opt/stick", "PathInContainer": "/dev/stick"})
    (sentence,) = missing(root, container(Devices=devices))
    assert "device /opt/stick of app is no longer there" in sentence


def test_a_device_that_every_privileged_container_has_anyway_is_not_asked_for(root: Path) -> None:
    device = {"PathOnHost": "/opt/stick", "PathInContainer": "/opt/stick"}
    assert missing(root, container(Privileged=True, Devices=[device])) == []
    elsewhere = {**device, "PathInContainer": "/dev/stick"}
    assert len(missing(root, container(Privileged=True, Devices=[elsewhere]))) == 1


def test_a_device_that_only_has_a_limit_is_needed_too(root: Path) -> None:
    limits = [{"Path": "/dev/gone", "Rate": 1}]
    (sentence,) = missing(root, container(BlkioDeviceReadBps=limits, BlkioWeight=0))
    assert "/dev/gone" in sentence


def test_a_folder_that_a_volume_mounts_is_needed_and_anothers_share_is_not_looked_for(root: Path) -> None:
    shown = {**container(), "Mounts": [{"Type": "volume", "Name": "data", "Destination": "/data"}]}

    def with_device(device: str) -> list[str]:
        options = {"type": "none", "o": "bind", "device": device}
        return missing(root, shown, volumes=[{"Name": "data", "Driver": "local", "Options": options}])

    assert with_device(str(root)) == []
    assert with_device("//server/share") == with_device(":/export") == []
    assert str(root / "gone") in with_device(str(root / "gone"))[0]
    assert "volume data at /data of app no longer exists" in missing(root, shown)[0]


@pytest.mark.parametrize("how", [{"NetworkMode": "container:vpn"}, {"Links": ["/vpn:/app/vpn"]}])
def test_a_container_that_another_needs_to_run_is_to_run(root: Path, how: dict[str, Any]) -> None:
    def provider(*, running: bool) -> dict[str, Any]:
        return {"Id": "e" * 64, "Name": "/vpn", "State": {"Running": running}}

    assert missing(root, container(**how), provider(running=True)) == []
    (sentence,) = missing(root, container(**how), provider(running=False))
    assert "vpn, which app cannot start without, does not run" in sentence
    (sentence,) = missing(root, container(**how))
    assert "is gone" in sentence
    stopped = {**container(**how), "State": {"Running": False}}
    assert missing(root, stopped, provider(running=False)) == [], "it is not to be started"


def test_an_address_that_the_host_has_no_more_is_told(root: Path) -> None:
    def published(address: str) -> dict[str, Any]:
        return container(PortBindings={"80/tcp": [{"HostIp": address, "HostPort": "80"}]})

    with socket.socket() as trial, pytest.raises(OSError, match="assign"):
        trial.bind(("192.0.2.1", 0))  # of the documentation: no host has it
    assert "192.0.2.1" in missing(root, published("192.0.2.1"))[0]
    assert missing(root, published("127.0.0.1")) == missing(root, published("0.0.0.0")) == []
    rootless = {"SecurityOptions": ["name=rootless"]}
    assert missing(root, published("192.0.2.1"), info=rootless) == []


def test_a_profile_of_apparmor_that_is_not_loaded_is_told(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = tmp_path / "profiles"
    loaded.write_text("docker-default (enforce)\nmine (complain)\n")
    monkeypatch.setattr(container_needs, "_APPARMOR", str(loaded))
    assert missing(root, container(SecurityOpt=["apparmor=mine", "apparmor:unconfined", "label=x"])) == []
    assert "gone is not loaded" not in str(missing(root, container(SecurityOpt=["apparmor=mine"])))
    assert "profile gone" in missing(root, container(SecurityOpt=["apparmor=gone"]))[0]
    monkeypatch.setattr(container_needs, "_APPARMOR", str(tmp_path / "none"))
    assert missing(root, container(SecurityOpt=["apparmor=gone"])) == [], "nobody can tell"


@pytest.mark.parametrize("runtime", ["io.containerd.foo.v2", "youki"])
def test_a_runtime_is_left_to_the_engine_whatever_it_lists(runtime: str) -> None:
    """One that it does not accept, it refuses when the new container is created, before anything stops."""
    shown = container(Runtime=runtime)
    shown["State"]["Status"] = "running"
    shown["NetworkSettings"] = {}
    host = Host({"Runtimes": {"runc": {}}}, "amd64", [shown], [])
    check_target(shown, host, "unix:///run/docker.sock", "/state")


def test_a_runtime_whose_program_was_removed_is_told_and_one_that_was_upgraded_is_not(root: Path) -> None:
    shim = root / "containerd-shim-foo-v2"
    shutil.copy("/bin/sh", shim)
    with subprocess.Popen(
        [shim, "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        pid = int(started.stdout.readline())
        shown = {**container(), "State": {"Running": True, "Pid": pid}}
        try:
            assert missing(root, shown) == []
            shim.unlink()
            (sentence,) = missing(root, shown)
            assert f"{shim}, which started app, was removed" in sentence
            shim.touch()
            assert missing(root, shown) == []
        finally:
            os.kill(pid, signal.SIGKILL)


def test_files_are_not_looked_for_where_the_engine_has_others(root: Path) -> None:
    devices = [{"PathOnHost": "/opt/stick", "PathInContainer": "/opt/stick"}]
    assert missing(root, container(Devices=devices), address="tcp://engine:2375") == []
    assert missing(root, container(Devices=devices), address=f"unix://{root}/gone.sock") == []


def test_one_that_is_stopped_needs_nothing_to_start(root: Path) -> None:
    devices = [{"PathOnHost": "/opt/stick", "PathInContainer": "/dev/stick"}]
    assert missing(root, {**container(Devices=devices), "State": {"Running": False}}) == []


def test_a_file_in_place_of_a_device_is_none(root: Path) -> None:
    (root / "stick").touch()
    devices = [{"PathOnHost": str(root / "stick"), "PathInContainer": "/dev/stick"}]
    assert len(missing(root, container(Devices=devices))) == 1


def test_what_may_not_be_looked_at_is_left_to_the_engine(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object) -> None:
        raise PermissionError

    shown = {**container(), "Mounts": [{"Type": "bind", "Source": "/fuse/data", "Destination": "/data"}]}
    assert len(missing(root, shown)) == 1
    monkeypatch.setattr(os, "lstat", deny)
    assert missing(root, shown) == []


def test_a_volume_that_another_container_has_mounted_is_there(root: Path) -> None:
    mounts = [{"Type": "volume", "Name": "data", "Destination": "/data"}]
    options = {"type": "none", "o": "bind", "device": str(root / "gone")}
    volumes = [{"Name": "data", "Driver": "local", "Options": options}]
    other = {"Id": "e" * 64, "Name": "/other", "State": {"Running": True}, "Mounts": mounts}
    assert len(missing(root, {**container(), "Mounts": mounts}, volumes=volumes)) == 1
    assert missing(root, {**container(), "Mounts": mounts}, other, volumes=volumes) == []
