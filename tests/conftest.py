# SPDX-License-Identifier: Apache-2.0
"""What all tests have in common: whether the lab can be had, and that its absence is said."""

import functools
import os

import pytest

from lab import Lab


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
