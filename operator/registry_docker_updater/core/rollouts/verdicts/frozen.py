"""What a person froze stays as it is."""

from registry_docker_updater.core.policy.freezes import Freeze
from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

FROZEN = Verdict(
    "frozen",
    "is frozen",
    "it goes on when that ends, or somebody thaws it; --force breaks it",
    is_pending=True,
    is_overridable=True,
    is_by_rule=True,
)


def judge(case: Case) -> Verdict | None:
    """Wait while a freeze counts for the target, unless a person insisted after it began."""
    freezes = case.history.freezes.of(case.target, case.fleet, case.desired.repository)
    found = [one for one in freezes if one.counts(case.now) and not _is_broken(case, one)]
    if not found:
        return None
    ends = [one.until for one in found]
    until = None if None in ends else max(end for end in ends if end)
    return FROZEN.saying("; ".join(f"is {one.sentence}" for one in found), until)


def _is_broken(case: Case, freeze: Freeze) -> bool:
    at = case.insisted_at
    return case.is_overridden and (at is None or freeze.at <= at)
