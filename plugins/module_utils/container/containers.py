# SPDX-License-Identifier: Apache-2.0
"""What the engine is asked about containers and images, and told: thin, decides nothing."""

from __future__ import annotations

import base64
import http.client
import io
import os
import re
import tarfile
import time
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import urlencode

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.networks import (
    Asked,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import Seen
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import (
    Conflict,
    Engine,
    EngineError,
    NoAnswer,
    NotFound,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.json_text import decode_json
from ansible_collections.registry.docker_updater.plugins.module_utils.labels import ONE_SHOT, says_yes
from ansible_collections.registry.docker_updater.plugins.module_utils.references import (
    InvalidReference,
    Reference,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.times import (
    SECOND,
    is_whole_second,
    nanoseconds,
)

Inspect = Dict[str, Any]
_GRACE = 60.0
_LONG = 3.0
_ID = re.compile("[0-9a-f]{64}")
_SPECIAL_FILE = 0x8F280000  # Go's os.ModeType: a directory, a link, or anything else that is no regular file


class Containers:
    """The containers and images of one engine. Methods raise what :class:`Engine` raises."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._copied: Dict[str, List[str]] = {}
        self._asked = 0
        self.slow: List[str] = []
        """What took long, in sentences."""

    @property
    def api(self) -> Tuple[int, ...]:
        """The API version spoken, as numbers."""
        return tuple(int(part) for part in self.engine.api_version.split("."))

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

    def copied_files(self, container: Mapping[str, Any]) -> List[str]:
        """Return the files that Compose copied into its container: configs and secrets written in its file.

        They are no mounts, and the engine does not tell them from what the container wrote itself. But a copied
        file comes out of an archive, whose times are whole seconds, and is younger than the container. Each is a question:
        where a container has changed thousands, that takes its time, and is done once for a container.
        """
        if container["Id"] not in self._copied:
            begun, asked = time.monotonic(), self._asked
            self._copied[container["Id"]] = self._find_copied(container)
            seconds = time.monotonic() - begun
            if seconds > _LONG:
                self.slow.append(
                    f"it took {seconds:.0f} s to look at the {self._asked - asked} files that the container has changed,"
                    " for those that Compose copied into it: keep what it writes in a volume"
                )
        return self._copied[container["Id"]]

    def _find_copied(self, container: Mapping[str, Any]) -> List[str]:
        found = []
        created = _created(container)
        mounts = [one["Destination"].rstrip("/") for one in container.get("Mounts") or ()]
        for change in self.engine.get(f"/containers/{container['Id']}/changes") or ():
            path = change["Path"]
            if change["Kind"] == 2 or any(path == mount or path.startswith(mount + "/") for mount in mounts):
                continue
            self._asked += 1
            stat = self._stat(container["Id"], path)
            if stat is None or stat["mode"] & _SPECIAL_FILE:
                continue
            moment = nanoseconds(stat["mtime"])
            if moment is not None and is_whole_second(moment) and moment > created - SECOND:
                found.append(path)
        return found

    def copy_files(self, source: str, target: str, paths: List[str]) -> None:
        """Copy regular files, with owner, mode and time, from one container to another that was not started."""
        for path in paths:
            packed = self._archive("GET", source, {"path": path})
            self._archive("PUT", target, {"path": "/"}, _at_full_path(packed, path))

    def image_users(self, image: str) -> List[str]:
        """Return the ids of the containers, running or not, that were made from ``image`` (an id)."""
        listed = self.engine.get("/containers/json", {"all": True})
        return [one["Id"] for one in listed if one.get("ImageID") == image]

    def _stat(self, identity: str, path: str) -> Optional[Dict[str, Any]]:
        try:
            return self._exchange("HEAD", identity, {"path": path}, None)[1]
        except NotFound:
            return None

    def _archive(
        self, method: str, identity: str, query: Mapping[str, str], body: Optional[bytes] = None
    ) -> bytes:
        return self._exchange(method, identity, query, body)[0]

    def _exchange(
        self, method: str, identity: str, query: Mapping[str, str], body: Optional[bytes]
    ) -> Tuple[bytes, Optional[Dict[str, Any]]]:
        """One request for a container's files; they are no JSON, which is all that Engine.request speaks."""
        url = f"/v{self.engine.api_version}/containers/{identity}/archive"
        connection = self.engine.connect(_GRACE)
        try:
            connection.request(
                method, url + "?" + urlencode(query), body, {"Content-Type": "application/x-tar"}
            )
            response = connection.getresponse()
            payload = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"no answer to {method} {url}: {error}") from error
        finally:
            connection.close()
        if response.status >= 400:
            kind = NotFound if response.status == 404 else EngineError
            raise kind(
                response.status, payload.decode("utf-8", "replace").strip() or "no message", f"{method} {url}"
            )
        shown = response.headers.get("X-Docker-Container-Path-Stat")
        try:
            return payload, decode_json(base64.b64decode(shown)) if shown else None
        except ValueError as error:
            raise NoAnswer(f"no answer to {method} {url} that can be read: {error}") from None

    def _unless_conflict(self, path: str) -> None:
        try:
            self.engine.post(path)
        except Conflict:
            pass
        except EngineError as error:
            # Engines before API 1.44 answer 500 where the container is in that state already.
            if "already paused" not in error.message and "is not paused" not in error.message:
                raise


def is_whole(container: Mapping[str, Any]) -> bool:
    """Whether the engine shows of a container what everything here begins with."""
    parts = ("Id", "Name", "Image", "Config", "HostConfig", "State")
    return all(container.get(part) is not None for part in parts)


def as_seen(container: Inspect) -> Seen:
    """Return an inspect in the terms of a swap."""
    state = container["State"]
    return Seen(
        id=container["Id"],
        name=container["Name"].lstrip("/"),
        status=state["Status"],
        started=(nanoseconds(state.get("StartedAt")) or 0) > 0,
        started_at=nanoseconds(state.get("StartedAt")) or 0,
        error=state.get("Error") or "",
        policy=(container["HostConfig"].get("RestartPolicy") or {}).get("Name") or "",
        finished=(state["Status"], state.get("ExitCode")) == ("exited", 0)
        and says_yes((container["Config"].get("Labels") or {}).get(ONE_SHOT, "")),
    )


def _created(container: Mapping[str, Any]) -> int:
    moment = nanoseconds(container.get("Created"))
    if moment is None:
        raise EngineError(500, f"the engine does not show when {container.get('Id')} was created", "inspect")
    return moment


def reference_of(name: str) -> Optional[Reference]:
    """Return the reference that an image name of a container is, None where it is an image id."""
    try:
        return Reference.parse(name)
    except InvalidReference:
        return None


def digest_of(image: Mapping[str, Any], reference: Reference) -> Optional[str]:
    """Return the digest under which ``image`` came from the repository of ``reference``, None where it did not."""
    for digest in digests_of(image, reference):
        return digest
    return None


def digests_of(image: Mapping[str, Any], reference: Reference) -> Iterator[str]:
    """Yield every digest under which ``image`` came from the repository of ``reference``."""
    for name in image.get("RepoDigests") or ():
        known = reference_of(name)
        if (
            known
            and known.digest
            and known.familiar_repository.lower() == reference.familiar_repository.lower()
        ):
            yield known.digest


def _at_full_path(packed: bytes, path: str) -> bytes:
    """Name the packed file by its whole path: the engine packs it under its last name only."""
    target = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(packed)) as source, tarfile.open(fileobj=target, mode="w") as result:
        for entry in source:
            content = source.extractfile(entry)
            entry.name = path.lstrip("/")
            result.addfile(entry, content)
    return target.getvalue()
