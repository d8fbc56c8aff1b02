"""What is to be known of what owners say: what nobody can read, and what cannot do what it is to do."""

from collections.abc import Iterator

from ansible_collections.registry.docker_updater.plugins.module_utils.policy import POLICY

from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.policy.following import problem_of
from registry_docker_updater.core.policy.policies import NO_POLICIES, Policies, rules_of
from registry_docker_updater.core.policy.reading import read_labels, read_rules
from registry_docker_updater.core.policy.rules import Rules


def target_notes(target: Target, fleet: Fleet, policies: Policies, registry: str | None) -> Iterator[str]:
    """Yield what is to be known of all that is said of ``target`` and images of ``registry``, in sentences."""
    rules = rules_of(target, fleet, policies, registry)
    yield from rules.problems
    yield from _problems_of_following(target, rules)


def rule_notes(host: Host, fleet: Fleet) -> Iterator[str]:
    """Yield what is to be known of what the inventory says for ``host``, and the labels of the targets that it told of, in sentences.

    What the host says of them itself is left out.
    """
    known = frozenset(host.warnings)
    yield from read_rules(host.policy, f"{POLICY}: ").problems
    for key in sorted(fleet.named.get(host.name, ())):
        target = fleet.targets[key]
        problems = list(read_labels(target.labels).problems)
        if target.follows:
            problems += _problems_of_following(target, rules_of(target, fleet, NO_POLICIES, None))
        for problem in problems:
            note = f"{target.kind} {target.name}: {problem}"
            if note not in known:
                yield note


def _problems_of_following(target: Target, rules: Rules) -> Iterator[str]:
    """Yield why a target follows no tag that is to."""
    tag = target.reference.tag if target.reference else None
    problem = problem_of(rules.follows, tag) if tag else None
    if problem:
        yield problem
