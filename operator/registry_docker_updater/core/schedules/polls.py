"""When to ask a registry for the digest of which tag, and for which lists of tags: each in its turn, gently."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.events.newest import SETTLE
from registry_docker_updater.core.fleet.index import Fleet

# From an answer to the next question: five a second at most, so 5,000 tags take a good quarter of an hour.
PAUSE = timedelta(milliseconds=200)
# How long a registry that cannot be asked is left alone, one that tells of no tag, and a tag that it does not tell of.
_OF_REGISTRY = Backoff(timedelta(seconds=10), timedelta(minutes=15))
_OF_SILENCE = Backoff(PAUSE, timedelta(seconds=10))
_FIRST_WAIT_OF_TAG = timedelta(minutes=1)
# After which times a tag that was mentioned is asked for again: some tell of a push before the tag can be seen, Distribution
# by milliseconds.
_AGAIN = (timedelta(seconds=1), timedelta(seconds=5), SETTLE)
# A registry that cannot be asked may be back when something is told of it; while that waits, it is asked this often.
_SIGN_OF_LIFE, _WHILE_MENTIONED = timedelta(seconds=1), timedelta(seconds=30)
_LONGEST_RETRY_AFTER = timedelta(hours=1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Tag:
    """A repository and tag of one registry; without a tag, the list of the repository's."""

    repository: str
    tag: str = ""

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}" if self.tag else f"the tags of {self.repository}"

    @property
    def is_list(self) -> bool:
        """Whether it is the list."""
        return not self.tag


def tags_of(fleet: Fleet, hosts: Iterable[str]) -> frozenset[Tag]:
    """Return every tag that the fleet runs of a registry known under ``hosts``."""
    names = {host.lower() for host in hosts}
    return frozenset(
        Tag(repository, tag)
        for (host, repository, tag), targets in fleet.by_name.items()
        if targets and host in names
    )


@dataclass(frozen=True)
class PollSchedule:
    """When each tag of one registry is to be asked for: first at once, then at its own moment in each ``interval``.

    Every change makes a new schedule. ``not_before`` is when the registry may be asked again, ``failures`` how often
    in a row it could not be; ``rest_until`` is when it may be asked for what nobody mentioned. ``again`` are tags that
    were mentioned just now: the answer to them may be of before, so they are asked for again, and it holds how often they
    were. ``troubles`` holds how often in a row the registry did not tell of a tag, ``silence`` to how many questions in a
    row it told nothing. ``told_to_wait`` holds until when the registry itself, or of a tag, wants to be left alone.
    """

    interval: timedelta
    due: Mapping[Tag, datetime] = field(default_factory=dict)
    not_before: datetime | None = None
    rest_until: datetime | None = None
    failures: int = 0
    again: Mapping[Tag, int] = field(default_factory=dict)
    troubles: Mapping[Tag, int] = field(default_factory=dict)
    silence: int = 0
    told_to_wait: Mapping[Tag | None, datetime] = field(default_factory=dict)

    @property
    def next(self) -> tuple[Tag, datetime] | None:
        """The tag to ask for next, and when; whatever waited longest comes first, so none is left out.

        What was mentioned waits for no pause, but for those that waited longer.
        """
        if not self.due:
            return None
        moment, tag = min((moment, tag) for tag, moment in self.due.items())
        moment = max(moment, self.rest_until or moment)
        mentioned = [(self.due[one], one) for one in self.again if one in self.due]
        if mentioned and min(mentioned)[0] <= moment:
            moment, tag = min(mentioned)
        return tag, max(moment, self.not_before or moment)

    def of(self, tags: Iterable[Tag], now: datetime) -> "PollSchedule":
        """Return it for ``tags`` and no others: those that are new are due ``now``."""
        due = {tag: self.due.get(tag, now) for tag in tags}
        return replace(
            self,
            due=due,
            again={tag: often for tag, often in self.again.items() if tag in due},
            troubles={tag: often for tag, often in self.troubles.items() if tag in due},
            told_to_wait={
                tag: until for tag, until in self.told_to_wait.items() if tag is None or tag in due
            },
        )

    def pushed(self, tags: Iterable[Tag], now: datetime) -> "PollSchedule":
        """Return it after pushes of ``tags``: whether the tag really names what was pushed is asked when it must."""
        return self._due_by([tag for tag in tags if tag in self.due], now + SETTLE)

    def mentioned(self, tags: Iterable[Tag], now: datetime) -> "PollSchedule":
        """Return it after somebody told that ``tags`` may have got another digest: they are due.

        That is also a sign of life of a registry that could not be asked.
        """
        known = [tag for tag in tags if tag in self.due]
        not_before = self.not_before
        if known and not_before:
            sooner = min(not_before, now + _SIGN_OF_LIFE)
            not_before = max(sooner, self.told_to_wait.get(None, sooner))
        again = {**self.again, **dict.fromkeys(known, 0)}
        return replace(self._due_by(known, now), again=again, not_before=not_before)

    def settled(self, tag: Tag) -> "PollSchedule":
        """Return it after what was mentioned of ``tag`` is known: no other answer is expected."""
        return replace(self, again={one: often for one, often in self.again.items() if one != tag})

    def beside_mentioned(self, tags: Iterable[Tag], now: datetime) -> "PollSchedule":
        """Return it after a push in the repository of ``tags``, which may stand for them, too: they are due next.

        Those of which the registry told nothing wait as long as they would.
        """
        known = [tag for tag in tags if tag in self.due and tag not in self.troubles]
        return self._due_by(known, now + PAUSE)

    def everything_due(self, now: datetime) -> "PollSchedule":
        """Return it when events may have been lost: every tag is due."""
        return self._due_by(self.due, now)

    def asked(
        self, tag: Tag, now: datetime, *, too_early: bool = False, is_settled: bool = False
    ) -> "PollSchedule":
        """Return it after the registry answered for ``tag``; an answer that came ``too_early`` does not count.

        After one with which what was mentioned ``is_settled``, no other is expected. Where the registry had told of no tag
        at all before, it is back, and everything is due.
        """
        asked_again = self.again.get(tag)
        due = now + SETTLE if too_early else _slot(tag, self.interval, now)
        again = {one: often for one, often in self.again.items() if one != tag}
        if asked_again is not None and not is_settled and asked_again < len(_AGAIN):
            due, again[tag] = now + _AGAIN[asked_again], asked_again + 1
        was_away = len(self.troubles) == len(self.due)
        answered = replace(
            self.everything_due(now) if was_away else self,
            not_before=None,
            rest_until=now + PAUSE if asked_again is None else self.rest_until,
            failures=0,
            again=again,
            told_to_wait=_without(self.told_to_wait, tag, None),
            troubles={one: often for one, often in self.troubles.items() if one != tag},
            silence=0,
        )
        return replace(answered, due={**answered.due, tag: due})

    def begun(self, tag: Tag, now: datetime) -> "PollSchedule":
        """Return it after the registry answered a part of what ``tag`` is: the rest is due, in its turn."""
        answered = self.asked(tag, now)
        return replace(answered, due={**answered.due, tag: now})

    def unanswered(self, tag: Tag, now: datetime, retry_after: timedelta | None = None) -> "PollSchedule":
        """Return it after the registry could be asked, and told nothing of ``tag``: the others come first.

        One that tells nothing of one tag after the other may be in need of rest: it is asked more slowly.
        """
        often, asked_again = self.troubles.get(tag, 0) + 1, self.again.get(tag)
        wait = Backoff(_FIRST_WAIT_OF_TAG, max(self.interval, _FIRST_WAIT_OF_TAG)).after(often)
        again = self.again
        if asked_again is not None and asked_again < len(_AGAIN):
            wait, again = _AGAIN[asked_again], {**again, tag: asked_again + 1}
        waits = {**self.told_to_wait, tag: now + _bounded(retry_after)} if retry_after else self.told_to_wait
        return replace(
            self,
            due={**self.due, tag: now + max(wait, _bounded(retry_after))},
            not_before=now + _OF_SILENCE.after(self.silence + 1),
            failures=0,
            again=again,
            troubles={**self.troubles, tag: often},
            silence=self.silence + 1,
            told_to_wait=waits,
        )

    def failed(self, tag: Tag, now: datetime, retry_after: timedelta | None) -> "PollSchedule":
        """Return it after the registry could not be asked for ``tag``; ``retry_after`` is how long it told us to wait.

        A registry that cannot be asked twice in a row was away, and may have forgotten events: when it is back, all is
        asked again, and ``tag`` last, should it be the reason. One that only tells to wait was not away.
        """
        wait = _OF_REGISTRY.after(self.failures + 1)
        if self.again:
            wait = min(wait, _WHILE_MENTIONED)
        waits = {**self.told_to_wait, None: now + _bounded(retry_after)} if retry_after else self.told_to_wait
        waiting = replace(
            self,
            not_before=now + max(wait, _bounded(retry_after)),
            failures=self.failures + 1,
            told_to_wait=waits,
        )
        if retry_after is None and waiting.failures > 1:
            waiting = waiting.everything_due(now)
        return replace(waiting, due={**waiting.due, tag: max(waiting.due[tag], now)})

    def _due_by(self, tags: Iterable[Tag], moment: datetime) -> "PollSchedule":
        """Return it with ``tags`` due then, or sooner; those that the registry wants to be left alone not before."""
        sooner = {tag: max(min(self.due[tag], moment), self.told_to_wait.get(tag, _EPOCH)) for tag in tags}
        return replace(self, due={**self.due, **sooner})


def _without(mapping: Mapping[Tag | None, datetime], *keys: Tag | None) -> Mapping[Tag | None, datetime]:
    return {key: value for key, value in mapping.items() if key not in keys}


def _bounded(retry_after: timedelta | None) -> timedelta:
    return min(retry_after or timedelta(), _LONGEST_RETRY_AFTER)


def _slot(tag: Tag, interval: timedelta, after: datetime) -> datetime:
    """Return the first moment after ``after`` that belongs to ``tag``; the tags' moments are spread over intervals."""
    first = _EPOCH + interval * (zlib.crc32(str(tag).encode()) / 2**32)
    return first + interval * ((after - first) // interval + 1)
