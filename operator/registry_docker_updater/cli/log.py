"""The log: one line for each record, on standard error, as text or as JSON.

Whatever a record holds passes through :func:`~registry_docker_updater.views.text.printable` here, so that nobody else has to
think of it.
"""

import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.log_context import ABOUT, now_about
from registry_docker_updater.settings.model import Log as LogSettings
from registry_docker_updater.views.text import LONGEST_OF_MANY, printable

_log = logging.getLogger(__name__)
_OURS = "registry_docker_updater"
# From its beginning, and from its end.
_LINES_OF_TRACEBACK = 100
# What a line of text says before its message: of all else, messages tell.
_BEFORE_MESSAGE = ("event", "rollout", "target")
_MINUTE = 60.0
_MOST_REMEMBERED = 2000


class LineFormatter(logging.Formatter):
    """One line for each record, whoever logged it; only a traceback has more, and these are indented."""

    def __init__(self) -> None:
        """Begin each line with time and level; all times that a log tells are in UTC."""
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self.converter = time.gmtime
        self.default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """Return ``record`` as it is to stand in the log."""
        known = now_about()
        ids = ", ".join(f"{name} {printable(known[name])}" for name in _BEFORE_MESSAGE if name in known)
        record.message = f"{ids}: {_message(record)}" if ids else _message(record)
        record.asctime = self.formatTime(record)
        return "\n".join([self.formatMessage(record), *(f"    {line}" for line in _traceback(record))])


class JsonFormatter(logging.Formatter):
    """One line of JSON for each record, whoever logged it, with what it is about in fields of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return ``record`` as it is to stand in the log."""
        known, traceback = now_about(), _traceback(record)
        ids = {name: known[name] for name in ABOUT if name in known}
        line = {
            "time": rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **{name: one if isinstance(one, int) else printable(one) for name, one in ids.items()},
            **({"traceback": traceback} if traceback else {}),
        }
        return json.dumps(line, ensure_ascii=False)


@dataclass
class _Said:
    at: float
    left_out: int = 0


class Repeats(logging.Filter):
    """Lets what is said again and again through once a minute; it then says how often it was left out."""

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        """``steady`` tells the time in seconds, from whenever, and is never set."""
        super().__init__()
        self._steady, self._lock = steady, threading.Lock()
        self._said: dict[object, _Said] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether ``record`` is to be logged."""
        if getattr(record, "is_unlike_others", False):
            return True
        key, now = (record.name, record.levelno, _said_by(record), tuple(now_about().items())), self._steady()
        with self._lock:
            said = self._said.pop(key, None)
            if said and now - said.at < _MINUTE:
                said.left_out += 1
                self._said[key] = said
                return False
            self._said[key] = _Said(now)
            if len(self._said) > _MOST_REMEMBERED:
                del self._said[next(iter(self._said))]
        if said and said.left_out:
            record.left_out = said.left_out
        return True


def _said_by(record: logging.LogRecord) -> object:
    """Return what tells a line from others: its text, and that of an error whose trace it has."""
    error = record.exc_info[1] if record.exc_info else None
    if getattr(record, "is_routine", False):
        return record.msg
    try:
        return record.getMessage(), type(error), str(error)
    except Exception:  # whoever logged it so is told by the handler, as of every line
        return record.msg, str(record.args)


class Log:
    """Where all that happens in this process is logged, libraries included."""

    def __init__(self, settings: LogSettings) -> None:
        """Log to standard error, as ``settings`` say."""
        self._handler = logging.StreamHandler(sys.stderr)
        self._repeats = Repeats()
        logging.basicConfig(handlers=[self._handler])
        self.change(settings)

    def change(self, settings: LogSettings) -> None:
        """Go on as ``settings`` say. Details are logged of ourselves only: those of libraries may hold secrets."""
        level = logging.getLevelNamesMapping()[settings.level.upper()]
        self._handler.setFormatter(JsonFormatter() if settings.format == "json" else LineFormatter())
        self._handler.removeFilter(self._repeats)
        if level > logging.DEBUG:
            self._handler.addFilter(self._repeats)
        logging.getLogger().setLevel(max(level, logging.INFO))
        logging.getLogger(_OURS).setLevel(level)


def log_to_stderr(settings: LogSettings) -> Log:
    """Have everything that goes wrong anywhere in this process, libraries included, logged in lines."""
    log = Log(settings)
    logging.captureWarnings(capture=True)
    threading.excepthook = lambda given: _log.error(
        "a bug ended the thread %s",
        given.thread.name if given.thread else None,
        exc_info=given.exc_value or True,
    )
    sys.excepthook = lambda _type, error, _trace: _log.critical("a bug ends the process", exc_info=error)
    return log


def _message(record: logging.LogRecord) -> str:
    left_out = getattr(record, "left_out", 0)
    return printable(record.getMessage()) + (f" (and {left_out} more times in between)" if left_out else "")


def _traceback(record: logging.LogRecord) -> list[str]:
    """Return the lines of a record's traceback, not more than a person reads."""
    if not record.exc_info:
        return []
    text = logging.Formatter().formatException(record.exc_info)
    lines = [printable(line, LONGEST_OF_MANY) for line in text.split("\n") if line.strip()]
    left_out = len(lines) - 2 * _LINES_OF_TRACEBACK
    if left_out <= 0:
        return lines
    return [*lines[:_LINES_OF_TRACEBACK], f"… ({left_out} more lines)", *lines[-_LINES_OF_TRACEBACK:]]
