"""What is logged, as lines."""

import io
import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from integration.log.lines import Log
from registry_docker_updater.cli.log import log_to_stderr
from registry_docker_updater.settings.model import Log as LogSettings


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    stream = io.StringIO()
    root, ours = logging.getLogger(), logging.getLogger("registry_docker_updater")
    before = root.level
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    made = log_to_stderr(LogSettings())
    yield Log(stream, made)
    made._handler.close()
    logging.captureWarnings(capture=False)
    root.setLevel(before)
    ours.setLevel(logging.NOTSET)
