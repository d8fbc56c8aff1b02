# SPDX-License-Identifier: Apache-2.0
"""Bring one container to a digest: what the module does, without Ansible."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Optional

from ansible_collections.registry.docker_updater.plugins.module_utils.container.checks import (
    Refused,
    check_needs,
    check_target,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions import relations
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    Inspect,
    digest_of,
    digests_of,
    reference_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap_json import (
    UnreadableSwap,
    from_json,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.finish import begin
from ansible_collections.registry.docker_updater.plugins.module_utils.container.host import Host
from ansible_collections.registry.docker_updater.plugins.module_utils.container.images import Images
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import (
    Journal,
    JournalUnusable,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.plan import (
    Replacement,
    plan_swap,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.container.results import (
    Result,
    result_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.side_by_side import Shared
from ansible_collections.registry.docker_updater.plugins.module_utils.container.target import (
    check_wanted,
    find_target,
    name_after,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.work import Options
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.credentials import BadCredentials
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    EngineUnreachable,
    NoAnswer,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import FAILED, UNCHANGED
from ansible_collections.registry.docker_updater.plugins.module_utils.stages import PULLED


class Update:
    """One run of a request on one engine; the caller holds the journal's lock, for all that share."""

    def __init__(
        self,
        containers: Containers,
        journal: Journal,
        request: Request,
        options: Options,
        shared: Optional[Shared] = None,
    ) -> None:
        self._containers, self._journal, self._request, self._options = containers, journal, request, options
        self._shared = shared or Shared()
        self._begun = time.monotonic()

    def run(self) -> Result:
        """Return the result, whatever happens: outcome, before, after, message and the rest of the contract."""
        try:
            return self._run()
        except Refused as refused:
            return {**self._result(refused.outcome, str(refused)), "log": list(refused.log)}
        except (EngineError, EngineUnreachable, NoAnswer, BadCredentials) as error:
            return self._result(FAILED, f"{self._request.name} was not touched: {error}")

    def _run(self) -> Result:
        request = self._request
        if self._journal.holds(request.name):
            raise Refused(FAILED, self._left())
        target, old_image, reference = find_target(self._containers, request)
        name = name_after(request, target)
        moves = name != target["Config"]["Image"]
        if request.digest in digests_of(old_image, reference) and not moves:
            return self._result(UNCHANGED, f"{request.name} already runs {request.digest}", target, old_image)
        check_wanted(self._journal, request, target, digests_of(old_image, reference))
        host = Host.read(self._containers)
        check_target(target, host, self._containers.engine.address, self._journal.directory)
        check_needs(self._containers, target, host)
        tag_before = self._shared.tag_before(self._containers, name)
        images = Images(self._containers, request, host)
        old_image = images.whole(old_image, reference, digest_of(old_image, reference))
        with self._shared.pulling:
            pulled = images.pull(reference, old_image)
        pulled_at = time.monotonic()
        new_image = images.whole(pulled, reference, request.digest)
        if new_image["Id"] == old_image["Id"] and not moves:
            return self._result(
                UNCHANGED,
                f"{request.name} already runs the image that {request.digest} names",
                target,
                old_image,
            )
        replacement = replacement_of(request, target, old_image, new_image, tag_before)
        planned = plan_swap(self._containers, host, replacement)
        result = begin(self._containers, self._journal, planned.swap, self._options, cleanup=request.cleanup)
        return {
            **result,
            "seconds": round(time.monotonic() - self._begun, 3),
            "stages": {PULLED: pulled_at, **result["stages"]},
        }

    def _left(self) -> str:
        """Return why an update that was begun before has not ended."""
        name = self._request.name
        try:
            from_json(self._journal.kept(name), self._journal.file_of(name))
        except (UnreadableSwap, JournalUnusable) as unreadable:
            return str(unreadable)
        return (
            f"an update of {name} was begun before and cannot be brought to its end: see what the scan of this host,"
            " or repair.yml, says of it"
        )

    def _result(
        self, outcome: str, message: str, target: Optional[Inspect] = None, image: Optional[Inspect] = None
    ) -> Result:
        if target is None:
            try:
                target = self._containers.look(self._request.name)
                image = self._containers.image(target["Image"]) if target else None
            except (EngineError, EngineUnreachable, NoAnswer):
                target = None
        seconds = round(time.monotonic() - self._begun, 3)
        return {
            **result_of(self._request, outcome, message, target=target, image=image),
            "seconds": seconds,
        }


def replacement_of(
    request: Request, target: Inspect, old_image: Inspect, new_image: Inspect, tag_before: Optional[str]
) -> Replacement:
    """Return what a request asks for; ``tag_before`` is the image that the new name meant before."""
    reference = reference_of(target["Config"]["Image"])
    wanted = {
        "name": relations.name_of(target),
        "image": name_after(request, target),
        "image_before": target["Config"]["Image"],
        "digest": request.digest,
        "begun_at": time.time(),
        "tag_before": tag_before,
        "old_image": old_image["Id"],
        "old_digest": digest_of(old_image, reference) if reference else None,
        "new_image": new_image["Id"],
        "ports": (target.get("NetworkSettings") or {}).get("Ports") or {},
    }
    return Replacement(target, old_image, new_image, wanted)


def look_at_copied_files(containers: Containers, name: str) -> None:
    """Find out which files Compose copied into the container called ``name``, and keep it for its update."""
    # Whatever is wrong is told when it is asked again.
    with suppress(EngineError, EngineUnreachable, NoAnswer):
        container = containers.look(name)
        if container:
            containers.files.copied(container)
