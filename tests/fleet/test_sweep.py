# SPDX-License-Identifier: Apache-2.0
"""Pushes that no event tells of, on real parts: the operator asks the registry, and the fleet follows."""

from collections.abc import Iterator

import pytest
import yaml

from demo import scene
from demo.scene import Deployed
from demo.updater import Updater, endpoint
from lab import HostSpec, Lab, LabSpec, RegistrySpec
from lab.images import good
from lab.waiting import until

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One host, and a registry that sends no events."""
    with Lab.running(LabSpec("sweep", (HostSpec("solo"),), registries=(RegistrySpec("registry"),))) as lab:
        yield lab


@pytest.fixture(scope="module")
def app(lab: Lab) -> Deployed:
    lab.registry().push("test/app", "1", good("1"))
    image = f"{lab.registry().address}/test/app:1"
    (app,) = scene.deploy(lab, (Deployed("container", "solo", "app", image, is_target=True),))
    return app


@pytest.fixture(scope="module")
def updater(lab: Lab, app: Deployed) -> Updater:
    updater = Updater(lab)
    updater.install({"standalone_container_settle": 3})
    settings = yaml.safe_load(updater.settings.read_text())
    settings["registries"]["registry"]["sweep_interval"] = "5s"
    updater.settings.write_text(yaml.safe_dump(settings))
    updater.start()
    updater.wait_for_scan(len((app,)))
    return updater


def _follows(lab: Lab, app: Deployed, updater: Updater, digest: str) -> None:
    """The target runs the digest, by one push that the sweep found, and is not touched again."""
    until(
        lambda: (updater.rollout_of(digest) or {}).get("state") == "finished",
        who="the operator",
        what=f"has rolled out {digest}",
        deadline=240,
        log=updater.log,
        pause=0.3,
    )
    assert scene.runs_exactly(lab, app, digest)
    found = [event["actor"] for event in updater.ask("/api/events") if event["digest"] == digest]
    assert found == ["found by the sweep"]


def test_a_push_whose_event_is_never_sent_is_found_while_the_operator_runs(
    lab: Lab, app: Deployed, updater: Updater
) -> None:
    """As after tagging in Harbor's user interface."""
    digest = lab.registry().push("test/app", "1", good("2"))

    _follows(lab, app, updater, digest)
    assert updater.command("check").returncode == 0


def test_what_a_registry_forgot_while_the_operator_was_down_is_caught_up(
    lab: Lab, app: Deployed, updater: Updater
) -> None:
    """It was restarted with its event still in its queue."""
    updater.stop()
    lab.registry().set_endpoints([endpoint(lab.address, "registry")])
    digest = lab.registry().push("test/app", "1", good("3"))
    lab.registry().stop()
    lab.registry().start()
    updater.start()

    _follows(lab, app, updater, digest)
