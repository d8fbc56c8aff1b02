"""Approving what waits for people, and refusing it: which targets a person's word is for, and whether they may give it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.moments import minute
from registry_docker_updater.core.policy.approvals import why_not
from registry_docker_updater.core.reasons import problem_of_reason
from registry_docker_updater.core.rollouts.verdicts import APPROVAL, BUSY, DECLINED, LAPSED
from registry_docker_updater.errors import NotAsked, NotNow
from registry_docker_updater.storage.actions import decide
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.approvals import (
    Asked,
    DecidedRow,
    approvals_row,
    asked_of,
    mark_of_approvals,
)
from registry_docker_updater.views.pushes import Hosts
from registry_docker_updater.views.text import HAS_CHANGED


def decision(  # noqa: PLR0913, PLR0917 - who says what of which
    storage: Storage,
    hosts: Hosts,
    rollout: int,
    known: Fleet,
    who: Person,
    now: datetime,
    *,
    is_approval: bool,
    only: Collection[str] | None = None,
    reason: str | None = None,
    seen: str | None = None,
) -> DecidedRow:
    """Keep that a person approves the push of a rollout, or refuses it, for all targets on which they may decide, or ``only`` for some.

    ``seen`` is the mark of the approvals that the person saw, None where they saw none.
    Raises :class:`NothingKnown` where there is no such rollout, :class:`NotNow` where nothing of it waits for them, or what they saw has
    changed, and
    :class:`NotAsked` where a key is none of its targets, or a refusal has no reason.
    """
    said = (reason or "").strip()
    problem = problem_of_reason("an approval" if is_approval else "a refusal", said)
    if problem and (said or not is_approval):
        raise NotAsked("reason", problem)
    with storage.transaction() as kept:
        desired, asked = asked_of(kept, hosts, rollout, known, now)
        if seen is not None and seen != mark_of_approvals(
            desired.push, approvals_row(rollout, desired, asked)["approvals"]
        ):
            raise NotNow(HAS_CHANGED)
        keys = decided(asked, who.name, desired.actor, rollout, now, is_approval=is_approval, only=only)
        decide(kept, rollout, keys, who, now, is_approval=is_approval, reason=said or None)
        by_now = kept.decisions.of_pushes([desired.push])
    # Nothing else has changed in this transaction, and a fleet is much to look up again.
    after = [one.after(replace(one.case.history, decisions=by_now)) for one in asked]
    return {**approvals_row(rollout, desired, after), "decided": sorted(keys)}


def decided(  # noqa: PLR0913 - who says what of which
    asked: Sequence[Asked],
    person: str,
    pusher: str | None,
    rollout: int,
    now: datetime,
    *,
    is_approval: bool,
    only: Collection[str] | None = None,
) -> frozenset[str]:
    """Return the keys of the targets on which ``person`` decides ``now``: of all for which they may, or ``only`` of some; ``pusher`` pushed.

    Raises :class:`NotAsked` where a key is none of the targets, :class:`NotNow` where the person has nothing to decide, and why.
    """
    unknown = sorted(set(only or ()) - {one.target.key for one in asked})
    if unknown:
        raise NotAsked(
            "targets", f"{unknown[0]} is no target of rollout {rollout}; `rollout {rollout}` lists them"
        )
    meant = [one for one in asked if only is None or one.target.key in only]
    open_ = [one for one in meant if _is_open(one, is_approval=is_approval)]
    if only is not None and len(open_) < len(meant):
        closed = next(one for one in meant if one not in open_)
        raise NotNow(f"{closed.target.key} waits for nobody's approval: it {closed.verdict}")
    if not open_:
        raise NotNow(
            f"no target of rollout {rollout} waits for approval; `rollout {rollout}` says how it stands"
        )
    against = {one.target.key: _why_not(one, person, pusher, now, is_approval=is_approval) for one in open_}
    reasons = sorted({why for why in against.values() if why})
    if reasons and (only is not None or all(against.values())):
        raise NotNow("; ".join(reasons))
    return frozenset(key for key, why in against.items() if not why)


def _is_open(one: Asked, *, is_approval: bool) -> bool:
    """Tell whether something is to be decided on a target; what is approved and has not begun can still be refused."""
    if one.standing is None:
        return False
    if is_approval:
        return one.verdict.name in (APPROVAL.name, DECLINED.name, LAPSED.name)
    return one.verdict.is_pending and one.verdict.name != BUSY.name


def _why_not(one: Asked, person: str, pusher: str | None, now: datetime, *, is_approval: bool) -> str | None:
    standing = one.standing
    if standing is None:
        return None
    if is_approval and standing.lapses_at and now >= standing.lapses_at:
        return f"its approval lapsed at {minute(standing.lapses_at)}; `push` by hand asks anew"
    if why := why_not(standing.rule, person, pusher):
        return why
    if is_approval and _is_among(person, standing.approved_by):
        more = "1 more is" if standing.missing == 1 else f"{standing.missing} more are"
        return f"{person} has approved it; {more} to"
    refusal = standing.refusal
    if is_approval and refusal and not _is_among(person, [refusal.person]):
        return f"{refusal.person} refused it, and can still approve it"
    return None


def _is_among(person: str, names: Iterable[str]) -> bool:
    return person.casefold() in (one.casefold() for one in names)
