# SPDX-License-Identifier: Apache-2.0
"""The module swarm_service on real swarms: what it asks registries, and the accounts that it gives the nodes."""

import base64
import copy
import json
import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from fleet.services_module import outcome_of
from fleet.services_place import QUICK, Place, on_both_engines
from fleet.services_spec import full_spec
from fleet.swarm_services.conftest import PASSWORD
from lab import images

pytestmark = pytest.mark.lab


@on_both_engines
def test_the_platforms_are_those_of_a_multi_architecture_index(place: Place) -> None:
    place.push(images.good("1"))
    place.create()
    place.wait_until_up()
    mine = images.native_architecture()
    new = place.lab.registry().push_index(
        f"{place.name}/app",
        "1",
        {
            f"linux/{mine}": images.good("2"),
            "linux/s390x": images.build("2", architecture="s390x"),
            "linux/arm": images.build("2", architecture="arm"),
            "unknown/unknown": images.build("attestation", architecture="unknown"),
        },
    )

    result = place.update(new)

    assert outcome_of(result) == "updated"
    platforms = place.spec()["TaskTemplate"]["Placement"]["Platforms"]
    assert sorted((each.get("OS"), each.get("Architecture", "")) for each in platforms) == sorted(
        [("linux", mine), ("linux", "s390x"), ("linux", "")]
    )
    assert place.running() == [place.pinned(new)]


@on_both_engines
def test_a_digest_that_the_registry_does_not_have_leaves_the_service_alone(place: Place) -> None:
    place.push(images.good("1"))
    place.create()
    version = place.service()["Version"]
    result = place.update("sha256:" + "0" * 64)

    assert outcome_of(result) == "failed"
    assert "manifest unknown" in result["message"]
    assert not result["changed"]
    assert place.service()["Version"] == version


@on_both_engines
def test_every_field_but_the_image_and_the_platforms_stays_as_it_was(place: Place) -> None:
    old = place.push(images.good("1"))
    engine = place.engine
    engine.post("/services/create", body=full_spec(engine, place.name, place.pinned(old)))
    place.wait_until_up(2)
    before = place.spec()
    new = place.push(images.good("2"))

    result = place.update(new)

    assert outcome_of(result) == "updated"
    expected = copy.deepcopy(before)
    expected["TaskTemplate"]["ContainerSpec"]["Image"] = place.pinned(new)
    expected["TaskTemplate"]["Placement"]["Platforms"] = [
        {"Architecture": images.native_architecture(), "OS": "linux"}
    ]
    assert place.spec() == expected


@on_both_engines
def test_a_registry_that_cannot_be_asked_leaves_the_service_alone(place: Place) -> None:
    nowhere = f"{place.lab.address}:5999/{place.name}/app:1"
    place.create("--no-resolve-image", image=nowhere)
    version = place.service()["Version"]

    result = place.update("sha256:" + "0" * 64, image=nowhere)

    assert outcome_of(result) == "failed"
    assert "connection refused" in result["message"]
    assert place.service()["Version"] == version


@on_both_engines
def test_a_service_that_names_the_registry_by_an_alias_keeps_that_name(place: Place) -> None:
    place.push(images.good("1"))
    alias = place.lab.registry().host_name
    own = place.image.replace(place.lab.registry().address, alias)
    place.create(image=own)
    new = place.push(images.good("2"))

    assert outcome_of(place.update(new)) == "superseded"
    result = place.update(new, aliases=[alias])

    assert outcome_of(result) == "updated"
    assert place.image_in_spec() == f"{own}@{new}"


def _closed(place: Place, folder: Path) -> tuple[Place, str]:
    """Make a service of an image that needs a password, on another node than the manager's; push a new image."""
    place = replace(place, registry="closed")
    place.push(images.good("1"))
    _configure(folder, place, {"auth": base64.b64encode(f"app:{PASSWORD}".encode()).decode()})
    place.manager.run("mkdir", "-p", f"/root/{place.name}")
    config = (folder / "config.json").read_text()
    place.manager.run("tee", f"/root/{place.name}/config.json", input=config)
    elsewhere = f"--constraint=node.hostname!={place.manager.name}"
    place.docker(
        "--config", f"/root/{place.name}", "service", "create", "--detach", "--with-registry-auth",
        "--name", place.name, *QUICK, elsewhere, place.image,
    )  # fmt: skip
    place.wait_until_up()
    return place, place.push(images.good("2"))


def _configure(folder: Path, place: Place, account: dict[str, str], **more: object) -> None:
    host = place.lab.registry("closed").address
    (folder / "config.json").write_text(json.dumps({"auths": {host: account}, **more}))


@on_both_engines
def test_the_password_of_a_docker_configuration_is_sent_to_the_nodes(place: Place) -> None:
    with TemporaryDirectory() as name:
        place, new = _closed(place, Path(name))

        result = place.update(new, config_directory=name)

    assert outcome_of(result) == "updated"
    assert place.running() == [place.pinned(new)]
    assert PASSWORD not in json.dumps(result)


@on_both_engines
def test_the_password_of_a_credential_helper_is_sent_to_the_nodes(place: Place) -> None:
    with TemporaryDirectory() as name:
        place, new = _closed(place, Path(name))
        host = place.lab.registry("closed").address
        _configure(Path(name), place, {}, credHelpers={host: "test"})
        helper = Path(name, "docker-credential-test")
        answer = json.dumps({"ServerURL": host, "Username": "app", "Secret": PASSWORD})
        helper.write_text(f"#!/bin/sh\n[ \"$1 $(cat)\" = 'get {host}' ] && echo '{answer}'\n")
        helper.chmod(0o755)

        result = place.update(
            new, config_directory=name, environment={"PATH": f"{name}:{os.environ['PATH']}"}
        )

    assert outcome_of(result) == "updated"
    assert place.running() == [place.pinned(new)]
    assert PASSWORD not in json.dumps(result)


@on_both_engines
def test_credentials_of_the_inventory_come_first_and_wrong_ones_leave_the_service_alone(place: Place) -> None:
    with TemporaryDirectory() as name:
        place, new = _closed(place, Path(name))
        version = place.service()["Version"]
        for account, complaint in (
            ({"auth": "no base64!"}, "are not base64"),
            ({"auth": base64.b64encode(b"app:wr0ng").decode()}, "does not give"),
        ):
            _configure(Path(name), place, account)
            result = place.update(new, config_directory=name)
            assert outcome_of(result) == "failed"
            assert complaint in result["message"]
            assert "wr0ng" not in json.dumps(result)
            assert place.service()["Version"] == version
        host = place.lab.registry("closed").address
        given = [{"registry": host, "account": {"username": "app", "password": PASSWORD}}]

        result = place.update(new, config_directory=name, credentials=given)

    assert outcome_of(result) == "updated"
    assert place.image in result["before"]["image"]
    assert place.running() == [place.pinned(new)]
    assert PASSWORD not in json.dumps(result)
