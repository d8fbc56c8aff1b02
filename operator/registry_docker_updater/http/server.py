"""The server below the HTTP interface: cheroot, with TLS of its own."""

import io
import logging
import threading
from typing import Any

from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter

from registry_docker_updater.errors import UpdaterError

_log = logging.getLogger(__name__)
_THREADS = 16
_SILENCE_SECONDS = 10


class _Errors(io.TextIOBase):
    """Where an application writes what goes wrong, which else would be the raw standard error."""

    def write(self, text: str) -> int:
        if text.strip():
            _log.error("%s", text.strip())
        return len(text)


class _Logging(wsgi.Server):
    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:  # noqa: FBT001, FBT002
        _log.log(level, msg.strip(), exc_info=traceback)


class Server:
    """Serves one WSGI application from a thread of its own."""

    def __init__(self, application: Any, address: str, port: int, tls: tuple[str, str] | None) -> None:
        """Bind the address; ``tls`` is the paths of certificate and key. Raises :class:`UpdaterError`."""

        def logged(environment: Any, start: Any) -> Any:
            environment["wsgi.errors"] = _Errors()
            return application(environment, start)

        self._server = _Logging(
            (address, port), logged, numthreads=_THREADS, timeout=_SILENCE_SECONDS, shutdown_timeout=5
        )
        self._server.server_name = "registry-docker-updater"
        try:
            if tls:
                self._server.ssl_adapter = BuiltinSSLAdapter(*tls)
            self._server.prepare()
        except OSError as error:
            raise UpdaterError(f"cannot listen on {address}:{port}: {error}") from None
        self.port: int = self._server.bind_addr[1]
        self._thread = threading.Thread(target=self._server.serve, name="http", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being answered, and close."""
        self._server.stop()
        self._thread.join()
