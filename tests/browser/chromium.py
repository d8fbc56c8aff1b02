"""Debian's Chromium, opened for a test or for pictures."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

# A name by which the browser finds this machine: it trusts addresses of its own machine more than any other.
NAME = "updater.example.com"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    program = shutil.which("chromium")
    assert program, "chromium is missing: `make lab-setup` installs it"
    with sync_playwright() as started:
        # Root may not have Chromium's sandbox; it looks at pages of ours only.
        opened = started.chromium.launch(
            executable_path=program, args=["--no-sandbox", f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]
        )
        yield opened
        opened.close()
