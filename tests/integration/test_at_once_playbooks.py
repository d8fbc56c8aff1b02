"""What ``update.yml`` does with what is for at once, and with what turns out not to be: the playbook as it is, against played engines."""

from typing import Any

import pytest

from integration.conftest import Site
from integration.test_rolling_playbooks import IMAGE, run
from registry_docker_updater.edges.runs.port import Playbook
from unit.builders import NEW, NEWER, OLD, outcome_of

pytestmark = pytest.mark.slow

LOOK = "registry.docker_updater.targets_info"


@pytest.fixture
def two(site: Site) -> Site:
    """Two hosts with two containers each of the image. Their engines can run nothing new."""
    for name in ("one", "two"):
        site.add_host(name, IMAGE, IMAGE)
    return site


def update(site: Site, at_once: dict[str, dict[str, Any]], **more: Any) -> tuple[dict[str, str], set[str]]:
    """Run it as the operator does; return what became of each target, said once, and the hosts that were looked at first."""
    variables = {
        "docker_update_image": IMAGE,
        "docker_update_digest": NEW,
        "docker_update_aliases": [],
        "docker_update_at_once": at_once,
        "docker_update_known_digests": {},
        "docker_update_pushed_at": 0,
        "docker_update_repair": False,
        "docker_update_needs_a_target": False,
        **more,
    }
    results = run(site, Playbook("update", variables))
    said = [one for result in results if (one := outcome_of(result, {}))]
    assert len({one.key for one in said}) == len(said)
    looked = {result.host for result in results if result.action == LOOK}
    return {one.key: one.outcome.value for one in said}, looked


def keys(host: str, *names: str) -> dict[str, Any]:
    return {f"container/{host}/{name}": None for name in names}


def test_what_is_for_at_once_is_updated_by_one_look_at_its_host_and_at_no_other(two: Site) -> None:
    both = keys("one", "web0", "web1")
    said, looked = update(two, {"one": both})
    assert said == dict.fromkeys(both, "failed")
    assert looked == set()
    assert two.engines["two"].asked == []


def test_a_container_that_nobody_knew_of_is_updated_in_the_same_run_and_the_known_one_once(two: Site) -> None:
    said, looked = update(two, {"one": keys("one", "web0"), "two": keys("two", "web0", "web1")})
    assert said == dict.fromkeys((*keys("one", "web0", "web1"), *keys("two", "web0", "web1")), "failed")
    assert looked == {"one", "two"}


def planned(host: str, *names: str, **labels: str) -> dict[str, Any]:
    return {key: {"labels": labels} for key in keys(host, *names)}


def test_what_nobody_planned_is_left_alone_and_no_other_host_is_looked_at_for_it(two: Site) -> None:
    said, looked = update(two, {"one": keys("one", "web0")}, docker_update_planned=planned("one", "web0"))
    assert (said, looked) == (dict.fromkeys(keys("one", "web0"), "failed"), set())


def test_what_has_other_labels_than_when_it_was_planned_is_held_and_told(two: Site) -> None:
    plan: dict[str, Any] = {**planned("one", "web0"), **planned("one", "web1", window="{{ 1 + 1 }}")}
    said, looked = update(two, {"one": keys("one", "web0", "web1")}, docker_update_planned=plan)
    assert said == {"container/one/web0": "failed", "container/one/web1": "skipped"}
    assert looked == {"one", "two"}


def test_what_has_another_policy_than_when_it_was_planned_is_held_and_told(two: Site) -> None:
    two.hosts["one"]["docker_update_policy"] = {"soak": "{{ '1d' }}"}
    two.write()
    plan: dict[str, Any] = {
        "container/one/web0": {"labels": {}, "policy": {"one": {"soak": "1d"}}},
        "container/one/web1": {"labels": {}, "policy": {"one": {"soak": "2d"}}},
    }
    both = {"one": keys("one", "web0", "web1")}
    said, looked = update(two, both, docker_update_planned=plan)
    assert said == {"container/one/web0": "failed", "container/one/web1": "skipped"}
    assert looked == {"one", "two"}
    plan["container/one/web1"]["policy"] = {"one": {"soak": "1d"}}
    said, looked = update(two, both, docker_update_planned=plan)
    assert (said, looked) == (dict.fromkeys(both["one"], "failed"), set())


@pytest.mark.parametrize(
    "variable",
    [{"docker_update_order": 10}, {"docker_update_before": "/nowhere.yml"}],
    ids=["steps", "tasks"],
)
def test_where_the_inventory_has_a_say_by_now_all_hosts_are_looked_at_first(
    two: Site, variable: dict[str, Any]
) -> None:
    two.hosts["one"] |= variable
    two.write()
    _, looked = update(two, {"one": keys("one", "web0", "web1")})
    assert looked == {"one", "two"}


def test_what_a_person_changed_after_the_push_is_left_to_them(two: Site) -> None:
    known = {"container/one/web0": [NEWER], "container/one/web1": [OLD]}
    said, _ = update(
        two,
        {"one": known},
        docker_update_known_digests=known,
        docker_update_planned=planned("one", "web0", "web1"),
        docker_update_pushed_at=1000,
    )
    assert said == {"container/one/web0": "superseded", "container/one/web1": "failed"}


def test_a_host_that_is_down_is_asked_once_and_hinders_no_other(two: Site) -> None:
    two.hosts["one"] |= {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    two.write()
    said, looked = update(two, {"one": keys("one", "web0"), "two": keys("two", "web0", "web1")})
    assert said == dict.fromkeys(keys("two", "web0", "web1"), "failed")
    assert looked == set()
