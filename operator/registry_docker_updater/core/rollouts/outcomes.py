"""What became of each target in a run: read from the run's events, and completed for those that stayed silent."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from registry_docker_updater.core.fleet.index import Change, Fleet, Kind, Target, container_key, service_key
from registry_docker_updater.core.runs import reasons

# What Ansible puts in place of a secret, wherever it occurs in a result.
_BLOT = "********"
# The items of a loop come first, and say more than the loop.
_FAILED = ("runner_on_failed", "runner_item_on_failed")


class Outcome(StrEnum):
    """What became of one target."""

    UPDATED = "updated"
    UNCHANGED = "unchanged"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    SUPERSEDED = "superseded"
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        """Whether the same push is not tried on the target again."""
        return self not in (Outcome.FAILED, Outcome.UNREACHABLE)

    @property
    def is_good(self) -> bool:
        """Whether nobody needs to look at it. A rollback is never good."""
        return self in (Outcome.UPDATED, Outcome.UNCHANGED, Outcome.SKIPPED, Outcome.SUPERSEDED)


@dataclass(frozen=True)
class TargetOutcome:
    """What became of one target; ``before`` and ``after`` are digests, where known.

    ``left_alone`` tells that it was not touched because other targets failed before its turn came.
    """

    key: str
    kind: Kind
    name: str
    place: str
    outcome: Outcome
    before: str | None = None
    after: str | None = None
    message: str | None = None
    left_alone: bool = False


@dataclass(frozen=True)
class HostResult:
    """One result of a module on one host, of a run's events: ``event`` is ansible-runner's name for it."""

    host: str
    event: str
    action: str
    result: Mapping[str, Any]

    @property
    def reason(self) -> str:
        """Why it failed, in a sentence."""
        return reasons.of_result(self.result)


def outcome_of(result: HostResult, expected: Mapping[str, Target]) -> TargetOutcome | None:
    """Return the outcome of the target that ``result`` is about, or None when it is about none.

    ``expected`` has targets by each of their keys.
    """
    found = result.result
    if "outcome" not in found or "kind" not in found:
        return None
    try:
        kind, outcome = Kind(found["kind"]), Outcome(found["outcome"])
    except ValueError:
        return None
    name = _whole(str(found.get("name")), result.host, expected)
    key = service_key(str(found.get("id"))) if kind is Kind.SERVICE else container_key(result.host, name)
    known = expected.get(key)
    # Under another name of its engine.
    key = known.key if known else key
    place = known.place if known else f"{'swarm of' if kind is Kind.SERVICE else 'host'} {result.host}"
    return TargetOutcome(
        key=key,
        kind=kind,
        name=name,
        place=place,
        outcome=outcome,
        before=_digest(found.get("before")),
        after=_digest(found.get("after")),
        message=str(found["message"]) if found.get("message") else None,
        left_alone=found.get("left_alone") is True,
    )


def _whole(name: str, host: str, expected: Mapping[str, Target]) -> str:
    """Return the whole name of a target in which Ansible blotted out a password that is a part of it."""
    if _BLOT not in name:
        return name
    pattern = re.compile(".+".join(map(re.escape, name.split(_BLOT))))
    known = {
        one.name
        for one in expected.values()
        if one.kind is Kind.CONTAINER and host in one.hosts and pattern.fullmatch(one.name)
    }
    return known.pop() if len(known) == 1 else name


def repairs_of(result: HostResult) -> Iterator[tuple[str, TargetOutcome]]:
    """Yield how the updates ended that a run before had left on the host, each with the digest it was to.

    One that was undone before it had touched anything has not ended: it is to be begun again.
    """
    told = result.result.get("repairs")
    for one in told if isinstance(told, list) else ():
        if not isinstance(one, dict):
            continue
        outcome = outcome_of(replace(result, result=one), {})
        if outcome and outcome.outcome.is_final and outcome.outcome is not Outcome.UNCHANGED:
            yield str(one.get("digest")), outcome


def conclude(
    expected: Iterable[Target],
    told: Mapping[str, TargetOutcome],
    results: Iterable[HostResult],
    ended: str | None,
) -> tuple[TargetOutcome, ...]:
    """Return an outcome for every expected target and for every other that was told.

    ``told`` are the outcomes that modules reported, by target; ``ended`` says why the run ended early, if it did.
    A target of which nothing was told is ``skipped`` when a host looked and it was not there, ``unreachable``
    when no host could be reached, and ``failed`` when its hosts failed before they came to it.
    """
    hosts = _Hosts(list(results))
    complete = dict(told)
    for target in expected:
        if target.key not in complete:
            outcome, message = hosts.end_of(target, ended)
            complete[target.key] = TargetOutcome(
                target.key,
                target.kind,
                target.name,
                target.place,
                outcome,
                min(target.digests, default=None),
                None,
                message,
            )
    return tuple(complete[key] for key in sorted(complete))


def change_after_outcomes(fleet: Fleet, outcomes: Iterable[TargetOutcome], now: datetime) -> Change:
    """Return what the targets run after ``outcomes``, so that nothing waits for the next scan."""
    targets: dict[str, Target | None] = {}
    for one in outcomes:
        known = fleet.targets.get(one.key)
        if known and one.after and not known.runs(one.after):
            targets[one.key] = replace(known, digests=frozenset((one.after,)), since=now)
    return Change(targets=targets)


class _Hosts:
    """How far each host of a run came: what it listed, or why it did not."""

    def __init__(self, results: Iterable[HostResult]) -> None:
        self._listed: dict[str, frozenset[tuple[str, str]]] = {}
        self._managers: set[str] = set()
        self._unreachable: dict[str, str] = {}
        self._failed: dict[str, str] = {}
        for result in results:
            # A host whose engine does not answer is as good as down, and comes back as such a host does.
            if result.event == "runner_on_unreachable" or _could_not_look(result):
                self._unreachable[result.host] = f"{result.host}: {result.reason}"
            elif result.event in _FAILED and "outcome" not in result.result:
                self._failed.setdefault(result.host, f"{result.host}: {result.reason}")
            elif isinstance(result.result.get("scan"), dict):
                scan = result.result["scan"]
                self._listed[result.host] = frozenset(
                    (found["kind"], found["id"] if found["kind"] == Kind.SERVICE else found["name"])
                    for found in scan.get("targets", ())
                )
                if (scan.get("swarm") or {}).get("manager"):
                    self._managers.add(result.host)

    def end_of(self, target: Target, ended: str | None) -> tuple[Outcome, str]:
        itself = (target.kind.value, target.id if target.kind is Kind.SERVICE else target.name)
        # A manager of a swarm that lost its quorum answers, and knows nothing of services.
        able = self._managers if target.kind is Kind.SERVICE else self._listed
        lists = [self._listed[host] for host in target.hosts if host in able]
        if lists and not any(itself in listed for listed in lists):
            return Outcome.SKIPPED, "it no longer runs this image name, or is gone"
        failed = [self._failed[host] for host in target.hosts if host in self._failed]
        unreachable = [self._unreachable[host] for host in target.hosts if host in self._unreachable]
        if unreachable and not failed:
            return Outcome.UNREACHABLE, "; ".join(unreachable)
        return Outcome.FAILED, "; ".join(failed) or ended or "the playbook ended without a word about it"


def _could_not_look(result: HostResult) -> bool:
    return result.event == "runner_on_failed" and result.action.rpartition(".")[2] == "targets_info"


def _digest(side: Any) -> str | None:
    digest = side.get("digest") if isinstance(side, dict) else None
    return digest if isinstance(digest, str) else None
