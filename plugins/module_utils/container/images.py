# SPDX-License-Identifier: Apache-2.0
"""The images of an update: pull the new one, and know the configuration of both."""

from __future__ import annotations

from typing import Dict, Optional

from ansible_collections.registry.docker_updater.plugins.module_utils.container.checks import Refused
from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    Inspect,
    platform_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.host import Host
from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.credentials import (
    find_credentials,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.registry import (
    NotReadable,
    Where,
    read_image,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import FAILED
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference


class Images:
    """The images that a request needs, on one host. Methods raise :class:`Refused`."""

    def __init__(self, containers: Containers, request: Request, host: Host) -> None:
        self._containers, self._request, self._host = containers, request, host

    def pull(self, reference: Reference, old_image: Inspect) -> Inspect:
        """Return the image of the wanted digest, pulled from the registry by the name that the container uses."""
        request = self._request
        name = f"{reference.familiar_repository}@{request.digest}"
        image = self._containers.image(name)
        # It may be there for another platform: somebody pulled that, or a run before the registry's index changed.
        if image is None or not is_for(image, old_image.get("Architecture")):
            account, platform = self._account(reference), platform_of(old_image, self._host.architecture)
            self._containers.engine.pull(reference.familiar_repository, request.digest, account, platform)
            image = self._containers.image(name)
        if image is None:
            raise Refused(FAILED, f"the engine pulled {name} and does not know it: look at its log")
        # One for the host itself is welcome where the one before was not.
        if not is_for(image, old_image.get("Architecture"), self._host.architecture):
            raise Refused(
                FAILED,
                f"{request.digest} is made for {_platform(image)}, and {request.name} runs {_platform(old_image)}: push an image"
                " for that, or an index with both",
            )
        return image

    def whole(self, image: Inspect, reference: Reference, digest: Optional[str]) -> Inspect:
        """Return ``image`` with its configuration, which the engine may not show; what is not known is not nothing.

        Seen with Engine 28 and the containerd image store, where a layer was there already, compressed in another way.
        """
        if image.get("Config") is not None:
            return image
        architecture = image.get("Architecture") or self._host.architecture
        try:
            # With that store the id of an image is a digest that registries know.
            read = self.read(reference, digest or image["Id"], architecture)
        except NotReadable as error:
            raise Refused(
                FAILED,
                f"the engine shows image {image['Id']} of {self._request.name} without its configuration, so nobody can tell what"
                f" comes from it ({error}): pull it again, or create {self._request.name} anew by hand",
            ) from None
        return {**image, "Config": read["Config"]}

    def read(self, reference: Reference, digest: str, architecture: str) -> Inspect:
        """Return what the registry says of an image, pulling nothing. Raises :class:`NotReadable`."""
        where = Where(self._host.info, architecture, self._account(reference))
        return read_image(reference, digest, where)

    def _account(self, reference: Reference) -> Optional[Dict[str, str]]:
        """Return what to show the registry by whose name the container pulls."""
        request = self._request
        given = request.credentials.get(reference.host) or next(
            (request.credentials[host] for host in request.aliases if host in request.credentials), None
        )
        return find_credentials(reference.host, given)


def is_for(image: Inspect, *architectures: Optional[str]) -> bool:
    """Whether ``image`` is for one of ``architectures``; what is not told is taken to fit."""
    return not image.get("Architecture") or not any(architectures) or image["Architecture"] in architectures


def _platform(image: Inspect) -> str:
    return "{}/{}".format(image.get("Os") or "linux", image.get("Architecture") or "an unknown architecture")
