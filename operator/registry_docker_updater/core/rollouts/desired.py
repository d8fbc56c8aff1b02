"""What is wanted: the newest push of each image name."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import takewhile
from typing import NamedTuple

from registry_docker_updater.core.fleet.targets import ImageName, Target


class PushedName(NamedTuple):
    """What tells one pushed name from every other: the registry, as the settings call it, repository and tag."""

    registry: str
    repository: str
    tag: str


@dataclass(frozen=True)
class DesiredImage:
    """The newest push of one repository and tag; ``hosts`` are the names under which the fleet pulls from there.

    ``actor`` is who pushed, where that is known; ``change`` is greater than that of whatever was the newest push of its name before.
    """

    push: int
    registry: str
    hosts: tuple[str, ...]
    repository: str
    tag: str
    digest: str
    received_at: datetime
    change: int = field(default=0, compare=False)
    actor: str | None = None

    @property
    def image(self) -> str:
        """The image's name under the first of its hosts."""
        return f"{self.hosts[0]}/{self.repository}:{self.tag}"

    @cached_property
    def image_names(self) -> tuple[ImageName, ...]:
        """The image names of the targets that it concerns."""
        return ImageName.of_push(self.hosts, self.repository, self.tag)

    @cached_property
    def name(self) -> PushedName:
        """What tells it from every other, whichever of its hosts is meant."""
        return PushedName(self.registry, self.repository, self.tag)

    def is_run_by(self, target: Target) -> bool:
        """Tell whether a target runs it, under its name."""
        return target.image_name in self.image_names and target.runs(self.digest)


class DesiredImages:
    """The newest push of each name, in the order in which they became that; for one thread.

    A registry has many more names than a fleet runs. What concerns a fleet is found in time that depends on how many names
    that runs, and not on how many there are.
    """

    def __init__(self, hosts: Mapping[str, Sequence[str]]) -> None:
        """Begin with none; ``hosts`` are the names of each registry."""
        self._registries = {host.lower(): name for name, of_registry in hosts.items() for host in of_registry}
        self._newest: dict[PushedName, DesiredImage] = {}
        self._names: dict[int, PushedName] = {}
        self._tags: dict[tuple[str, str], dict[PushedName, DesiredImage]] = {}

    @property
    def last(self) -> int:
        """The number of the last change; 0 where there is none."""
        return next(reversed(self._newest.values())).change if self._newest else 0

    def add(self, images: Iterable[DesiredImage]) -> None:
        """Take pushes that became the newest after all before, in the order of their changes."""
        for image in images:
            before = self._newest.pop(image.name, None)
            if before:
                del self._names[before.push]
            self._newest[image.name] = image
            self._names[image.push] = image.name
            of_repository = self._tags.setdefault((image.registry, image.repository), {})
            of_repository.pop(image.name, None)
            of_repository[image.name] = image

    def run_by(self, names: Iterable[ImageName]) -> list[DesiredImage]:
        """Return the newest pushes of the image ``names`` that targets run."""
        found = dict[PushedName, DesiredImage]()
        for name in names:
            registry = self._registries.get(name.host)
            itself = PushedName(registry, name.repository, name.tag) if registry else None
            if itself and itself in self._newest:
                found[itself] = self._newest[itself]
        return list(found.values())

    def registry_of(self, host: str) -> str | None:
        """Return which registry is known under ``host``, in lower case; None where none is."""
        return self._registries.get(host)

    def of(self, names: Iterable[PushedName], pushes: Iterable[int]) -> list[DesiredImage]:
        """Return the newest pushes of ``names``, and those with the numbers ``pushes`` as far as they are the newest."""
        asked = [*names, *(self._names[one] for one in pushes if one in self._names)]
        return [self._newest[name] for name in dict.fromkeys(asked) if name in self._newest]

    def of_repository(self, registry: str, repository: str, since: int = -1) -> list[DesiredImage]:
        """Return the newest pushes of all tags of a repository, of those that became that after the change ``since``.

        In time that depends on how many these are.
        """
        return _since(self._tags.get((registry, repository), {}), since)

    def since(self, change: int) -> list[DesiredImage]:
        """Return those that became the newest after the ``change`` with that number, in that order."""
        return _since(self._newest, change)

    def newest_not_in(self, known: Collection[PushedName]) -> list[DesiredImage]:
        """Return the newest push of all whose name is not among those ``known``, if there is one."""
        for image in reversed(self._newest.values()):
            if image.name not in known:
                return [image]
        return []


def _since(newest: dict[PushedName, DesiredImage], change: int) -> list[DesiredImage]:
    later = list(takewhile(lambda image: image.change > change, reversed(newest.values())))
    return later[::-1]
