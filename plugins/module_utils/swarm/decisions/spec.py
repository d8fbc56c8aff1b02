# SPDX-License-Identifier: Apache-2.0
"""The spec of a swarm service as an opaque dictionary: read a few fields of it, change exactly two. Pure.

The two are the image and the platforms that placement may choose from. Whatever else stands in a spec,
fields of tomorrow included, goes back to the engine as it came. Durations are seconds here and nanoseconds in
the API.
"""

from __future__ import annotations

import copy
import math
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

Spec = Dict[str, Any]
Platform = Tuple[str, str]

REPLICATED, GLOBAL = "Replicated", "Global"
REPLICATED_JOB, GLOBAL_JOB = "ReplicatedJob", "GlobalJob"
JOBS = (REPLICATED_JOB, GLOBAL_JOB)

# What swarmkit takes where the spec says nothing (swarmkit, api/defaults/service.go; agent/exec/dockerapi).
_MONITOR = 5.0
_RESTART_DELAY = 5.0
_STOP_GRACE = 10.0
# The engine's defaults of a health check (moby, daemon/health.go).
_PROBE_INTERVAL = 30.0
_PROBE_TIMEOUT = 30.0
_PROBE_RETRIES = 3

# How long a task may take to start where the spec tells nothing: the image may bring a health check of its own.
_START = 60.0
# How long all nodes together may take to pull, once per update.
_PULL = 300.0
_MARGIN = 30.0


def image_of(spec: Mapping[str, Any]) -> str:
    """Return the image of a spec as it stands there, empty where the service runs no container."""
    return str(_container(spec).get("Image") or "")


def image_of_task(task: Mapping[str, Any]) -> str:
    """Return the image that a task was made with."""
    return str(((task.get("Spec") or {}).get("ContainerSpec") or {}).get("Image") or "")


def platforms_of(spec: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return the platforms to which placement is limited, empty for no limit."""
    return list((_template(spec).get("Placement") or {}).get("Platforms") or [])


def platforms_answered(answer: Mapping[str, Any]) -> List[Dict[str, str]]:
    """Turn a registry's answer (``GET /distribution/…``) into platforms for placement.

    As docker's own client does it (moby, client/service_create.go): attestations, whose platform is
    ``unknown``, are no platform; ``arm`` of any variant is any architecture, because nodes report theirs
    differently from images (swarmkit#2294); each pair is listed once.
    """
    found: List[Dict[str, str]] = []
    for platform in answer.get("Platforms") or []:
        system, architecture = platform.get("os") or "", platform.get("architecture") or ""
        if "unknown" in (system, architecture) or not (system or architecture):
            continue
        pair = {"Architecture": "" if architecture == "arm" else architecture, "OS": system}
        if pair not in found:
            found.append(pair)
    return found


def with_image(spec: Mapping[str, Any], image: str, platforms: Sequence[Mapping[str, Any]]) -> Spec:
    """Return a copy of ``spec`` with ``image``, limited to ``platforms``; a limit that means the same stays as it is."""
    new: Spec = copy.deepcopy(dict(spec))
    new["TaskTemplate"]["ContainerSpec"]["Image"] = image
    if _pairs(platforms) == _pairs(platforms_of(spec)):
        return new
    placement = dict(new["TaskTemplate"].get("Placement") or {})
    if platforms:
        placement["Platforms"] = copy.deepcopy(list(platforms))
    else:
        placement.pop("Platforms", None)
    new["TaskTemplate"]["Placement"] = placement
    return new


def differ_only_in_image(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two specs are the same but for what :func:`with_image` changes."""
    return _without_image(one) == _without_image(other)


def summary(spec: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what a diff shows of a spec: the two things that may change."""
    return {
        "image": image_of(spec),
        "platforms": sorted("/".join(pair) for pair in _pairs(platforms_of(spec))),
    }


def mode_of(spec: Mapping[str, Any]) -> str:
    """Return the mode by its name in the API: one of :data:`REPLICATED`, :data:`GLOBAL`, :data:`JOBS`."""
    return next(iter(spec.get("Mode") or {}), REPLICATED)


def is_job(spec: Mapping[str, Any]) -> bool:
    """Tell whether the service's tasks are to complete, and not to run on."""
    return mode_of(spec) in JOBS


def wanted_tasks(spec: Mapping[str, Any]) -> Optional[int]:
    """Return how many tasks shall run (a job: complete); None for a mode that follows the nodes."""
    mode = (spec.get("Mode") or {}).get(mode_of(spec)) or {}
    if mode_of(spec) == REPLICATED:
        return int(mode.get("Replicas", 1))
    if mode_of(spec) == REPLICATED_JOB:
        # What is not given is one at a time and as many in all as at a time (swarmkit, api/defaults).
        return int(mode.get("TotalCompletions", mode.get("MaxConcurrent", 1)))
    return None


def restarts_finished_tasks(spec: Mapping[str, Any]) -> bool:
    """Tell whether a task that ends well is started again, so that ending is not what the service is for."""
    return (_template(spec).get("RestartPolicy") or {}).get("Condition", "any") in ("any", "")


def monitor_of(spec: Mapping[str, Any], config: str = "UpdateConfig") -> float:
    """Return for how long tasks are watched after they came up; ``config`` may be ``RollbackConfig``."""
    return _seconds((spec.get(config) or {}).get("Monitor")) or _MONITOR


def settling_time(spec: Mapping[str, Any], config: str = "UpdateConfig") -> float:
    """Return the seconds within which tasks that are being restarted must be up, healthy, and watched."""
    delay = (_template(spec).get("RestartPolicy") or {}).get("Delay")
    return (
        (_RESTART_DELAY if delay is None else _seconds(delay))
        + _start_time(spec)
        + monitor_of(spec, config)
        + _MARGIN
    )


def time_limit(spec: Mapping[str, Any], nodes: int, config: str = "UpdateConfig") -> float:
    """Return the seconds that an update of the service may take: swarm itself sets no limit.

    Reckoned from tasks, parallelism, delay, stop grace and health check, plus one budget for pulling. ``nodes``
    is how many tasks a global service may have; ``config`` may be ``RollbackConfig``.
    """
    how = spec.get(config) or {}
    tasks = wanted_tasks(spec)
    tasks = nodes if tasks is None else tasks
    at_once = int(how.get("Parallelism", 1)) or max(tasks, 1)
    batches = max(1, math.ceil(tasks / at_once))
    grace = _container(spec).get("StopGracePeriod")
    batch = (
        _start_time(spec) + (_STOP_GRACE if grace is None else _seconds(grace)) + _seconds(how.get("Delay"))
    )
    return _PULL + batches * batch + settling_time(spec, config)


def _start_time(spec: Mapping[str, Any]) -> float:
    check = _container(spec).get("Healthcheck") or {}
    if check.get("Test") == ["NONE"]:
        return _START
    probe = (_seconds(check.get("Interval")) or _PROBE_INTERVAL) + (
        _seconds(check.get("Timeout")) or _PROBE_TIMEOUT
    )
    if not any(check.get(field) for field in ("Test", "Interval", "Timeout", "Retries", "StartPeriod")):
        return _START
    return max(
        _START,
        _seconds(check.get("StartPeriod")) + probe * (1 + (int(check.get("Retries") or 0) or _PROBE_RETRIES)),
    )


def _without_image(spec: Mapping[str, Any]) -> Spec:
    bare: Spec = copy.deepcopy(dict(spec))
    template = bare.get("TaskTemplate") or {}
    (template.get("ContainerSpec") or {}).pop("Image", None)
    placement = template.pop("Placement", None) or {}
    placement.pop("Platforms", None)
    if placement:
        template["Placement"] = placement
    return bare


def _template(spec: Mapping[str, Any]) -> Dict[str, Any]:
    return spec.get("TaskTemplate") or {}


def _container(spec: Mapping[str, Any]) -> Dict[str, Any]:
    return _template(spec).get("ContainerSpec") or {}


def _pairs(platforms: Sequence[Mapping[str, Any]]) -> List[Platform]:
    return sorted((str(each.get("OS") or ""), str(each.get("Architecture") or "")) for each in platforms)


def _seconds(nanoseconds: Any) -> float:
    return float(nanoseconds or 0) / 1e9
