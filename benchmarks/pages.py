# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - part of a program, not of a package
"""Tables of what was measured, in the pages of the docs."""

from collections.abc import Iterable
from pathlib import Path


def write_table(page: Path, name: str, lines: Iterable[str]) -> None:
    """Put ``lines`` in the place of what stands in ``page`` between the two marks of that name."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = page.read_text().partition(begin)
    page.write_text("\n".join((before + begin, *lines, end)) + rest.partition(end)[2])
