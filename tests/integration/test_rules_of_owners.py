"""What labels and the inventory say of when, and whether, targets are updated: how a scan hands it on."""

from typing import Any

import pytest

from integration.conftest import Site, by_hand
from integration.test_rolling_playbooks import IMAGE, run
from registry_docker_updater.core.rollouts.outcomes import TargetOutcome
from registry_docker_updater.core.runs.reading import Reading, Scanned, read
from registry_docker_updater.edges.runs.port import Playbook
from unit.builders import HOST, NEW, OLD, outcome_of
from unit.engines import Answer, container_of, engine_with

pytestmark = pytest.mark.slow

LABEL = "registry-docker-updater"


def label(site: Site, host: str, **labels: str) -> None:
    """Have the container of ``host`` say so."""
    said = {LABEL: "true", **{f"{LABEL}.{name.replace('_', '-')}": value for name, value in labels.items()}}
    site.engines[host].answers |= engine_with(
        container_of("web0", IMAGE, Config={"Image": IMAGE, "Labels": said}),
        digests=(f"{HOST}/test/app@{OLD}",),
    )


def scanned(site: Site, **variables: Any) -> dict[str, Scanned]:
    site.write()
    readings: list[Reading] = [
        one for result in run(site, Playbook("discover", variables)) for one in read(result)
    ]
    return {one.host: one for one in readings if isinstance(one, Scanned)}


def test_a_scan_tells_of_the_labels_of_a_target(site: Site) -> None:
    site.add_host("one", IMAGE)
    label(site, "one", window="{{ 1 + 1 }}", minimum_age="2h", typo="x")
    (target,) = scanned(site)["one"].seen.targets
    assert target.labels == (("minimum-age", "2h"), ("typo", "x"), ("window", "{{ 1 + 1 }}"))


def test_a_scan_tells_what_the_inventory_says_for_each_host(site: Site) -> None:
    site.add_host("one", IMAGE)
    site.add_host("two", IMAGE)
    site.add_host("three", IMAGE)
    site.hosts["one"] |= {
        "age": "2h",
        "docker_update_policy": {"minimum_age": "{{ age }}", "enable": True, "approvers": ["eve", "mallory"]},
        "docker_update_order": 10,
    }
    site.hosts["two"]["docker_update_policy"] = "enable"
    found = scanned(site)
    assert found["one"].policy == (
        ("approvers", "eve, mallory"),
        ("enable", "true"),
        ("minimum-age", "2h"),
        ("order", "10"),
    )
    assert found["two"].policy == (("docker_update_policy", "enable"),)
    assert found["three"].policy == ()


def test_a_policy_that_cannot_be_worked_out_is_told_and_keeps_no_host_from_being_seen(site: Site) -> None:
    site.add_host("one", IMAGE)
    site.hosts["one"]["docker_update_policy"] = {"window": "{{ no_such_variable }}"}
    one = scanned(site)["one"]
    ((name, said),) = one.policy
    assert name == "docker_update_policy"
    assert said.startswith("it cannot be worked out: ")
    assert "no_such_variable" in said
    assert one.seen.targets


def test_no_host_is_believed_about_the_policy(site: Site) -> None:
    site.add_host("one", IMAGE)
    site.hosts["one"]["docker_update_policy"] = {"enable": False}
    info = site.engines["one"].answers["/info"]
    assert isinstance(info, Answer)
    info.body["policy"] = {"enable": "true"}
    assert scanned(site)["one"].policy == (("enable", "false"),)


def updated(site: Site, **variables: Any) -> dict[str, TargetOutcome]:
    """What became of each target. The played engine can run nothing new; that it was tried is enough."""
    asked = {"docker_update_image": IMAGE, "docker_update_digest": NEW, **variables}
    results = run(site, Playbook("update", asked))
    return {one.key: one for result in results if (one := outcome_of(result, {}))}


def test_a_run_touches_only_what_was_planned(site: Site) -> None:
    site.add_host("one", IMAGE, IMAGE)
    plan: dict[str, Any] = {"container/one/web1": {"labels": {}}}
    assert {key: one.outcome.value for key, one in updated(site, docker_update_planned=plan).items()} == {
        "container/one/web1": "failed"
    }
    assert updated(site, docker_update_planned={}, docker_update_needs_a_target=False) == {}


def test_what_has_other_labels_than_when_it_was_planned_is_held(site: Site) -> None:
    site.add_host("one", IMAGE)
    label(site, "one", window="{{ 1 + 1 }}")
    same = {"container/one/web0": {"labels": {"window": "{{ 1 + 1 }}"}}}
    (tried,) = updated(site, docker_update_planned=same).values()
    assert (tried.outcome.value, tried.held) == ("failed", False)
    site.engines["one"].asked.clear()
    other = {"container/one/web0": {"labels": {"window": "2"}}}
    (held,) = updated(site, docker_update_planned=other).values()
    assert (held.outcome.value, held.held, held.left_alone) == ("skipped", True, False)
    assert held.message == "its labels changed after this was planned"
    assert not [asked for asked in site.engines["one"].asked if asked.method != "GET"]


POLICY = {"window": "{{ ['mon 22:00-04:00', 'tue 22:00-04:00'] }}", "enable": True}
SAID = {"window": "mon 22:00-04:00; tue 22:00-04:00", "enable": "true", "order": "10"}


@pytest.mark.parametrize("order", [10, 11], ids=["the same", "another"])
def test_what_has_another_policy_than_when_it_was_planned_is_held(site: Site, order: int) -> None:
    site.add_host("one", IMAGE)
    site.hosts["one"] |= {"docker_update_policy": POLICY, "docker_update_order": order}
    site.write()
    plan: dict[str, Any] = {"container/one/web0": {"labels": {}, "policy": {"one": SAID}}}
    (found,) = updated(site, docker_update_planned=plan).values()
    if order == 10:
        assert (found.outcome.value, found.held) == ("failed", False)
        return
    assert (found.outcome.value, found.held, found.left_alone) == ("skipped", True, False)
    assert found.message == "the inventory says something else of it since this was planned"
    assert not [asked for asked in site.engines["one"].asked if asked.method != "GET"]


@pytest.mark.parametrize("playbook", ["update", "rollout"])
def test_by_hand_a_label_that_says_no_is_obeyed_and_told(site: Site, playbook: str) -> None:
    site.add_host("one", IMAGE)
    label(site, "one", monitor_only="{{ 'ye' ~ 's' }}")
    done = by_hand(site, playbook, "-e", f"image={IMAGE}", "-e", f"digest={NEW}")
    assert done.returncode == 0, done.stdout
    said = (
        "web0 | skipped: its label registry-docker-updater.monitor-only is \"{{ 'ye' ~ 's' }}\": it would be"
    )
    assert said in done.stdout, done.stdout
    assert not [asked for asked in site.engines["one"].asked if asked.method != "GET"]
