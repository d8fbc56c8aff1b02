# SPDX-License-Identifier: Apache-2.0
"""The image builder: images are values. Needs a busybox, and no lab."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from lab import images

pytestmark = pytest.mark.skipif(not Path("/bin/busybox").exists(), reason="no busybox to build images of")


def _config(image: images.Image) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(image.config)
    config: dict[str, Any] = document["config"]
    return config


def _files(layer: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(layer), mode="r:gz") as archive:
        return archive.getnames()


def test_the_same_content_has_the_same_digest() -> None:
    config = {"Env": ["A=1"], "Labels": {"b": "2", "a": "1"}}
    turned = {"Labels": {"a": "1", "b": "2"}, "Env": ["A=1"]}
    assert images.build("1", config).digest == images.build("1", turned).digest


def test_another_version_has_another_digest_and_shares_the_large_layer() -> None:
    one, two = images.good("1"), images.good("2")
    assert one.digest != two.digest
    assert one.layers[0] == two.layers[0]
    assert one.layers[1] != two.layers[1]


def test_a_layer_does_not_hold_the_time_it_was_made_at() -> None:
    image = images.good("1")
    assert image.layers[1][4:8] == bytes(4)  # gzip's time
    with tarfile.open(fileobj=io.BytesIO(image.layers[0]), mode="r:gz") as archive:
        assert {entry.mtime for entry in archive} == {0}


def test_an_image_holds_a_shell_and_its_version() -> None:
    image = images.good("1.2")
    assert {"bin/busybox", "bin/sh"} <= set(_files(image.layers[0]))
    assert _files(image.layers[1]) == ["version"]
    assert _config(image)["Env"] == ["PATH=/bin", "VERSION=1.2"]


def test_a_given_configuration_is_kept_and_added_to() -> None:
    given = {
        "Env": ["A=1"],
        "Cmd": ["/bin/true"],
        "User": "1000",
        "Volumes": {"/data": {}},
        "StopSignal": "INT",
    }
    config = _config(images.build("1", given))
    assert config == {**given, "Env": ["PATH=/bin", "VERSION=1", "A=1"], "Labels": {"version": "1"}}


def test_an_index_names_each_image_with_its_platform() -> None:
    native, fake = images.good("1"), images.build("1", architecture="s390x")
    index = json.loads(images.index({"linux/amd64": native, "linux/s390x": fake}))
    listed = [(entry["platform"]["architecture"], entry["digest"]) for entry in index["manifests"]]
    assert listed == [("amd64", native.digest), ("s390x", fake.digest)]
    assert native.digest != fake.digest
