# SPDX-License-Identifier: Apache-2.0
"""Image references as a type: parse, normalise, compare. Pure, standard library only.

Shared by the modules on the managed hosts and by the operator, so that both mean the same by "the same
image name". The grammar and the docker.io rules are those of the package ``distribution/reference``, which
every Docker engine uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Iterable, Optional

DEFAULT_HOST = "docker.io"
DEFAULT_TAG = "latest"

_HOST = re.compile(
    r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
    r"(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
)
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_IMAGE_ID = re.compile(r"(?:sha256:)?[0-9a-f]{64}")
_REPOSITORY_LONGEST = 255


class InvalidReference(ValueError):
    """A text is not the image reference, host, tag or digest that it should be; the message names it."""


def is_digest(text: object) -> bool:
    """Tell whether ``text`` is a content digest as OCI writes it: ``sha256:`` or ``sha512:`` and lower-case hex."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def is_tag(text: object) -> bool:
    """Tell whether ``text`` is a tag: 128 letters, digits, ``_``, ``.`` and ``-`` at most."""
    return isinstance(text, str) and _TAG.fullmatch(text) is not None


def check_digest(text: object) -> str:
    """Return ``text`` when it is a digest; raise :class:`InvalidReference` that shows it otherwise."""
    if isinstance(text, str) and is_digest(text):
        return text
    raise InvalidReference(f"{text!r} is not a digest: expected sha256: and 64 lower-case hex digits")


def check_host(text: object) -> str:
    """Return ``text`` when it is ``host`` or ``host:port`` of a registry, without a scheme or path."""
    if isinstance(text, str) and _HOST.fullmatch(text):
        return text
    raise InvalidReference(f"{text!r} is not a registry host: expected host or host:port, without https://")


@dataclass(frozen=True)
class Reference:
    """One image name: registry host, repository, tag, and a digest where the name is pinned to one.

    ``host`` keeps a port and the case it was written in; ``repository`` never holds the host; ``tag`` is None
    only for names that hold a digest and no tag (``app@sha256:…``).
    """

    host: str
    repository: str
    tag: Optional[str] = DEFAULT_TAG
    digest: Optional[str] = None

    def __post_init__(self) -> None:
        check_host(self.host)
        if not _REPOSITORY.fullmatch(self.repository) or len(self.repository) > _REPOSITORY_LONGEST:
            raise InvalidReference(
                f"{self.repository!r} is not a repository name: lower-case letters, digits, and . _ - / between them"
            )
        if self.tag is not None and not _TAG.fullmatch(self.tag):
            raise InvalidReference(
                f"{self.tag!r} is not a tag: letters, digits, _ . - and at most 128 of them"
            )
        if self.digest is not None:
            check_digest(self.digest)
        if self.tag is None and self.digest is None:
            raise InvalidReference(f"{self.host}/{self.repository} has neither a tag nor a digest")

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read a name as a person or an engine writes it: ``nginx``, ``host:5000/team/app:1@sha256:…``.

        Raises :class:`InvalidReference` for anything else, image ids included: an id names no repository.
        """
        if _IMAGE_ID.fullmatch(text):
            raise InvalidReference(f"{text!r} is an image id, not an image name")
        name, at, digest = text.partition("@")
        head, slash, rest = name.partition("/")
        if slash and (any(mark in head for mark in ".:") or head == "localhost" or head != head.lower()):
            host, path = head, rest
        else:
            host, path = DEFAULT_HOST, name
        repository, colon, tag = path.partition(":")
        if host.lower() in ("docker.io", "index.docker.io"):
            host = DEFAULT_HOST
            repository = repository if "/" in repository else "library/" + repository
        if not colon and not at:
            tag = DEFAULT_TAG
        try:
            return cls(host, repository, tag if colon or not at else None, digest if at else None)
        except InvalidReference as error:
            raise InvalidReference(f"{text!r} is not an image name: {error}") from None

    @property
    def is_on_docker_hub(self) -> bool:
        """Whether the name's registry is Docker Hub, which familiar names leave out."""
        return self.host == DEFAULT_HOST

    @property
    def familiar_repository(self) -> str:
        """Host and repository as engines show them: ``nginx`` for ``docker.io/library/nginx``."""
        if not self.is_on_docker_hub:
            return f"{self.host}/{self.repository}"
        prefix, _, rest = self.repository.rpartition("/")
        return rest if prefix == "library" else self.repository

    def __str__(self) -> str:
        return (
            self.familiar_repository
            + (":" + self.tag if self.tag else "")
            + ("@" + self.digest if self.digest else "")
        )

    def without_digest(self) -> "Reference":
        """Return ``repo:tag`` of a pinned name; raises :class:`InvalidReference` when it has no tag."""
        return replace(self, digest=None)

    def names_same_tag_as(self, other: "Reference", aliases: Iterable[str] = ()) -> bool:
        """Tell whether both names mean one tag of one repository of one registry.

        ``aliases`` are further hosts of ``other``'s registry. Digests are left out of account, names without
        a tag match nothing, and hosts compare without regard to case.
        """
        if self.tag is None or (self.repository, self.tag) != (other.repository, other.tag):
            return False
        return self.host.lower() in {other.host.lower(), *(alias.lower() for alias in aliases)}
