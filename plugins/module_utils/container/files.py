# SPDX-License-Identifier: Apache-2.0
"""The files of a container, over the engine's API: what Compose copied into it, and copying that into its successor."""

from __future__ import annotations

import base64
import http.client
import io
import tarfile
import time
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import urlencode

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.relations import (
    labels_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    NoAnswer,
    NotFound,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.json_text import decode_json
from ansible_collections.registry.docker_updater.plugins.module_utils.times import (
    SECOND,
    is_whole_second,
    nanoseconds,
)

_GRACE = 60.0
_LONG = 3.0
_SPECIAL_FILE = 0x8F280000  # Go's os.ModeType: a directory, a link, or anything else that is no regular file
_COMPOSE_PROJECT = "com.docker.compose.project"


class ContainerFiles:
    """The files of the containers of one engine. Methods raise what :class:`Engine` raises."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._copied: Dict[str, List[str]] = {}
        self._asked = 0
        self.slow: List[str] = []
        """What took long, in sentences."""

    def copied(self, container: Mapping[str, Any]) -> List[str]:
        """Return the files that Compose copied into its container: configs and secrets written in its file.

        They are no mounts, and the engine does not tell them from what the container wrote itself. But a copied
        file comes out of an archive, whose times are whole seconds, and is younger than the container. Each is a question:
        where a container has changed thousands, that takes its time, and is done once for a container.
        """
        if _COMPOSE_PROJECT not in labels_of(container):
            return []
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
        for change in self._engine.get(f"/containers/{container['Id']}/changes") or ():
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

    def copy(self, source: str, target: str, paths: List[str]) -> None:
        """Copy regular files, with owner, mode and time, from one container to another that was not started."""
        for path in paths:
            packed = self._archive("GET", source, {"path": path})
            self._archive("PUT", target, {"path": "/"}, _at_full_path(packed, path))

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
        url = f"/v{self._engine.api_version}/containers/{identity}/archive"
        connection = self._engine.connect(_GRACE)
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


def _created(container: Mapping[str, Any]) -> int:
    moment = nanoseconds(container.get("Created"))
    if moment is None:
        raise EngineError(500, f"the engine does not show when {container.get('Id')} was created", "inspect")
    return moment


def _at_full_path(packed: bytes, path: str) -> bytes:
    """Name the packed file by its whole path: the engine packs it under its last name only."""
    target = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(packed)) as source, tarfile.open(fileobj=target, mode="w") as result:
        for entry in source:
            content = source.extractfile(entry)
            entry.name = path.lstrip("/")
            result.addfile(entry, content)
    return target.getvalue()
