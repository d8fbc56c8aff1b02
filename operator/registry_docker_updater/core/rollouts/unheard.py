"""Ends of updates of which nobody heard: the operator was killed, or lost sight of the host, while the update went on by itself.

A swarm goes on with what it was told, and so does a module on a host. Another run looks how that ended, so that the rollout has an
outcome for each of its targets and people hear of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Kind, Target
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.core.rollouts.history import History, LastAttempt
from registry_docker_updater.core.rollouts.lifecycle import RunOutcome
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.core.rollouts.rollout import RolloutState

ENDED_UNHEARD = "it was begun by a run that lost sight of it, and ended well by itself"


def unheard_of(one: DesiredImage, fleet: Fleet, history: History) -> tuple[Target, ...]:
    """Return the targets that run a push by now, of which its rollout has not heard how that came about, by key."""
    rollout = history.rollouts.get(one.push)
    if rollout is None or rollout.state is not RolloutState.WAITING:
        return ()
    known = (fleet.targets.get(key) for key in history.unheard.get(one.push, ()))
    return tuple(target for target in known if target and one.is_run_by(target))


def before(last: LastAttempt, digest: str) -> str | None:
    """Return which digest a target ran before an update to ``digest``, None where it may have been any of several."""
    others = last.possible_digests - {digest}
    return next(iter(others)) if len(others) == 1 else None


def interrupted_keys(
    unheard: Mapping[str, str | None], outcomes: Iterable[RunOutcome], run: int
) -> Mapping[str, str | None]:
    """Return those of ``unheard`` of which the run before ``run`` said nothing at all; ``outcomes`` are those of the rollout so far."""
    said = {one.result.key for one in outcomes if one.run == run - 1}
    return {key: digest for key, digest in unheard.items() if key not in said}


def begun_through(host: str, start: Start) -> Mapping[str, str | None]:
    """Return which services a run began at once through ``host``, which is lost since, with the digest that each ran before.

    What the manager found of them may never have come here, so who takes over sees no difference to what was done long ago.
    """
    asked = start.at_once.get(host, ())
    return {
        target.key: next(iter(target.digests)) if len(target.digests) == 1 else None
        for target in start.targets
        if target.kind is Kind.SERVICE and target.key in asked and not start.desired.is_run_by(target)
    }


def as_ended(one: TargetOutcome, interrupted: Mapping[str, str | None]) -> TargetOutcome:
    """Return what became of a target; that it has the digest already is the end of an update where that was ``interrupted``."""
    if one.outcome is not Outcome.UNCHANGED or one.key not in interrupted:
        return one
    return replace(one, outcome=Outcome.UPDATED, before=interrupted[one.key], message=ENDED_UNHEARD)
