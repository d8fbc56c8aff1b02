# SPDX-License-Identifier: Apache-2.0
"""What stands in files that are kept, compressed or not."""

import gzip
import os
from contextlib import suppress
from pathlib import Path


def content_of(path: Path) -> bytes:
    """Return what a file holds, as somebody would read it who looks for secrets."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    return path.read_bytes()


def holding(folder: Path, *secrets: str) -> list[str]:
    """Return the files below a folder that hold one of these secrets, by their paths there."""
    found = []
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            # A run that goes on writes and removes, and is packed when it is over.
            with suppress(FileNotFoundError):
                content = content_of(path)
                if any(secret.encode() in content for secret in secrets):
                    found.append(str(path.relative_to(folder)))
    return found
