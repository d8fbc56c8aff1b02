"""A push is to be of some age before it goes to some targets."""

from registry_docker_updater.core.moments import minute
from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

TOO_YOUNG = Verdict(
    "too_young",
    "was pushed too short a time ago",
    "it goes on when the push is old enough; a newer one begins anew",
    is_pending=True,
    is_overridable=True,
    is_by_rule=True,
)


def judge(case: Case) -> Verdict | None:
    """Wait until the push is old enough, or newer pushes have delayed that for long enough."""
    if case.is_overridden or not case.rules.ages:
        return None
    since, pushed_at = case.waiting_since, case.desired.received_at
    ready_at = max(min(pushed_at + one.age, since + one.longest) for one in case.rules.ages)
    if case.now >= ready_at:
        return None
    return TOO_YOUNG.saying(f"waits until the push is old enough, at {minute(ready_at)}", ready_at)
