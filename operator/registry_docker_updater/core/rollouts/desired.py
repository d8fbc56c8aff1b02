"""What is wanted: the newest push of each image name."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from registry_docker_updater.core.fleet.targets import ImageName


class PushedName(NamedTuple):
    """What tells one pushed name from every other: the registry, as the settings call it, repository and tag."""

    registry: str
    repository: str
    tag: str


@dataclass(frozen=True)
class DesiredImage:
    """The newest push of one repository and tag; ``hosts`` are the names under which the fleet pulls from there."""

    push: int
    registry: str
    hosts: tuple[str, ...]
    repository: str
    tag: str
    digest: str
    received_at: datetime

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
