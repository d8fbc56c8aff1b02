"""The playbooks as they are, by hand, on a host where an update was interrupted: a real journal, and played engines."""

import os
from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    RUNNING,
    Member,
    Swap,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap_json import (
    to_json,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal

from integration.conftest import Site
from registry_docker_updater.core.runs.results import ModuleResult
from registry_docker_updater.edges.runs.playbooks import AnsiblePlaybooks
from registry_docker_updater.edges.runs.port import Playbook
from unit.builders import HOST, NEW, outcome_of
from unit.engines import Answer, container_of

pytestmark = pytest.mark.slow

IMAGE, OTHER = f"{HOST}/test/app:1", f"{HOST}/test/other:1"


def run(site: Site, name: str, **variables: Any) -> tuple[ModuleResult, ...]:
    playbooks = AnsiblePlaybooks(site.folder / "hosts.yml", site.folder, os.environ)
    return playbooks.run(Playbook(name, variables), site.folder / "runs", timedelta(minutes=2)).results


@pytest.fixture(name="journal")
def _journal(site: Site) -> Journal:
    """Of a host that runs another image, whose update was interrupted before anything was stopped."""
    site.add_host("one", OTHER)
    state = site.folder / "journals"
    site.hosts["one"]["standalone_container_state_directory"] = str(state)
    site.write()
    web = container_of("web0", OTHER)
    web["State"] |= {"Running": True, "StartedAt": "2026-11-22T11:00:00Z"}
    site.engines["one"].answers["/containers/web0/json"] = Answer(web)
    site.engines["one"].answers[f"/containers/{web['Id']}/json"] = Answer(web)
    request = {
        "body": {"HostConfig": {}},
        "platform": "",
        "connect": {},
        "disconnect": [],
        "image": "x",
        "reference": IMAGE,
    }
    member = Member("web0", web["Id"], RUNNING, {}, False, request, request)
    wanted = {"name": "web0", "image": OTHER, "digest": NEW, "begun_at": 1000.0}
    info = site.engines["one"].answers["/info"]
    assert isinstance(info, Answer)
    journal = Journal(str(state), info.body["ID"])
    journal.keep("web0", to_json(Swap("0123abcd", (member,), (), {**wanted, "new_image": "x"})))
    return journal


def test_a_scan_tells_what_is_unfinished_and_changes_nothing(site: Site, journal: Journal) -> None:
    (scan,) = [one.result["scan"] for one in run(site, "discover") if "scan" in one.result]
    (left,) = scan["unfinished"]
    assert (left["name"], left["is_worked_on"]) == ("web0", False)
    assert [target["state"] for target in scan["targets"]] == ["unfinished"]
    assert len(list(journal.swaps())) == 1


def test_a_run_by_hand_finishes_it_on_a_host_that_does_not_run_the_image(
    site: Site, journal: Journal
) -> None:
    run(site, "update", image=IMAGE, digest=NEW)
    assert list(journal.swaps()) == []


def test_the_operators_runs_leave_it_to_a_run_of_its_own(site: Site, journal: Journal) -> None:
    run(site, "update", image=IMAGE, digest=NEW, docker_update_repair=False)
    assert len(list(journal.swaps())) == 1
    (repaired,) = [one.result["repairs"] for one in run(site, "repair") if "repairs" in one.result]
    assert [one["name"] for one in repaired] == ["web0"]
    assert list(journal.swaps()) == []


def test_one_that_somebody_works_on_is_waited_for_by_nobody(site: Site, journal: Journal) -> None:
    with journal.lock(1):
        run(site, "update", image=IMAGE, digest=NEW)
    assert len(list(journal.swaps())) == 1


def test_a_container_whose_image_lost_its_digests_since_the_run_looked_is_still_for_the_push(
    site: Site,
) -> None:
    """The first of two of one image was updated, and the tag with its digests went to the new one."""
    site.add_host("one", IMAGE)
    site.write()
    engine = site.engines["one"]
    engine.answers["/containers/web0/json"] = Answer(container_of("web0", IMAGE))
    (image,) = (what for what in engine.answers if what.startswith("/images/"))
    known = engine.answers[image]
    assert isinstance(known, Answer)

    def forget(_: object) -> Answer:
        has_looked = len([asked for asked in engine.asked if asked.what == image]) > 1
        return Answer({"RepoDigests": []}) if has_looked else known

    engine.answers[image] = forget
    said = [one for result in run(site, "update", image=IMAGE, digest=NEW) if (one := outcome_of(result, {}))]
    # The played engine can run nothing; that it was tried is enough.
    assert [one.outcome.value for one in said] == ["failed"], said
