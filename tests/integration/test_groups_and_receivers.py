"""Whom a message may be for: which groups of the inventory a host is in, and which receivers its targets' labels name."""

import json

import pytest
import yaml

from integration.conftest import Run, Site
from unit.builders import HOST, OLD
from unit.engines import Answer, container_of, engine_with

pytestmark = pytest.mark.slow

APP = f"{HOST}/test/app:1"


def test_a_scan_finds_them_and_believes_no_host_about_its_groups(site: Site, run: Run) -> None:
    labels = {"registry-docker-updater": "true", "registry-docker-updater.notify": "team-a, team-b"}
    wrong = {**labels, "registry-docker-updater.notify": "{{ team }}"}
    site.add_host("solo", APP)
    site.add_host("alone")
    site.engines["solo"].answers |= engine_with(
        container_of("web", APP, Config={"Image": APP, "Labels": labels}),
        container_of("odd", APP, Config={"Image": APP, "Labels": wrong}),
        digests=(f"{HOST}/test/app@{OLD}",),
    )
    info = site.engines["solo"].answers["/info"]
    assert isinstance(info, Answer)
    info.body |= {"groups": ["admins"], "ID": "engine of solo"}
    inventory = yaml.safe_load((site.folder / "hosts.yml").read_text())
    inventory["all"]["children"] = {"eu": {"children": {"shops": {"hosts": {"solo": {}}}}}}
    (site.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))

    code, out, _ = run("fleet", "--scan", "--json")

    assert code == 0
    found = json.loads(out)
    assert {one["name"]: one["groups"] for one in found["hosts"]} == {"solo": ["eu", "shops"], "alone": []}
    assert {one["name"]: one["notify"] for one in found["targets"]} == {
        "web": ["team-a", "team-b"],
        "odd": [],
    }
    (solo,) = (one for one in found["hosts"] if one["name"] == "solo")
    (warning,) = (one for one in solo["warnings"] if "registry-docker-updater.notify" in one)
    assert warning.startswith("container odd: label registry-docker-updater.notify: '{{ team }}' is no name")
