# SPDX-License-Identifier: Apache-2.0
"""What stands in a file that is kept, compressed or not."""

import gzip
from pathlib import Path


def content_of(path: Path) -> bytes:
    """Return what a file holds, as somebody would read it who looks for secrets."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    return path.read_bytes()
