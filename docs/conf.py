"""The docs site: the pages of this checkout, as they are read on a Git forge too (Sphinx, MyST, Furo).

Its source is the whole checkout, so that links from page to page, to roles and to files are the same in both places.
"""

import re
from importlib.metadata import version as installed_version

from sphinx.application import Sphinx

project = "registry-docker-updater"
author = "The registry-docker-updater developers"
release = version = installed_version(project)
copyright = author  # noqa: A001  # the name is Sphinx's

extensions = ["myst_parser", "sphinx_copybutton"]
root_doc = "docs/index"
include_patterns = ["CHANGELOG.md", "docs/**", "roles/*/README.md"]
# Hidden folders hold other people's pages, such as those of what is installed in .venv; `collections` has a link back to here.
exclude_patterns = [".*", "build", "collections", "dist"]

# A link to nothing is a warning, and `make docs` takes a warning for an error.
nitpicky = True

# The anchors of forges, for headings of every level that a page links to.
myst_heading_anchors = 4

# What is seen is not what is pasted.
copybutton_selector = "div:not(.highlight-text) > div.highlight pre"

html_theme = "furo"
html_title = f"{project} {release}"
html_extra_path = ["site"]
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_LINK_OF_A_ROW = re.compile(r"^\| \[[^]]+\]\(([^)]+)\.md\)", re.MULTILINE)


def _contents(_app: Sphinx, page: str, source: list[str]) -> None:
    """Make the sidebar of the tables of the index: a caption for each section, and its pages in their order."""
    if page != root_doc:
        return
    _, *parts = _SECTION.split(source[0])
    for caption, text in zip(parts[::2], parts[1::2], strict=True):
        pages = "\n".join(_LINK_OF_A_ROW.findall(text))
        source[0] += f"\n\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"


def setup(app: Sphinx) -> None:
    """Let Sphinx call what is above."""
    app.connect("source-read", _contents)
