# SPDX-License-Identifier: Apache-2.0
"""When a container that was just started is good, bad, or not known yet."""

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.health import (
    BAD,
    GOOD,
    WAIT,
    Gate,
    Start,
    judge,
    missing_ports,
    patience,
)

LIMITS = Gate(settle=10, deadline=60)
START = Start("now", 0)
CHECK = {
    "Test": ["CMD", "true"],
    "Interval": 2 * 10**9,
    "Timeout": 10**9,
    "Retries": 3,
    "StartPeriod": 5 * 10**9,
}


def container(status: str = "running", health: str = "", check: Any = None, **state: Any) -> dict[str, Any]:
    return {
        "Config": {"Healthcheck": check or ({"Test": ["CMD", "x"]} if health else None)},
        "RestartCount": state.pop("restarts", 0),
        "State": {
            "Status": status,
            "Running": status == "running",
            "StartedAt": "now",
            "Health": {"Status": health} if health else None,
            **state,
        },
    }


@pytest.mark.parametrize(
    ("shown", "seconds", "verdict"),
    [
        (container(), 9.9, WAIT),
        (container(), 10, GOOD),
        (container(health="starting"), 20, WAIT),
        (container(health="starting"), 60, BAD),
        (container(health="healthy"), 5, WAIT),
        (container(health="healthy"), 10, GOOD),
        (container(health="unhealthy"), 1, BAD),
        (container("exited", ExitCode=0), 1, BAD),
        (container("restarting", Restarting=True), 1, BAD),
        (container(restarts=1), 20, BAD),
        (container(StartedAt="later"), 20, BAD),
        (container("paused", Paused=True), 20, WAIT),
        (container("dead"), 1, BAD),
    ],
)
def test_good_is_up_for_long_enough_and_healthy_where_that_is_checked(
    shown: dict[str, Any], seconds: float, verdict: str
) -> None:
    assert judge(shown, START, seconds, LIMITS).word == verdict


def test_a_container_that_works_once_may_end_well_and_not_badly() -> None:
    done, failed = container("exited", ExitCode=0), container("exited", ExitCode=3)
    assert judge(done, START, 1, replace(LIMITS, may_finish=True)).word == GOOD
    assert judge(failed, START, 1, replace(LIMITS, may_finish=True)).word == BAD


def test_the_reason_names_what_the_probe_said() -> None:
    shown = container(health="unhealthy")
    shown["State"]["Health"]["Log"] = [{"ExitCode": 7, "Output": "no\n database"}]
    assert (
        judge(shown, START, 1, LIMITS).reason
        == "its health check failed (the last probe ended with code 7: no database)"
    )


def test_patience_is_what_the_check_needs_to_fail_for_sure() -> None:
    assert patience({"Config": {"Healthcheck": CHECK}}, None, 10) == 10 + 5 + (2 + 1) * 4 + 10
    assert patience({"Config": {"Healthcheck": {"Test": ["CMD", "x"]}}}, None, 0) == (30 + 30) * 4 + 10
    assert patience({"Config": {"Healthcheck": CHECK}}, 7, 3) == 7
    assert patience({"Config": {"Healthcheck": {"Test": ["NONE"]}}}, 7, 3) == 13


def test_ports_that_were_published_and_are_not_any_more_are_named() -> None:
    before: dict[str, Any] = {"NetworkSettings": {"Ports": {"80/tcp": [{}], "81/tcp": None}}}
    after = {
        "NetworkSettings": {"Ports": {}},
        "HostConfig": {"PortBindings": {"80/tcp": [{}], "81/tcp": [{}]}},
    }
    assert missing_ports(before, after) == "80/tcp"


def test_one_that_was_killed_for_want_of_memory_says_so() -> None:
    shown = container("exited", ExitCode=137, OOMKilled=True)
    assert judge(shown, START, 1, LIMITS).reason == "it ended with exit code 137, killed for want of memory"
