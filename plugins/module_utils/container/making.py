# SPDX-License-Identifier: Apache-2.0
"""Create the containers of a swap, and remove what did not prove itself, with the volumes that were made for it alone."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Dict, Mapping

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    Inspect,
    reference_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.recreate import (
    follow,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.sight import Pair
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    NO_POLICY,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.work import Work
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import EngineError
from ansible_collections.registry.docker_updater.plugins.module_utils.times import SECOND, nanoseconds


def create(work: Work, index: int, pair: Pair) -> None:
    """Create the new container, with files and tag; a half-made one of an earlier try goes first."""
    member = work.swap.members[index]
    if pair.new:
        work.containers.remove(pair.new.id)
    wanted = _without_policy(member.create) if member.guarded else member.create
    renewed = {}
    for done in work.swap.members[:index]:
        renewed.update({done.old_id: done.new_id, done.name: done.new_id})
    wanted = {**wanted, "body": follow(wanted["body"], renewed)}
    identity = _make(work, work.swap.aside(member, "new"), wanted, keeps_tag=index == 0)
    work.containers.files.copy(member.old_id, identity, list(member.files))
    work.remember(work.swap.with_member(index, new_id=identity))


def restore_old(work: Work, index: int, pair: Pair) -> None:
    """Create the old one again: it was started with --rm, or somebody removed it."""
    member = work.swap.members[index]
    wanted = {**member.restore, "body": follow(member.restore["body"], {})}
    identity = _make(work, work.swap.aside(member, "old"), wanted, keeps_tag=True)
    if pair.new:
        work.containers.files.copy(pair.new.id, identity, list(member.files))
    work.remember(
        replace(
            work.swap.with_member(index, old_id=identity),
            warnings=(
                *work.swap.warnings,
                f"{member.name} was created again from its old image: what it had written outside of volumes is gone",
            ),
        )
    )


def remove_new(work: Work, _: int, pair: Pair) -> None:
    """Remove what did not prove itself, and the volumes that were made for it alone."""
    container = work.containers.look(pair.new.id) if pair.new else None
    if container is None:
        return
    work.containers.remove(container["Id"])
    old = pair.old and work.containers.look(pair.old.id)
    kept = {mount.get("Name") for mount in (old or {}).get("Mounts") or ()}
    for mount in container.get("Mounts") or ():
        name = mount.get("Name") or ""
        if old and mount["Type"] == "volume" and re.fullmatch("[0-9a-f]{64}", name) and name not in kept:
            _remove_volume(work, name, container)


def _make(work: Work, name: str, wanted: Mapping[str, Any], *, keeps_tag: bool) -> str:
    """Create from exactly the wanted image, although the request only names ``repo:tag``."""
    reference = reference_of(wanted["reference"])
    tagged = reference if reference and not reference.digest else None
    before = work.containers.image(str(tagged)) if tagged else None
    if tagged and (before is None or before["Id"] != wanted["image"]):
        work.containers.tag(wanted["image"], tagged)
    try:
        identity = work.containers.create(name, wanted)
    finally:
        if tagged and before and before["Id"] != wanted["image"] and not keeps_tag:
            work.containers.tag(before["Id"], tagged)
    made = work.containers.look(identity)
    if made is None or made["Image"] != wanted["image"]:
        raise EngineError(
            409, f"{wanted['reference']} was moved to another image meanwhile", f"create {name}"
        )
    return identity


def _remove_volume(work: Work, name: str, container: Inspect) -> None:
    try:
        volume = work.containers.engine.get(f"/volumes/{name}")
        # Volumes are dated to the second, and in the zone of the daemon. One without a date stays.
        made, created = nanoseconds(volume.get("CreatedAt")), nanoseconds(container.get("Created"))
        if made is not None and created is not None and made > created - SECOND:
            work.containers.engine.delete(f"/volumes/{name}")
    except EngineError:
        pass  # somebody uses it


def _without_policy(create: Mapping[str, Any]) -> Dict[str, Any]:
    body = create["body"]
    host = {**body["HostConfig"], "RestartPolicy": {"Name": NO_POLICY}}
    return {**create, "body": {**body, "HostConfig": host}}
