# SPDX-License-Identifier: Apache-2.0
"""What the engine is asked about containers and images, and told: thin, decides nothing."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    Inspect,
    as_seen,
    is_whole,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.networks import (
    Asked,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.sight import Seen
from ansible_collections.registry.docker_updater.plugins.module_utils.container.files import ContainerFiles
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.container_log import (
    log_of_container,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    Conflict,
    EngineError,
    NotFound,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.json_text import decode_json
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference

_GRACE = 60.0
_ID = re.compile("[0-9a-f]{64}")


class Containers:
    """The containers and images of one engine. Methods raise what :class:`Engine` raises."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.files = ContainerFiles(engine)

    @property
    def api(self) -> Tuple[int, ...]:
        """The API version spoken, as numbers."""
        return tuple(int(part) for part in self.engine.api_version.split("."))

    def start_of_engine(self) -> str:
        """Return what is another one after each start of the engine: the id of its default bridge; empty where none is to be seen.

        An engine makes this network anew at each start (seen on 20.10, 26.1 and 28.5). A request does not always tell of one:
        where systemd holds the engine's socket, it waits meanwhile, and is answered.
        """
        try:
            return str(self.engine.get("/networks/bridge").get("Id") or "")
        except EngineError:
            return ""

    def look(self, name: str) -> Optional[Inspect]:
        """Return the inspect of the container with this id or name, None where there is none."""
        try:
            found: Inspect = self.engine.get(f"/containers/{name}/json")
        except NotFound:
            return None
        return found

    def see(self, *names: str) -> Optional[Seen]:
        """Return the first container that one of ``names`` (ids or names) finds, in the terms of a swap."""
        for name in names:
            container = self.look(name) if name else None
            if container:
                return as_seen(container)
        return None

    def all(self) -> Tuple[List[Inspect], List[str]]:
        """Return the inspects of all containers, running or not, and a sentence for each that cannot be read."""
        found, unreadable = [], []
        for one in self.engine.get("/containers/json", {"all": True}):
            try:
                container = self.look(one["Id"])
            except EngineError as error:
                name = ((one.get("Names") or [""])[0] or one["Id"]).lstrip("/")
                unreadable.append(f"container {name} cannot be read ({error.message})")
                continue
            if container and is_whole(container):
                found.append(container)
            elif container:
                unreadable.append(f"container {container.get('Name') or one['Id']} is shown in parts only")
        return found, unreadable

    def image(self, name: str) -> Optional[Inspect]:
        """Return the inspect of an image, None where the engine has none of this id or name."""
        query = {"manifests": True} if self.engine.speaks("1.48") else None
        try:
            found: Inspect = self.engine.get(f"/images/{name}/json", query)
        except NotFound:
            return None
        return found

    def tag(self, image: str, reference: Reference) -> None:
        """Give ``image`` (an id) the name ``reference`` on this engine."""
        self.engine.post(
            f"/images/{image}/tag", {"repo": reference.familiar_repository, "tag": reference.tag}
        )

    def configured_mac(self, container: Mapping[str, Any]) -> str:
        """Return the hardware address configured for the primary network.

        Only API versions up to 1.51 show it, in Config; later ones show what the engine chose.
        """
        if not self.engine.speaks("1.52"):
            return container["Config"].get("MacAddress") or ""
        older = self.engine.get("/containers/{}/json".format(container["Id"]), api_version="1.51")
        return older["Config"].get("MacAddress") or ""

    def asked_of_networks(self, container: Mapping[str, Any], root: str) -> Optional[Dict[str, Asked]]:
        """Read the engine's own record of what was asked of each network; None where it cannot be read.

        No API tells a configured hardware address of a further network, or a configured address on a swarm's
        network, from a chosen one (moby issues 48168 and 32634); ``config.v2.json`` does, from Engine 25 on.
        """
        if not self.engine.address.startswith("unix://") or self.api < (1, 44):
            return None
        if not _ID.fullmatch(container["Id"]):
            return None
        path = os.path.join(root, "containers", container["Id"], "config.v2.json")
        try:
            with open(path, encoding="utf-8") as file:
                kept = decode_json(file.read())["NetworkSettings"]["Networks"] or {}
        except (OSError, ValueError, KeyError, TypeError):
            return None
        shown = container["NetworkSettings"].get("Networks") or {}
        if set(kept) != set(shown):
            return None
        return {
            name: Asked(
                str((record or {}).get("DesiredMacAddress") or ""),
                bool((record or {}).get("IPAMOperational")),
            )
            for name, record in kept.items()
        }

    def create(self, name: str, wanted: Mapping[str, Any]) -> str:
        """Create a container called ``name``; return its id. ``wanted``: body, platform, connect, disconnect."""
        query = {"name": name, "platform": wanted["platform"] or None}
        made = self.engine.post("/containers/create", query, wanted["body"], timeout=_GRACE)
        identity: str = made["Id"]
        for network, endpoint in wanted["connect"].items():
            self.engine.post(
                f"/networks/{network}/connect", body={"Container": identity, "EndpointConfig": endpoint}
            )
        for network in wanted["disconnect"]:
            self.engine.post(f"/networks/{network}/disconnect", body={"Container": identity, "Force": False})
        return identity

    def stop(self, container: Inspect) -> None:
        """Stop ``container`` with its own signal and time; a paused one is let go first, as it cannot hear."""
        if container["State"].get("Paused"):
            self._unless_conflict(f"/containers/{container['Id']}/unpause")
        seconds = container["Config"].get("StopTimeout")
        self.engine.post(
            f"/containers/{container['Id']}/stop",
            timeout=(10 if seconds is None else max(seconds, 0)) + _GRACE,
        )

    def start(self, identity: str) -> None:
        """Start a container; one that runs is left as it is."""
        self.engine.post(f"/containers/{identity}/start", timeout=2 * _GRACE)

    def pause(self, identity: str) -> None:
        """Pause a container; one that is paused is left as it is."""
        self._unless_conflict(f"/containers/{identity}/pause")

    def rename(self, identity: str, name: str) -> None:
        """Give a container another name. Raises Conflict where somebody else has it."""
        self.engine.post(f"/containers/{identity}/rename", {"name": name})

    def set_policy(self, identity: str, policy: Mapping[str, Any]) -> None:
        """Change the restart policy of a container."""
        self.engine.post(f"/containers/{identity}/update", body={"RestartPolicy": dict(policy)})

    def remove(self, identity: str) -> None:
        """Remove a stopped container and none of its volumes; one that is gone, or going, is fine."""
        try:
            self.engine.delete(f"/containers/{identity}", {"v": False, "force": False})
        except NotFound:
            return
        except Conflict as conflict:
            if "already in progress" not in conflict.message:
                raise

    def log(self, container: Inspect) -> List[str]:
        """Return the last lines of the log of ``container``, none where they cannot be had."""
        has_terminal = bool(container["Config"].get("Tty"))
        return log_of_container(self.engine, container["Id"], has_terminal=has_terminal)

    def image_users(self, image: str) -> List[str]:
        """Return the ids of the containers, running or not, that were made from ``image`` (an id)."""
        listed = self.engine.get("/containers/json", {"all": True})
        return [one["Id"] for one in listed if one.get("ImageID") == image]

    def _unless_conflict(self, path: str) -> None:
        try:
            self.engine.post(path)
        except Conflict:
            pass
        except EngineError as error:
            # Engines before API 1.44 answer 500 where the container is in that state already.
            if "already paused" not in error.message and "is not paused" not in error.message:
                raise
