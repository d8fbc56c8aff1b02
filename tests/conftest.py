# SPDX-License-Identifier: Apache-2.0
"""What all tests have in common: whether the lab can be had, and that its absence is said."""

import functools
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from browser.chromium import chromium
from lab import Lab


def pytest_configure() -> None:
    """Find the programs that were installed beside this Python, Ansible's among them."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"


@functools.cache
def _why_no_lab() -> str | None:
    return Lab.why_not()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs the lab where there is none, with the reason; fail there when CI counts on it."""
    if item.get_closest_marker("lab") is None:
        return
    reason = _why_no_lab()
    if reason and os.environ.get("CI"):
        pytest.fail(f"CI is set and the lab cannot run: {reason}", pytrace=False)
    if reason:
        pytest.skip(reason)


class _LabByLab(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Keeps on one of several workers what shares a lab: the tests of a file, or of a folder with a conftest.py."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.partition("::")[0])
        return str(file.parent if (self.config.rootpath / file.parent / "conftest.py").exists() else file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    return _LabByLab(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a report travel from a worker of xdist, whatever text from outside was logged by its test."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real browser for all tests that want one: there can be no second in a process."""
    with chromium() as opened:
        yield opened
