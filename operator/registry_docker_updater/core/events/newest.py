"""Which push of a repository and tag is the newest: events come late and out of order, and the sweep asks.

A registry is told of in two ways. An **event** says that a push happened; it can come hours late, after a newer one,
or never. The **sweep** asks which digest a tag has now; its answer is the truth of one moment, and says nothing of when
the tag got it. What can go wrong between the two, and what is made of it:

- The newest push changed while the sweep asked: the answer may be older than that. It is dropped, and asked again.
- Distribution sends its event a moment before the tag names the new digest (``PutManifest`` in its
  ``registry/handlers/manifests.go``), and sends it even when naming then fails. So an answer that contradicts an event
  counts only once the push is older than :data:`SETTLE`; the sweep asks again then, after every push.
- The event of a push that the sweep found comes late: it is no new push, so that a target which a person changed since
  is left alone. Events older than what the sweep saw change nothing either.
- Clocks differ: the sweep's answer is dated by the registry (``Date`` of HTTP, whole seconds, rounded down), so that
  a push right after it is newer. Of the same digest, an event within :data:`SETTLE` after is still the found push:
  the date was rounded down, and Harbor dates its events after the tag can be seen.
- A clock was ahead, and was set back: what it dated cannot be compared with what came later, of which arrival tells
  that it is newer.
- A person pushed by hand: that is newer than all before it, and the registry need not have that digest under the tag. What it says first after that is what
  the person knew, and is remembered; a push is what differs from it later.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from registry_docker_updater.core.events.pushes import Claim, Push

# How long after a push the registry is sure to name it by its tag.
SETTLE = timedelta(minutes=1)


@dataclass(frozen=True)
class Newest:
    """The newest known push of a repository and tag, by its number.

    ``occurred_at`` is the registry's clock, but never later than ``received_at``, which is the operator's. ``registry_digest``
    is the one that the registry itself said last; None after a push by hand. ``found_at`` is when, by the
    registry's clock, the sweep found this push; None when an event or a person told it.
    """

    push: int
    digest: str
    occurred_at: datetime
    received_at: datetime
    registry_digest: str | None
    found_at: datetime | None = None


@dataclass(frozen=True)
class Answer:
    """What a registry answered to the sweep: ``repository:tag`` had ``digest`` at ``at``, by the registry's clock.

    ``asked_at`` is when it was asked, by the operator's clock, and ``known`` the newest push known at that time.
    ``claim`` is the push of it that somebody told of, and that the registry was asked about; ``is_missed`` tells that an event
    was to tell of anything new.
    """

    registry: str
    repository: str
    tag: str
    digest: str
    at: datetime
    asked_at: datetime
    known: int | None
    claim: Claim | None = None
    is_missed: bool = False

    @property
    def is_claimed(self) -> bool:
        """Whether it is what somebody told of, or may be: of one who told no digest."""
        return self.claim is not None and self.claim.digest in (None, self.digest)

    def settles(self, finding: "Finding") -> bool:
        """Tell whether the claim needs no other answer, after this one, which meant ``finding``.

        Some tell of a push before its tag can be seen, so what contradicts a claim, or says nothing new, does not.
        """
        if finding is Finding.KNOWN:
            return self.claim is not None and self.claim.digest == self.digest
        return finding is Finding.PUSH and self.is_claimed


class Finding(Enum):
    """What an answer means."""

    PUSH = auto()
    """The tag got this digest, and nobody said so."""
    KNOWN = auto()
    """The registry said so before."""
    FIRST = auto()
    """The first that the registry says after a push by hand: to be remembered, and no push."""
    TOO_EARLY = auto()
    """There was a push just now; ask again when :data:`SETTLE` has passed."""


def is_newest(push: Push, known: Newest | None, received_at: datetime) -> bool:
    """Tell whether a push that an event or a person told at ``received_at`` takes the place of the ``known``."""
    if known is None or push.by_hand:
        return True
    if known.occurred_at > received_at:
        # Our clock was ahead when that came; it came before all the same.
        return True
    if known.found_at:
        if known.found_at > received_at >= push.occurred_at:
            # The registry's clock was, and is no more.
            return True
        if push.digest == known.digest:
            return push.occurred_at > known.found_at + SETTLE
        return push.occurred_at >= known.found_at
    # A registry whose clock is ahead must not make its pushes newer than all that follow.
    return min(push.occurred_at, received_at) >= known.occurred_at


def newest_after(push: Push, number: int, known: Newest | None, received_at: datetime) -> Newest | None:
    """Return the newest push after ``push``, kept as ``number``, was told of; None where that is still the ``known``."""
    if not is_newest(push, known, received_at):
        return None
    return Newest(
        push=number,
        digest=push.digest,
        occurred_at=min(push.occurred_at, received_at),
        received_at=received_at,
        registry_digest=None if push.by_hand else push.digest,
    )


def _weigh_after_hand(answer: Answer, known: Newest) -> Finding:
    """Return what the first answer after a push by hand means: what that person knew, or a push of since.

    The former, unless an event told of a push since; and what that made of the tag is sure to be seen a minute later.
    """
    claim = answer.claim
    # What says a digest says when it was pushed, too: one after that person did has been believed by now.
    if claim is None or claim.digest is not None or claim.received_at < known.received_at:
        return Finding.FIRST
    if answer.asked_at - claim.received_at < SETTLE:
        return Finding.TOO_EARLY
    return Finding.FIRST if answer.digest == known.digest else Finding.PUSH


def newest_after_claim(claim: Claim, digest: str, known: Newest | None, now: datetime) -> Newest | None:
    """Return the newest push after the ``digest`` of a ``claim`` was believed; None where that is still the ``known``.

    It is as new as when it was told.
    """
    push = claim.of(digest)
    if not is_newest(push, known, now):
        return None
    return Newest(
        push=claim.event,
        digest=digest,
        occurred_at=min(push.occurred_at, claim.received_at),
        received_at=claim.received_at,
        registry_digest=digest,
    )


def weigh(answer: Answer, known: Newest | None) -> Finding:
    """Return what ``answer`` means, where ``known`` is the newest push by now."""
    if (known.push if known else None) != answer.known:
        return Finding.TOO_EARLY
    if known is None:
        return Finding.PUSH
    if known.registry_digest is None:
        return _weigh_after_hand(answer, known)
    if known.registry_digest == answer.digest:
        return Finding.KNOWN
    if known.found_at:
        return Finding.PUSH
    # By the registry's clock like the push, and like that never later than by ours.
    at = min(answer.at, answer.asked_at)
    # A push of long after the answer to it was dated by a clock that was ahead.
    return Finding.TOO_EARLY if abs(at - known.occurred_at) < SETTLE else Finding.PUSH
