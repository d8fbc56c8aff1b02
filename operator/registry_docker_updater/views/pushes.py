"""Pushes as people ask for them, and what each means for every target that runs its name."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from typing_extensions import TypedDict

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.references import InvalidReference, Reference
from registry_docker_updater.core.rollouts.desired import DesiredImage, DesiredImages
from registry_docker_updater.core.rollouts.followers import moves_of
from registry_docker_updater.core.rollouts.history import History, Override
from registry_docker_updater.core.rollouts.moves import Moves, aims
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.verdicts import (
    BUSY,
    CURRENT,
    Case,
    Verdict,
    broken_by_force,
    verdict_on,
)
from registry_docker_updater.errors import NotAsked, NothingKnown
from registry_docker_updater.storage.events import KeptEvent
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.fleet import TargetRow, target
from registry_docker_updater.views.rollouts import WholeRolloutRow, rollout_of_push
from registry_docker_updater.views.values import moment

Hosts = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Judgement:
    """What a push means for a target: the ``verdict``, and where a person's word is for it, that on what they insist.

    ``breaks`` says in sentences which rules and freezes a person breaks who insists.
    """

    target: Target
    verdict: Verdict
    insisted: Verdict | None = None
    breaks: tuple[str, ...] = ()

    @property
    def can_be_forced(self) -> bool:
        """Whether a person's word is for the target."""
        return self.insisted is not None

    def after(self, *, is_forced: bool) -> Verdict:
        """Return the verdict once a person insists, where they do and it waits all the same; else as it is."""
        insisted = self.insisted if is_forced else None
        return insisted if insisted and insisted.is_by_rule else self.verdict


Judged = Sequence[Judgement]


class JudgedRow(TargetRow):
    """A target, and what a push means for it: the planner's ``verdict``, a word for programs, which ``says`` why.

    ``is_concerned`` tells that it goes there, now or later, and ``waits`` that this is later, by a rule or when a person has decided.
    ``is_current`` tells that it is there already; what is neither is left alone. Where it ``can_be_forced``, a person's word has it updated
    all the same, and ``breaks`` the rules and freezes that these sentences say, none where nobody insists on it or could.
    """

    verdict: str
    says: str
    is_concerned: bool
    is_current: bool
    waits: bool
    can_be_forced: bool
    breaks: list[str]


class PushRow(TypedDict):
    """A push, what it means for each target that runs its name, and its rollout, null where there is none yet.

    It counts while it ``is_newest`` of its name. ``is_fleet_asked`` tells that hosts were asked what they run, ``unheard_hosts`` which of
    them never answered, ``is_due`` that the rollout waits for nothing but a worker.
    """

    push: int
    image: str
    digest: str
    registry: str
    actor: str | None
    received_at: str
    is_newest: bool
    is_fleet_asked: bool
    unheard_hosts: list[str]
    is_due: bool
    targets: list[JudgedRow]
    rollout: WholeRolloutRow | None


def named(hosts: Hosts, image: str) -> tuple[str, Reference]:
    """Return the registry, by its name in the settings, and the reference that ``image`` names; raises :class:`NotAsked`."""
    try:
        reference = Reference.parse(image)
    except InvalidReference as error:
        raise NotAsked("image", str(error)) from None
    for name, some in hosts.items():
        if reference.host.lower() in (host.lower() for host in some):
            return name, reference
    known = ", ".join(host for some in hosts.values() for host in some)
    raise NotAsked("image", f"{reference.host} is no registry of the settings; known are {known}")


def planned(hosts: Hosts, image: str) -> tuple[str, Reference]:
    """Return the registry and the reference that ``image`` names, which has a tag; raises :class:`NotAsked`."""
    registry, reference = named(hosts, image)
    if not reference.tag:
        raise NotAsked(
            "image",
            f"{image} needs a tag, as in registry.example.com/test/app:1: no other name is ever pushed",
        )
    return registry, reference


def pushed(hosts: Hosts, image: str) -> tuple[str, Reference]:
    """Return the registry and the reference that ``image`` names, which has a tag and a digest; raises :class:`NotAsked`."""
    registry, reference = named(hosts, image)
    if not reference.digest or not reference.tag:
        raise NotAsked(
            "image", f"{image} needs a tag and a digest, as in registry.example.com/test/app:1@sha256:…"
        )
    return registry, reference


def if_pushed(hosts: Hosts, registry: str, reference: Reference, now: datetime) -> DesiredImage:
    """Return ``reference`` as if it were pushed ``now``."""
    return DesiredImage(
        push=0,
        registry=registry,
        hosts=tuple(hosts[registry]),
        repository=reference.repository,
        tag=reference.tag or "",
        digest=reference.digest or "",
        received_at=now,
    )


def judged(  # noqa: PLR0913 - what a verdict rests on
    storage: Storage,
    hosts: Hosts,
    desired: DesiredImage,
    known: Fleet,
    now: datetime,
    *,
    is_asked_again: bool = False,
) -> Judged:
    """Return every target that runs the name of ``desired`` or is to move to it, and what the push means for it ``now``.

    Where it ``is_asked_again``, what it would mean if its rollout were due.
    """
    found = cases(storage, hosts, desired, known, now, is_asked_again=is_asked_again)
    return _judgements(found)


def _judgements(found: Sequence[Case]) -> Judged:
    if not found:
        return ()
    history = found[0].history
    insisting = frozenset(Override(one.target.key, one.desired.push) for one in found)
    # One for all: what it works out of everything is worked out once.
    insisted = replace(history, overrides=history.overrides | insisting)
    return [_judgement(one, insisted) for one in found]


def _judgement(case: Case, insisted: History) -> Judgement:
    verdict = verdict_on(case)
    # One that is busy may have refused this digest, too.
    if not (verdict.is_overridable or verdict is BUSY):
        return Judgement(case.target, verdict)
    breaks = tuple(one.sentence for one in broken_by_force(case))
    return Judgement(case.target, verdict, verdict_on(replace(case, history=insisted)), breaks)


def cases(  # noqa: PLR0913 - what a verdict rests on
    storage: Storage,
    hosts: Hosts,
    desired: DesiredImage,
    known: Fleet,
    now: datetime,
    *,
    is_asked_again: bool = False,
) -> Sequence[Case]:
    """Return what a verdict on each target of :func:`judged` is given on."""
    moves = _moves(storage, hosts, desired, known)
    running = known.running(desired.image_names)
    keys, pushes = [one.key for one in running], {desired.push, *moves.pushes}
    history = storage.history(hosts, [*keys, *moves.by_key], pushes)
    aimed = aims(moves, known, history, now)
    stay = (one for one in running if one.key not in aimed.keys)
    targets = sorted((*stay, *aimed.moving.get(desired.name, ())), key=lambda one: one.key)
    rollout = history.rollouts.get(desired.push)
    if rollout and is_asked_again:
        due = replace(rollout, state=RolloutState.WAITING, due_at=now, attempts=0, is_stopped=False)
        history = replace(history, rollouts={**history.rollouts, desired.push: due})
    return [Case(one, desired, history, known, now) for one in targets]


def _moves(storage: Storage, hosts: Hosts, desired: DesiredImage, known: Fleet) -> Moves:
    """Return the moves of targets that follow tags of the repository of ``desired``, which may not be kept."""
    images, repository = DesiredImages(hosts), (desired.registry, desired.repository)
    images.add(storage.events.desired(hosts, repository=repository))
    if not desired.push:
        images.add([replace(desired, change=images.last + 1)])
    return moves_of(known, images, storage.policies, only=repository)


def judged_rows(found: Judged, forced: Collection[str] = ()) -> list[JudgedRow]:
    """Return what a push means for each target; a person insists on those with the keys ``forced``."""
    return [_judged_row(one, is_forced=one.target.key in forced) for one in found]


def _judged_row(one: Judgement, *, is_forced: bool) -> JudgedRow:
    verdict = one.after(is_forced=is_forced)
    is_broken = is_forced and verdict is one.verdict
    return {
        **target(one.target),
        "verdict": verdict.name,
        "says": verdict.sentence,
        "is_concerned": verdict.is_pending or is_broken,
        "is_current": verdict is CURRENT,
        "waits": verdict.is_pending and verdict.is_by_rule and not is_broken,
        "can_be_forced": one.can_be_forced,
        "breaks": list(one.breaks),
    }


def plan(storage: Storage, hosts: Hosts, image: str, known: Fleet, now: datetime) -> list[JudgedRow]:
    """Return what a push of ``image`` would mean ``now`` for each target of the fleet as it is ``known``.

    Raises :class:`NotAsked` where no push is called so.
    """
    registry, reference = planned(hosts, image)
    desired = if_pushed(hosts, registry, reference, now)
    return judged_rows(judged(storage, hosts, desired, known, now))


def push(storage: Storage, hosts: Hosts, number: int, known: Fleet, now: datetime) -> PushRow:
    """Return the push with ``number``, and how it stands ``now``; raises :class:`NothingKnown`."""
    with storage.snapshot() as kept:
        _one(kept, number)
        desired = newest(kept, hosts, number)
        found = judged(kept, hosts, desired, known, now) if desired else ()
        return push_row(kept, hosts, number, known, judged_rows(found), now)


def newest(storage: Storage, hosts: Hosts, number: int) -> DesiredImage | None:
    """Return the push with ``number``, where it is the newest of its name, and None where it counts no more."""
    for desired in storage.events.desired(hosts, of=number):
        return desired
    return None


def push_row(  # noqa: PLR0913, PLR0917 - what a row is made of
    storage: Storage, hosts: Hosts, number: int, known: Fleet, targets: Iterable[JudgedRow], now: datetime
) -> PushRow:
    """Return the push with ``number``, which means this for ``targets``; raises :class:`NothingKnown`."""
    one = _one(storage, number)
    rollout = rollout_of_push(storage, number)
    due_at = rollout["due_at"] if rollout else None
    host = hosts.get(one.registry, (one.registry,))[0]
    return {
        "push": number,
        "image": f"{host}/{one.repository}:{one.tag}",
        "digest": str(one.digest),
        "registry": one.registry,
        "actor": one.actor,
        "received_at": moment(one.received_at),
        "is_newest": newest(storage, hosts, number) is not None,
        "is_fleet_asked": bool(known.hosts),
        "unheard_hosts": [host.name for host in known.hosts.values() if not host.was_heard],
        "is_due": due_at is not None and datetime.fromisoformat(due_at) <= now,
        "targets": list(targets),
        "rollout": rollout,
    }


def _one(storage: Storage, number: int) -> KeptEvent:
    one = storage.events.event(number)
    if not one.digest or not one.repository or one.waits or one.reason:
        raise NothingKnown(f"event {number} is no push that counts; `events {number}` shows it")
    return one
