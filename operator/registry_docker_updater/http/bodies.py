"""Bodies of requests: read up to a limit, whatever their headers say, and never left behind."""

from collections.abc import Iterator

from bottle import HTTPError, request

_BLOCK = 65536
# A body nobody wanted is thrown away up to this size: a sender that is cut off in the middle sees no answer. What
# is left unread, the server would read into memory as a whole; it hangs up instead when it answers 413.
_LARGEST_DISCARDED = 256 * 2**20


def bounded_body(limit: int) -> bytes | None:
    """Return the request's body, or None when it is larger than ``limit`` bytes, whatever its headers say."""
    blocks, size = [], 0
    for block in _blocks():
        size += len(block)
        if size > limit:
            return None
        blocks.append(block)
    return b"".join(blocks)


def discard() -> None:
    """Read what is left of the request's body, and forget it."""
    size = 0
    for block in _blocks():
        size += len(block)
        if size > _LARGEST_DISCARDED:
            raise HTTPError(413, "the body is far too large")


def _blocks() -> Iterator[bytes]:
    """Yield the body as it comes; the server ends it at its length, or at the last chunk."""
    stream = request.environ["wsgi.input"]
    chunked = "chunked" in request.environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    left = None if chunked else max(0, request.content_length)
    while left is None or left > 0:
        block = stream.read(_BLOCK if left is None else min(_BLOCK, left))
        if not block:
            return
        if left is not None:
            left -= len(block)
        yield block
