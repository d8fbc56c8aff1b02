"""What people ask for by hand: pushes, and rollouts once more; of whatever they ask with."""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from registry_docker_updater.activities import approving, freezing, silencing
from registry_docker_updater.clock import Clock
from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.core.events.pushes import BY_HAND, Push, by_hand
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.policy.freezes import Scope
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.core.silences import Subject
from registry_docker_updater.errors import NotAsked, NotNow
from registry_docker_updater.storage.actions import push_by_hand, retry_rollout
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.approvals import (
    ApprovalRow,
    ApprovalsRow,
    DecidedRow,
    approvals,
    standings,
)
from registry_docker_updater.views.freezes import FreezeRow
from registry_docker_updater.views.freezes import freeze as freeze_row
from registry_docker_updater.views.pushes import (
    Judged,
    JudgedRow,
    PushRow,
    if_pushed,
    judged,
    judged_rows,
    newest,
    plan,
    push,
    push_row,
    pushed,
)
from registry_docker_updater.views.rollouts import rollout as view
from registry_docker_updater.views.silences import SilenceRow


@dataclass(frozen=True)
class ByHand:
    """Does what people ask for, each in one transaction, by what the fleet is ``known`` to run.

    ``hosts`` are the names of each registry.
    """

    storage: Storage
    hosts: Mapping[str, Sequence[str]]
    known: Callable[[], Fleet]
    clock: Clock

    def within(self, kept: Storage) -> "ByHand":
        """Return what does the same in a transaction that is open."""
        return replace(self, storage=kept)

    def push(
        self, image: str, who: Person, *, force: bool = False, only: Collection[str] | None = None
    ) -> PushRow:
        """Record a push of ``image``, which names a tag and a digest; return it, and what it means for each target.

        With ``force`` it also goes to targets that rolled the digest back before, and to those that wait for a freeze, a window, an age or a
        soak, which are broken; or of these to those with the keys ``only``. Raises :class:`NotAsked`.
        """
        registry, reference = pushed(self.hosts, image)
        now, known = self.clock(), self.known()
        made = Push(
            registry=registry,
            repository=reference.repository,
            tag=str(reference.tag),
            digest=str(reference.digest),
            occurred_at=now,
            key=f"{BY_HAND}{uuid.uuid4()}",
            actor=by_hand(who.name),
            by_hand=True,
        )
        with self.storage.transaction() as kept:
            desired = replace(if_pushed(self.hosts, registry, reference, now), actor=made.actor)
            found = judged(kept, self.hosts, desired, known, now)
            forced = _forced(found, force=force, only=only)
            number = push_by_hand(kept, registry, made, forced, who)
            row = push_row(kept, self.hosts, number, known, judged_rows(found, forced), now)
        # As it was asked for: a registry has several names.
        return {**row, "image": str(reference).partition("@")[0]}

    def retry(
        self, rollout: int, who: Person, *, force: bool = False, only: Collection[str] | None = None
    ) -> PushRow:
        """Have a rollout run again now; return its push, and what that means for each target.

        It goes to the targets that failed or were left alone; with ``force`` also to those that rolled the digest back, that a person
        changed since, with which the push had come to its end, or that wait for a freeze, a window, an age or a soak; or of these to those
        with the keys ``only``. Raises :class:`NothingKnown`, :class:`NotNow` and :class:`NotAsked`.
        """
        now, known = self.clock(), self.known()
        with self.storage.transaction() as kept:
            desired, found = self._asked_again(kept, rollout, known, now)
            forced = _forced(found, force=force, only=only)
            if not retry_rollout(kept, rollout, forced, who, now):
                raise NotNow(f"rollout {rollout} runs at this moment; `rollout {rollout}` shows how it goes")
            return push_row(kept, self.hosts, desired.push, known, judged_rows(found, forced), now)

    def plan(self, image: str) -> list[JudgedRow]:
        """Return what a push of ``image`` would mean for each target; raises :class:`NotAsked`."""
        return plan(self.storage, self.hosts, image, self.known(), self.clock())

    def if_pushed(self, image: str) -> list[JudgedRow]:
        """Return what :meth:`push` would mean for each target; raises :class:`NotAsked` as that does."""
        pushed(self.hosts, image)
        return self.plan(image)

    def if_silenced(self, what: str, until: datetime, reason: str) -> tuple[Subject, str]:
        """Return of what a silence would be that :meth:`silence` begins, and its name; raises what that does."""
        subject, of = silencing.meant(what, self.known(), self.hosts)
        silencing.check(silencing.Wish(subject, of, until, reason), self.clock())
        return subject, of

    def standing(self, number: int) -> PushRow:
        """Return how the push with ``number`` stands; raises :class:`NothingKnown`."""
        return push(self.storage, self.hosts, number, self.known(), self.clock())

    def silence(self, what: str, until: datetime, reason: str, who: Person) -> SilenceRow:
        """Silence what somebody means by ``what``, and return that; raises :class:`NothingKnown` and :class:`NotAsked`."""
        subject, of = silencing.meant(what, self.known(), self.hosts)
        return silencing.silence(self.storage, silencing.Wish(subject, of, until, reason), who, self.clock())

    def end_silence(self, number: int, who: Person) -> SilenceRow:
        """End a silence, and return it; raises :class:`NothingKnown` and :class:`NotNow`."""
        return silencing.end_silence(self.storage, number, who, self.clock())

    def if_frozen(self, what: str, until: datetime | None, reason: str) -> tuple[Scope, str]:
        """Return of what a freeze would be that :meth:`freeze` begins, and its name; raises what that does."""
        scope, of = freezing.meant(what, self.known())
        freezing.check(freezing.FreezeWish(scope, of, until, reason), self.clock())
        return scope, of

    def freeze(self, what: str, until: datetime | None, reason: str, who: Person) -> FreezeRow:
        """Freeze what somebody means by ``what``, and return that; raises :class:`NothingKnown` and :class:`NotAsked`."""
        known, now = self.known(), self.clock()
        wish = freezing.FreezeWish(*freezing.meant(what, known), until, reason)
        return freeze_row(freezing.freeze(self.storage, wish, who, now), known, now)

    def thaw(self, number: int, who: Person) -> FreezeRow:
        """End a freeze, and return it; raises :class:`NothingKnown` and :class:`NotNow`."""
        now = self.clock()
        return freeze_row(freezing.thaw(self.storage, number, who, now), self.known(), now)

    def approvals(self, rollout: int) -> ApprovalsRow:
        """Return the approvals that a rollout needs; raises :class:`NothingKnown` and :class:`NotNow`."""
        return approvals(self.storage, self.hosts, rollout, self.known(), self.clock())

    def standings(self, rollout: int) -> list[ApprovalRow]:
        """Return where the approvals stand that a rollout needs; raises what :meth:`approvals` does."""
        return standings(self.storage, self.hosts, rollout, self.known(), self.clock())

    def approve(
        self,
        rollout: int,
        who: Person,
        *,
        only: Collection[str] | None = None,
        reason: str | None = None,
        seen: str | None = None,
    ) -> DecidedRow:
        """Approve the push of a rollout for all targets on which a person may decide, or ``only`` for some.

        ``seen`` is the mark of the approvals that they saw, where they saw any (:func:`mark_of_approvals`). Raises :class:`NothingKnown`, :class:`NotNow` and :class:`NotAsked`.
        """
        return approving.decision(
            self.storage,
            self.hosts,
            rollout,
            self.known(),
            who,
            self.clock(),
            is_approval=True,
            only=only,
            reason=reason,
            seen=seen,
        )

    def refuse(
        self,
        rollout: int,
        who: Person,
        reason: str,
        *,
        only: Collection[str] | None = None,
        seen: str | None = None,
    ) -> DecidedRow:
        """Refuse the push of a rollout, and why, as :meth:`approve` approves it."""
        return approving.decision(
            self.storage,
            self.hosts,
            rollout,
            self.known(),
            who,
            self.clock(),
            is_approval=False,
            only=only,
            reason=reason,
            seen=seen,
        )

    def if_retried(self, rollout: int) -> PushRow:
        """Return what :meth:`retry` would mean for each target; raises :class:`NothingKnown` and :class:`NotNow`."""
        now, known = self.clock(), self.known()
        with self.storage.snapshot() as kept:
            desired, found = self._asked_again(kept, rollout, known, now)
            return push_row(kept, self.hosts, desired.push, known, judged_rows(found), now)

    def _asked_again(
        self, kept: Storage, rollout: int, known: Fleet, now: datetime
    ) -> tuple[DesiredImage, Judged]:
        """Return the push of a rollout, and what it means for each target if that runs again."""
        row = view(kept, rollout)
        desired = newest(kept, self.hosts, row["push"])
        if desired is None:
            raise NotNow(
                f"rollout {rollout} was of a push of {row['image']} after which came another, or its registry is"
                " no longer in the settings; `rollouts` lists the newest, and `push` by hand goes back to a digest"
            )
        return desired, judged(kept, self.hosts, desired, known, now, is_asked_again=True)


def _forced(found: Judged, *, force: bool, only: Collection[str] | None) -> Mapping[str, Sequence[str]]:
    """Return what a person breaks on each target that they insist on, by key."""
    unknown = sorted(set(only or ()) - {one.target.key for one in found})
    if unknown:
        raise NotAsked("targets", f"{unknown[0]} is no target that runs this image; `plan` lists them")
    if only and not force:
        raise NotAsked("targets", "they are those that force is for, and force is not set")
    return {
        one.target.key: one.breaks
        for one in found
        if force and one.can_be_forced and (only is None or one.target.key in only)
    }
