"""Following versions: ``semver ^1.4``, of which a tag may hold a prefix ``v``, and a suffix that names a variant."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from semantic_version import NpmSpec, Version

from registry_docker_updater.core.policy.rules import BadRule
from registry_docker_updater.core.policy.tag_order import Place, in_parts, is_after
from registry_docker_updater.core.references import is_tag

_NUMBER = "(0|[1-9][0-9]*)"
_VERSION = re.compile(rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z.-]+))?")
_PARTIAL = re.compile(rf"v?{_NUMBER}(?:\.{_NUMBER})?(?:-.*)?")
# By semver, `-alpine` is a pre-release just as `-alpha` is. In tags it is a variant, which is no version before another.
_PRERELEASE = re.compile(
    r"(?:alpha|beta|a|b|c|m|milestone|pre|preview|prerelease|rc|dev|next|canary|nightly|snapshot)(?:[.-]?[0-9]+)*",
    re.IGNORECASE,
)
# Whatever their ranges are, the same tags are read for all who follow versions.
_KNOWN = 20_000
_WORD = "prereleases"
_SUFFIX = re.compile("[-_.A-Za-z][A-Za-z0-9_.-]*")
_EXAMPLES = "such as `semver ^1.4`, `semver >=1.2 <2` or `semver 1.4 || 2.0`"


@dataclass(frozen=True)
class VersionTags:
    """The versions of a range, as npm writes those, that have exactly the ``suffix``; pre-releases where they are asked for.

    Only whole versions have a place, such as ``1.4.2`` and ``v1.4.2``: ``1.4`` is another one tomorrow. A pre-release fits
    where its release does.
    """

    text: str
    spec: NpmSpec = field(compare=False, repr=False)
    suffix: str = ""
    with_prereleases: bool = False

    @classmethod
    def read(cls, text: str, said: str) -> "VersionTags":
        """Read what is ``said`` after the word of the kind; raises :class:`BadRule`."""
        words, suffix, with_prereleases = said.split(), "", False
        if words[-1:] == [_WORD]:
            words, with_prereleases = words[:-1], True
        if words[-2:-1] == ["suffix"]:
            words, suffix = words[:-2], words[-1]
        if words[-1:] == [_WORD]:
            words, with_prereleases = words[:-1], True
        if suffix and not _SUFFIX.fullmatch(suffix):
            raise BadRule(f"a suffix is like `suffix -alpine`, and not {suffix!r:.100}")
        # As npm does, `>= 1.2` is taken for `>=1.2`.
        ranges = re.sub(r"([<>=^~]) +", r"\1", " ".join(words))
        if re.search(r"\S-", ranges):
            raise BadRule(
                f"a range names releases, and not {ranges!r:.100}: the word `{_WORD}` after it has pre-releases followed,"
                f" and `suffix -alpine` a variant"
            )
        return cls(text, _spec(ranges), suffix, with_prereleases)

    def fits(self, tag: str) -> bool:
        """Tell whether ``tag`` is a version of the range."""
        place = self.place(tag)
        return place is not None and self.spec.match(
            Version(major=place[0][1], minor=place[1][1], patch=place[2][1])
        )

    def is_newer(self, tag: str, than: str) -> bool:
        """Tell whether ``tag`` is a later version, whether or not the other is of the range."""
        return is_after(self.place(tag), self.place(than))

    def why_incomparable(self, tag: str) -> str | None:
        """Say why ``tag`` is no version that can be compared, and what helps; None where it is one."""
        if self.place(tag) is not None:
            return None
        read = _VERSION.fullmatch(tag)
        if read and read[4] and not self.suffix:
            more = _WORD if _PRERELEASE.fullmatch(read[4]) else f"suffix -{read[4]}"
            return f"which `{self.text}` compares with no other tag; `{self.text} {more}` does"
        return f"which is no whole version as `{self.text}` follows, such as 1.4.2{self.suffix}"

    def unreadable(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Return those of ``tags`` that begin like a version with the suffix, and are none.

        Not those that move: ``1.4``, where there is a ``1.4.2``.
        """
        meant = [tag for tag in tags if re.match("v?[0-9]", tag) and tag.endswith(self.suffix)]
        whole = [read for tag in meant if (read := _VERSION.fullmatch(tag.removesuffix(self.suffix)))]
        moving = {one for read in whole for one in ((read[1], None), (read[1], read[2]))}
        return tuple(
            tag
            for tag in meant
            if not _VERSION.fullmatch(tag.removesuffix(self.suffix))
            and not ((part := _PARTIAL.fullmatch(tag)) and part.groups() in moving)
        )

    def place(self, tag: str) -> Place | None:
        """Return the place of the version that ``tag`` is, in the order of versions."""
        return _place(tag, self.suffix, self.with_prereleases)


@lru_cache(maxsize=_KNOWN)
def _place(tag: str, suffix: str, with_prereleases: bool) -> Place | None:  # noqa: FBT001 - lru_cache
    read = _VERSION.fullmatch(tag.removesuffix(suffix)) if is_tag(tag) else None
    if not read or not tag.endswith(suffix):
        return None
    release = (*read.groups()[:3],)
    if read[4] is None:
        # After each of its pre-releases.
        return in_parts([*release, "release"])
    if not (with_prereleases and _PRERELEASE.fullmatch(read[4])):
        return None
    return in_parts([*release, None, *re.findall("[0-9]+|[a-z]+", read[4].lower())])


def _spec(ranges: str) -> NpmSpec:
    try:
        # To the library, no range would mean every version.
        return NpmSpec(ranges or "?")
    except (ValueError, AttributeError):  # the latter of half a range: "1 - ?"
        raise BadRule(f"`semver` is followed by a range, {_EXAMPLES}, and not by {ranges!r:.100}") from None
