"""The container in which the operator itself runs: it is known, its own end is seen before, and a helper outlives it."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.own import (
    has_mount,
    helper_body,
    helper_name,
    is_touched,
    networks_of_helper,
    own_ids,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    RUNNING,
    Member,
    Swap,
    is_aside,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.labels import OPT_IN

from unit.engines import container_of

OWN = "f" * 64
# As Docker 26.1 on Debian 13 has it, shortened.
MOUNTINFO = f"""\
812 640 0:62 / / ro,relatime master:303 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A
818 812 0:66 / /tmp rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw
819 812 254:1 /var/lib/docker/volumes/state/_data /var/lib/registry-docker-updater rw - ext4 /dev/vda rw
820 812 254:1 /var/lib/docker/containers/{OWN}/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda rw
821 812 254:1 /var/lib/docker/containers/{OWN}/hostname /etc/hostname rw - ext4 /dev/vda rw
"""


def test_a_process_in_a_container_knows_which_one_by_its_mounts() -> None:
    assert own_ids(MOUNTINFO) == {OWN}


@pytest.mark.parametrize(
    "mountinfo",
    [
        "",
        "22 1 254:1 / / rw - ext4 /dev/vda rw\n",
        # Somebody looks at the folder of a container from the host, or mounted it into another.
        f"30 22 254:1 /var/lib/docker/containers/{'a' * 64}/mounts /mnt rw - ext4 /dev/vda rw\n",
        "31 22 254:1 /srv/hosts /etc/hosts rw - ext4 /dev/vda rw\n",
    ],
)
def test_outside_of_a_container_there_is_none(mountinfo: str) -> None:
    assert own_ids(mountinfo) == set()


def _container(name: str, identity: str, **host: Any) -> dict[str, Any]:
    found: dict[str, Any] = container_of(name, "registry.example.com/test/app:1")
    return {**found, "Id": identity, "NetworkSettings": {}, "HostConfig": {**found["HostConfig"], **host}}


UPDATER = _container("updater", OWN)
PROXY = _container("proxy", "1" * 64)
OTHER = _container("other", "2" * 64)
LEANING = _container("updater", OWN, NetworkMode=f"container:{'1' * 64}")


@pytest.mark.parametrize(
    ("names", "found", "expected"),
    [
        ({"updater"}, (UPDATER, OTHER), True),
        ({"other"}, (UPDATER, OTHER), False),
        (set[str](), (UPDATER, OTHER), False),
        ({"gone"}, (UPDATER, OTHER), False),
        # It is created again together with the container whose network it uses.
        ({"proxy"}, (PROXY, LEANING, OTHER), True),
    ],
)
def test_updates_touch_the_own_container_that_are_its_own_or_of_one_that_it_leans_on(
    names: set[str], found: tuple[dict[str, Any], ...], *, expected: bool
) -> None:
    assert is_touched(OWN, names, found, ()) is expected


@pytest.mark.parametrize(
    ("old", "new", "restarts", "expected"),
    [
        (OWN, "", (), True),
        ("1" * 64, OWN, (), True),
        ("1" * 64, "2" * 64, (OWN,), True),
        ("1" * 64, "2" * 64, (), False),
    ],
)
def test_the_repair_of_an_update_touches_whatever_that_replaces_or_restarts(
    old: str, new: str, restarts: tuple[str, ...], *, expected: bool
) -> None:
    member = Member("updater", old, RUNNING, {}, False, {}, {}, new_id=new)
    swap = Swap("0123abcd", (member,), restarts, {"name": "updater"})
    assert is_touched(OWN, set(), (), (swap,)) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/state", True),
        ("/state/containers/x", True),
        ("/stately", False),
        ("/tmp/state", False),
    ],
)
def test_what_outlives_a_container_lies_in_a_volume_or_a_folder_of_the_host(
    path: str, *, expected: bool
) -> None:
    mounts = [{"Type": "tmpfs", "Destination": "/tmp"}, {"Type": "volume", "Destination": "/state/"}]
    assert has_mount({"Mounts": mounts}, path) is expected
    assert not has_mount({"Mounts": None}, path)


def test_a_helper_has_a_name_that_nobody_takes_for_a_target() -> None:
    assert is_aside(helper_name(UPDATER, "0123abcd"))


def test_a_helper_sees_and_may_do_what_the_own_container_does_and_is_started_again_when_it_is_killed() -> (
    None
):
    own = {
        **UPDATER,
        "Image": "sha256:old",
        "Config": {"User": "10001:10001", "Env": ["HOME=/state"], "Labels": {OPT_IN: "true"}},
        "HostConfig": {
            "NetworkMode": "host",
            "GroupAdd": ["102"],
            "CapDrop": ["ALL"],
            "CapAdd": None,
            "ReadonlyRootfs": True,
            "Tmpfs": {"/tmp": "size=1m"},
            "RestartPolicy": {"Name": "unless-stopped"},
            "PortBindings": {"8080/tcp": [{"HostPort": "8080"}]},
        },
        "Mounts": [
            {
                "Type": "volume",
                "Name": "state",
                "Source": "/x",
                "Destination": "/state",
                "Mode": "z",
                "RW": True,
            },
            {
                "Type": "bind",
                "Source": "/run/docker.sock",
                "Destination": "/run/docker.sock",
                "Mode": "",
                "RW": True,
            },
            {"Type": "bind", "Source": "/srv/config", "Destination": "/etc/config", "Mode": "", "RW": False},
            # Compose says so in RW alone, `docker run` in both.
            {"Type": "volume", "Name": "secrets", "Destination": "/etc/secrets", "Mode": "z", "RW": False},
            {"Type": "volume", "Name": "keys", "Destination": "/etc/keys", "Mode": "ro,Z", "RW": False},
            {"Type": "tmpfs", "Source": "", "Destination": "/run/more"},
        ],
    }
    assert helper_body(own, ["python", "-m", "helper"], "front") == {
        "Image": "sha256:old",
        "Entrypoint": ["python", "-m", "helper"],
        "Cmd": [],
        "Env": ["HOME=/state"],
        "User": "10001:10001",
        "WorkingDir": "/",
        "Labels": {OPT_IN: "false"},
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "NetworkMode": "front",
            "GroupAdd": ["102"],
            "CapDrop": ["ALL"],
            "ReadonlyRootfs": True,
            "Binds": [
                "state:/state:z,rw",
                "/run/docker.sock:/run/docker.sock:rw",
                "/srv/config:/etc/config:ro",
                "secrets:/etc/secrets:z,ro",
                "keys:/etc/keys:Z,ro",
            ],
            "Tmpfs": {"/tmp": "size=1m", "/run/more": ""},
            "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 5},
        },
    }


def test_a_helper_of_a_container_without_anything_of_its_own_has_nothing_either() -> None:
    own = {**UPDATER, "Image": "sha256:old", "Config": {}, "HostConfig": {}, "Mounts": None}
    body = helper_body(own, ["python"], "none")
    assert (body["Env"], body["User"], body["HostConfig"]["Binds"]) == ([], "", [])


@pytest.mark.parametrize(
    ("mode", "networks", "has_socket", "expected"),
    [
        ("host", {"host": {}}, True, ["host"]),
        ("none", {"none": {}}, True, ["none"]),
        ("default", {"bridge": {}}, True, ["bridge"]),
        # The engine may be reached over any of them; the mode may be the id of one, and one may have been taken away since.
        ("0123456789ab", {"front": {}, "back": {}}, False, ["back", "front"]),
        ("front", {}, False, ["none"]),
        # Whose network it shares may be what is replaced.
        ("container:" + "1" * 64, {}, True, ["default"]),
        ("container:" + "1" * 64, {}, False, ["container:" + "1" * 64]),
    ],
)
def test_a_helper_is_in_the_same_networks_and_leans_on_nobody_where_it_need_not(
    mode: str, networks: dict[str, Any], expected: list[str], *, has_socket: bool
) -> None:
    own = {**UPDATER, "HostConfig": {"NetworkMode": mode}, "NetworkSettings": {"Networks": networks}}
    assert networks_of_helper(own, has_socket=has_socket) == expected
