"""What a person asks the operator to do, and what it would do: ``plan``, ``push`` and ``retry``."""

import getpass
import os
import sys
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from registry_docker_updater.clock import utc_now
from registry_docker_updater.composition import Parts, is_held
from registry_docker_updater.core.fleet import Fleet, Target
from registry_docker_updater.core.history import State, Wanted
from registry_docker_updater.core.outcomes import Outcome
from registry_docker_updater.core.planning import Verdict, judge
from registry_docker_updater.core.pushes import Push
from registry_docker_updater.core.references import InvalidReference, Reference
from registry_docker_updater.edges.listings import target_row
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.printing import counts, print_json, print_table, printable, short

_WAIT_SECONDS = 0.5
_NOBODY = "no target is to be changed by it, as far as the last scan saw"
_NEVER_ASKED = (
    "no host was asked yet, so which targets it is for shows when an operator has begun; `plan` asks them now"
)
_NO_OPERATOR = "no operator works with this state directory, so nothing happens until one does"

# What the operator comes to by itself.
_COMING = (Verdict.DUE, Verdict.LATER, Verdict.BUSY)

Judged = list[tuple[Target, Verdict]]


def plan(parts: Parts, as_json: bool, known: Callable[[], Fleet], image: str) -> int:  # noqa: FBT001 - a flag of the command line
    """Show what a push of ``image`` would change in the fleet that is ``known``; change nothing."""
    registry, reference = _pushed(parts, image)
    if not reference.tag:
        raise UpdaterError(
            f"{image} needs a tag, as in registry.example.com/test/app:1: no other name is ever pushed"
        )
    judged = _judged(parts, _wanted(parts, registry, reference), known())
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
    judged = _judged(parts, _wanted(parts, registry, reference), parts.store.fleet())
    parts.store.record(registry, [made], now)
    number = parts.store.push_number(registry, key)
    forced = _to_force(judged) if force else frozenset[str]()
    parts.store.order(number, forced, _person(), now)
    return _promised(parts, number, judged, forced, str(reference), as_json=as_json, wait=wait)


def retry(parts: Parts, rollout: int, *, as_json: bool, force: bool, wait: bool) -> int:
    """Run a rollout again now, and follow it when told to ``wait``.

    It goes to the targets that failed or were left alone; with ``force``, also to those that rolled the digest
    back, that a person changed since, or with which the push had come to its end.
    """
    row = parts.listings.rollout(rollout)
    wanted = _newest(parts, row)
    history = parts.store.history(parts.registry_hosts, [])
    if rollout in history.running:
        raise UpdaterError(f"rollout {rollout} runs at this moment; `rollout {rollout}` shows how it goes")
    judged = _judged(parts, wanted, parts.store.fleet(), again_at=utc_now())
    forced = _to_force(judged) if force else frozenset[str]()
    if not parts.store.retry(rollout, forced, _person(), utc_now()):
        raise UpdaterError(f"rollout {rollout} has begun to run at this moment")
    return _promised(parts, wanted.push, judged, forced, row["image"], as_json=as_json, wait=wait)


def _promised(  # noqa: PLR0913 - what is known of what was asked for
    parts: Parts,
    number: int,
    judged: Judged,
    forced: Collection[str],
    name: str,
    *,
    as_json: bool,
    wait: bool,
) -> int:
    """Say what will be done and what not, and follow it when told to ``wait``."""
    concerned = [target for target, verdict in judged if verdict in _COMING or target.key in forced]
    left = {
        target: verdict
        for target, verdict in judged
        if verdict is not Verdict.CURRENT and target not in concerned
    }
    for target, verdict in left.items():
        print(printable(f"left alone: {_place(target)}: {verdict}"), file=sys.stderr)
    if any(verdict.can_be_told for verdict in left.values()):
        print("--force updates these too", file=sys.stderr)
    if not concerned:
        is_asked = bool(parts.store.fleet().hosts)
        print(_NOBODY if is_asked else _NEVER_ASKED, file=sys.stderr)
    if not is_held(parts.state):
        print(_NO_OPERATOR, file=sys.stderr)
    elif concerned and wait:
        return _follow(parts, number, as_json=as_json)
    if as_json:
        return print_json(
            {
                "recorded": name,
                "push": number,
                "targets": len(concerned),
                "left_alone": {target.key: str(verdict) for target, verdict in left.items()},
            }
        )
    print(f"recorded: {name}, for {len(concerned)} target{'' if len(concerned) == 1 else 's'}")
    return 0


def _to_force(judged: Judged) -> frozenset[str]:
    # One that is busy may have refused this digest, too.
    return frozenset(
        target.key for target, verdict in judged if verdict.can_be_told or verdict is Verdict.BUSY
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


def _wanted(parts: Parts, registry: str, reference: Reference) -> Wanted:
    """Return ``reference`` as if it were pushed now."""
    hosts = tuple(parts.registry_hosts[registry])
    return Wanted(0, hosts, reference.repository, reference.tag or "", reference.digest or "", utc_now())


def _newest(parts: Parts, row: Mapping[str, Any]) -> Wanted:
    """Return the push of the rollout in ``row``; raises :class:`UpdaterError` when there is a newer one."""
    for wanted in parts.store.wanted(parts.registry_hosts):
        if wanted.push == row["push"]:
            return wanted
    raise UpdaterError(
        f"rollout {row['id']} was of a push of {row['image']} after which came another, or its registry is"
        " no longer in the settings; `rollouts` lists the newest, and `push` by hand goes back to a digest"
    )


def _judged(parts: Parts, wanted: Wanted, known: Fleet, again_at: datetime | None = None) -> Judged:
    """Return every target that runs the name of ``wanted``, and what the push means for it.

    ``again_at`` asks what it would mean if its rollout were due then.
    """
    targets = known.running(wanted.hosts, wanted.repository, wanted.tag)
    history = parts.store.history(parts.registry_hosts, [target.key for target in targets])
    rollout = history.rollouts.get(wanted.push)
    if rollout and again_at:
        due = replace(rollout, state=State.WAITING, due_at=again_at, is_stopped=False)
        history = replace(history, rollouts={**history.rollouts, wanted.push: due})
    now = again_at or utc_now()
    return [(target, judge(target, wanted, history, known, now)) for target in targets]


def _why_nothing_comes(parts: Parts, number: int, *, begun: bool) -> str | None:
    """Return why waiting for the end of the rollout of push ``number`` is in vain, or None."""
    if not is_held(parts.state):
        return "the operator has stopped; the push is recorded, and goes on when an operator runs again"
    wanted = {one.push: one for one in parts.store.wanted(parts.registry_hosts)}.get(number)
    if begun:
        return None
    if not wanted:
        return "a newer push of the same image took its place"
    if not any(verdict in _COMING for _, verdict in _judged(parts, wanted, parts.store.fleet())):
        return "nothing is left to do: its targets are gone, or were changed in the meantime"
    return None


def _is_due(row: Mapping[str, Any]) -> bool:
    """Tell whether a rollout is about to run: somebody asked for it again."""
    return row["due_at"] is not None and datetime.fromisoformat(row["due_at"]) <= utc_now()


def _follow(parts: Parts, number: int, *, as_json: bool) -> int:
    """Wait for the rollout of push ``number``, and tell outcomes as they come."""
    told: dict[str, str] = {}
    while True:
        row = parts.listings.rollout_of_push(number) or {}
        is_over = bool(row) and row["state"] != State.RUNNING and not _is_due(row)
        for one in row.get("targets", ()):
            if told.get(one["key"]) != one["outcome"] and (is_over or one["run"] == row["runs"]):
                told[one["key"]] = one["outcome"]
                line = f"  {one['kind']} {one['name']} at {one['place']}: {one['outcome']}"
                print(printable(line), file=sys.stderr)
        if is_over:
            break
        why = _why_nothing_comes(parts, number, begun=bool(row))
        if why:
            print(why, file=sys.stderr)
            return 1
        time.sleep(_WAIT_SECONDS)
    if as_json:
        print_json(row)
    else:
        print(f"rollout {row['id']}: {row['state']}, {counts(row['outcomes'])}")
    return 0 if all(Outcome(outcome).is_good for outcome in told.values()) else 1
