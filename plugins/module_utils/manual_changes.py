# SPDX-License-Identifier: Apache-2.0
"""Tell what a person changed after a push from what merely was not known yet. Pure."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.targets import UNFINISHED


def changed_after(
    target: Mapping[str, Any], known: Optional[Sequence[str]], pushed_at: float, now: float
) -> bool:
    """Tell whether somebody gave ``target`` another image after ``pushed_at``, in seconds since 1970 as is ``now``.

    ``target`` is an entry of the module ``targets_info``, asked at ``now``. ``known`` are the digests that it ran, or
    may have been left with by an update, as far as who wants it updated knows; None where everything is fine.
    What it runs else was deployed since: before the push, which then is for it, or after, which then is not. One that is on
    its way from one container to the next was not changed by a person, but by an update that was interrupted.
    """
    if target.get("state") == UNFINISHED:
        return False
    digests = target.get("digests") or ()
    if known is None or set(digests) & set(known) or not (digests or known):
        return False
    age = target.get("age")
    return age is not None and now - age > pushed_at
