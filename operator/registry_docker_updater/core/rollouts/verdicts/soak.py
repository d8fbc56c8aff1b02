"""Production follows test when it has run well there for so long."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.moments import minute
from registry_docker_updater.core.policy.following import newest
from registry_docker_updater.core.policy.policies import order_of, rules_of
from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

SOAKING = Verdict(
    "soaking",
    "waits for what comes before it in the order",
    "it goes on when that has run this digest for long enough",
    is_pending=True,
    is_overridable=True,
    is_by_rule=True,
)
# States of a container that does not run well.
_UNWELL = frozenset(("restarting", "exited", "dead", "created", "removing"))


@dataclass(frozen=True)
class _Before:
    """How a digest stands in the order: in which places something is still to run it, and what has run it longest in each."""

    behind: frozenset[int]
    longest: Mapping[int, Target]


def judge(case: Case) -> Verdict | None:
    """Wait until a target of a lower order has run the digest for so long, and all of a lower order run it that are to."""
    soak = case.rules.soak
    if case.is_overridden or soak <= timedelta():
        return None
    order, before = order_of(case.target, case.fleet), _before(case)
    if any(one < order for one in before.behind):
        return SOAKING.saying(f"{SOAKING.sentence}, where not all run this digest that are to")
    found = [target for one, target in before.longest.items() if one < order]
    if not found:
        return SOAKING.saying(f"{SOAKING.sentence}, where nothing runs this digest")
    first = min(found, key=_since)
    ready_at = first.since + soak
    if case.now >= ready_at:
        return None
    return SOAKING.saying(
        f"waits until {first.name} at {first.place} has run this digest for long enough, at {minute(ready_at)}",
        ready_at,
    )


def _before(case: Case) -> _Before:
    """Return how the digest stands in the order; it is the same for all targets that are judged of one push."""
    known = case.fleet.remembered
    of = (__name__, case.desired.name, case.desired.digest, case.history.policies)
    if of not in known:
        fleet, digest = case.fleet, case.desired.digest
        behind = {order_of(one, fleet) for one in _to_run_it(case) if not _is_there(one, case)}
        longest: dict[int, Target] = {}
        for one in sorted(fleet.with_digest(digest), key=_since):
            if one.state not in _UNWELL:
                longest.setdefault(order_of(one, fleet), one)
        known[of] = _Before(frozenset(behind), longest)
    found: _Before = known[of]
    return found


def _is_there(target: Target, case: Case) -> bool:
    return target.image_name in case.desired.image_names and target.runs(case.desired.digest)


def _to_run_it(case: Case) -> Iterable[Target]:
    """Yield the targets that are to run the push: those of its name, and those that follow tags and come to it."""
    desired, fleet = case.desired, case.fleet
    for name in fleet.names_in((one.host, one.repository) for one in desired.image_names):
        for target in fleet.running((name,)):
            rules = rules_of(target, fleet, case.history.policies, desired.registry)
            comes = name.tag == desired.tag or newest(rules.follows, name.tag, (desired.tag,)) is not None
            if comes and rules.is_enabled and not rules.is_watched:
                yield target


def _since(target: Target) -> tuple[object, str]:
    return target.since, target.key
