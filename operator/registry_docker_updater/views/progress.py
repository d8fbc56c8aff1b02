"""How far the runs are that go on, as people and programs see it."""

from collections.abc import Mapping

from typing_extensions import TypedDict

from registry_docker_updater.core.runs.progress import STAGE_SENTENCES, RunProgress, TargetProgress
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.views.values import moment


class RunningRow(TypedDict):
    """A run that goes on; ``counts`` says how many of its targets are at each stage."""

    rollout: int
    run: int
    playbook: str
    image: str
    digest: str
    began_at: str
    counts: dict[str, int]


class TargetProgressRow(TypedDict):
    """How far a run is with one target, ``since`` when; ``says`` tells the ``state`` to people.

    ``task`` is what its host is at, or was at last, as Ansible names it. ``message`` is of its outcome, or says why its hosts are
    lost to the run.
    """

    key: str
    kind: str
    name: str
    place: str
    hosts: list[str]
    state: str
    says: str
    since: str
    task: str | None
    outcome: str | None
    message: str | None


class ProgressRow(RunningRow):
    """A run that goes on, with each of its targets."""

    targets: list[TargetProgressRow]


def running(runs: Mapping[int, RunProgress]) -> list[RunningRow]:
    """Return the runs that go on, the newest rollout first."""
    return [_run(runs[number]) for number in sorted(runs, reverse=True)]


def progress(runs: Mapping[int, RunProgress], rollout: int) -> ProgressRow:
    """Return how far a rollout's run is; raises :class:`NothingKnown` where none goes on."""
    if rollout not in runs:
        raise NothingKnown(
            f"no run of rollout {rollout} goes on; `rollout {rollout}` tells what became of it"
        )
    one = runs[rollout]
    return {**_run(one), "targets": [target_progress(target) for target in one.of_targets()]}


def _run(one: RunProgress) -> RunningRow:
    return {
        "rollout": one.rollout,
        "run": one.run,
        "playbook": one.playbook,
        "image": one.desired.image,
        "digest": one.desired.digest,
        "began_at": moment(one.began_at),
        "counts": {str(stage): count for stage, count in one.counts().items()},
    }


def target_progress(one: TargetProgress) -> TargetProgressRow:
    """Return how far a run is with one target."""
    target, result = one.target, one.ended.result if one.ended else None
    return {
        "key": target.key,
        "kind": str(target.kind),
        "name": target.name,
        "place": target.place,
        "hosts": list(target.hosts),
        "state": str(one.stage),
        "says": STAGE_SENTENCES[one.stage],
        "since": moment(one.since),
        "task": one.task,
        "outcome": str(result.outcome) if result else None,
        "message": result.message if result else one.trouble,
    }
