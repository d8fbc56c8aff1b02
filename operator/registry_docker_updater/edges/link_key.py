"""The key that links in messages are signed with: made once, and for the operator alone."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from registry_docker_updater.errors import UpdaterError

LINK_KEY = "links.key"
_BYTES = 32


def link_key(state: Path) -> bytes:
    """Return the key of the state directory, which is made where there is none; raises :class:`UpdaterError`.

    Without it, no link that was sent before is good any more, and that is all.
    """
    path = state / LINK_KEY
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise UpdaterError(f"{path} cannot be read or made: {error.strerror or error}") from None
    if len(key) < _BYTES:
        raise UpdaterError(f"{path} is no key of {_BYTES} bytes; remove it, and another is made")
    return key


def _make(path: Path) -> None:
    # Whole or not there at all, also where two make it at the same time, or where we are killed; made with mode 0600.
    descriptor, made = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            Path(path).hardlink_to(made)
    finally:
        Path(made).unlink()
