# SPDX-License-Identifier: Apache-2.0
"""Bring several containers of one engine to a digest, side by side where they have nothing to do with one another.

Most of an update is waiting: for the old container to stop, for the new one to prove itself. So those that are
independent wait at the same time. Each has a swap of its own in the journal; those that lean on each other come one after
the other, in the order in which they come up.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Dict, Iterator, List, Optional, Sequence, TypeVar

from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.relations import (
    name_of,
    side_by_side,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.plan import tag_target
from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.container.results import Result

# As many start at once; all of a host that starts anew do, too, but this is while others serve.
PARALLEL = 16

T = TypeVar("T")
R = TypeVar("R")


class Shared:
    """What updates that run at the same time on one engine have in common.

    ``pulling`` is held while one pulls, so that the others find the image. What the tag of an image meant before any of them
    moved it is known to all: whoever goes back last gives the tag back.
    """

    def __init__(self) -> None:
        self.pulling = threading.Lock()
        self._tags: Dict[str, Optional[str]] = {}
        self._asking = threading.Lock()

    def tag_before(self, containers: Containers, name: str) -> Optional[str]:
        """Return the id of the image that ``name`` (as a container has it) meant before, if any."""
        with self._asking:
            if name not in self._tags:
                self._tags[name] = tag_target(containers, name)
            return self._tags[name]


def update_side_by_side(
    containers: Containers,
    requests: Sequence[Request],
    update: Callable[[Request], Result],
    parallel: int = PARALLEL,
) -> List[Result]:
    """Have ``update`` called with each of ``requests``, and return what it returns, in their order.

    At most ``parallel`` are under way at the same time. Raises what an engine raises that cannot be asked.
    """
    if len(requests) == 1:
        return [update(requests[0])]
    groups = list(_groups(containers, requests))
    done: Dict[str, Result] = {}

    def in_turn(group: Sequence[Request]) -> None:
        for request in group:
            done[request.name] = update(request)

    at_once(in_turn, groups, parallel)
    return [done[request.name] for request in requests]


def at_once(do: Callable[[T], R], things: Sequence[T], parallel: int = PARALLEL) -> List[R]:
    """Do the same to several things, at most ``parallel`` at the same time, and return what came of each."""
    if len(things) < 2:
        return [do(thing) for thing in things]
    with ThreadPoolExecutor(max(1, min(parallel, len(things)))) as pool:
        return list(pool.map(do, things))


def _groups(containers: Containers, requests: Sequence[Request]) -> Iterator[List[Request]]:
    """Yield requests in groups, each in its order; one whose container is not there, or cannot be read, by itself."""
    found, _ = containers.all()
    by_name = {name_of(one): one for one in found}
    asked = {request.name: request for request in requests}
    targets = [by_name[name] for name in asked if name in by_name]
    for group in side_by_side(targets, found):
        yield [asked[name_of(one)] for one in group]
    for name, request in asked.items():
        if name not in by_name:
            yield [request]
