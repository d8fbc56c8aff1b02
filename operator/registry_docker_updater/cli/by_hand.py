"""What a person asks the operator to do, and what it would do: ``plan``, ``push`` and ``retry``."""

import getpass
import os
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from registry_docker_updater.cli.output import complain, counts, print_json, print_table, printable, short
from registry_docker_updater.clock import utc_now
from registry_docker_updater.composition import Parts, is_held
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.core.fleet.index import Fleet, Target
from registry_docker_updater.core.references import InvalidReference, Reference
from registry_docker_updater.core.rollouts.history import DesiredImage, RolloutState
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.planner import Verdict, judge
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.views.listings import target_row

_WAIT_SECONDS = 0.5
_NOBODY = "no target is to be changed by it, as far as the last scan saw"
_NEVER_ASKED = (
    "no host was asked yet, so which targets it is for shows when an operator has begun; `plan` asks them now"
)
_NO_OPERATOR = "no operator works with this state directory, so nothing happens until one does"

_OVERTAKEN = "a newer push of the same image took its place"
_GONE = "no target runs this image name any more"

# What the operator comes to by itself.
_COMING = (Verdict.DUE, Verdict.LATER, Verdict.BUSY, Verdict.UNFINISHED)

Judged = list[tuple[Target, Verdict]]


def plan(parts: Parts, as_json: bool, known: Callable[[], Fleet], image: str) -> int:  # noqa: FBT001 - a flag of the command line
    """Show what a push of ``image`` would change in the fleet that is ``known``; change nothing."""
    registry, reference = _pushed(parts, image)
    if not reference.tag:
        raise UpdaterError(
            f"{image} needs a tag, as in registry.example.com/test/app:1: no other name is ever pushed"
        )
    judged = _judged(parts, _desired(parts, registry, reference), known())
    rows = [
        {
            **target_row(target),
            "verdict": str(verdict),
            "digest": short(", ".join(sorted(target.digests))),
        }
        for target, verdict in judged
    ]
    if as_json:
        return print_json(rows)
    shown = [
        {**row, "would_be": "updated" if row["verdict"] == Verdict.DUE else f"left alone: {row['verdict']}"}
        for row in rows
    ]
    return print_table(shown, ("kind", "name", "place", "digest", "would_be"))


def push(parts: Parts, image: str, *, as_json: bool, force: bool, wait: bool) -> int:
    """Record a push by hand, and follow its rollout when told to ``wait``.

    With ``force``, it also goes to targets that rolled this digest back before.
    """
    registry, reference = _pushed(parts, image)
    if not reference.digest or not reference.tag:
        raise UpdaterError(
            f"{image} needs a tag and a digest, as in registry.example.com/test/app:1@sha256:…"
        )
    now = utc_now()
    key = f"by hand {uuid.uuid4()}"
    made = Push(
        registry,
        reference.repository,
        reference.tag,
        reference.digest,
        now,
        key,
        f"{_person()} (by hand)",
        by_hand=True,
    )
    judged = _judged(parts, _desired(parts, registry, reference), parts.store.fleet())
    parts.store.record(registry, [made], now)
    number = parts.store.push_number(registry, key)
    forced = _to_force(judged) if force else frozenset[str]()
    parts.store.order(number, forced, _person(), now)
    asked = _Asked(number, str(reference), judged, forced)
    return _promised(parts, asked, as_json=as_json, wait=wait)


def retry(parts: Parts, rollout: int, *, as_json: bool, force: bool, wait: bool) -> int:
    """Run a rollout again now, and follow it when told to ``wait``.

    It goes to the targets that failed or were left alone; with ``force``, also to those that rolled the digest
    back, that a person changed since, or with which the push had come to its end.
    """
    row = parts.listings.rollout(rollout)
    desired = _newest(parts, row)
    history = parts.store.history(parts.registry_hosts, [])
    if rollout in history.running:
        raise UpdaterError(f"rollout {rollout} runs at this moment; `rollout {rollout}` shows how it goes")
    judged = _judged(parts, desired, parts.store.fleet(), again_at=utc_now())
    forced = _to_force(judged) if force else frozenset[str]()
    if not parts.store.retry(rollout, forced, _person(), utc_now()):
        raise UpdaterError(f"rollout {rollout} has begun to run at this moment")
    asked = _Asked(desired.push, row["image"], judged, forced, row["runs"])
    return _promised(parts, asked, as_json=as_json, wait=wait)


@dataclass(frozen=True)
class _Asked:
    """What was asked for: a push, by its number and name, which had ``runs`` by then, and what it means for whom."""

    push: int
    name: str
    judged: Judged
    forced: Collection[str]
    runs: int = 0

    @property
    def concerned(self) -> list[Target]:
        return [target for target, verdict in self.judged if verdict in _COMING or target.key in self.forced]

    @property
    def left(self) -> dict[Target, Verdict]:
        """The targets that it leaves alone, and why."""
        concerned = self.concerned
        return {
            target: verdict
            for target, verdict in self.judged
            if verdict is not Verdict.CURRENT and target not in concerned
        }


@dataclass(frozen=True)
class _End:
    """How waiting ended: whether every target ended well; why not, or what else is to be known; and the exit code."""

    is_well: bool
    why: str | None = None
    code: int = 1


def _promised(parts: Parts, asked: _Asked, *, as_json: bool, wait: bool) -> int:
    """Say what will be done and what not, and follow it when told to ``wait``."""
    concerned, left = asked.concerned, asked.left
    for target, verdict in left.items():
        complain(f"left alone: {_place(target)}: {verdict}")
    if any(verdict.is_overridable for verdict in left.values()):
        complain("--force updates these too")
    is_alone = not is_held(parts.state)
    if not concerned and (is_alone or not wait):
        complain(_nobody(parts))
    if is_alone and not wait:
        complain(_NO_OPERATOR)
    end = _waited(parts, asked) if wait else None
    if end and end.why:
        complain(end.why)
    row = parts.listings.rollout_of_push(asked.push) if end else None
    if as_json:
        promise = {
            "recorded": asked.name,
            "push": asked.push,
            "targets": len(concerned),
            "left_alone": {target.key: str(verdict) for target, verdict in left.items()},
        }
        ended = {"ended_well": end.is_well, "why": end.why} if end else {}
        print_json({**promise, **(row or {}), **ended})
    elif row and row["runs"] > asked.runs:
        print(printable(f"rollout {row['id']}: {row['state']}, {counts(row['outcomes'])}"))
    else:
        count = f"{len(concerned)} target{'' if len(concerned) == 1 else 's'}"
        print(printable(f"recorded: {asked.name}, for {count}"))
    return end.code if end and not end.is_well else 0


def _waited(parts: Parts, asked: _Asked) -> _End:
    """Wait until every target has ended, or nothing more comes of it; tell outcomes as they come."""
    try:
        if not is_held(parts.state):
            return _End(False, _NO_OPERATOR)
        if not asked.concerned:
            return _without_work(parts, asked.judged)
        end = _follow(parts, asked)
    except KeyboardInterrupt:
        return _End(False, "no longer waited for; what was asked for is recorded, and goes on", 130)
    if end.is_well and asked.left:
        return _End(False, f"not every target was updated: left alone {_targets(len(asked.left))}")
    return end


def _without_work(parts: Parts, judged: Judged) -> _End:
    """Return the end of a push for which no target is to be changed."""
    left = sum(verdict is not Verdict.CURRENT for _, verdict in judged)
    if left:
        return _End(False, f"no target is to be changed by it: left alone {_targets(left)}")
    if not judged:
        return _End(False, _nobody(parts))
    return _End(True, f"{_targets(len(judged))} already on this digest, as far as the last scan saw")


def _nobody(parts: Parts) -> str:
    return _NOBODY if parts.store.fleet().hosts else _NEVER_ASKED


def _targets(count: int) -> str:
    return f"{count} target{'' if count == 1 else 's'}"


def _to_force(judged: Judged) -> frozenset[str]:
    # One that is busy may have refused this digest, too.
    return frozenset(
        target.key for target, verdict in judged if verdict.is_overridable or verdict is Verdict.BUSY
    )


def _place(target: Target) -> str:
    return f"{target.kind} {target.name} at {target.place}"


def _person() -> str:
    return os.environ.get("SUDO_USER") or getpass.getuser()


def _pushed(parts: Parts, image: str) -> tuple[str, Reference]:
    """Return the registry, by its name in the settings, and the reference that ``image`` names."""
    try:
        reference = Reference.parse(image)
    except InvalidReference as error:
        raise UpdaterError(str(error)) from None
    for name, hosts in parts.registry_hosts.items():
        if reference.host.lower() in (host.lower() for host in hosts):
            return name, reference
    known = ", ".join(host for hosts in parts.registry_hosts.values() for host in hosts)
    raise UpdaterError(f"{reference.host} is no registry of the settings; known are {known}")


def _desired(parts: Parts, registry: str, reference: Reference) -> DesiredImage:
    """Return ``reference`` as if it were pushed now."""
    hosts = tuple(parts.registry_hosts[registry])
    return DesiredImage(
        0, hosts, reference.repository, reference.tag or "", reference.digest or "", utc_now()
    )


def _newest(parts: Parts, row: Mapping[str, Any]) -> DesiredImage:
    """Return the push of the rollout in ``row``; raises :class:`UpdaterError` when there is a newer one."""
    for desired in parts.store.desired(parts.registry_hosts):
        if desired.push == row["push"]:
            return desired
    raise UpdaterError(
        f"rollout {row['id']} was of a push of {row['image']} after which came another, or its registry is"
        " no longer in the settings; `rollouts` lists the newest, and `push` by hand goes back to a digest"
    )


def _judged(parts: Parts, desired: DesiredImage, known: Fleet, again_at: datetime | None = None) -> Judged:
    """Return every target that runs the name of ``wanted``, and what the push means for it.

    ``again_at`` asks what it would mean if its rollout were due then.
    """
    targets = known.running(desired.hosts, desired.repository, desired.tag)
    history = parts.store.history(parts.registry_hosts, [target.key for target in targets])
    rollout = history.rollouts.get(desired.push)
    if rollout and again_at:
        due = replace(rollout, state=RolloutState.WAITING, due_at=again_at, is_stopped=False)
        history = replace(history, rollouts={**history.rollouts, desired.push: due})
    now = again_at or utc_now()
    return [(target, judge(target, desired, history, known, now)) for target in targets]


def _outlook(parts: Parts, asked: _Asked, *, begun: bool) -> _End | None:
    """Return how waiting for the end of a rollout that does not run ends now, or None when something is to come."""
    if not is_held(parts.state):
        return _End(
            False, "the operator has stopped; what was asked for is recorded, and goes on when one runs again"
        )
    if begun:
        return None
    desired = {one.push: one for one in parts.store.desired(parts.registry_hosts)}.get(asked.push)
    if not desired:
        return _End(False, _OVERTAKEN)
    judged = _judged(parts, desired, parts.store.fleet())
    if any(verdict in _COMING for _, verdict in judged):
        return None
    if judged and all(verdict is Verdict.CURRENT for _, verdict in judged):
        return _without_work(parts, judged)
    return _End(False, "nothing is left to do: its targets are gone, or were changed in the meantime")


def _is_due(row: Mapping[str, Any]) -> bool:
    """Tell whether a rollout is about to run: its last run was cut off."""
    return row["due_at"] is not None and datetime.fromisoformat(row["due_at"]) <= utc_now()


def _follow(parts: Parts, asked: _Asked) -> _End:
    """Wait for the next run of a push's rollout to end, and tell outcomes as they come."""
    told: dict[str, str] = {}
    while True:
        row = parts.listings.rollout_of_push(asked.push) or {}
        has_begun = bool(row) and row["runs"] > asked.runs
        is_over = has_begun and row["state"] != RolloutState.RUNNING and not _is_due(row)
        for one in row.get("targets", ()) if has_begun else ():
            if told.get(one["key"]) != one["outcome"] and (is_over or one["run"] == row["runs"]):
                told[one["key"]] = one["outcome"]
                complain(f"  {one['kind']} {one['name']} at {one['place']}: {one['outcome']}")
        end = _end_of(row, parts.store.fleet()) if is_over else _outlook(parts, asked, begun=has_begun)
        if end:
            return end
        time.sleep(_WAIT_SECONDS)


def _end_of(row: Mapping[str, Any], known: Fleet) -> _End:
    """Return the end of a rollout that does not run: well if targets run the digest, and no other was to."""
    if row["state"] == RolloutState.SUPERSEDED:
        return _End(False, _OVERTAKEN)
    is_well = [_is_well(one, row, known) for one in row["targets"] if not _is_gone(one)]
    missed = is_well.count(False)
    if is_well and not missed:
        return _End(True)
    again = f"; it is tried again at {row['due_at']}" if row["due_at"] else ""
    return _End(False, f"not every target ended well: {_targets(missed)} did not{again}" if missed else _GONE)


def _is_well(one: Mapping[str, Any], row: Mapping[str, Any], known: Fleet) -> bool:
    if one["outcome"] in (Outcome.UPDATED, Outcome.UNCHANGED):
        return True
    # The last run was not for it: somebody else may have brought it there.
    target = known.targets.get(one["key"])
    return one["run"] < row["runs"] and target is not None and target.runs(row["digest"])


def _is_gone(one: Mapping[str, Any]) -> bool:
    return one["outcome"] == Outcome.SKIPPED and not one["left_alone"]
