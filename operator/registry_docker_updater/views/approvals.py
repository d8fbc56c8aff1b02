"""What waits for people to approve it, as people and programs see it: on which targets, who has, who may, and until when."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from typing_extensions import TypedDict

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.policy.approvals import ApprovalStanding, ApprovalState
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.core.rollouts.history import History
from registry_docker_updater.core.rollouts.verdicts import Verdict, verdict_on
from registry_docker_updater.core.rollouts.verdicts.approval import approval_of
from registry_docker_updater.core.rollouts.verdicts.case import Case
from registry_docker_updater.errors import NotNow
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.pushes import Hosts, JudgedRow, Judgement, cases, judged_rows, newest
from registry_docker_updater.views.rollouts import summary
from registry_docker_updater.views.values import moment


class ApprovalRow(TypedDict):
    """Where an approval stands that some targets (``keys``) need: ``state`` is `open`, `approved`, `refused` or `lapsed`.

    So many ``people`` are to approve, of whom ``missing`` have not; each of ``approvers`` are names, or patterns, of which an approver has
    one, and without any, whoever may operate may approve. With ``four_eyes``, whoever pushed may not;
    where nobody knows who that is, ``people`` are one more than asked for. It lapses at ``lapses_at``, null where never.
    """

    state: str
    people: int
    missing: int
    approved_by: list[str]
    approvers: list[list[str]]
    four_eyes: bool
    refused_by: str | None
    reason: str | None
    lapses_at: str | None
    keys: list[str]


class ApprovalsRow(TypedDict):
    """The approvals that a rollout needs, and what its push means for each target at this moment."""

    rollout: int
    push: int
    image: str
    digest: str
    actor: str | None
    approvals: list[ApprovalRow]
    targets: list[JudgedRow]


class DecidedRow(ApprovalsRow):
    """How the approvals of a rollout stand after somebody approved or refused its push for the targets ``decided``."""

    decided: list[str]


@dataclass(frozen=True)
class Asked:
    """One target of a push, the verdict on it, and where the approval stands that it needs, None where it needs none."""

    case: Case
    verdict: Verdict
    standing: ApprovalStanding | None

    @property
    def target(self) -> Target:
        """The target."""
        return self.case.target

    def after(self, history: History) -> "Asked":
        """Return the same by what is known by now."""
        return _asked(replace(self.case, history=history))


def asked_of(
    storage: Storage, hosts: Hosts, rollout: int, known: Fleet, now: datetime
) -> tuple[DesiredImage, Sequence[Asked]]:
    """Return the push of a rollout, and what is asked of people for each of its targets.

    Raises :class:`NothingKnown` where there is no such rollout, :class:`NotNow` where its push counts no more.
    """
    desired, found = _cases_of(storage, hosts, rollout, known, now)
    return desired, [_asked(one) for one in found]


def _asked(case: Case) -> Asked:
    return Asked(case, verdict_on(case), approval_of(case))


def _cases_of(
    storage: Storage, hosts: Hosts, rollout: int, known: Fleet, now: datetime
) -> tuple[DesiredImage, Sequence[Case]]:
    row = summary(storage, rollout)
    desired = newest(storage, hosts, row["push"])
    if desired is None:
        raise NotNow(
            f"rollout {rollout} was of a push of {row['image']} after which came another, or its registry is no longer in the"
            " settings; `rollouts` lists the newest"
        )
    return desired, cases(storage, hosts, desired, known, now)


def approvals(storage: Storage, hosts: Hosts, rollout: int, known: Fleet, now: datetime) -> ApprovalsRow:
    """Return the approvals that a rollout needs; raises what :func:`asked_of` does."""
    with storage.snapshot() as kept:
        desired, asked = asked_of(kept, hosts, rollout, known, now)
    return approvals_row(rollout, desired, asked)


def standings(storage: Storage, hosts: Hosts, rollout: int, known: Fleet, now: datetime) -> list[ApprovalRow]:
    """Return where the approvals stand that a rollout needs, and no verdicts; raises what :func:`asked_of` does."""
    with storage.snapshot() as kept:
        _, found = _cases_of(kept, hosts, rollout, known, now)
    return _standings((one.target.key, approval_of(one)) for one in found)


def approvals_row(rollout: int, desired: DesiredImage, asked: Sequence[Asked]) -> ApprovalsRow:
    """Return the approvals that a rollout of ``desired`` needs by what is ``asked``."""
    return {
        "rollout": rollout,
        "push": desired.push,
        "image": desired.image,
        "digest": desired.digest,
        "actor": desired.actor,
        "approvals": _standings((one.target.key, one.standing) for one in asked),
        "targets": judged_rows([Judgement(one.target, one.verdict) for one in asked]),
    }


def mark_of_approvals(push: int, rows: Sequence[ApprovalRow]) -> str:
    """Return what tells what a person's word on a push means from all else that it could, by the approvals that are needed."""
    return hashlib.sha256(json.dumps([push, rows], sort_keys=True).encode()).hexdigest()


def can_be_given(row: ApprovalRow) -> bool:
    """Tell whether somebody can still approve: who is asked to, or who refused it."""
    return row["state"] in (ApprovalState.OPEN, ApprovalState.REFUSED)


def says(row: ApprovalRow) -> str:
    """Return how an approval stands, in a sentence."""
    so_far = f", by {', '.join(row['approved_by'])} so far" if row["approved_by"] else ""
    if row["state"] == "refused":
        return f"refused by {row['refused_by']}{': ' + row['reason'] if row['reason'] else ''}"
    if row["state"] == "approved":
        return f"approved by {', '.join(row['approved_by'])}"
    if row["state"] == "lapsed":
        return f"lapsed: nobody approved it in time{so_far}"
    return f"waits for {'1 person' if row['missing'] == 1 else str(row['missing']) + ' people'}{so_far}"


def _standings(found: Iterable[tuple[str, ApprovalStanding | None]]) -> list[ApprovalRow]:
    by_standing: dict[ApprovalStanding, list[str]] = {}
    for key, standing in found:
        if standing:
            by_standing.setdefault(standing, []).append(key)
    return [_approval(standing, keys) for standing, keys in by_standing.items()]


def _approval(standing: ApprovalStanding, keys: Sequence[str]) -> ApprovalRow:
    rule, refusal = standing.rule, standing.refusal
    return {
        "state": str(standing.state),
        "people": standing.people,
        "missing": standing.missing,
        "approved_by": list(standing.approved_by),
        "approvers": [sorted(names) for names in rule.by],
        "four_eyes": rule.is_by_others,
        "refused_by": refusal.person if refusal else None,
        "reason": refusal.reason if refusal else None,
        "lapses_at": moment(standing.lapses_at),
        "keys": list(keys),
    }
