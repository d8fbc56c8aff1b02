"""The rules of a target: what labels, inventory and settings say adds up, and the strictest wins."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.policy.policies import NO_POLICIES, Policies, Policy, order_of, rules_of
from registry_docker_updater.core.policy.reading import read_rules
from registry_docker_updater.core.policy.rules import NO_RULES, AgeRule, ApprovalRule, Rules
from registry_docker_updater.core.policy.windows import read_windows
from unit.builders import container, fleet, host, service

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def said(**rules: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name.replace("_", "-"), text) for name, text in rules.items()))


def policy(registries: tuple[str, ...] = (), repositories: tuple[str, ...] = (), **rules: str) -> Policy:
    return Policy(read_rules(said(**rules), ""), registries, repositories)


def of(
    target: Target, *hosts: Host, policies: Policies = NO_POLICIES, registry: str | None = "production"
) -> Rules:
    return rules_of(target, fleet(target, hosts=hosts), policies, registry)


def labelled(target: Target, **rules: str) -> Target:
    return replace(target, labels=said(**rules))


def test_where_nobody_says_anything_there_are_no_rules() -> None:
    assert of(container()) == NO_RULES


def test_labels_inventory_and_settings_add_up_and_the_strictest_wins() -> None:
    rules = of(
        labelled(container(), approval="1", window="22:00-04:00", minimum_age="2h", enable="true"),
        host(
            "solo",
            policy=said(approval="2", approvers="ops-*", window="mon 20:00-23:00", monitor_only="true"),
        ),
        policies=Policies((policy(approvers="eve,ops-1", minimum_age="1h", soak="1d", enable="no"),)),
    )
    assert rules == Rules(
        is_enabled=False,
        is_watched=True,
        approval=ApprovalRule(2, (frozenset(("ops-*",)), frozenset(("eve", "ops-1")))),
        windows=(read_windows("22:00-04:00"), read_windows("mon 20:00-23:00")),
        ages=(AgeRule(2 * HOUR, 20 * HOUR), AgeRule(HOUR, 10 * HOUR)),
        soak=DAY,
    )


def test_who_may_approve_is_no_matter_where_nobody_is_to() -> None:
    assert of(labelled(container(), approvers="eve", four_eyes="true", approval="no")) == NO_RULES


def test_a_service_has_what_is_said_for_each_manager_of_its_swarm() -> None:
    rules = of(
        service(),
        host("m1", policy=said(soak="1d")),
        host("m2", policy=said(approval="required")),
        host("m3", policy=said(soak="1d")),
        host("other", policy=said(enable="false")),
    )
    assert rules == Rules(soak=DAY, approval=ApprovalRule())


def test_a_host_that_is_not_known_says_nothing() -> None:
    target = labelled(container(), soak="1d")
    assert rules_of(target, fleet(), NO_POLICIES, "production") == Rules(soak=DAY)


@pytest.mark.parametrize(
    ("registries", "repositories", "counts"),
    [
        ((), (), True),
        (("production",), (), True),
        (("prod*", "other"), ("prod/*", "test/*"), True),
        (("other",), (), False),
        (("Production",), (), False),
        (("production",), ("prod/*",), False),
        ((), ("test",), False),
    ],
)
def test_the_settings_say_something_for_images_that_match_a_pattern_of_each_kind(
    registries: tuple[str, ...], repositories: tuple[str, ...], counts: bool
) -> None:
    policies = Policies((policy(registries, repositories, soak="1d"),))
    assert of(container(), policies=policies) == (Rules(soak=DAY) if counts else NO_RULES)
    assert policies.of("production", "test/app").soak == (DAY if counts else timedelta())


def test_no_pattern_matches_a_registry_or_repository_that_is_not_known() -> None:
    by_registry = Policies((policy(("*",), (), soak="1d"),))
    by_repository = Policies((policy((), ("*",), soak="1d"),))
    of_all = Policies((policy(soak="1d"),))
    nameless = replace(container(), reference=None)
    assert of(container(), policies=by_registry, registry=None) == NO_RULES
    assert of(nameless, policies=by_repository) == NO_RULES
    assert of(nameless, policies=of_all, registry=None) == Rules(soak=DAY)


def test_problems_name_the_label_and_the_host_once_each() -> None:
    target = labelled(service(), window="at night")
    known = [host(name, policy=said(soak="long")) for name in ("m1", "m2")]
    problems = of(target, *known, policies=Policies((policy(approval="required"),))).problems
    assert [one.partition(": '")[0] for one in problems] == [
        "label registry-docker-updater.window",
        "docker_update_policy of host m1: soak",
    ]
    # Another service of another swarm has the same words, and another host.
    other = labelled(service("web", ("n1",)), window="at night")
    assert (
        of(other, host("n1", policy=said(soak="long")))
        .problems[1]
        .startswith("docker_update_policy of host n1: ")
    )


def _ordered(labels: dict[str, str], *inventory: Any) -> int:
    names = tuple(f"m{number}" for number in range(len(inventory)))
    target = labelled(service(managers=names), **labels)
    hosts = [
        host(name, policy=() if order is None else (("order", order),))
        for name, order in zip(names, inventory, strict=True)
    ]
    return order_of(target, fleet(target, hosts=tuple(hosts)))


@pytest.mark.parametrize(
    ("labels", "inventory", "order"),
    [
        ({}, (None,), 0),
        ({}, ("10", None, "20"), 20),
        ({}, ("-1",), -1),
        ({"order": "5"}, ("10",), 5),
        ({"order": "first"}, ("10",), 0),
        ({}, ("first",), 0),
    ],
)
def test_the_order_of_a_target_is_its_labels_or_the_latest_of_its_hosts(
    labels: dict[str, str], inventory: tuple[str | None, ...], order: int
) -> None:
    assert _ordered(labels, *inventory) == order


def test_a_host_that_is_not_known_has_no_order() -> None:
    assert order_of(container(), fleet()) == 0
