"""Following patterns: ``glob 22.04-*``, and ``regex …`` by what its groups hold."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import re2

from registry_docker_updater.core.policy.rules import BadRule
from registry_docker_updater.core.policy.tag_order import Place, in_parts, is_after, natural
from registry_docker_updater.core.references import is_tag


@dataclass(frozen=True)
class GlobTags:
    """The tags that match ``pattern``, of ``*``, ``?`` and ``[…]``; the order is that of their numbers, and the text between."""

    text: str
    pattern: str

    @classmethod
    def read(cls, text: str, said: str) -> "GlobTags":
        """Read what is ``said`` after the word of the kind; raises :class:`BadRule`."""
        if not said or re.search(r"\s", said):
            raise BadRule(
                f"`glob` is followed by one pattern, such as `glob 22.04-*`, and not by {said!r:.100}"
            )
        return cls(text, said)

    def fits(self, tag: str) -> bool:
        """Tell whether ``tag`` matches."""
        return is_tag(tag) and fnmatchcase(tag, self.pattern)

    def is_newer(self, tag: str, than: str) -> bool:
        """Tell whether ``tag`` comes after another; both are to match."""
        return is_after(self.place(tag), self.place(than))

    def why_incomparable(self, tag: str) -> str | None:
        """Say that ``tag`` does not match; None where it does."""
        return None if self.fits(tag) else f"which `{self.text}` does not match"

    def unreadable(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Return none of ``tags``: what does not match is not meant."""
        del tags
        return ()

    def place(self, tag: str) -> Place | None:
        """Return the place of ``tag`` in its natural order, if it matches."""
        return natural(tag) if self.fits(tag) else None


@dataclass(frozen=True)
class RegexTags:
    """The tags of which the whole matches ``pattern``; the order is that of its groups, or as of :class:`GlobTags` without any."""

    text: str
    # It is RE2's, whose time grows with the length of the tag only, whatever the pattern is.
    pattern: Any = field(compare=False, repr=False)

    @classmethod
    def read(cls, text: str, said: str) -> "RegexTags":
        """Read what is ``said`` after the word of the kind; raises :class:`BadRule`."""
        options = re2.Options()
        options.log_errors = False
        try:
            if not said:
                raise BadRule(r"`regex` is followed by an expression, such as `regex build-(\d+)`")
            return cls(text, re2.compile(said, options))
        except UnicodeEncodeError:
            raise BadRule(f"{said!r:.100} is no text") from None
        except re2.error as error:
            raise BadRule(f"RE2 cannot read the expression {said!r:.100}: {error}") from None

    def fits(self, tag: str) -> bool:
        """Tell whether the whole ``tag`` matches."""
        return self.place(tag) is not None

    def is_newer(self, tag: str, than: str) -> bool:
        """Tell whether ``tag`` comes after another; both are to match."""
        return is_after(self.place(tag), self.place(than))

    def why_incomparable(self, tag: str) -> str | None:
        """Say that ``tag`` does not match; None where it does."""
        return None if self.fits(tag) else f"which `{self.text}` does not match"

    def unreadable(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Return none of ``tags``: what does not match is not meant."""
        del tags
        return ()

    def place(self, tag: str) -> Place | None:
        """Return the place of ``tag`` in the order of what the groups hold, if it matches."""
        match = self.pattern.fullmatch(tag) if is_tag(tag) else None
        if not match:
            return None
        return in_parts(match.groups()) if match.groups() else natural(tag)
