"""What all places say of a target together."""

from dataclasses import dataclass

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.policy.rules import NO_RULES, Rules


@dataclass(frozen=True)
class Policies:
    """What the settings say, by registry and repository."""


NO_POLICIES = Policies()


def rules_of(target: Target, fleet: Fleet, policies: Policies, registry: str | None) -> Rules:  # noqa: ARG001
    """Return what is said of ``target``."""
    return NO_RULES


def order_of(target: Target, fleet: Fleet) -> int:  # noqa: ARG001
    """Return the place of ``target`` in the order."""
    return 0
