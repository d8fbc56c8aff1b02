# SPDX-License-Identifier: Apache-2.0
"""The container that a request is about: find it, and tell whether it is wanted that it is updated."""

from __future__ import annotations

from typing import Iterable, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.container.checks import Refused
from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions import relations
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    Inspect,
    is_whole,
    reference_of,
    wanted_state,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import PAUSED
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal
from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.moves import concerns, with_tag
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import (
    FAILED,
    ROLLED_BACK,
    SKIPPED,
    SUPERSEDED,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference


def find_target(containers: Containers, request: Request) -> Tuple[Inspect, Inspect, Reference]:
    """Find the container, its image and its reference; refuse what is not what the request is about."""
    target = containers.look(request.name)
    if target is None:
        raise Refused(FAILED, f"there is no container {request.name} on this engine")
    if not is_whole(target):
        raise Refused(
            FAILED, f"the engine shows {request.name} without its Config or HostConfig: look at its log"
        )
    shown = target["Config"]["Image"]
    reference = reference_of(shown)
    why = relations.why_untouchable(target)
    if why:
        raise Refused(SKIPPED, f"{request.name} is not touched: {why}")
    if reference is None or not concerns(reference, request.image, request.aliases, request.moves_from):
        raise Refused(SKIPPED, f"{request.name} runs {shown}, which is not {request.image}")
    image = containers.image(target["Image"])
    if image is None:
        raise Refused(
            FAILED,
            f"the image {target['Image']} of {request.name} is gone, so nobody can tell what came from it:"
            f" create {request.name} anew by hand",
        )
    if reference.digest and (reference.digest != request.digest or reference.tag != request.image.tag):
        raise Refused(SKIPPED, f"{request.name} is pinned to {reference.digest} by whoever created it")
    return target, image, reference


def name_after(request: Request, target: Inspect) -> str:
    """Return the image name that the container has after the update: its own, or that to which it moves, under its own host."""
    shown: str = target["Config"]["Image"]
    reference = reference_of(shown)
    if reference is None or reference.tag == request.image.tag:
        return shown
    return with_tag(shown, reference, request.image.tag)


def check_wanted(journal: Journal, request: Request, target: Inspect, digests: Iterable[str]) -> None:
    """Raise :class:`Refused` where a person, or an earlier run, speaks against the update; ``digests`` are what it runs."""
    # Not by the container's id: one that was only recreated, by a person or with another one, is still for the push.
    is_found = target["Image"] == request.found_image or set(request.found_digests).intersection(digests)
    if request.found_digests and not is_found:
        raise Refused(
            SUPERSEDED,
            f"somebody gave {request.name} another image after this run had looked at it; it was left alone",
        )
    if wanted_state(target) == PAUSED and not request.keep_paused:
        raise Refused(
            SKIPPED,
            f"{request.name} is paused: unpause it, or let paused containers be updated (paused: keep)",
        )
    refusal = journal.refusal(relations.name_of(target), request.digest)
    if refusal and not request.try_again:
        raise Refused(
            ROLLED_BACK,
            f"{request.digest} was found bad for {request.name} on {refusal['at']} ({refusal['reason']}) and is not tried"
            " again: push another image, or ask for it with try_again",
            refusal["log"],
        )
