"""Real registries that deliver to the real operator, which is away meanwhile: nothing is lost, and nothing doubled.

Distribution 2 is Debian's, Distribution 3 and zot are made from their sources.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.conftest import SECRET, Site, until
from integration.receivers import free_port
from integration.registries import RealZot, distribution3, image, needs_registry, registry, zot
from integration.test_operator import APP, event
from registry_docker_updater.core.events.formats import snippet
from unit.builders import NEW

pytestmark = pytest.mark.lab


def endpoints(url: str) -> Any:
    """What `registry-config` prints, as it is pasted, but with less patience."""
    pasted = yaml.safe_load(snippet("distribution", "production", url).replace("SECRET", SECRET))
    pasted["notifications"]["endpoints"][0].update(backoff="500ms", threshold=2)
    return pasted["notifications"]


def pushes(operator: Any) -> list[tuple[str, str, str]]:
    return [(row["repository"], row["tag"], row["digest"]) for row in operator.get("/api/events")]


def deliver(site: Site, folder: Path, program: str) -> None:
    site.add_host("solo", APP)
    port = free_port()
    settings = yaml.safe_load(site.config.read_text())
    settings["listen"]["port"] = port
    site.config.write_text(yaml.safe_dump(settings))
    url = f"http://127.0.0.1:{port}"
    wanted = []
    with registry(folder, notifications=endpoints(url), program=program) as real:
        with site.operator() as operator:
            wanted.append(("test/app", "1", real.client.push("test/app", "1", image("1"))))
            until(lambda: pushes(operator))
        for version in ("2", "3", "4"):
            wanted.append(("test/app", "1", real.client.push("test/app", "1", image(version))))
            wanted.append(("test/other", version, real.client.push("test/other", version, image(version))))
        with site.operator() as operator:
            until(lambda: len(pushes(operator)) >= len(wanted), 60)
            wanted.append(("test/app", "5", real.client.push("test/app", "5", image("5"))))
            until(lambda: pushes(operator)[0] == wanted[-1])
            assert sorted(pushes(operator)) == sorted(wanted)
            ignored = {row["reason"] for row in operator.get("/api/ignored")}
            assert ignored <= {"not an image manifest", "manifest without a tag", "mount"}
            log = operator.log.read_text()
    assert not re.search(r"Traceback| (400|401|404|413|500|503) ", log)


@needs_registry
def test_distribution_2_delivers_what_was_pushed_while_the_operator_was_away(
    site: Site, tmp_path: Path
) -> None:
    deliver(site, tmp_path / "registry", "docker-registry")


@needs_registry
def test_distribution_3_delivers_what_was_pushed_while_the_operator_was_away(
    site: Site, tmp_path: Path
) -> None:
    deliver(site, tmp_path / "registry", str(distribution3(tmp_path / "bin")))


def test_zot_delivers_what_is_pushed_and_the_sweep_finds_what_was_while_the_operator_was_away(
    site: Site, tmp_path: Path
) -> None:
    """It sends each event once, whoever listens."""
    program = zot(tmp_path / "bin")
    site.add_host("solo", APP)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    _, _, pasted = snippet("zot", "production", url).replace("SECRET", SECRET).partition("settings name\n")
    extensions = json.loads(pasted)["extensions"]
    with registry(tmp_path / "zot", RealZot, program=str(program), extensions=extensions) as real:
        settings = yaml.safe_load(site.config.read_text())
        settings["listen"]["port"] = port
        settings["registries"]["production"].update(
            format="zot", url=f"http://{real.host}", sweep_interval="1h"
        )
        site.config.write_text(yaml.safe_dump(settings))
        wanted = [real.client.push("test/app", "1", image("1"))]
        with site.operator() as operator:
            until(lambda: [row["digest"] for row in operator.get("/api/rollouts")] == wanted)
            wanted.insert(0, real.client.push("test/app", "1", image("2")))
            until(lambda: [row["digest"] for row in operator.get("/api/rollouts")] == wanted)
            (_, (name, tag, digest)) = sorted(pushes(operator), key=lambda one: one[2] == wanted[0])
            assert (name, tag, digest) == ("test/app", "1", wanted[0])
            (sent, found) = operator.get("/api/events")
            assert (sent["waits"], sent["reason"], found["actor"]) == (False, None, "found by the sweep")
            assert not sent["key"].startswith("sweep")
        wanted.insert(0, real.client.push("test/app", "1", image("3")))
        with site.operator() as operator:
            # An answer counts against an event only once that is a minute old.
            until(lambda: [row["digest"] for row in operator.get("/api/rollouts")] == wanted, 100)
            log = operator.log.read_text()
    assert not re.search(r"Traceback| (400|401|404|413|500|503) ", log)


@needs_registry
@pytest.mark.parametrize("verify", [None, True])
def test_a_forged_event_deploys_nothing_also_where_nobody_said_verify(
    site: Site, tmp_path: Path, verify: bool | None
) -> None:
    site.add_host("solo", APP)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with registry(tmp_path / "registry", notifications=endpoints(url)) as real:
        settings = yaml.safe_load(site.config.read_text())
        settings["listen"]["port"] = port
        settings["registries"]["production"].update(
            url=f"http://{real.host}", sweep_interval="1h", verify=verify
        )
        site.config.write_text(yaml.safe_dump(settings))
        first = real.client.push("test/app", "1", image("1"))
        with site.operator() as operator:
            until(lambda: [row["digest"] for row in operator.get("/api/rollouts")] == [first])
            asked = len(real.asked())
            assert operator.ask("POST", "/events/production", event(NEW, 2))[0] == 202
            until(lambda: len(real.asked()) > asked)
            second = real.client.push("test/app", "1", image("2"))
            until(lambda: second in [row["digest"] for row in operator.get("/api/rollouts")])
            assert [row["digest"] for row in operator.get("/api/rollouts")] == [second, first]
            # That it came is said, as what the registry is asked about; nothing is planned for it.
            about_it = [line for line in operator.log.read_text().splitlines() if NEW in line]
            assert [f"if it says so itself: test/app:1 is {NEW}" in line for line in about_it] == [True]
