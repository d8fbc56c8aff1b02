"""What tests keep: pushes of one image, and runs of its rollout that end as a test wants."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from registry_docker_updater.core.audit.entries import Person, Step
from registry_docker_updater.core.audit.kinds import PUSH_INSISTED
from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.notifications.receivers import Receivers
from registry_docker_updater.core.notifications.schedule import Message, MessageState
from registry_docker_updater.core.rollouts.lifecycle import RunEnd
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.core.rollouts.rollout import RetryPolicy, Rollout
from registry_docker_updater.storage import actions
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.messages import Audience, keep_sent, route_news
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, NEW, NOON, OLD, container

HOSTS: Mapping[str, tuple[str, ...]] = {"production": (HOST, "registry.internal:5000")}
RETRY = RetryPolicy(Backoff(timedelta(seconds=10), timedelta(seconds=80)), 100)
ONCE = RetryPolicy(RETRY.backoff, 1)
WEB = container().key
EVERYBODY = Audience(Receivers(), Fleet())
ANN = Person("ann", "command line")


def push(
    digest: str = NEW, when: datetime = NOON, key: str = "", tag: str = "1", registry: str = "production"
) -> Push:
    return Push(registry, "test/app", tag, digest, when, key or f"{digest} {when} {tag}", "alice")


def record(storage: Storage, *pushes: Push, now: datetime = NOON) -> int:
    """Keep pushes; return the number of the last."""
    return storage.events.record("production", pushes or [push()], now).pushes[-1]


def start(storage: Storage, *targets: Target) -> Start:
    """The start of a run for the only push that is kept."""
    (desired,) = storage.events.desired(HOSTS)
    return Start(desired, targets or (container(),), ())


def begin(storage: Storage, now: datetime, *targets: Target) -> tuple[int, int, int]:
    """Begin a run; return the rollout's number, the run's, and the attempt's."""
    rollout = actions.begin_run(storage, start(storage, *targets), now)
    return rollout.id, rollout.runs, rollout.attempts


def ended(outcome: Outcome, key: str = WEB, after: str | None = NEW, **more: Any) -> TargetOutcome:
    target = container()
    values = {"name": target.name, "before": OLD, "after": after, "message": "because", **more}
    return TargetOutcome(key=key, kind=target.kind, place=target.place, outcome=outcome, **values)


def end(
    storage: Storage,
    now: datetime,
    *outcomes: TargetOutcome,
    retry: RetryPolicy = RETRY,
    rollout: int = 1,
    digest: str = NEW,
) -> Rollout:
    """End the run of a rollout, the first by default."""
    before = {one.result.key: one.result for one in storage.rollouts.outcomes(rollout)}
    return actions.end_run(storage, rollout, RunEnd(digest, outcomes, before), retry, now)


def due_messages(storage: Storage, now: datetime, audience: Audience = EVERYBODY) -> tuple[Message, ...]:
    """Have messages made of all news, and return those that are due, now or later."""
    route_news(storage, audience, (), now)
    return storage.notifications.due()


def send_all(storage: Storage, now: datetime) -> None:
    """Have everybody told of everything."""
    for one in due_messages(storage, now):
        sent = replace(one, state=MessageState.SENT, attempts=1, due_at=None, sent_at=now)
        keep_sent(storage, sent, {}, now)


def insist(storage: Storage, push: int, *keys: str, now: datetime = NOON) -> None:
    """Have a person want a push on targets whatever became of them before."""
    with storage.transaction() as kept:
        kept.overrides.add(push, dict.fromkeys(keys, ()), ANN.name, now)
        kept.trail.append(Step(PUSH_INSISTED), now)


def reopened(path: Path) -> Storage:
    """What another process finds in the database."""
    return Storage(Database(path))
