"""What is to be known of what owners say: what nobody can read, and what cannot do what it is to do."""

from collections.abc import Iterator

from ansible_collections.registry.docker_updater.plugins.module_utils.policy import POLICY

from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.policy.following import problem_of
from registry_docker_updater.core.policy.policies import NO_POLICIES, rules_of
from registry_docker_updater.core.policy.reading import read_labels, read_rules


def rule_notes(host: Host, fleet: Fleet) -> Iterator[str]:
    """Yield what is to be known of what the inventory says for ``host``, and the labels of the targets that it told of, in sentences.

    What the host says of them itself is left out.
    """
    known = frozenset(host.warnings)
    yield from read_rules(host.policy, f"{POLICY}: ").problems
    for key in sorted(fleet.named.get(host.name, ())):
        target = fleet.targets[key]
        problems = list(read_labels(target.labels).problems)
        if target.follows and target.reference and target.reference.tag:
            follows = rules_of(target, fleet, NO_POLICIES, None).follows
            problems += filter(None, [problem_of(follows, target.reference.tag)])
        for problem in problems:
            note = f"{target.kind} {target.name}: {problem}"
            if note not in known:
                yield note
