"""Where the approval of a push stands for one target: who has said what of it, and who is still to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from registry_docker_updater.core.events.pushes import pusher_of
from registry_docker_updater.core.policy.decisions import Decision
from registry_docker_updater.core.policy.rules import ApprovalRule


class ApprovalState(StrEnum):
    """Where an approval stands."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    LAPSED = "lapsed"


@dataclass(frozen=True)
class ApprovalStanding:
    """Where the approval that ``rule`` asks for stands: by whom it is approved so far, and who refused it.

    So many ``people`` are to approve: one more than the rule says where whoever pushed is not to count, and nobody knows who that is.
    It lapses at ``lapses_at``, None where never.
    """

    rule: ApprovalRule
    state: ApprovalState
    people: int
    approved_by: tuple[str, ...] = ()
    refusal: Decision | None = None
    lapses_at: datetime | None = None

    @property
    def missing(self) -> int:
        """How many people are still to approve."""
        return max(0, self.people - len(self.approved_by))


def standing_of(  # noqa: PLR0913 - what it rests on
    rule: ApprovalRule,
    decisions: Iterable[Decision],
    key: str,
    *,
    pushed_at: datetime,
    pusher: str | None,
    now: datetime,
) -> ApprovalStanding:
    """Return where the approval of a push for the target with ``key`` stands ``now``, after ``decisions`` on that push, the oldest first.

    The last word of each person counts, if that person may decide; what was approved in time stays so. One refusal is enough,
    whenever it comes.
    """
    # One of them may be whoever pushed.
    people = rule.people + (rule.is_by_others and pusher_of(pusher) is None)
    lapses_at = pushed_at + rule.deadline if rule.deadline is not None else None
    last: dict[str, Decision] = {}
    for one in decisions:
        is_in_time = lapses_at is None or one.at < lapses_at or not one.is_approval
        if key in one.keys and is_in_time and why_not(rule, one.person, pusher) is None:
            last[one.person.casefold()] = one
    refusal = next((one for one in last.values() if not one.is_approval), None)
    approved_by = tuple(one.person for one in last.values() if one.is_approval)
    if refusal:
        state = ApprovalState.REFUSED
    elif len(approved_by) >= people:
        state = ApprovalState.APPROVED
    elif lapses_at is not None and now >= lapses_at:
        state = ApprovalState.LAPSED
    else:
        state = ApprovalState.OPEN
    return ApprovalStanding(rule, state, people, approved_by, refusal, lapses_at)


def why_not(rule: ApprovalRule, person: str, pusher: str | None) -> str | None:
    """Return why ``person`` may not decide on what ``pusher`` pushed, in a sentence; None where they may."""
    pushed_by = pusher_of(pusher)
    if rule.is_by_others and pushed_by and pushed_by.casefold() == person.casefold():
        return f"{person} pushed it, and somebody else is to approve (four-eyes)"
    for names in rule.by:
        if not any(fnmatchcase(person.casefold(), name.casefold()) for name in names):
            return f"{person} is none of those who may: {', '.join(sorted(names))}"
    return None
