"""Why a target runs what it runs: all that is known of one."""

from itertools import chain

from typing_extensions import TypedDict

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.policy.notes import target_notes
from registry_docker_updater.core.rollouts.outlook import Overview
from registry_docker_updater.core.schedules.repairs import unfinished_notes
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.storage.rollouts import KeptOutcome
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.outlook import OutlookRow, outlook
from registry_docker_updater.views.text import alike
from registry_docker_updater.views.values import moment

# How many rollouts of its past are told, and how many targets are named that could be meant.
PAST, _NAMED = 5, 10


class AnswerRow(TypedDict):
    """When a host of a target was asked last, and what it said: ``error`` is why it did not answer."""

    host: str
    asked_at: str | None
    error: str | None
    notes: list[str]


class PastRow(TypedDict):
    """What became of a target in a rollout; ``log`` are the last lines of the log of what did not come up."""

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
    log: list[str]
    left_alone: bool


class WhyRow(OutlookRow):
    """A target with all that is known of it: its hosts' answers, and what became of it in the newest rollouts, newest first.

    ``notes`` say what of its rules cannot be read, and why it follows no tag though it is to.
    """

    notes: list[str]
    answers: list[AnswerRow]
    past: list[PastRow]


def found(known: Fleet, asked: str) -> list[str]:
    """Return the keys of the targets that are meant, by key or name; raises :class:`NothingKnown`, and names those alike."""
    if asked in known.targets:
        return [asked]
    by_name = sorted(key for key, one in known.targets.items() if asked in (one.name, *one.keys))
    if by_name:
        return by_name
    if not known.targets:
        raise NothingKnown("no target is known: no host has told of a service or container that opted in")
    close = alike(asked, chain({one.name for one in known.targets.values()}, known.targets))
    meant = f"; did you mean {', '.join(close)}?" if close else "; `fleet` lists them"
    raise NothingKnown(f"no target is called {asked}, by name or key{meant}")


def why(storage: Storage, overview: Overview, key: str, limit: int) -> WhyRow:
    """Return all that is known of the target with ``key``, which the fleet is to have; of its past, the newest ``limit``."""
    one = overview.outlook(key)
    registry = one.desired.registry if one.desired else None
    past = storage.rollouts.of_target(one.target.keys, limit)
    return {
        **outlook(one),
        "notes": list(target_notes(one.target, overview.fleet, storage.policies, registry)),
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
        "log": list(result.log),
        "left_alone": result.left_alone,
    }
