"""What the team is not told: failures of targets that are silenced."""

from collections.abc import Iterable

from registry_docker_updater.core.fleet.targets import Kind, container_key
from registry_docker_updater.core.rollouts.outcomes import TargetOutcome
from registry_docker_updater.core.rollouts.rollout import Rollout
from registry_docker_updater.core.silences import Silences

# Stands in for a host, to see what stands around it in a key; no name holds it.
_HOST = "\0"


def withheld(rollout: Rollout, outcomes: Iterable[TargetOutcome], silences: Silences) -> str | None:
    """Return why nobody is told of ``outcomes``: all that there is to tell are failures of silenced targets; None otherwise."""
    if not silences.by_subject:
        return None
    found = [
        silences.of_target(one.key, rollout.image, _hosts(one)) if one.outcome.is_failure else None
        for one in outcomes
        if not one.outcome.is_quiet
    ]
    sentences = dict.fromkeys(one.sentence for one in found if one)
    return "; ".join(sentences) if found and all(found) else None


def _hosts(one: TargetOutcome) -> tuple[str, ...]:
    """Return the host of a container, which is a part of its key; of the managers of a service nothing is known here."""
    if one.kind is not Kind.CONTAINER:
        return ()
    before, after = container_key(_HOST, one.name).split(_HOST)
    return (one.key.removeprefix(before).removesuffix(after),)
