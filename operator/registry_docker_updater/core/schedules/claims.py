"""Claims of one registry that are open: which are to be believed though the registry cannot be asked, and when."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from registry_docker_updater.core.events.newest import SETTLE
from registry_docker_updater.core.events.pushes import Claim
from registry_docker_updater.core.schedules.polls import Tag


@dataclass(frozen=True)
class OpenClaim:
    """A claim that was taken up ``since``; times are by the steady clock.

    Nobody has told anything of its tag since it has been open ``waiting_since``. ``failed_at`` is when a question that was
    begun since had no answer. ``is_old`` tells that it came before anything was asked: what was answered about it then is
    not known any more.
    """

    claim: Claim
    since: datetime
    waiting_since: datetime
    is_old: bool = False
    failed_at: datetime | None = None


@dataclass(frozen=True)
class OpenClaims:
    """The open claims by their tags; of each tag the newest. Every change makes new ones.

    ``telling`` are the repositories of which the registry told a digest, ``given_up`` those of which it does not any more.
    """

    claims: Mapping[Tag, OpenClaim] = field(default_factory=dict)
    telling: frozenset[str] = frozenset()
    given_up: frozenset[str] = frozenset()

    def get(self, tag: Tag) -> OpenClaim | None:
        """Return the open claim of a tag."""
        return self.claims.get(tag)

    def opened(self, claims: Mapping[Tag, Claim], now: datetime, last_old: int = 0) -> "OpenClaims":
        """Return them with others; events up to the number ``last_old`` came before anything was asked."""
        added = {
            tag: OpenClaim(
                claim,
                since=now,
                waiting_since=self.claims[tag].waiting_since if tag in self.claims else now,
                is_old=claim.event <= last_old,
            )
            for tag, claim in claims.items()
            if tag not in self.claims or self.claims[tag].claim.event != claim.event
        }
        return replace(self, claims={**self.claims, **added})

    def of(self, tags: Collection[Tag]) -> "OpenClaims":
        """Return those of ``tags``."""
        return replace(self, claims={tag: one for tag, one in self.claims.items() if tag in tags})

    def closed(self, tag: Tag) -> "OpenClaims":
        """Return them without that of ``tag``."""
        return replace(self, claims={other: one for other, one in self.claims.items() if other != tag})

    def resolved(self, tag: Tag, now: datetime) -> "OpenClaims":
        """Return them after the registry told which digest ``tag`` has, or that there is none, so that it is to be relied upon."""
        one = self.claims.get(tag)
        again = {tag: replace(one, failed_at=None, waiting_since=now)} if one else {}
        return replace(
            self,
            claims={**self.claims, **again},
            telling=self.telling | {tag.repository},
            given_up=self.given_up - {tag.repository},
        )

    def unanswered(self, tags: Iterable[Tag], begun: datetime, now: datetime) -> "OpenClaims":
        """Return them after a question that was ``begun`` then had no answer, which means the claims of ``tags``."""
        failed = {
            tag: replace(self.claims[tag], failed_at=now)
            for tag in tags
            if tag in self.claims and self.claims[tag].since <= begun
        }
        return replace(self, claims={**self.claims, **failed})

    def believable(self) -> list[tuple[Tag, Claim, str]]:
        """Return those that are to be believed, with their digests: nobody can say whether they are so.

        At once where the registry told nothing of their repository before; else after it was asked in vain for as long as
        what is only a stumble takes.
        """
        return [
            (tag, one.claim, one.claim.digest)
            for tag, one in self.claims.items()
            if one.claim.digest and one.failed_at and self._is_given_up(tag, one, one.failed_at)
        ]

    def believed(self, tag: Tag) -> "OpenClaims":
        """Return them after that of ``tag`` was believed: the next of its repository need not wait again."""
        return replace(self.closed(tag), given_up=self.given_up | {tag.repository})

    def _is_given_up(self, tag: Tag, one: OpenClaim, failed_at: datetime) -> bool:
        might_tell = one.is_old or tag.repository in self.telling - self.given_up
        return not might_tell or failed_at - one.waiting_since >= SETTLE
