# SPDX-License-Identifier: Apache-2.0
"""The docs site: every page is in it, every link leads somewhere, and nothing is loaded from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, expect

ROOT = Path(__file__).parents[2]
INDEX = ROOT / "docs/index.md"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does. A link to nothing, and a page that the index has not, are errors."""
    folder = tmp_path_factory.mktemp("site")
    strictly = ("--quiet", "--fail-on-warning", "--keep-going", "--conf-dir", "docs")
    done = subprocess.run(
        (
            sys.executable,
            "-m",
            "sphinx",
            *strictly,
            "--doctree-dir",
            f"{folder}/trees",
            ".",
            f"{folder}/site",
        ),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, BeautifulSoup]:
    return {path: BeautifulSoup(path.read_text(), "html.parser") for path in site.rglob("*.html")}


def test_the_index_has_every_page_and_the_readme_of_every_role_once() -> None:
    pages = [*(ROOT / "docs").glob("*.md"), *ROOT.glob("roles/*/README.md"), ROOT / "CHANGELOG.md"]
    rows = re.findall(r"^\| \[[^]]+\]\(([^)]+)\) \| .+ \|$", INDEX.read_text(), re.MULTILINE)
    assert sorted((INDEX.parent / row).resolve() for row in rows) == sorted({*pages} - {INDEX})


@pytest.mark.slow
def test_the_sidebar_has_the_pages_of_the_index_in_their_order(
    site: Path, pages: dict[Path, BeautifulSoup]
) -> None:
    index = pages[site / "docs/index.html"]
    in_tables = [link["href"] for link in index.select("article td:first-child a")]
    assert in_tables
    assert [link["href"] for link in index.select(".sidebar-tree a")] == in_tables


@pytest.mark.slow
def test_every_link_of_the_site_leads_to_a_page_and_a_place_that_are_there(
    site: Path, pages: dict[Path, BeautifulSoup]
) -> None:
    places = {path: {one["id"] for one in page.select("[id]")} for path, page in pages.items()}
    for path, page in pages.items():
        for link in page.select("a[href]"):
            to = urlsplit(str(link["href"]))
            if to.scheme:
                continue
            file = (path.parent / unquote(to.path)).resolve() if to.path else path
            assert file.is_file(), f"{path.relative_to(site)}: {link['href']}"
            if to.fragment:
                assert to.fragment in places[file], f"{path.relative_to(site)}: {link['href']}"


@pytest.mark.slow
def test_every_link_of_the_readme_leads_to_a_page_and_a_place_that_are_there(
    site: Path, pages: dict[Path, BeautifulSoup]
) -> None:
    """It is not in the site, so its links are held against the pages that are."""
    links = re.findall(
        r"\]\(((?:docs/|roles/|CHANGELOG)[^)#]*)\.md(?:#([^)]+))?\)", (ROOT / "README.md").read_text()
    )
    assert links
    for name, place in links:
        assert (site / f"{name}.html") in pages, name
        assert not place or pages[site / f"{name}.html"].find(id=place), f"{name}.md#{place}"


@pytest.mark.slow
def test_no_page_of_the_site_loads_anything_from_elsewhere(
    site: Path, pages: dict[Path, BeautifulSoup]
) -> None:
    """Nor does a style sheet; what a script might ask for is seen in a browser, below."""
    for path, page in pages.items():
        for one in page.select("[src], link[href], [srcset], [data], [poster]"):
            for name in ("src", "href", "srcset", "data", "poster"):
                address = urlsplit(str(one.get(name, "")))
                assert not address.netloc, f"{path.relative_to(site)}: {one}"
    for path in site.rglob("*.css"):
        style = path.read_text()
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", style), path.relative_to(site)


@pytest.mark.lab
@pytest.mark.slow
def test_the_site_is_read_and_searched_without_a_network(site: Path, browser: Browser) -> None:
    context = browser.new_context(offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "index.html").as_uri())
    page.get_by_role("link", name="First steps").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("First steps")
    page.get_by_placeholder("Search").first.fill("thaw")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Freezes").last).to_be_visible(timeout=30_000)
    context.close()
    assert asked
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
