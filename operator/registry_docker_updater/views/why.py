"""Why a target runs what it runs: all that is known of one."""

from typing_extensions import TypedDict

from registry_docker_updater.core.rollouts.outlook import Overview
from registry_docker_updater.core.schedules.repairs import unfinished_notes
from registry_docker_updater.storage.rollouts import KeptOutcome
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.outlook import OutlookRow, outlook
from registry_docker_updater.views.values import moment


class AnswerRow(TypedDict):
    """When a host of a target was asked last, and what it said: ``error`` is why it did not answer."""

    host: str
    asked_at: str | None
    error: str | None
    notes: list[str]


class PastRow(TypedDict):
    """What became of a target in a rollout."""

    rollout: int
    run: int
    at: str
    image: str
    digest: str
    actor: str | None
    outcome: str
    before: str | None
    after: str | None
    message: str | None
    left_alone: bool


class WhyRow(OutlookRow):
    """A target with all that is known of it: its hosts' answers, and what became of it in the newest rollouts, newest first."""

    answers: list[AnswerRow]
    past: list[PastRow]


def why(storage: Storage, overview: Overview, key: str, limit: int) -> WhyRow:
    """Return all that is known of the target with ``key``, which the fleet is to have; of its past, the newest ``limit``."""
    one = overview.outlook(key)
    past = storage.rollouts.of_target(one.target.keys, limit)
    return {
        **outlook(one),
        "answers": [_answer(overview, name) for name in one.target.hosts],
        "past": [_past(said) for said in past],
    }


def _answer(overview: Overview, name: str) -> AnswerRow:
    host = overview.fleet.hosts.get(name)
    if host is None:
        return {"host": name, "asked_at": None, "error": "it is not in the inventory any more", "notes": []}
    return {
        "host": name,
        "asked_at": moment(host.asked_at),
        "error": host.error,
        "notes": [*host.warnings, *unfinished_notes(host)],
    }


def _past(one: KeptOutcome) -> PastRow:
    result = one.said.result
    return {
        "rollout": one.rollout.id,
        "run": one.said.run,
        "at": moment(one.said.at),
        "image": one.rollout.image,
        "digest": one.push.digest,
        "actor": one.push.actor,
        "outcome": str(result.outcome),
        "before": result.before,
        "after": result.after,
        "message": result.message,
        "left_alone": result.left_alone,
    }
