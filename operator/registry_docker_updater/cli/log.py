"""The log: one line for each record, on standard error."""

import logging
import sys
import threading

from registry_docker_updater.views.text import LONGEST_OF_MANY, printable

_log = logging.getLogger(__name__)
# From its beginning, and from its end.
_LINES_OF_TRACEBACK = 100


class LineFormatter(logging.Formatter):
    """One line for each record, whoever logged it; only a traceback has more, and these are indented."""

    def __init__(self) -> None:
        """Begin each line with time and level."""
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return ``record`` as it is to stand in the log."""
        record.message = printable(record.getMessage())
        record.asctime = self.formatTime(record)
        traceback = self.formatException(record.exc_info) if record.exc_info else ""
        return "\n".join([self.formatMessage(record), *_indented(traceback)])


def log_to_stderr() -> None:
    """Have everything that goes wrong anywhere in this process, libraries included, logged in lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(capture=True)
    threading.excepthook = lambda given: _log.error(
        "a bug ended the thread %s",
        given.thread.name if given.thread else None,
        exc_info=given.exc_value or True,
    )
    sys.excepthook = lambda _type, error, _trace: _log.critical("a bug ends the process", exc_info=error)


def _indented(traceback: str) -> list[str]:
    lines = [f"    {printable(line, LONGEST_OF_MANY)}" for line in traceback.split("\n") if line.strip()]
    left_out = len(lines) - 2 * _LINES_OF_TRACEBACK
    if left_out <= 0:
        return lines
    return [*lines[:_LINES_OF_TRACEBACK], f"    … ({left_out} more lines)", *lines[-_LINES_OF_TRACEBACK:]]
