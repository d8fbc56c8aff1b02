"""Following tags: which tags of its repository a target moves to, and which of them is the newest.

Never backwards: only to what comes after the tag that runs, and only where both can be compared.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, takewhile

from registry_docker_updater.core.policy.date_tags import DateTags
from registry_docker_updater.core.policy.pattern_tags import GlobTags, RegexTags
from registry_docker_updater.core.policy.rules import BadRule, Following
from registry_docker_updater.core.policy.version_tags import VersionTags

_KINDS: dict[str, Callable[[str, str], Following]] = {
    "semver": VersionTags.read,
    "glob": GlobTags.read,
    "date": DateTags.read,
    "regex": RegexTags.read,
}
_LONGEST = 300


@dataclass(frozen=True)
class Follower:
    """A target, as far as it follows tags: the tag that it is ``running``, and what it follows, of which all counts."""

    running: str
    follows: tuple[Following, ...]


def read_follow(text: str) -> Following:
    """Read what a target follows, such as ``semver ^1.4``; raises :class:`BadRule`."""
    if len(text) > _LONGEST:
        raise BadRule(f"has {len(text)} characters, of which {_LONGEST} are allowed")
    text = text.strip()
    kind, said = (*text.split(None, 1), "", "")[:2]
    if kind not in _KINDS:
        raise BadRule(
            "begins with `semver`, `glob`, `date` or `regex`, such as `semver ^1.4`, `glob 22.04-*`, `date %Y.%m.%d`"
            rf" or `regex build-(\d+)`, and not with {kind!r:.100}"
        )
    return _KINDS[kind](text, said)


def newest(follows: tuple[Following, ...], running: str, tags: Iterable[str]) -> str | None:
    """Return the newest of ``tags`` that fits all of ``follows``, and by the first is newer than the one that is ``running``.

    None where there is none, or where the running one cannot be compared (:func:`problem_of`). Of two that are equally new,
    as `v1.5.0` and `1.5.0`, it is the one that begins as the running one does.
    """
    return next(newer(follows, running, newest_first(follows, running[:1], tags, 1)), None)


def newest_first(
    follows: tuple[Following, ...], initial: str, tags: Iterable[str], most: int
) -> tuple[str, ...]:
    """Return those of ``tags`` that fit all of ``follows``, ``most`` of them at most, by the order of the first, the newest first.

    Of those that are equally new, what begins with ``initial`` comes first. Whatever they run, they are the newest for all who
    follow the same and run what begins so.
    """
    if not follows:
        return ()
    place = follows[0].place
    places = ((there, tag[:1] == initial, tag) for tag in tags if (there := place(tag)) is not None)
    fitting = (tag for *_, tag in sorted(places, reverse=True) if all(one.fits(tag) for one in follows))
    return tuple(islice(fitting, most))


def newer(follows: tuple[Following, ...], running: str, ordered: Iterable[str]) -> Iterator[str]:
    """Return those of what :func:`newest_first` has ``ordered`` that are newer than the one that is ``running``.

    None where that cannot be compared (:func:`problem_of`).
    """
    if not follows or problem_of(follows, running):
        return iter(())
    return takewhile(lambda tag: follows[0].is_newer(tag, running), ordered)


def problem_of(follows: Iterable[Following], running: str) -> str | None:
    """Say why no tag is newer than the one that is ``running``, whatever there is: it cannot be compared. None where it can."""
    whys = (one.why_incomparable(running) for one in follows)
    return next((f"it runs {running}, {why}: nobody can tell what is newer" for why in whys if why), None)


def unparsable(follows: Iterable[Following], tags: Iterable[str]) -> tuple[str, ...]:
    """Return those of ``tags`` that look as if they were to be followed, and cannot be read as what is, each once."""
    tags = tuple(tags)
    return tuple(dict.fromkeys(tag for one in follows for tag in one.unreadable(tags)))
