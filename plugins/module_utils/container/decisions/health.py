# SPDX-License-Identifier: Apache-2.0
"""Whether a container that was just started is good: the gate before its predecessor is removed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional

WAIT, GOOD, BAD = "wait", "good", "bad"

_NANO = 1e9
_INTERVAL = _TIMEOUT = (
    30.0  # moby, daemon/health.go: defaults of a health check, in seconds, and of its retries
)
_RETRIES = 3
_MARGIN = 10.0


@dataclass(frozen=True)
class Verdict:
    """``word`` is one of WAIT, GOOD, BAD; ``reason`` says why it is not GOOD."""

    word: str
    reason: str = ""


@dataclass(frozen=True)
class Start:
    """What the container was like when its gate began: any later start or restart is one too many."""

    started_at: str
    restarts: int


@dataclass(frozen=True)
class Gate:
    """What is asked of a container: ``settle`` seconds without a restart, and health, within ``deadline`` seconds.

    ``may_finish`` lets an exit with code 0 count as good: a container that does its work once.
    """

    settle: float
    deadline: float
    may_finish: bool = False


def health_check_of(container: Mapping[str, Any]) -> Optional[Mapping[str, Any]]:
    """Return the health check that the engine runs for ``container``, None where it runs none."""
    check = container["Config"].get("Healthcheck") or {}
    test = check.get("Test") or []
    return check if test and test[0] != "NONE" else None


def patience(container: Mapping[str, Any], given: Optional[float], settle: float) -> float:
    """Return how many seconds the container may take: ``given``, or what its health check needs to fail for sure."""
    check = health_check_of(container)
    if check is None:
        return settle + _MARGIN
    if given:
        return max(given, settle)
    interval = (check.get("Interval") or 0) / _NANO or _INTERVAL
    timeout = (check.get("Timeout") or 0) / _NANO or _TIMEOUT
    retries = check.get("Retries") or _RETRIES
    return settle + (check.get("StartPeriod") or 0) / _NANO + (interval + timeout) * (retries + 1) + _MARGIN


def judge(  # noqa: PLR0911 - one return per way to end
    container: Mapping[str, Any], start: Start, seconds: float, gate: Gate
) -> Verdict:
    """Judge ``container`` (its inspect) ``seconds`` after ``start``.

    Good is: running without a restart for as long as the gate wants, and healthy where there is a health check.
    """
    state = container["State"]
    status = state.get("Status")
    if status == "exited" and gate.may_finish and state.get("ExitCode") == 0:
        return Verdict(GOOD)
    if status in ("exited", "dead", "created", "removing"):
        return Verdict(BAD, _ending(state))
    if state.get("Restarting") or (container.get("RestartCount") or 0) > start.restarts:
        # Seen between two of its ends, it has no exit code to tell.
        ending = ": " + _ending(state) if status == "restarting" else ""
        return Verdict(BAD, "it restarts again and again" + ending)
    if state.get("StartedAt") != start.started_at:
        return Verdict(BAD, "it was started a second time")
    health = (state.get("Health") or {}).get("Status")
    checked = health_check_of(container) is not None
    if checked and health == "unhealthy":
        return Verdict(BAD, "its health check failed" + _last_probe(state))
    if (
        seconds >= gate.settle
        and state.get("Running")
        and not state.get("Paused")
        and (not checked or health == "healthy")
    ):
        return Verdict(GOOD)
    if seconds >= gate.deadline:
        return Verdict(BAD, f"not healthy within {gate.deadline:.0f} seconds" + _last_probe(state))
    return Verdict(WAIT)


def missing_ports(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Name the ports that were published ``before`` and are not ``after``; empty where all are.

    Engines 29.1 and 29.2 can start a container without its ports and say nothing (moby issue 51758).
    """
    old = (before.get("NetworkSettings") or {}).get("Ports") or {}
    new = (after.get("NetworkSettings") or {}).get("Ports") or {}
    wanted = (after["HostConfig"].get("PortBindings") or {}).keys()
    return ", ".join(sorted(port for port in wanted if old.get(port) and not new.get(port)))


def _ending(state: Mapping[str, Any]) -> str:
    words = "it ended with exit code {}".format(state.get("ExitCode"))
    if state.get("OOMKilled"):
        words += ", killed for want of memory"
    return words + (": " + state["Error"] if state.get("Error") else "")


def _last_probe(state: Mapping[str, Any]) -> str:
    log = (state.get("Health") or {}).get("Log") or []
    if not log:
        return ""
    said = " ".join(str(log[-1].get("Output") or "").split())[:200]
    return " (the last probe ended with code {}{})".format(
        log[-1].get("ExitCode"), ": " + said if said else ""
    )
