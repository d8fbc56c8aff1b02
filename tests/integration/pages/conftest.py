"""Pages that are filled, and a browser that asks for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from browser.filled import Served, fill, served
from integration.pages.browsing import TOKEN, Browser
from registry_docker_updater.http.access import Access, Right, Token


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as site:
        fill(site)
        site.access.change(Access((Token("ann", TOKEN, Right.OPERATE),)))
        yield site


@pytest.fixture
def browser(site: Served) -> Browser:
    return Browser(site)
