"""A real browser, Debian's Chromium, and pages for it to look at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from browser.filled import Served, fill, served

# A machine that does much else at once is slow.
_PATIENCE_MS = 30_000


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    """A filled site, served."""
    with served(tmp_path) as site:
        fill(site)
        yield site


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page on which nothing went wrong: no script failed, and nothing was kept from loading or running."""
    given: dict[str, Any] = getattr(request, "param", {})
    context = browser.new_context(**given)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))

    def said(message: ConsoleMessage) -> None:
        # A page that is refused or not there is what some tests are about.
        if message.type == "error" and "the server responded with a status of" not in message.text:
            wrong.append(message.text)

    page.on("console", said)
    page.set_default_timeout(_PATIENCE_MS)
    expect.set_options(timeout=_PATIENCE_MS)
    yield page
    context.close()
    assert wrong == []
