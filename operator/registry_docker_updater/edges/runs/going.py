"""A run that goes on, as the operator has it in hand."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from registry_docker_updater.edges.runs.forks import ForkedRun, Forks
from registry_docker_updater.edges.runs.packing import PROCESS_LOG
from registry_docker_updater.edges.runs.processes import end_at_once

_GRACE_SECONDS = 30


class Going:
    """A run that goes on: its process ends the run when ``_input`` is closed, and writes what happens to ``_output``."""

    def __init__(self, run: ForkedRun, standard_input: IO[bytes], output: IO[str]) -> None:
        self._run, self._input, self._output = run, standard_input, output
        self.cost = 0.0

    @classmethod
    def forked(cls, forks: Forks, directory: Path) -> "Going":
        """Begin the run in ``directory``; raises :class:`OSError` where no process is to be had for it."""
        (theirs, ours), (output, written) = os.pipe(), os.pipe()
        standard_input, messages = os.fdopen(ours, "wb"), os.fdopen(output, encoding="utf-8")
        with os.fdopen(theirs, "rb"), os.fdopen(written, "wb"), (directory / PROCESS_LOG).open("wb") as log:
            return cls(forks.fork(directory, (theirs, written, log.fileno())), standard_input, messages)

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield what it says, until it has ended."""
        for line in self._output:
            message: dict[str, Any] = json.loads(line)
            yield message

    def ask_to_end(self) -> None:
        """Have it end soon."""
        self._input.close()

    def end(self) -> None:
        """See that it has ended, soon, and learn what it cost."""
        self.ask_to_end()
        try:
            self.cost = self._run.wait(_GRACE_SECONDS)
        except TimeoutError:
            end_at_once(self._run.process)
            self.cost = self._run.wait()
        self._output.close()
