# SPDX-License-Identifier: Apache-2.0
"""What an update would change: check mode, which changes nothing."""

from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.registry.docker_updater.plugins.module_utils.container.checks import (
    Refused,
    check_needs,
    check_target,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    digest_of,
    digests_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.host import Host
from ansible_collections.registry.docker_updater.plugins.module_utils.container.images import Images, is_for
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal
from ansible_collections.registry.docker_updater.plugins.module_utils.container.plan import plan_swap
from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.container.results import Result
from ansible_collections.registry.docker_updater.plugins.module_utils.container.target import (
    check_wanted,
    find_target,
    name_after,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.update import replacement_of
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.credentials import BadCredentials
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    EngineUnreachable,
    NoAnswer,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.registry import NotReadable
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import FAILED, ROLLED_BACK


def preview(containers: Containers, journal: Journal, request: Request) -> Result:
    """Return what a run would change, and change nothing: check mode."""
    try:
        return _preview(containers, journal, request)
    except Refused as refused:
        return {
            "changed": False,
            "message": str(refused),
            "failed": refused.outcome in (FAILED, ROLLED_BACK),
        }
    except (EngineError, EngineUnreachable, NoAnswer, BadCredentials) as error:
        return {"changed": False, "message": str(error), "failed": True}


def _preview(containers: Containers, journal: Journal, request: Request) -> Result:
    target, old_image, reference = find_target(containers, request)
    before: Dict[str, Any] = {"image": str(reference), "digest": digest_of(old_image, reference)}
    name = name_after(request, target)
    moves = name != target["Config"]["Image"]
    if request.digest in digests_of(old_image, reference) and not moves:
        return {"changed": False, "message": "", "diff": {"before": before, "after": before}}
    check_wanted(journal, request, target, digests_of(old_image, reference))
    host = Host.read(containers)
    check_target(target, host, containers.engine.address, journal.directory)
    check_needs(containers, target, host)
    images = Images(containers, request, host)
    old_image = images.whole(old_image, reference, digest_of(old_image, reference))
    after: Dict[str, Any] = {"image": name if moves else str(reference), "digest": request.digest}
    warnings: List[str] = []
    new_image = containers.image(f"{reference.familiar_repository}@{request.digest}")
    architecture = old_image.get("Architecture") or host.architecture
    if new_image is None or new_image.get("Config") is None or not is_for(new_image, architecture):
        try:
            new_image = images.read(reference, request.digest, architecture)
        except NotReadable as error:
            warnings.append(f"{error}; so nobody knows yet which defaults of the new image are adopted")
    if new_image and new_image["Id"] == old_image["Id"] and not moves:
        return {"changed": False, "message": "", "diff": {"before": before, "after": before}}
    unknown = {"Id": request.digest, "Config": {"Volumes": (old_image.get("Config") or {}).get("Volumes")}}
    new_image = new_image or unknown
    planned = plan_swap(containers, host, replacement_of(request, target, old_image, new_image, None))
    before.update(planned.before)
    after.update(planned.after)
    if planned.recreated:
        before["recreated with it"], after["recreated with it"] = [], list(planned.recreated)
    if planned.restarted:
        before["restarted with it"], after["restarted with it"] = [], list(planned.restarted)
    return {
        "changed": True,
        "message": f"{request.name} would be recreated from {request.digest}",
        "diff": {"before": before, "after": after},
        "warnings": [*warnings, *planned.swap.warnings],
    }
