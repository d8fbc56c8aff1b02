"""From bytes to requests: as strict as llhttp is, and bounded before anything is kept.

llhttp, the parser of Node.js, refuses what two programs could read in two ways (RFC 9112, 6.3 and 11.2): two lengths, a
length beside chunks, signs and underscores in numbers, folded headers, bare line feeds. It bounds nothing: that is done
here.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

import httptools

from registry_docker_updater.http.head import Admission, Head, Peer

# Bytes of a request line, of a whole head, and of what is no body between two parts of one that comes in chunks.
_LONGEST_LINE, LONGEST_HEAD = 8 * 1024, 32 * 1024
# How much is parsed at once: as much can be held beyond each bound.
_SLICE = 8 * 1024


class Refused(Exception):
    """What came is no request that is read any further: the status to answer, and a sentence that says why.

    ``path`` is that of the request, where it was read.
    """

    def __init__(self, status: int, why: str, path: str = "") -> None:
        """Keep all of it."""
        super().__init__(why)
        self.status, self.why, self.path = status, why, path


@dataclass
class Request:
    """A request whose head was read, when it had ``begun``. Where nothing of its body is wanted, it is answered without."""

    head: Head
    admission: Admission
    has_body: bool
    keeps_alive: bool
    wants_continue: bool
    body: bytearray = field(default_factory=bytearray)
    is_whole: bool = False
    begun: float = field(default_factory=time.monotonic)

    @property
    def is_ready(self) -> bool:
        """Whether it can be answered."""
        return self.is_whole or self.leaves_body

    @property
    def leaves_body(self) -> bool:
        """Whether it is answered without its body."""
        return self.has_body and not self.admission.body_limit

    @property
    def is_last(self) -> bool:
        """Whether nothing after it on the connection is read."""
        return self.leaves_body or not self.keeps_alive


class Reader:
    """Reads what one ``peer`` sends.

    ``admits`` says of a head what is wanted: the body of a request that is refused whatever it is, is not awaited.
    """

    def __init__(self, peer: Peer, admits: Callable[[Head], Admission]) -> None:
        """Begin with the first request."""
        self._peer, self._admits = peer, admits
        self._parser = httptools.HttpRequestParser(self)
        self._unread = bytearray()
        self._requests: deque[Request] = deque()
        self._refused: Refused | None = None
        self._in_head = self._line_ended = False
        self._target, self._headers = bytearray(), list[tuple[bytes, bytes]]()
        self._head_size = self._framing = 0

    def take(self, data: bytes) -> None:
        """Take what came; it is read when the next request is asked for."""
        self._unread += data

    def next(self) -> Request | None:
        """Return the next request that can be answered; None until more came. Raises :class:`Refused`.

        Nothing behind it is read until :meth:`answered` forgets it.
        """
        while not (self._requests and self._requests[0].is_ready):
            if self._refused:
                raise self._refused
            if not self._unread:
                return None
            self._parse(bytes(self._unread[:_SLICE]))
            del self._unread[:_SLICE]
        return self._requests[0]

    def answered(self) -> None:
        """Forget the request that :meth:`next` returned."""
        self._requests.popleft()

    @property
    def request(self) -> Request | None:
        """The request that is being read or answered, once its head is read."""
        return self._requests[0] if self._requests else None

    @property
    def ahead(self) -> int:
        """How many bytes wait to be read."""
        return len(self._unread)

    @property
    def has_begun(self) -> bool:
        """Whether a request has begun to come."""
        return bool(self._in_head or self._requests)

    def _parse(self, data: bytes) -> None:
        self._framing += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # What was asked for is answered as HTTP/1.1; what follows is in a language that is not spoken here.
            if self._requests:
                self._requests[-1].keeps_alive = False
        except httptools.HttpParserCallbackError:
            raise
        except httptools.HttpParserError as error:
            self._refuse(400, f"this is not HTTP/1.1: {error}")
        if not self._in_head:
            if self._framing > LONGEST_HEAD:
                self._refuse(400, f"more than {LONGEST_HEAD} bytes that are no body between two chunks")
            return
        self._head_size += len(data)
        self._line_ended = self._line_ended or b"\n" in data
        if self._head_size > _LONGEST_LINE and not self._line_ended:
            self._refuse(414, f"the request line is longer than {_LONGEST_LINE} bytes")
        elif self._head_size > LONGEST_HEAD:
            self._refuse(431, f"the headers are longer than {LONGEST_HEAD} bytes")

    def _refuse(self, status: int, why: str) -> None:
        last = self._requests[-1] if self._requests else None
        if self._refused is None and not (last and last.is_last):
            self._refused = Refused(status, why)

    # What llhttp calls while it parses. It goes on to the end of the slice, whatever was refused in it.

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_head, self._line_ended, self._head_size = True, False, 0
        self._target, self._headers = bytearray(), []

    def on_url(self, part: bytes) -> None:
        """Take a part of the target."""
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; one behind a body is none that anybody reads."""
        if self._in_head:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Make a request of the head, which is whole."""
        self._in_head, self._framing = False, 0
        if self._refused or (self._requests and self._requests[-1].is_last):
            return
        try:
            self._requests.append(self._request())
        except Refused as refused:
            self._refused = refused

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        self._framing = 0
        if self._refused or self._requests[-1].leaves_body:
            return
        request = self._requests[-1]
        limit = request.admission.body_limit
        if len(request.body) + len(part) > limit:
            self._refused = _too_large(request)
        else:
            request.body += part

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self._framing = 0
        if not self._refused and self._requests:
            self._requests[-1].is_whole = True

    def _request(self) -> Request:
        version = self._parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise Refused(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        head = self._head(version)
        length = int(head.headers.get("content-length", "0"))
        coding = head.headers.get("transfer-encoding", "")
        if coding.lower() not in ("", "chunked"):
            raise Refused(501, "no transfer coding but chunked is read here")
        request = Request(
            head=head,
            admission=self._admits(head),
            has_body=bool(length or coding),
            # Chunks are younger than HTTP/1.0: what it makes of them is not certain (RFC 9112, 6.1).
            keeps_alive=self._parser.should_keep_alive() and not (coding and version == "1.0"),
            wants_continue=version == "1.1" and head.headers.get("expect", "").lower() == "100-continue",
        )
        limit = request.admission.body_limit
        if length > limit and not request.leaves_body:
            raise _too_large(request)
        return request

    def _head(self, version: str) -> Head:
        if len(self._target) > _LONGEST_LINE:
            raise Refused(414, f"the request line is longer than {_LONGEST_LINE} bytes")
        try:
            url = httptools.parse_url(bytes(self._target))
        except httptools.HttpParserInvalidURLError:
            raise Refused(400, "the target of the request is no path") from None
        path = unquote_to_bytes(url.path or b"/")
        try:
            path.decode()
        except UnicodeDecodeError:
            # Two readers would make two paths of it.
            raise Refused(400, "the path of the request is not UTF-8") from None
        headers: dict[str, str] = {}
        for raw_name, raw_value in self._headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip(" \t")
            # WSGI writes hyphens as underscores, so that a header with these could pass for another.
            if "_" not in name:
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return Head(
            peer=self._peer,
            method=self._parser.get_method().decode("ascii"),
            path=path.decode("latin-1"),
            query=(url.query or b"").decode("latin-1"),
            version=version,
            headers=headers,
        )


def _too_large(request: Request) -> Refused:
    admission = request.admission
    why = f"the body is larger than {admission.body_limit} bytes; {admission.limited_by}"
    return Refused(413, why, request.head.path)
