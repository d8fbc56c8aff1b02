"""The playbooks as they are, by hand, against played engines: what steps and mistakes in the inventory do."""

import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from integration.conftest import Site
from registry_docker_updater.core.runs import reasons
from registry_docker_updater.core.runs.results import ModuleResult
from registry_docker_updater.edges.runs.playbooks import AnsiblePlaybooks
from registry_docker_updater.edges.runs.port import Playbook
from unit.builders import HOST, NEW, NEWER, OLD, outcome_of
from unit.engines import Answer, Asked, container_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
IMAGE = f"{HOST}/test/app:1"


def run(site: Site, playbook: Playbook) -> tuple[ModuleResult, ...]:
    playbooks = AnsiblePlaybooks(site.folder / "hosts.yml", site.folder, os.environ)
    return playbooks.run(playbook, site.folder / "runs", timedelta(minutes=2)).results


def update(site: Site) -> dict[str, tuple[str, str | None]]:
    results = run(site, Playbook("update", {"image": IMAGE, "digest": NEW}))
    said = {one.key: one for result in results if (one := outcome_of(result, {}))}
    return {key: (one.outcome.value, one.message) for key, one in said.items() if one.left_alone}


def test_what_the_inventory_says_that_nobody_can_read_is_among_the_warnings_of_the_scan(site: Site) -> None:
    site.add_host("one", IMAGE)
    site.hosts["one"] |= {"docker_update_serial": [1, "some"], "docker_update_order": 10}
    site.write()
    (scan,) = [one.result["scan"] for one in run(site, Playbook("discover")) if "scan" in one.result]
    assert scan["warnings"] == [
        "docker_update_serial: [1, 'some'] is no number, no percentage and no list of these, such as 1,25%,100%"
    ]


def test_an_order_that_nobody_can_read_leaves_everything_alone(site: Site) -> None:
    site.add_host("one", IMAGE)
    site.add_host("two", IMAGE)
    site.hosts["two"]["docker_update_order"] = "first"
    site.write()
    said = update(site)
    assert set(said) == {"container/one/web0", "container/two/web0"}
    for outcome, message in said.values():
        assert outcome == "skipped"
        assert message is not None
        assert message.startswith("left alone: host two, docker_update_order: 'first' is no whole number")
    assert not [asked for engine in site.engines.values() for asked in engine.asked if asked.method != "GET"]


def test_production_is_left_alone_when_nothing_of_test_answers(site: Site) -> None:
    site.add_host("test", IMAGE, is_down=True)
    site.add_host("production", IMAGE)
    site.hosts["test"]["docker_update_order"] = 10
    site.hosts["production"]["docker_update_order"] = 20
    site.write()
    assert update(site) == {
        "container/production/web0": ("skipped", "left alone: no host of order 10 answered (test)")
    }


def rollout(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    inventory = str(site.folder / "hosts.yml")
    command = ["ansible-playbook", "-i", inventory, "playbooks/rollout.yml", *arguments]
    return subprocess.run(
        [*command, "-e", f"image={IMAGE}", "-e", f"digest={NEW}"],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_update_by_hand_without_an_image_and_a_whole_digest_asks_nobody_and_says_what_is_missing(
    site: Site,
) -> None:
    site.add_host("one", IMAGE)
    site.write()
    for wrong in ({"image": IMAGE}, {"digest": NEW}, {"image": IMAGE, "digest": "sha256:…"}):
        (said,) = {
            reasons.of_result(one.result)
            for one in run(site, Playbook("update", wrong))
            if one.event == "runner_on_failed"
        }
        assert said.startswith("Give both: -e image=")
    assert site.engines["one"].asked == []


def test_what_is_no_option_of_an_engine_is_blamed_on_docker_engine(site: Site) -> None:
    site.add_host("one", IMAGE)
    site.hosts["one"]["docker_engine"] = {**site.hosts["one"].get("docker_engine", {}), "tls_verify": True}
    site.write()
    (said,) = [
        reasons.of_result(one.result)
        for one in run(site, Playbook("discover"))
        if one.event == "runner_on_failed"
    ]
    assert "tls_verify" in said
    assert "docker_engine of the inventory" in said


def manage(site: Site, name: str, *, leads: bool) -> None:
    """Make the host a manager of a swarm that runs a service of the image."""
    engine = site.engines[name]
    info = engine.answers["/info"]
    assert isinstance(info, Answer)
    info.body["Swarm"] = {
        "LocalNodeState": "active",
        "NodeID": name,
        "ControlAvailable": True,
        "Cluster": {"ID": "alpha"},
    }
    spec = {
        "Name": "api",
        "Labels": {"registry-docker-updater": "true"},
        "TaskTemplate": {"ContainerSpec": {"Image": f"{IMAGE}@{OLD}"}},
        "Mode": {"Replicated": {"Replicas": 1}},
    }
    service = {"ID": "1", "Version": {"Index": 1}, "UpdatedAt": "2026-11-22T11:59:00.5Z", "Spec": spec}
    engine.answers[f"/nodes/{name}"] = Answer({"ManagerStatus": {"Leader": leads}})
    engine.answers |= {"/services": Answer([service]), "/services/1": Answer(service)}


def test_a_swarm_that_is_left_alone_is_so_by_all_its_managers(site: Site) -> None:
    """The leader updates, and it is not the first in the inventory here."""
    site.add_host("canary", IMAGE)
    for name in ("m1", "m2"):
        site.add_host(name)
        manage(site, name, leads=name == "m2")
    for one in site.hosts.values():
        one["docker_update_serial"] = 1
    site.write()
    said = update(site)
    assert set(said) == {"service/1"}
    assert said["service/1"][1] == "left alone: step 1 of 2 failed: host canary (web0 failed)"
    for name in ("m1", "m2"):
        assert not [asked for asked in site.engines[name].asked if asked.what == "/services/1"]


def test_a_manager_that_was_not_lost_does_each_service_once(site: Site) -> None:
    site.add_host("m1")
    manage(site, "m1", leads=True)
    ended = rollout(site, "--limit=all,localhost", "--check")
    assert (
        ended.stdout.count(
            "TASK [swarm_service : batch | Give the services the new image, and follow that to its end]"
        )
        == 1
    ), ended.stdout


def test_a_rollout_by_hand_tells_of_a_service_of_which_the_role_said_nothing(site: Site) -> None:
    """Here because it could not even make its folder."""
    site.add_host("m1")
    manage(site, "m1", leads=True)
    site.hosts["m1"]["ansible_python_interpreter"] = (
        "{{ (swarm_service_image is defined) | ternary('/no', ansible_playbook_python) }}"
    )
    site.write()
    ended = rollout(site)
    assert ended.returncode == 2, ended.stdout
    assert "swarm of m1: api" in ended.stdout, ended.stdout


@pytest.mark.parametrize(("now", "expected"), [(NEWER, "superseded"), (OLD, "failed")])
def test_what_a_person_changed_since_the_run_looked_is_left_to_them(
    site: Site, now: str, expected: str
) -> None:
    """Runs in steps are long. What was only recreated, with what it ran before, is still for the push."""
    site.add_host("one", IMAGE)
    engine = site.engines["one"]
    recreated = {**container_of("web0", IMAGE, "sha256:recreated"), "Id": "recreated"}
    engine.answers["/containers/web0/json"] = Answer(recreated)
    engine.answers["/images/sha256:recreated/json"] = Answer({"RepoDigests": [f"{HOST}/test/app@{now}"]})
    site.write()
    (said,) = (
        one
        for result in run(site, Playbook("update", {"image": IMAGE, "digest": NEW}))
        if (one := outcome_of(result, {}))
    )
    # The played engine can run nothing; that it was tried is enough.
    assert said.outcome.value == expected, said.message


@pytest.mark.parametrize(
    ("limit", "is_refused"), [("one", True), ("one:!localhost", True), ("one,localhost", False)]
)
def test_a_rollout_by_hand_of_which_nobody_would_be_told_is_refused(
    site: Site, limit: str, *, is_refused: bool
) -> None:
    """And one that is limited says nothing of other hosts, such as one that is down."""
    site.add_host("one", f"{HOST}/another/app:1")
    site.add_host("two", is_down=True)
    ended = rollout(site, "--limit", limit, "-e", "docker_update_needs_a_target=false")
    assert (f"--limit '{limit},localhost'" in ended.stdout) == is_refused, ended.stdout
    assert (ended.returncode != 0) == is_refused, ended.stdout


@pytest.mark.parametrize(("no_log", "reason"), [(True, "hidden by no_log"), (False, "hunter2 {{ evil }}")])
def test_why_a_shops_task_failed_is_told_as_it_is_unless_it_is_secret(
    site: Site, reason: str, *, no_log: bool
) -> None:
    fail = {
        "ansible.builtin.fail": {"msg": "{{ 'hunter2 {' + '{ evil }' + '}' }}"},
        "name": "Drain",
        "no_log": no_log,
    }
    (site.folder / "hook.yml").write_text(yaml.safe_dump([fail]))
    target = {
        "kind": "container",
        "id": "1",
        "name": "web",
        "image": IMAGE,
        "digest": NEW,
        "before": {"image": IMAGE},
    }
    variables = {"target_hook_file": "hook.yml", "target_hook_stage": "before", "target_hook_target": target}
    play = {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.include_role": {"name": "target_hook"}, "vars": variables},
            {"ansible.builtin.copy": {"dest": "message", "content": "{{ target_hook_failed[0].message }}"}},
        ],
    }
    (site.folder / "play.yml").write_text(yaml.safe_dump([play]))
    site.add_host("one")
    subprocess.run(
        ["ansible-playbook", "-i", "hosts.yml", "play.yml"],
        cwd=site.folder,
        env={**os.environ, "ANSIBLE_ROLES_PATH": str(ROOT / "roles")},
        check=True,
        capture_output=True,
    )
    assert (site.folder / "message").read_text() == (
        f"not updated, because the shop's tasks before it failed: Drain: {reason}"
    )


def test_what_a_person_changed_since_the_last_scan_and_after_the_push_is_left_to_them(site: Site) -> None:
    """What was deployed before the push, and only not seen yet, is for the push."""
    site.add_host("one", IMAGE)
    site.write()
    given = {"image": IMAGE, "digest": NEW, "known_digests": {"container/one/web0": [NEWER]}}

    def outcomes(pushed_at: float, **more: object) -> list[str]:
        results = run(site, Playbook("update", {**given, "pushed_at": pushed_at, **more}))
        return [one.outcome.value for result in results if (one := outcome_of(result, {}))]

    assert outcomes(0) == ["superseded"]
    assert not [asked for asked in site.engines["one"].asked if asked.method != "GET"]
    # The played engine can run nothing; that it was tried is enough.
    assert outcomes(0, known_digests={"container/one/web0": [OLD]}) == ["failed"]
    assert outcomes(4e9) == ["failed"]


@pytest.mark.parametrize("is_there", [True, False], ids=["held", "not held"])
def test_a_run_is_held_after_the_step_in_which_the_file_appeared(site: Site, *, is_there: bool) -> None:
    """A played engine can run nothing new; that it was tried is enough."""
    file = site.folder / "hold"
    for name in ("one", "two", "three"):
        site.add_host(name, IMAGE)
        site.hosts[name] |= {"docker_update_serial": 1, "docker_update_max_failures": "100%"}
    site.write()

    def appear(_: Asked) -> Answer:
        if is_there:
            file.write_text("the window closed at {{ 4 * 1 }}\nand more")
        return Answer({"message": "broken"}, 500)

    site.engines["one"].answers["/containers/web0/json"] = appear
    asked = {"image": IMAGE, "digest": NEW, "docker_update_hold": str(file)}
    said = {
        one.key: one for result in run(site, Playbook("update", asked)) if (one := outcome_of(result, {}))
    }

    first = said.pop("container/one/web0")
    assert (first.outcome.value, first.held) == ("failed", False)
    assert set(said) == {"container/two/web0", "container/three/web0"}
    for name, one in said.items():
        if is_there:
            assert (one.outcome.value, one.held, one.left_alone) == ("skipped", True, False), name
            assert one.message == "the window closed at {{ 4 * 1 }}"
        else:
            assert (one.outcome.value, one.held) == ("failed", False), name
    changed = [
        one
        for name in ("two", "three")
        for one in site.engines[name].asked
        if one.what == "/containers/web0/json"
    ]
    assert bool(changed) != is_there


def test_a_run_without_steps_is_never_held(site: Site) -> None:
    site.add_host("one", IMAGE)
    (site.folder / "hold").touch()
    asked = {"image": IMAGE, "digest": NEW, "docker_update_hold": str(site.folder / "hold")}
    results = run(site, Playbook("update", asked))
    assert [one.held for result in results if (one := outcome_of(result, {}))] == [False]
