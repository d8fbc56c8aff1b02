"""News: what there is to tell of, of a rollout or of something else, before it is known whom it concerns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils import outcomes as words

from registry_docker_updater.core.events.pushes import KeptPush
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.core.rollouts.history import Breach
from registry_docker_updater.core.rollouts.lifecycle import Announcement
from registry_docker_updater.core.rollouts.outcomes import TargetOutcome
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.core.schedules.registries import RegistryStanding

# Of what people broke, so much is told.
_BREACHES = 3
# What a message says of one thing, as the role `notification` takes it.
Item = Mapping[str, Any]


class Topic(StrEnum):
    """What news are of, the gravest first; handlers of playbooks listen on these."""

    UPDATE_FAILED = "update failed"
    WAITING_FOR_A_PERSON = "waiting for a person"
    REGISTRY_SILENT = "registry silent"
    UPDATE_WAITS = "update waits"
    IMAGE_UPDATED = "image updated"
    STARTED = "started"


# What a receiver is told of that asks for nothing else: that a run begins is of interest to few.
USUAL_TOPICS = tuple(topic for topic in Topic if topic is not Topic.STARTED)


@dataclass(frozen=True)
class News:
    """Something to tell of, told ``at`` a moment: of the ``run`` of a ``rollout``, or of the ``subject`` of its topic.

    The subject of a rollout that waits are the names of the reasons.

    ``item`` is what a message says of it: a rollout with all of its outcomes, those that are new among them marked so. It is
    not to be told before ``due_at``.
    """

    id: int
    topic: Topic
    at: datetime
    due_at: datetime
    item: Item
    rollout: int | None = None
    run: int = 0
    subject: str | None = None

    @property
    def is_of_wait(self) -> bool:
        """Whether they are of targets that wait by a rule or for a person, and not of what became of any."""
        return self.rollout is not None and self.subject is not None


def news_of_rollout(  # noqa: PLR0913, PLR0917 - what a rollout came to, and how
    rollout: Rollout,
    push: KeptPush,
    outcomes: Iterable[TargetOutcome],
    announcement: Announcement,
    now: datetime,
    breaches: Iterable[Breach] = (),
) -> News:
    """Return the news of a rollout as it stands after its last run; they have no number so far.

    ``breaches`` are what people broke who wanted it all the same.
    """
    known = tuple(outcomes)
    is_good = all(words.is_good(one.outcome) for one in known)
    topic = Topic.IMAGE_UPDATED if is_good else Topic.UPDATE_FAILED
    return News(
        id=0,
        topic=Topic.WAITING_FOR_A_PERSON if announcement.is_given_up else topic,
        at=now,
        due_at=announcement.due_at,
        item={
            **item_of_rollout(rollout, push),
            "waits_for": _waits_for(rollout, known),
            "insisted": _insisted(known, breaches),
            "outcomes": [_outcome(rollout.image, one, announcement) for one in known],
        },
        rollout=rollout.id,
        run=rollout.runs,
    )


def news_of_start(rollout: Rollout, push: KeptPush, targets: Iterable[Target], now: datetime) -> News:
    """Return the news that a run of a rollout began, for ``targets``; they have no number so far."""
    outcomes = [
        {"key": one.key, "kind": str(one.kind), "name": one.name, "where": one.place, "outcome": None}
        for one in targets
    ]
    item = {**item_of_rollout(rollout, push), "waits_for": None, "outcomes": outcomes}
    return News(0, Topic.STARTED, now, now, item, rollout.id, rollout.runs)


def news_of_registry(standing: RegistryStanding) -> News:
    """Return the news that a registry went silent, or tells of its pushes again; they have no number so far."""
    at, is_silent = standing.at, standing.silent_since is not None
    item = {
        "title": f"Registry {standing.name} {'is silent' if is_silent else 'tells of its pushes again'}",
        "text": standing.sentence,
        "then": "Until then, images are updated when the sweep comes to them." if is_silent else None,
        "path": "/",
        "registry": standing.name,
        "at": rfc3339(at),
        "recovered": not is_silent,
    }
    return News(0, Topic.REGISTRY_SILENT, at, at, item, subject=standing.name)


def news_taken_over(rollout: Rollout, run: int, item: Item, now: datetime) -> News:
    """Return as news what was to be told of a rollout by a version that knew no receivers."""
    is_good = all(words.is_good(one["outcome"]) for one in item["outcomes"])
    topic = Topic.IMAGE_UPDATED if is_good else Topic.UPDATE_FAILED
    return News(0, topic, now, now, item, rollout.id, run)


def registries_to_tell_of(
    standings: Iterable[RegistryStanding], last: Mapping[str, News]
) -> tuple[RegistryStanding, ...]:
    """Return the registries that are silent or tell again, of which the ``last`` news of each say otherwise, or nothing."""
    return tuple(
        one
        for one in standings
        if (one.silent_since is not None) is not _said_to_be_silent(last.get(one.name))
    )


def _said_to_be_silent(last: News | None) -> bool:
    return last is not None and not last.item.get("recovered")


def item_of_rollout(rollout: Rollout, push: KeptPush) -> dict[str, Any]:
    """Return what all news of a rollout say of it."""
    return {
        "id": rollout.id,
        "image": rollout.image,
        "digest": push.digest,
        "actor": push.actor,
        "registry": push.registry,
        "repository": push.repository,
        "pushed_at": rfc3339(push.received_at),
        "attempt": rollout.runs,
        "started_at": _moment(rollout.started_at),
        "finished_at": _moment(rollout.ended_at),
        "retry_at": _moment(rollout.due_at) if rollout.state is RolloutState.WAITING else None,
    }


def _outcome(image: str, one: TargetOutcome, announcement: Announcement) -> dict[str, Any]:
    before = announcement.before.get(one.key)
    return {
        "key": one.key,
        "kind": str(one.kind),
        "name": one.name,
        "where": one.place,
        "outcome": str(one.outcome),
        "before": {"image": image, "digest": one.before} if one.before else None,
        "after": {"image": image, "digest": one.after} if one.after else None,
        "message": one.message,
        "log": list(one.log),
        "was": str(before.outcome) if before else None,
        "is_new": one.key in announcement.new,
        "left_alone": one.left_alone,
    }


def _insisted(outcomes: Iterable[TargetOutcome], breaches: Iterable[Breach]) -> list[str]:
    """Return who wanted the push on which of the targets although a rule speaks against it, in a sentence for each who and why."""
    keys = {one.key for one in outcomes}
    said = [
        f"As {one.actor} wants, though it {'; it '.join(one.breaks)}" for one in breaches if one.key in keys
    ]
    each = list(dict.fromkeys(said))
    more = [f"And in {len(each) - _BREACHES} more ways"] if len(each) > _BREACHES else []
    return [*each[:_BREACHES], *more]


def _waits_for(rollout: Rollout, outcomes: Iterable[TargetOutcome]) -> str | None:
    """Return what a rollout waits for that does not go on by itself; None where nothing is left to be done, or it does."""
    if rollout.state is not RolloutState.FINISHED:
        return None
    if not any(one.outcome.is_failure or one.left_alone for one in outcomes):
        return None
    return f"a newer push, or a person: `retry {rollout.id}` runs it again"


def _moment(value: datetime | None) -> str | None:
    return rfc3339(value) if value else None
