"""Production follows test when it has run well there for so long."""

from datetime import timedelta

from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.moments import minute
from registry_docker_updater.core.policy.policies import order_of, rules_of
from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

SOAKING = Verdict(
    "soaking",
    "waits until what comes before it has run this digest for long enough",
    "it goes on when that is so",
    is_pending=True,
    is_overridable=True,
    is_by_rule=True,
)
# States of a container that does not run well.
_UNWELL = frozenset(("restarting", "exited", "dead", "created", "removing"))


def judge(case: Case) -> Verdict | None:
    """Wait until a target of a lower order has run the digest for so long, and all of the same image and a lower order run it."""
    soak = case.rules.soak
    if case.is_overridden or soak <= timedelta():
        return None
    order, digest = order_of(case.target, case.fleet), case.desired.digest
    behind = [
        one
        for one in case.fleet.behind(case.desired.image_names, digest)
        if order_of(one, case.fleet) < order and _is_to_run_it(case, one)
    ]
    if behind:
        more = f" and {len(behind) - 1} more" if len(behind) > 1 else ""
        return SOAKING.saying(
            f"waits for what comes before it: {behind[0].name} at {behind[0].place}{more} does not run this digest yet"
        )
    before = [
        one
        for one in case.fleet.with_digest(digest)
        if order_of(one, case.fleet) < order and one.state not in _UNWELL
    ]
    if not before:
        return SOAKING.saying("waits for what comes before it in the order: nothing there runs this digest")
    first = min(before, key=lambda one: (one.since, one.key))
    ready_at = first.since + soak
    if case.now >= ready_at:
        return None
    return SOAKING.saying(
        f"waits until {first.name} at {first.place} has run this digest for long enough, at {minute(ready_at)}",
        ready_at,
    )


def _is_to_run_it(case: Case, other: Target) -> bool:
    rules = rules_of(other, case.fleet, case.history.policies, case.desired.registry)
    return rules.is_enabled and not rules.is_watched
