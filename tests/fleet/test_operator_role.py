# SPDX-License-Identifier: Apache-2.0
"""The operator on a control host, from nothing to the first update, and from one release to the next.

The control host has systemd; all else is as real. The tests of this file play in their order on one lab.
"""

import json
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.operator_role import PORT, SECRET, STATE, Shop, build, spec
from lab import Lab
from lab.images import good
from lab.waiting import until

pytestmark = [pytest.mark.lab, pytest.mark.slow]

# What a release that never works does: it brings the database up to date, and ends.
_BROKEN = {
    "storage__migrations": (r'(?m)^(MIGRATIONS[^\n]*\{\n)', r'\1    "9999 of a release that is broken": lambda _: None,\n'),
    "running": (r"(?m)^(class Operator)", r"\1"),
}


@pytest.fixture(scope="module", params=["trixie", pytest.param("bookworm", marks=pytest.mark.extended)])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Lab.running(spec(f"operator-{request.param}", request.param)) as lab:
        made = Shop(lab, tmp_path_factory.mktemp("shop"))
        made.prepare()
        yield made


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("packages")
    return {
        "0.1.0": build(folder, "0.1.0"),
        "0.2.0": build(folder, "0.2.0"),
    }


def ready(shop: Shop) -> int:
    with urllib.request.urlopen(f"http://{shop.control.address}:{PORT}/readyz", timeout=5) as answer:
        return int(answer.status)


def test_a_dry_run_on_a_host_that_has_nothing_says_what_would_be_done_and_does_nothing(
    shop: Shop, packages: dict[str, Path]
) -> None:
    played = shop.play(shop.variables(packages["0.1.0"]), "--check", "--diff")
    assert played.code == 0, played.text
    assert played.changed
    assert shop.control.run("ls", "/opt", STATE, "/etc/registry-docker-updater", check=False).stdout.strip() in ("/opt:", "")
    assert SECRET not in played.text


def test_it_is_installed_from_nothing_and_ready(shop: Shop, packages: dict[str, Path]) -> None:
    played = shop.play(shop.variables(packages["0.1.0"]))
    assert played.code == 0, played.text
    assert ready(shop) == 200
    assert shop.release == "0.1.0"
    assert SECRET not in played.text
    assert "PRIVATE KEY" not in played.text
    assert "http://" in played.text
    assert "events/lab" in played.text


def test_a_second_run_changes_nothing(shop: Shop, packages: dict[str, Path]) -> None:
    pid = shop.shown("MainPID")
    for options in ((), ("--check", "--diff")):
        played = shop.play(shop.variables(packages["0.1.0"]), *options)
        assert (played.code, played.changed) == (0, 0), played.text
    assert shop.shown("MainPID") == pid
