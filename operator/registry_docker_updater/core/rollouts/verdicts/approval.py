"""A push goes to some targets only when people approve."""

from registry_docker_updater.core.moments import minute
from registry_docker_updater.core.policy.approvals import ApprovalStanding, ApprovalState, standing_of
from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

APPROVAL = Verdict(
    "approval",
    "waits for approval",
    "`approve ID` of its rollout, the page or the link in the message approve it, `refuse ID` refuses it",
    is_pending=True,
    is_by_rule=True,
)
DECLINED = Verdict(
    "declined",
    "was refused",
    "nothing until the next push, or until who refused it approves it",
    is_by_rule=True,
    is_meant=True,
)
LAPSED = Verdict(
    "lapsed",
    "waited for approval until its deadline, and nobody approved it",
    "nothing until the next push; `push` by hand asks anew",
    is_by_rule=True,
)


def judge(case: Case) -> Verdict | None:
    """Wait for the people that are to approve this push on the target."""
    standing = approval_of(case)
    if standing is None or standing.state is ApprovalState.APPROVED:
        return None
    if standing.refusal:
        why = f": {standing.refusal.reason}" if standing.refusal.reason else ""
        return DECLINED.saying(f"{DECLINED.sentence} by {standing.refusal.person}{why}")
    if standing.state is ApprovalState.LAPSED:
        return LAPSED
    return APPROVAL.saying(_sentence(standing), standing.lapses_at)


def approval_of(case: Case) -> ApprovalStanding | None:
    """Return where the approval stands that this push needs on the target; None where it needs none."""
    rule = case.rules.approval
    if rule is None:
        return None
    return standing_of(
        rule,
        case.history.decisions.get(case.desired.push, ()),
        case.target.key,
        pushed_at=case.desired.received_at,
        pusher=case.desired.actor,
        now=case.now,
    )


def _sentence(standing: ApprovalStanding) -> str:
    rule = standing.rule
    people = "1 person" if standing.missing == 1 else f"{standing.missing} people"
    whose = "".join(f", one of {', '.join(sorted(names))}" for names in rule.by)
    others = ", not whoever pushed it" if rule.is_by_others else ""
    if standing.people > rule.people:
        people, others = f"{people} (one more, as nobody knows who pushed it)", ""
    so_far = f", after {', '.join(standing.approved_by)}" if standing.approved_by else ""
    until = f", until {minute(standing.lapses_at)}" if standing.lapses_at else ""
    return f"{APPROVAL.sentence} by {people}{whose}{others}{so_far}{until}"
