"""Targets: the services and containers that opted in, and which push concerns one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from ansible_collections.registry.docker_updater.plugins.module_utils import targets
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import (
    container_key,
    place_of,
    service_key,
)

from registry_docker_updater.core.references import Reference

__all__ = ["ImageName", "Kind", "Target", "container_key", "place_of", "service_key"]


# The label by which a target follows tags, without the prefix.
FOLLOW = "follow"


class Kind(StrEnum):
    """What a target is, in the words of the modules."""

    SERVICE = targets.SERVICE
    CONTAINER = targets.CONTAINER


class ImageName(NamedTuple):
    """A registry's host in lower case, a repository and a tag: what a push and a target must have in common.

    This is the one rule that says which push concerns a target: host, repository and tag are compared whole, the host
    without regard to case; everything else matches nothing.
    """

    host: str
    repository: str
    tag: str

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}:{self.tag}"

    @classmethod
    def of_push(cls, hosts: Iterable[str], repository: str, tag: str) -> tuple["ImageName", ...]:
        """Return the names that a push of ``repository:tag`` has, in a registry known under ``hosts``."""
        return tuple(cls(host.lower(), repository, tag) for host in hosts)

    @classmethod
    def of_target(cls, reference: Reference | None) -> "ImageName | None":
        """Return the name that a push must have to concern a target, or None where none can."""
        if reference is None or not reference.tag:
            return None
        return cls(reference.host.lower(), reference.repository, reference.tag)


@dataclass(frozen=True)
class Target:
    """A service or container that opted in.

    ``key`` is its identity across scans and recreations; ``place`` says where it is, for people; ``hosts`` are
    the inventory names through which it can be updated: the managers of its swarm, or the names of its own engine.
    ``digests`` are those its image is known under, ``since`` when it began to run them, by the operator's clock.
    ``reference`` is None where no push can concern it. ``at_once`` means that its labels say nothing of steps;
    ``notify`` are the receivers that they name. ``labels`` are all of ours but the opt-in, without the prefix, by their names.
    """

    key: str
    kind: Kind
    id: str
    name: str
    place: str
    hosts: tuple[str, ...]
    image: str
    reference: Reference | None
    digests: frozenset[str]
    since: datetime
    state: str | None = None
    at_once: bool = False
    notify: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def is_unfinished(self) -> bool:
        """Whether an update of it was begun and has not ended: what it will run is open."""
        return self.state == targets.UNFINISHED

    @property
    def follows(self) -> bool:
        """Whether its labels say that it follows tags, readable or not."""
        return any(name == FOLLOW for name, _ in self.labels)

    def runs(self, digest: str) -> bool:
        """Tell whether the target's image is the one with ``digest``."""
        return digest in self.digests

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that runs of playbooks have for it: one for each name of its engine."""
        if self.kind is Kind.SERVICE:
            return (self.key,)
        return tuple(dict.fromkeys((self.key, *(container_key(host, self.name) for host in self.hosts))))

    @cached_property
    def image_name(self) -> ImageName | None:
        """The image name that a push must have to concern the target, or None where none can."""
        return ImageName.of_target(self.reference)

    @property
    def words(self) -> str:
        """All by which people look for it, whatever its case (casefolded): its name, place, image, hosts and digests, a line each."""
        return "\n".join((self.name, self.place, self.image, *self.hosts, *sorted(self.digests))).casefold()
