# SPDX-License-Identifier: Apache-2.0
"""The containers of an engine that opted in, one that is on its way from one to the next once."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils import labels as ours
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import is_aside
from ansible_collections.registry.docker_updater.plugins.module_utils.container.unfinished import (
    Unfinished,
    owner_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    NotFound,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.foreign_labels import notes
from ansible_collections.registry.docker_updater.plugins.module_utils.scan.reading import (
    changed,
    digests_in,
    read_reference,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import CONTAINER, UNFINISHED

_SWARM_TASK = "com.docker.swarm.task.id"
_COMPOSE_ONE_OFF = "com.docker.compose.oneoff"
_LEFT = "start it again under its own name, or remove it"


class ContainerScan:
    """One look at all containers. ``now`` is the engine's, in nanoseconds since 1970; ``warnings`` says what is wrong."""

    def __init__(self, engine: Engine, now: int, unfinished: Sequence[Unfinished]) -> None:
        self._engine, self._now, self._unfinished = engine, now, unfinished
        self._digests: Dict[str, List[str]] = {}
        self.warnings: List[str] = []

    def targets(self) -> Iterator[Dict[str, Any]]:
        """Yield those that opted in; those of an unfinished update last, each once and under its own name."""
        on_their_way: Dict[str, Dict[str, Any]] = {}
        for listed in self._engine.get(
            "/containers/json", {"all": True, "filters": {"label": [ours.OPT_IN]}}
        ):
            labels = listed.get("Labels") or {}
            if _SWARM_TASK in labels or (labels.get(_COMPOSE_ONE_OFF) or "").lower() == "true":
                continue
            container = self._inspect(listed)
            if not container:
                continue
            name = (container.get("Name") or listed["Id"]).lstrip("/")
            owner = owner_of(self._unfinished, container["Id"], name)
            if is_aside(name) and not owner:
                self.warnings.append(
                    f"container {name} was left by an update of which no journal tells: {_LEFT}"
                )
                continue
            self.warnings += [f"container {name}: {problem}" for problem in ours.problems(labels)]
            if not ours.opted_in(labels):
                continue
            self.warnings += [f"container {name} has {note}" for note in notes(labels)]
            target = self._target(container, name, labels)
            if not owner:
                yield target
            elif owner not in on_their_way or target["state"] == "running":
                on_their_way[owner] = {**target, "name": owner, "state": UNFINISHED, "digests": []}
        yield from on_their_way.values()

    def _inspect(self, listed: Dict[str, Any]) -> Dict[str, Any]:
        """Return a container as it is, empty where it is gone or cannot be read."""
        try:
            container: Dict[str, Any] = self._engine.get(f"/containers/{listed['Id']}/json")
            image_id = container.get("Image") or ""
            if image_id not in self._digests:
                self._digests[image_id] = self._repo_digests(image_id) if image_id else []
        except NotFound:
            return {}
        except EngineError as error:
            name = ((listed.get("Names") or [""])[0] or listed["Id"]).lstrip("/")
            self.warnings.append(f"container {name} cannot be read ({error.message}), and is left alone")
            return {}
        if not (container.get("Config") or {}).get("Image"):
            name = (container.get("Name") or listed["Id"]).lstrip("/")
            self.warnings.append(f"container {name} is shown without its image's name, and is left alone")
            return {}
        return container

    def _target(self, container: Dict[str, Any], name: str, labels: Dict[str, str]) -> Dict[str, Any]:
        image, image_id = container["Config"]["Image"], container.get("Image") or ""
        reference, problem = read_reference(image)
        if reference and reference.digest:
            reference = None
            problem = f"{image} is pinned to a digest by whoever created it, so no push concerns it"
        if problem:
            self.warnings.append(f"container {name}: {problem}")
        return {
            "kind": CONTAINER,
            "id": container["Id"],
            "name": name,
            "image": image,
            "image_id": image_id,
            "reference": str(reference) if reference else None,
            "digests": digests_in(self._digests[image_id], reference) if reference else [],
            "mode": None,
            "options": ours.rolling_options(labels),
            "notify": ours.receivers(labels),
            "labels": ours.under_prefix(labels),
            "state": (container.get("State") or {}).get("Status"),
            **changed(container.get("Created"), self._now),
        }

    def _repo_digests(self, image_id: str) -> List[str]:
        try:
            return list(self._engine.get(f"/images/{image_id}/json").get("RepoDigests") or [])
        except NotFound:
            return []
