# SPDX-License-Identifier: Apache-2.0
"""The request that creates a container again: fields whose rules need no engine to be seen."""

import copy
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.given import Given
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.networks import (
    Asked,
    plan_networks,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.recreate import (
    follow,
    recreate,
)

ID = "abcdef012345" + "0" * 52
VOLUME = "f" * 64


def container(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Id": ID,
        "Name": "/web",
        "Config": {
            "Image": "app:1",
            "Hostname": ID[:12],
            "Labels": {},
            "Env": [],
            **changes.pop("Config", {}),
        },
        "HostConfig": {"NetworkMode": "bridge", **changes.pop("HostConfig", {})},
        "NetworkSettings": {"Networks": changes.pop("Networks", {"bridge": {}})},
        "Mounts": [],
    }
    made.update(changes)
    return made


def image(identity: str = "sha256:old", **config: Any) -> dict[str, Any]:
    return {"Id": identity, "Config": config}


def body_of(shown: dict[str, Any], api: tuple[int, int] = (1, 45), **given: Any) -> dict[str, Any]:
    given.setdefault("old_image", image())
    given.setdefault("new_image", image("sha256:new"))
    before = copy.deepcopy(shown)
    made = recreate(Given(container=shown, api=api, **given)).body
    assert shown == before, "what was given is not changed"
    return made


def test_fields_that_nobody_knows_yet_survive() -> None:
    body = body_of(
        container(
            Config={"Tomorrow": 1}, HostConfig={"Tomorrow": {"a": [1]}}, Networks={"n": {"Tomorrow": 2}}
        )
    )
    assert (body["Tomorrow"], body["HostConfig"]["Tomorrow"]) == (1, {"a": [1]})
    assert body["NetworkingConfig"]["EndpointsConfig"]["n"] == {"Tomorrow": 2}


def test_a_host_name_made_of_the_id_is_made_anew_and_a_chosen_one_stays() -> None:
    assert body_of(container())["Hostname"] == ""
    assert body_of(container(Config={"Hostname": "mine"}))["Hostname"] == "mine"
    on_host = container(Config={"Hostname": "machine"}, HostConfig={"NetworkMode": "host"})
    assert body_of(on_host, host_name="machine")["Hostname"] == ""
    assert body_of(on_host, host_name="renamed since")["Hostname"] == "machine"


def test_in_anothers_network_nothing_is_sent_that_the_engine_refuses_there() -> None:
    shown = container(
        Config={"Hostname": "h", "ExposedPorts": {"80/tcp": {}}},
        HostConfig={"NetworkMode": "container:x", "Dns": ["1.1.1.1"], "ExtraHosts": ["a:1"]},
        Networks={},
    )
    body = body_of(shown)
    assert (body["Hostname"], body["ExposedPorts"], body["HostConfig"]["Dns"]) == ("", {}, None)
    assert "NetworkingConfig" not in body


def test_masked_paths_of_the_engine_are_left_to_it_and_an_empty_list_is_the_users() -> None:
    host = {"MaskedPaths": ["/proc/kcore", "/sys/firmware"], "ReadonlyPaths": []}
    made = body_of(container(HostConfig=host))["HostConfig"]
    assert "MaskedPaths" not in made
    assert made["ReadonlyPaths"] == []
    own = body_of(container(HostConfig={"MaskedPaths": ["/proc/kcore", "/mine"]}))["HostConfig"]
    assert own["MaskedPaths"] == ["/proc/kcore", "/mine"]


def test_an_anonymous_volume_is_named_so_that_its_data_comes_along() -> None:
    mount = {"Type": "volume", "Name": VOLUME, "Source": "/x", "Destination": "/data/", "RW": False}
    shown = container(Config={"Volumes": {"/data": {}}}, Mounts=[mount])
    made = body_of(shown)["HostConfig"]
    assert made["Mounts"] == [{"Type": "volume", "Source": VOLUME, "Target": "/data/", "ReadOnly": True}]


def test_a_volume_of_the_old_image_only_is_let_go_and_told() -> None:
    mount = {"Type": "volume", "Name": VOLUME, "Source": "/x", "Destination": "/data", "RW": True}
    shown = container(Config={"Volumes": {"/data": {}}}, Mounts=[mount])
    made = recreate(
        Given(
            container=shown,
            old_image=image(Volumes={"/data": {}}),
            new_image=image("sha256:new"),
            api=(1, 45),
        )
    )
    assert "Mounts" not in made.body["HostConfig"]
    assert VOLUME in made.warnings[0]
    carried = container(
        HostConfig={"Mounts": [{"Type": "volume", "Source": VOLUME, "Target": "/data"}]}, Mounts=[mount]
    )
    again = recreate(
        Given(
            container=carried,
            old_image=image(Volumes={"/data": {}}),
            new_image=image("sha256:new"),
            api=(1, 45),
        )
    )
    assert "Mounts" not in again.body["HostConfig"], "also one that an earlier update had carried over"


def test_a_mount_of_the_user_without_a_source_gets_the_volume_it_had() -> None:
    mount = {"Type": "volume", "Name": VOLUME, "Source": "/x", "Destination": "/data", "RW": True}
    shown = container(
        HostConfig={"Mounts": [{"Type": "volume", "Target": "/data", "VolumeOptions": {"NoCopy": True}}]},
        Mounts=[mount],
    )
    assert body_of(shown)["HostConfig"]["Mounts"] == [
        {"Type": "volume", "Target": "/data", "VolumeOptions": {"NoCopy": True}, "Source": VOLUME}
    ]


def test_a_volume_that_came_from_a_container_that_is_gone_is_no_volume_of_the_image() -> None:
    """Not even where the old image declares one at its path, and the new one does not."""
    mounts = [
        {"Type": "volume", "Name": VOLUME, "Destination": "/data", "RW": True},
        {"Type": "volume", "Name": "named", "Destination": "/named", "RW": True},
    ]
    old = image(Volumes={"/data": {}, "/named": {}})
    gone = container(HostConfig={"VolumesFrom": ["gone"]}, Mounts=mounts)
    made = body_of(gone, old_image=old)["HostConfig"]
    assert made["Binds"] == [f"{VOLUME}:/data", "named:/named"], (
        "and no later update takes them for the image's"
    )
    own = body_of(container(Mounts=mounts), old_image=old)["HostConfig"]
    assert [one["Source"] for one in own["Mounts"]] == ["named"], "one with a name was never the image's"


def test_volumes_from_a_container_that_is_gone_are_mounted_by_name() -> None:
    mounts = [
        {"Type": "volume", "Name": "named", "Source": "/x", "Destination": "/n", "RW": True},
        {"Type": "bind", "Source": "/srv", "Destination": "/srv", "RW": False, "Propagation": "rslave"},
    ]
    shown = container(HostConfig={"VolumesFrom": ["gone:ro"]}, Mounts=mounts)
    made = body_of(shown)["HostConfig"]
    assert made["VolumesFrom"] is None
    assert [(one["Type"], one["Source"], one["ReadOnly"]) for one in made["Mounts"]] == [
        ("volume", "named", False),
        ("bind", "/srv", True),
    ]
    there = body_of(shown, providers={"gone": {"Id": "1", "Mounts": mounts}})["HostConfig"]
    assert there["VolumesFrom"] == ["gone:ro"]
    assert "Mounts" not in there


def test_options_of_another_type_of_mount_are_dropped() -> None:
    mount = {
        "Type": "bind",
        "Source": "/s",
        "Target": "/t",
        "VolumeOptions": {},
        "BindOptions": {"Propagation": "rslave"},
    }
    made = body_of(container(HostConfig={"Mounts": [mount]}))["HostConfig"]["Mounts"]
    assert made == [
        {"Type": "bind", "Source": "/s", "Target": "/t", "BindOptions": {"Propagation": "rslave"}}
    ]


@pytest.mark.parametrize(
    ("old_label", "new_label"),
    [
        ("sha256:old", "sha256:new"),
        ("sha256:manifest-old", "sha256:manifest-new"),
        ("sha256:strange", "sha256:new"),
    ],
)
def test_composes_label_of_the_image_follows_in_the_way_it_was_made(old_label: str, new_label: str) -> None:
    def with_manifests(one: dict[str, Any], digest: str) -> dict[str, Any]:
        return {**one, "Manifests": [{"Kind": "image", "Descriptor": {"digest": digest}}]}

    shown = container(Config={"Labels": {"com.docker.compose.image": old_label}})
    body = body_of(
        shown,
        old_image=with_manifests(image(), "sha256:manifest-old"),
        new_image=with_manifests(image("sha256:new"), "sha256:manifest-new"),
    )
    assert body["Labels"] == {"com.docker.compose.image": new_label}


def test_references_to_containers_that_are_recreated_too_follow_them() -> None:
    body = {"HostConfig": {"NetworkMode": "container:1", "PidMode": "container:9", "Links": ["db:d", "x:y"]}}
    assert follow(body, {"1": "2", "db": "3"})["HostConfig"] == {
        "NetworkMode": "container:2",
        "PidMode": "container:9",
        "Links": ["3:d", "x:y"],
    }


NETWORKS = {
    "one": {
        "NetworkID": "n1",
        "IPAMConfig": {"IPv4Address": "10.0.0.9", "IPv6Address": ""},
        "IPAddress": "10.0.0.9",
        "MacAddress": "02:42:0a:00:00:09",
        "Aliases": ["web", ID[:12], "host"],
        "DriverOpts": {"o": "1"},
        "GwPriority": 7,
    },
    "two": {"IPAddress": "10.0.1.9", "MacAddress": "aa:aa:aa:aa:aa:aa", "Aliases": [ID[:12]]},
}


def test_engines_that_take_one_network_at_a_create_get_the_others_afterwards() -> None:
    shown = container(HostConfig={"NetworkMode": "one"}, Config={"Hostname": "host"}, Networks=NETWORKS)
    plan = plan_networks(shown, (1, 41), "02:00:00:00:00:01")
    assert plan.create == {
        "one": {
            "IPAMConfig": {"IPv4Address": "10.0.0.9"},
            "DriverOpts": {"o": "1"},
            "GwPriority": 7,
            "Aliases": ["web"],
        }
    }
    assert plan.connect == {"two": {}}
    assert plan.mac == "02:00:00:00:00:01", "and the hardware address with the container"


def test_hardware_addresses_are_kept_where_they_were_asked_for_and_nowhere_else() -> None:
    shown = container(HostConfig={"NetworkMode": "one"}, Networks=NETWORKS)

    def addresses(**given: Any) -> dict[str, Any]:
        plan = plan_networks(shown, given.pop("api", (1, 45)), given.pop("mac", ""), **given)
        return {name: endpoint.get("MacAddress") for name, endpoint in plan.create.items()}

    assert addresses(mac="02:00:00:00:00:01") == {"one": "02:00:00:00:00:01", "two": "aa:aa:aa:aa:aa:aa"}
    assert addresses(api=(1, 51)) == {"one": None, "two": None}, "newer engines choose at random"
    assert "two" in plan_networks(shown, (1, 51), "").warnings[0]
    asked = {"one": Asked(), "two": Asked(mac="aa:aa:aa:aa:aa:aa")}
    assert addresses(api=(1, 51), asked=asked) == {"one": None, "two": "aa:aa:aa:aa:aa:aa"}


def test_an_address_that_a_swarm_chose_is_not_asked_for() -> None:
    shown = container(HostConfig={"NetworkMode": "one"}, Networks=NETWORKS)
    chosen = {"one": Asked(address_is_chosen=True), "two": Asked()}
    assert "IPAMConfig" not in plan_networks(shown, (1, 45), "", chosen, ("one",)).create["one"]
    assert (
        "IPAMConfig"
        in plan_networks(shown, (1, 45), "", {"one": Asked(), "two": Asked()}, ("one",)).create["one"]
    )


def test_a_container_that_left_its_first_network_leaves_it_again() -> None:
    shown = container(HostConfig={"NetworkMode": "one"}, Networks={"two": {}})
    assert plan_networks(shown, (1, 45), "").disconnect == ("one",)


def test_settings_of_an_interface_move_to_its_endpoint_where_engines_want_them_there() -> None:
    shown = container(
        HostConfig={
            "NetworkMode": "one",
            "Sysctls": {"net.ipv4.conf.eth0.forwarding": "1", "net.core.x": "2"},
        },
        Networks={"one": {}},
    )
    old = plan_networks(shown, (1, 45), "")
    new = plan_networks(shown, (1, 48), "")
    assert old.sysctls is None
    assert new.sysctls == {"net.core.x": "2"}
    assert new.create["one"]["DriverOpts"] == {
        "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.forwarding=1"
    }


def test_a_hardware_address_of_old_engines_stays_with_the_container() -> None:
    assert body_of(container(), api=(1, 41), mac="02:00:00:00:00:01")["MacAddress"] == "02:00:00:00:00:01"


def test_settings_that_moved_to_an_endpoint_are_not_asked_for_twice() -> None:
    shown = container(
        HostConfig={"NetworkMode": "one", "Sysctls": {"net.ipv4.conf.eth0.x": "1"}}, Networks={"one": {}}
    )
    assert body_of(shown, api=(1, 48))["HostConfig"]["Sysctls"] == {}


def test_links_are_asked_for_as_engines_take_them() -> None:
    shown = container(HostConfig={"Links": ["/db:/web/database"]})
    assert body_of(shown)["HostConfig"]["Links"] == ["db:database"]


def test_links_and_namespaces_follow_to_who_was_recreated_before() -> None:
    body = {"HostConfig": {"NetworkMode": "container:old", "Links": ["db:database", "other:o"]}}
    made = follow(body, {"old": "new", "db": "new-db"})["HostConfig"]
    assert made == {"NetworkMode": "container:new", "Links": ["new-db:database", "other:o"]}


def test_what_the_engine_filled_in_is_left_to_it() -> None:
    filled = {
        "MaskedPaths": ["/proc/kcore"],
        "ReadonlyPaths": ["/proc/bus"],
        "MemorySwappiness": -1,
        "MemorySwap": 1000,
        "KernelMemory": 0,
    }
    made = body_of(container(HostConfig=filled), api=(1, 42))["HostConfig"]
    assert not {"MaskedPaths", "ReadonlyPaths", "KernelMemory"}.intersection(made)
    assert (made["MemorySwappiness"], made["MemorySwap"]) == (None, 0)
    mine = body_of(container(HostConfig={"MaskedPaths": ["/proc/mine"], "KernelMemory": 5}), api=(1, 41))
    assert (mine["HostConfig"]["MaskedPaths"], mine["HostConfig"]["KernelMemory"]) == (["/proc/mine"], 5)


def test_security_labels_of_a_former_peer_are_not_kept() -> None:
    labels = [f"label={one}" for one in ("user:u", "role:r", "type:t", "level:l")]
    shown = {"SecurityOpt": [*labels, "no-new-privileges"], "PidMode": "container:peer"}
    assert body_of(container(HostConfig=shown))["HostConfig"]["SecurityOpt"] == ["no-new-privileges"]
    del shown["PidMode"]
    assert body_of(container(HostConfig=shown))["HostConfig"]["SecurityOpt"] == [*labels, "no-new-privileges"]


def test_the_manifest_of_another_platform_or_kind_is_not_the_identity_that_compose_knows() -> None:
    def manifests(digest: str) -> list[dict[str, Any]]:
        platforms = ({"os": "linux", "architecture": "arm"}, {"os": "linux", "architecture": "amd64"})
        kinds = [
            {
                "Kind": "image",
                "ImageData": {"Platform": one},
                "Descriptor": {"digest": digest + one["architecture"]},
            }
            for one in platforms
        ]
        return [{"Kind": "attestation"}, *kinds]

    shown = container(
        Config={"Labels": {"com.docker.compose.image": "old-amd64"}},
        ImageManifestDescriptor={"platform": {"os": "linux", "architecture": "amd64"}},
    )
    old, new = ({**image(one), "Manifests": manifests(f"{one}-")} for one in ("old", "new"))
    label = "com.docker.compose.image"
    assert body_of(shown, old_image=old, new_image=new)["Labels"][label] == "new-amd64"
    without = {**new, "Manifests": [{"Kind": "attestation"}]}
    assert body_of(shown, old_image=old, new_image=without)["Labels"][label] == "new"


def test_a_label_of_compose_that_names_another_image_is_set_right_and_told() -> None:
    shown = container(Config={"Labels": {"com.docker.compose.image": "of somebody else"}})
    for new, warnings in (("sha256:new", 1), ("sha256:old", 0)):
        made = recreate(Given(container=shown, old_image=image(), new_image=image(new), api=(1, 45)))
        assert made.body["Labels"]["com.docker.compose.image"] == new
        assert len(made.warnings) == warnings


def test_a_volume_that_a_bind_names_without_a_source_stays() -> None:
    mount = {"Type": "volume", "Name": VOLUME, "Source": "/x", "Destination": "/data", "RW": True}
    shown = container(HostConfig={"Binds": ["/data", "/host:/host"]}, Mounts=[mount])
    made = body_of(shown)["HostConfig"]
    assert made["Binds"] == ["/host:/host"]
    assert made["Mounts"][0]["Source"] == VOLUME


def test_what_is_neither_a_volume_nor_a_folder_is_asked_for_as_it_was() -> None:
    shown = container(Mounts=[{"Type": "npipe", "Destination": "/pipe", "Source": "x"}])
    assert "Mounts" not in body_of(shown)["HostConfig"]


def test_a_network_named_by_its_id_is_the_one_that_is_shown_by_its_name() -> None:
    shown = container(
        HostConfig={"NetworkMode": "0123456789ab"}, Networks={"one": {"NetworkID": "0123456789abcd"}}
    )
    assert (
        plan_networks(shown, (1, 45), "02:00:00:00:00:01").create["one"]["MacAddress"] == "02:00:00:00:00:01"
    )


def test_an_address_that_is_configured_with_nothing_is_none_and_the_default_bridge_knows_no_names() -> None:
    empty = {"IPAMConfig": {"IPv4Address": ""}, "Aliases": ["a"]}
    shown = container(
        HostConfig={"NetworkMode": "one"}, Networks={"one": empty, "bridge": {"IPAMConfig": {"x": "1"}}}
    )
    assert plan_networks(shown, (1, 45), "").create == {"one": {"Aliases": ["a"]}, "bridge": {}}


def test_a_hardware_address_that_an_old_engine_made_of_the_address_is_not_asked_for() -> None:
    made = {"MacAddress": "02:42:0a:00:00:09", "IPAddress": "10.0.0.9"}
    shown = container(HostConfig={"NetworkMode": "one"}, Networks={"one": {}, "two": made})
    assert plan_networks(shown, (1, 45), "").create["two"] == {}


def test_two_providers_of_volumes_of_which_one_is_gone() -> None:
    mount = {"Type": "volume", "Name": VOLUME, "Source": "/x", "Destination": "/data", "RW": True}
    shown = container(HostConfig={"VolumesFrom": ["data:ro", "gone"]}, Mounts=[mount])
    made = body_of(shown, providers={"data": {"Mounts": [mount]}})["HostConfig"]
    assert made["VolumesFrom"] == ["data:ro"]
    assert "Mounts" not in made
