"""The log: one line for each record, on standard error, as text or as JSON.

Whatever a record holds passes through :func:`~registry_docker_updater.views.text.printable` here, so that nobody else has to
think of it.
"""

import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.log_context import ABOUT, UNLIKE_OTHERS, now_about
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
_LOOK_SECONDS = 1.0


class LineFormatter(logging.Formatter):
    """One line for each record, whoever logged it; only a traceback has more, and these are indented."""

    def __init__(self) -> None:
        """Begin each line with time and level; all times that a log tells are in UTC."""
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self.converter = time.gmtime
        self.default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """Return ``record`` as it is to stand in the log."""
        known = _about(record)
        ids = ", ".join(f"{name} {printable(known[name])}" for name in _BEFORE_MESSAGE if name in known)
        record.message = f"{ids}: {_message(record)}" if ids else _message(record)
        record.asctime = self.formatTime(record)
        return "\n".join([self.formatMessage(record), *(f"    {line}" for line in _traceback(record))])


class JsonFormatter(logging.Formatter):
    """One line of JSON for each record, whoever logged it, with what it is about in fields of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return ``record`` as it is to stand in the log."""
        known, traceback = _about(record), _traceback(record)
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
    """When a line was said last, how often it was left out since, and how it was put then."""

    at: float
    left_out: int = 0
    message: str = ""


class Repeats(logging.Filter):
    """Lets what is said again and again through once a minute; of what it leaves out it has the sum when the minute is over."""

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        """``steady`` tells the time in seconds, from whenever, and is never set."""
        super().__init__()
        self._steady, self._lock = steady, threading.Lock()
        # The one first that was not heard for longest.
        self._said: dict[_Key, _Said] = {}
        self._forgotten: list[tuple[_Key, _Said]] = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether ``record`` is to be logged."""
        if getattr(record, "is_unlike_others", False):
            return True
        key = (record.name, record.levelno, tuple(now_about().items()), _said_by(record))
        with self._lock:
            now, said = self._steady(), self._said.pop(key, None)
            # Where there is something to sum up, that is about to be done.
            if said and (said.left_out or now - said.at < _MINUTE):
                said.left_out, said.message = said.left_out + 1, _put(record)
                self._said[key] = said
                return False
            self._said[key] = _Said(now)
            self._forget_some()
        return True

    def sums(self, *, is_end: bool = False) -> Sequence[logging.LogRecord]:
        """Return a line for each of which the minute is over, or all where it ``is_end``, and that was left out.

        Such a sum is what was said of it in the minute that begins.
        """
        with self._lock:
            now = self._steady()
            for key in [one for one, said in self._said.items() if is_end or now - said.at >= _MINUTE]:
                self._forget(key)
            over, self._forgotten = self._forgotten, []
            for key, _ in over:
                self._said.setdefault(key, _Said(now))
            self._forget_some()
        return [_sum(key, said) for key, said in over]

    def _forget_some(self) -> None:
        """Remember no more than fits, and of those that were not heard for longest only how often they were left out."""
        while len(self._said) > _MOST_REMEMBERED:
            self._forget(next(iter(self._said)))

    def _forget(self, key: "_Key") -> None:
        said = self._said.pop(key)
        if said.left_out:
            self._forgotten.append((key, said))


# Who says it, how grave it is, what it is about, and what tells it from other lines.
_Key = tuple[str, int, tuple[tuple[str, int | str], ...], object]


def _said_by(record: logging.LogRecord) -> object:
    """Return what tells a line from others: its text, and that of an error whose trace it has."""
    if getattr(record, "is_routine", False):
        return record.msg
    error = record.exc_info[1] if record.exc_info else None
    return _put(record), type(error), str(error)


def _put(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # whoever logged it so is told by the handler, as of every line
        return f"{record.msg} {record.args}"


def _sum(key: _Key, said: _Said) -> logging.LogRecord:
    name, level, ids, _ = key
    record = logging.LogRecord(name, level, "", 0, said.message, (), None)
    record.__dict__.update(about=dict(ids), left_out=said.left_out, **UNLIKE_OTHERS)
    return record


class _Lines(logging.StreamHandler[TextIO]):
    """Writes lines to standard error, and the sums of those that were left out when it is their time, whether or not any other comes."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.repeats = Repeats()
        self._is_closed = threading.Event()
        threading.Thread(target=self._watch, name="log", daemon=True).start()

    def close(self) -> None:
        """End: what was left out so far is summed up."""
        self._is_closed.set()
        self._say(self.repeats.sums(is_end=True))
        super().close()

    def _watch(self) -> None:
        while not self._is_closed.wait(_LOOK_SECONDS):
            self._say(self.repeats.sums())

    def _say(self, records: Iterable[logging.LogRecord]) -> None:
        for one in records:
            if logging.getLogger(one.name).isEnabledFor(one.levelno):
                self.handle(one)


class Log:
    """Where all that happens in this process is logged, libraries included."""

    def __init__(self, settings: LogSettings) -> None:
        """Log to standard error, as ``settings`` say."""
        self._handler = _Lines()
        logging.basicConfig(handlers=[self._handler])
        self.change(settings)

    def change(self, settings: LogSettings) -> None:
        """Go on as ``settings`` say. Details are logged of ourselves only: those of libraries may hold secrets."""
        level = logging.getLevelNamesMapping()[settings.level.upper()]
        self._handler.setFormatter(JsonFormatter() if settings.format == "json" else LineFormatter())
        self._handler.removeFilter(self._handler.repeats)
        if level > logging.DEBUG:
            self._handler.addFilter(self._handler.repeats)
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
    times = "once" if left_out == 1 else f"{left_out} times"
    return printable(record.getMessage()) + (f" (repeated {times})" if left_out else "")


def _about(record: logging.LogRecord) -> Mapping[str, int | str]:
    """Return what a line is about: what this thread is at, or what a sum was at."""
    about: Mapping[str, int | str] | None = getattr(record, "about", None)
    return now_about() if about is None else about


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
