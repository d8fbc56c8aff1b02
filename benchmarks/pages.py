# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001, T201 - part of a program that prints, not of a package
"""Tables of what was measured, in the pages of the docs."""

from collections.abc import Iterable
from pathlib import Path


def show(lines: Iterable[str], page: Path | None, name: str) -> None:
    """Print ``lines`` as they come, and write them where there is a ``page``, as :func:`write_table` does."""
    shown = []
    for line in lines:
        print(line, flush=True)
        shown.append(line)
    if page:
        write_table(page, name, shown)


def write_table(page: Path, name: str, lines: Iterable[str]) -> None:
    """Put ``lines`` in the place of what stands in ``page`` between the two marks of that name."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = page.read_text().partition(begin)
    page.write_text("\n".join((before + begin, *lines, end)) + rest.partition(end)[2])
