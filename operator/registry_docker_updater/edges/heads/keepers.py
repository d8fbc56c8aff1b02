"""Keeping heads of the trail: in the log, in a file, by syslog, by a webhook."""

import errno
import json
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from logging.handlers import SysLogHandler
from pathlib import Path

from registry_docker_updater.core.audit.entries import TrailHead
from registry_docker_updater.core.audit.heads import head_text
from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.edges.web import NoReply, Web
from registry_docker_updater.errors import UpdaterError

_log = logging.getLogger(__name__)
_PROGRAM = "registry-docker-updater"


@dataclass(frozen=True)
class LogHeads:
    """Keeps heads in the operator's own log, which the system's journal or a collector of logs takes away."""

    name: str = "the log"

    def keep(self, head: TrailHead, at: datetime) -> None:  # noqa: ARG002 - the log has its own time
        """Log it."""
        _log.info("%s", head_text(head))


@dataclass(frozen=True)
class FileHeads:
    """Appends heads to a file, a line each; it is to lie where the database does not, such as on another mount."""

    path: Path

    @property
    def name(self) -> str:
        """Where, for people."""
        return str(self.path)

    def keep(self, head: TrailHead, at: datetime) -> None:
        """Append a line, and see that it is on the disk."""
        line = f"{rfc3339(at)} {socket.gethostname()} {head_text(head)}\n".encode()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            # After what was cut when there was no room.
            whole = line if self._ends_a_line() else b"\n" + line
            if os.write(descriptor, whole) < len(whole):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _ends_a_line(self) -> bool:
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(size - 1, 0))
                return file.read() in (b"", b"\n")
        except OSError:
            # It may be for appending only.
            return True


@dataclass(frozen=True)
class SyslogHeads:
    """Sends heads to syslog: at a socket of this machine, or by UDP to a host and port."""

    address: str | tuple[str, int]

    @property
    def name(self) -> str:
        """Where, for people."""
        where = self.address if isinstance(self.address, str) else ":".join(map(str, self.address))
        return f"syslog at {where}"

    def keep(self, head: TrailHead, at: datetime) -> None:  # noqa: ARG002 - syslog has its own time
        """Send it; by UDP, nobody says whether it arrived."""
        handler = _Syslog(self.address)
        try:
            message = f"{_PROGRAM}: {head_text(head)}"
            handler.emit(logging.LogRecord(_PROGRAM, logging.INFO, "", 0, message, None, None))
        finally:
            handler.close()
        if handler.error:
            raise handler.error


class _Syslog(SysLogHandler):
    error: OSError | None = None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the library's name
        """Keep why it could not be sent, where the library would print it."""
        self.error = OSError("it could not be sent")


@dataclass(frozen=True)
class WebhookHeads:
    """Posts heads as JSON; ``url`` returns the address, which may be secret, anew each time."""

    url: Callable[[], str]
    web: Web
    name: str = "the webhook"

    def keep(self, head: TrailHead, at: datetime) -> None:
        """Post it; an answer of 2xx says that it is kept."""
        content = {
            "text": head_text(head),
            "sequence": head.sequence,
            "hash": head.hash,
            "at": rfc3339(at),
            "operator": socket.gethostname(),
        }
        headers = {"Content-Type": "application/json"}
        try:
            reply = self.web.ask("POST", self.url(), headers, json.dumps(content))
        except NoReply as error:
            raise UpdaterError(str(error)) from None
        if not 200 <= reply.status < 300:
            raise UpdaterError(f"it answered {reply.status}")
