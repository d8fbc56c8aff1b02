"""What a result of a run's events says: the one reader, for scans, rollouts and repairs.

Only the modules of our collection are believed, and none is trusted: a host can answer anything, and a shop's own tasks
run in the same play. What cannot be read costs the host that said it, and no other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils.log_lines import bounded

from registry_docker_updater.core.fleet.reports import SeenHost, UnreadableReport, read_report
from registry_docker_updater.core.fleet.targets import Kind
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.stages import read_ages
from registry_docker_updater.core.runs import reasons
from registry_docker_updater.core.runs.results import COLLECTION, ModuleResult

_SCAN = f"{COLLECTION}.targets_info"
_SCANNING_ROLE = f"{COLLECTION}.fleet_scan"


@dataclass(frozen=True)
class Scanned:
    """What the engine of ``host`` and its swarm run; ``groups`` are those of the inventory that it is in, ``policy`` what that says of its targets."""

    host: str
    seen: SeenHost
    groups: tuple[str, ...] = ()
    policy: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ReportedOutcome:
    """What a module said became of one target; ``digest`` is the one that it was to be brought to, where that was said.

    ``left_alone`` and ``held`` are those of :class:`TargetOutcome`, ``stages`` says for how many seconds each stage lay back when it was told, ``log`` are the last lines of what did not come up.
    """

    host: str
    kind: Kind
    id: str
    name: str
    outcome: Outcome
    before: str | None = None
    after: str | None = None
    message: str | None = None
    left_alone: bool = False
    held: bool = False
    digest: str | None = None
    stages: Mapping[str, float] = field(default_factory=dict)
    log: tuple[str, ...] = ()


@dataclass(frozen=True)
class Repaired:
    """How updates ended that a run before had left unfinished on ``host``: those that have ended now."""

    host: str
    outcomes: tuple[ReportedOutcome, ...]


@dataclass(frozen=True)
class HostFailure:
    """A host could not do what it was told to. ``is_unreachable`` where nobody could even look at it.

    A host whose engine does not answer is as good as down, and comes back as such a host does.
    """

    host: str
    reason: str
    is_unreachable: bool = False


@dataclass(frozen=True)
class UnreadableResult:
    """A module of ours said what it would never say."""

    host: str
    reason: str


@dataclass(frozen=True)
class EngineAccess:
    """How the operator itself may open the engine of ``host``: the inventory's ``docker_live``, None where it may not."""

    host: str
    how: Any


Reading = Scanned | ReportedOutcome | Repaired | HostFailure | UnreadableResult | EngineAccess


def read(result: ModuleResult) -> Iterator[Reading]:
    """Yield what a result says: mostly nothing, or one thing; a repair that failed says what it ended, too."""
    if result.is_unreachable:
        yield HostFailure(result.host, reasons.of_result(result.result), is_unreachable=True)
        return
    if "live" in result.result and result.role == _SCANNING_ROLE:
        yield EngineAccess(result.host, result.result["live"])
    try:
        said = tuple(_said(result)) if _is_ours(result) else ()
    except (UnreadableReport, AttributeError, KeyError, TypeError, ValueError) as error:
        yield UnreadableResult(result.host, str(error))
        return
    yield from said
    if result.is_failure and not any(isinstance(one, ReportedOutcome) for one in said):
        could_not_look = result.action == _SCAN
        yield HostFailure(result.host, reasons.of_result(result.result), is_unreachable=could_not_look)


def _is_ours(result: ModuleResult) -> bool:
    return result.action.startswith(f"{COLLECTION}.")


def _said(result: ModuleResult) -> Iterator[Reading]:
    content = result.result
    if "scan" in content:
        # The groups and the policy are the controller's word, which the run's process hands on of no other module.
        groups = tuple(map(str, content.get("groups", ())))
        policy = tuple(sorted((str(name), str(said)) for name, said in content.get("policy", {}).items()))
        yield Scanned(result.host, read_report(content["scan"]), groups, policy)
    if "kind" in content and "outcome" in content:
        yield _outcome(result.host, content)
    if "repairs" in content:
        yield Repaired(result.host, tuple(_repairs(result.host, content["repairs"])))


def _repairs(host: str, said: Any) -> Iterator[ReportedOutcome]:
    """Yield how updates ended. One that was undone before it had touched anything is to be begun again: it has not."""
    for one in said:
        outcome = _outcome(host, one)
        if outcome.outcome.is_final and outcome.outcome is not Outcome.UNCHANGED:
            yield outcome


def _outcome(host: str, said: Mapping[str, Any]) -> ReportedOutcome:
    outcome = Outcome(said["outcome"])
    return ReportedOutcome(
        host=host,
        kind=Kind(said["kind"]),
        id=str(said.get("id")),
        name=str(said.get("name")),
        outcome=outcome,
        before=_digest(said.get("before")),
        after=_digest(said.get("after")),
        message=str(said["message"]) if said.get("message") else None,
        left_alone=said.get("left_alone") is True,
        held=said.get("held") is True,
        digest=_text(said.get("digest")),
        stages=read_ages(said.get("stages")),
        log=tuple(bounded(said.get("log"))) if outcome.has_log else (),
    )


def _digest(side: Any) -> str | None:
    return _text(side.get("digest")) if isinstance(side, dict) else None


def _text(said: Any) -> str | None:
    return said if isinstance(said, str) else None
