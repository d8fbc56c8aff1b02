"""Whether everything is well, and what goes on at this moment, as people and programs see it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from heapq import nsmallest

from typing_extensions import TypedDict

from registry_docker_updater.core.rollouts.outlook import Overview
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.runs.progress import RunProgress
from registry_docker_updater.core.schedules.registries import RegistryStanding
from registry_docker_updater.core.silences import Silences
from registry_docker_updater.core.status.trouble import Trouble
from registry_docker_updater.core.status.troubles import Circumstances, Untold, troubles
from registry_docker_updater.core.status.waiting import Waiting, waiting
from registry_docker_updater.storage.choices import EventChoice, RolloutChoice
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import EventRow, events
from registry_docker_updater.views.fleet import HostRow, host_rows
from registry_docker_updater.views.freezes import FreezeRow, frozen
from registry_docker_updater.views.outlook import behind_by_verdict, outlook
from registry_docker_updater.views.progress import RunningRow, running
from registry_docker_updater.views.registries import RegistryRow, registries
from registry_docker_updater.views.rollouts import RolloutRow, rollouts
from registry_docker_updater.views.silences import SilenceRow, silence
from registry_docker_updater.views.values import moment

# For how long it is told of a message that was given up, and how many of each are shown.
_REMEMBERED = timedelta(days=1)
_SHOWN, _ROLLOUTS = 20, 5


class TroubleRow(TypedDict):
    """Something that is not well: ``sentence`` says what and why, ``then`` what happens next, or what is to be done.

    ``count`` is how many hosts, targets, registries or rollouts have it, ``named`` the first few; ``at`` is when it goes on by
    itself, where a time is set. ``silences`` are those by which a person knows of it.
    """

    kind: str
    sentence: str
    then: str
    count: int
    named: list[str]
    since: str | None
    at: str | None
    rollout: int | None
    silences: list[SilenceRow]


class WaitingRow(TypedDict):
    """Targets that wait for the same push and reason, so many; ``until`` is when it is their turn, where a time is set.

    ``outcome`` is what the push came to on them before, null where it has not been tried.
    """

    image: str
    digest: str | None
    push: int | None
    rollout: int | None
    verdict: str
    says: str
    then: str
    until: str | None
    outcome: str | None
    count: int
    named: list[str]


class CountsRow(TypedDict):
    """How many hosts and targets there are; ``by_verdict`` counts the targets that are behind by why they are."""

    hosts: int
    unreachable: int
    targets: int
    behind: int
    by_verdict: dict[str, int]


class NowRow(TypedDict):
    """Whether everything is well, and what goes on.

    ``freezes`` are those that count. ``troubles`` are what is not well, the gravest first, ``silenced`` those of them that people know of, which do not count.
    ``waiting`` is what the operator comes to by itself, the first of it, of ``waiting_count`` reasons. ``unreachable`` are the
    first hosts that cannot be reached, ``oldest_look`` the host that was not asked for longest.
    """

    at: str
    is_well: bool
    sentence: str
    freezes: list[FreezeRow]
    troubles: list[TroubleRow]
    silenced: list[TroubleRow]
    running: list[RunningRow]
    waiting: list[WaitingRow]
    waiting_count: int
    unreachable: list[HostRow]
    oldest_look: HostRow | None
    registries: list[RegistryRow]
    counts: CountsRow
    last_push: EventRow | None
    last_rollouts: list[RolloutRow]


@dataclass(frozen=True)
class CurrentStatus:
    """Gives how everything is at a moment, of what is known to those who know it.

    ``interval`` is how often hosts are to be asked, ``running`` what runs are at, where that is known; ``trail`` says what is wrong
    with that, ``has_operator`` whether an operator works, and ``broken`` what of it does not. Safe for use by several threads.
    """

    storage: Storage
    overview: Callable[[], Overview]
    standings: Callable[[], list[RegistryStanding]]
    interval: timedelta
    running: Callable[[], Mapping[int, RunProgress]] | None = None
    trail: Callable[[], str | None] = lambda: None
    has_operator: bool = True
    broken: Callable[[], Mapping[str, str | None]] = dict

    def __call__(self) -> NowRow:
        """Return how everything is; raises :class:`StoreUnavailable`."""
        overview, standings = self.overview(), self.standings()
        at = overview.at
        with self.storage.snapshot() as kept:
            known = Circumstances(
                overview,
                self.interval,
                standings,
                [Untold(*one) for one in kept.notifications.untold(at - _REMEMBERED)],
                Silences.that_count(kept.silences.counting(at), at),
                self.trail(),
                self.has_operator,
                self.broken(),
            )
            freezes = frozen(kept, overview.fleet, at)
            pushes = events(kept, 1, choice=EventChoice(kind="push"))
            last_rollouts = rollouts(kept, _ROLLOUTS)
            runs = running(self.running()) if self.running else self._kept_running(kept)
        found = troubles(known)
        open_ = [one for one in found if not one.silences]
        waits = list(waiting(overview))
        hosts = overview.fleet.hosts
        lost = [one for one in hosts.values() if one.error]
        oldest = min(hosts.values(), key=lambda one: one.asked_at, default=None)
        return {
            "at": moment(at),
            "is_well": not open_,
            "sentence": _sentence(overview, open_, len(runs)),
            "freezes": freezes,
            "troubles": [_trouble(one, known) for one in open_],
            "silenced": [_trouble(one, known) for one in found if one.silences],
            "running": runs,
            "waiting": [_waiting(one) for one in _first(waits)],
            "waiting_count": len(waits),
            "unreachable": list(host_rows(overview.fleet, nsmallest(_SHOWN, (one.name for one in lost)))),
            "oldest_look": next(host_rows(overview.fleet, [oldest.name])) if oldest else None,
            "registries": registries(standings),
            "counts": {
                "hosts": len(hosts),
                "unreachable": len(lost),
                "targets": len(overview.fleet.targets),
                "behind": len(overview.behind),
                "by_verdict": behind_by_verdict(overview),
            },
            "last_push": pushes[0] if pushes else None,
            "last_rollouts": last_rollouts,
        }

    def _kept_running(self, kept: Storage) -> list[RunningRow]:
        """Return what is kept of runs that go on; without an operator none does."""
        choice = RolloutChoice(state=RolloutState.RUNNING)
        return [
            {
                "rollout": one["id"],
                "run": one["runs"],
                "playbook": "update",
                "image": one["image"],
                "digest": one["digest"],
                "began_at": one["started_at"] or one["created_at"],
                "counts": {},
            }
            for one in (rollouts(kept, _SHOWN, choice=choice) if self.has_operator else ())
        ]


def _sentence(overview: Overview, open_: Sequence[Trouble], runs: int) -> str:
    if open_:
        more = f"; and {len(open_) - 1} more" if len(open_) > 1 else ""
        return f"not everything is well: {open_[0].sentence}{more}"
    hosts, targets = len(overview.fleet.hosts), len(overview.fleet.targets)
    if not hosts:
        return "nothing is wrong, and no host is known so far"
    behind = len(overview.behind)
    going_on = f", {runs} rollout(s) run" if runs else ""
    how = f"{behind:,} of them not on what was pushed" if behind else "none of them behind what was pushed"
    return f"everything is well: {hosts:,} host(s), {targets:,} target(s), {how}{going_on}"


def _first(waits: Iterable[Waiting]) -> list[Waiting]:
    """Return the first of what waits: by when it is its turn, and those without a time at the end."""
    return nsmallest(
        _SHOWN,
        waits,
        key=lambda one: (one.first.next_at is None, one.first.next_at or 0, one.first.alike.push),
    )


def _trouble(one: Trouble, known: Circumstances) -> TroubleRow:
    return {
        "kind": str(one.kind),
        "sentence": one.sentence,
        "then": one.then,
        "count": one.count,
        "named": list(one.named),
        "since": moment(one.since),
        "at": moment(one.at),
        "rollout": one.rollout,
        "silences": [silence(by, known.overview.at) for by in one.silences],
    }


def _waiting(one: Waiting) -> WaitingRow:
    row = outlook(one.first)
    return {
        "image": one.first.image,
        "digest": row["pushed"],
        "push": row["push"],
        "rollout": row["rollout"],
        "verdict": row["verdict"],
        "says": row["says"],
        "then": row["then"],
        "until": row["next_at"],
        "outcome": one.first.alike.outcome,
        "count": one.count,
        "named": list(one.named),
    }
