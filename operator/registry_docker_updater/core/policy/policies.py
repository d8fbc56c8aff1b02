"""The rules of each target: what its labels say, the inventory for its hosts, and the settings for its image, together."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache

from ansible_collections.registry.docker_updater.plugins.module_utils.policy import POLICY
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling import strategy

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.policy.reading import Said, read_labels, read_rules
from registry_docker_updater.core.policy.rules import Rules, strictest

# Targets that are told the same by all of the three are one of these; they are many more.
_KNOWN = 20_000


@dataclass(frozen=True)
class Policy:
    """Rules for images: those of ``registries`` and ``repositories``, of which each is a pattern such as ``prod/*``; none is no condition."""

    rules: Rules
    registries: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()

    def covers(self, registry: str | None, repository: str | None) -> bool:
        """Tell whether it is for an image; None for what is not known of it, which no pattern matches."""
        return _matches(self.registries, registry) and _matches(self.repositories, repository)


@dataclass(frozen=True)
class Policies:
    """All that the settings say. What was made of labels and the inventory with it is kept, for they say the same of many targets."""

    policies: tuple[Policy, ...] = ()

    def of(self, registry: str | None, repository: str | None) -> Rules:
        """Return the rules of the settings for the images of ``repository`` in ``registry`` (its name in the settings)."""
        return strictest(one.rules for one in self.policies if one.covers(registry, repository))

    @cached_property
    def follow(self) -> bool:
        """Whether they have anything follow tags."""
        return any(one.rules.follows for one in self.policies)

    @cached_property
    def together(self) -> Callable[[Said, tuple[Said, ...], str | None, str | None], Rules]:
        """What labels, the inventory for each of some hosts, and the settings for a registry and repository say together."""
        return lru_cache(maxsize=_KNOWN)(self._together)

    def _together(
        self, labels: Said, by_host: tuple[Said, ...], registry: str | None, repository: str | None
    ) -> Rules:
        inventory = (read_rules(said, f"{POLICY}: ") for said in by_host)
        rules = strictest((read_labels(labels), *inventory, self.of(registry, repository)))
        # Who may approve, and until when, does not matter where nobody is to.
        return rules if rules.approval and rules.approval.people else replace(rules, approval=None)


NO_POLICIES = Policies()


def rules_of(target: Target, fleet: Fleet, policies: Policies, registry: str | None) -> Rules:
    """Return the rules by which ``target`` is updated to images of ``registry`` (its name in the settings), from all places together.

    A service has what the inventory says for each manager of its swarm. Its approval, where there is one, is by one person at least.
    """
    by_host: dict[Said, str] = {}
    for name in target.hosts:
        if (host := fleet.hosts.get(name)) and host.policy:
            by_host.setdefault(host.policy, name)
    repository = target.reference.repository if target.reference else None
    rules = policies.together(target.labels, tuple(by_host), registry, repository)
    if not rules.problems:
        return rules
    # What was kept names no host: many have the same.
    named = (read_rules(said, f"{POLICY} of host {host}: ") for said, host in by_host.items())
    said = (read_labels(target.labels), *named, policies.of(registry, repository))
    return replace(rules, problems=tuple(dict.fromkeys(one for rules in said for one in rules.problems)))


def order_of(target: Target, fleet: Fleet) -> int:
    """Return the place of ``target`` in the order: what its label says, or the latest that the inventory says for its hosts; else 0."""
    labels = dict(target.labels)
    hosts = (fleet.hosts.get(name) for name in target.hosts)
    inventory = (dict(host.policy).get(strategy.ORDER) for host in hosts if host)
    said = (labels[strategy.ORDER],) if strategy.ORDER in labels else tuple(inventory)
    return max(map(strategy.read_order, filter(_is_order, said)), default=0)


def _is_order(said: str | None) -> bool:
    return said is not None and not strategy.problem(strategy.ORDER, said)


def _matches(patterns: tuple[str, ...], name: str | None) -> bool:
    return not patterns or (name is not None and any(fnmatchcase(name, pattern) for pattern in patterns))
