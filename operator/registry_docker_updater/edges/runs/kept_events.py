"""The events of a run as they are kept: ansible-runner's own, a line of JSON each, compressed when the run is over."""

import gzip
import json
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

ARTIFACTS = Path("artifacts", "run")
# As ``ansible-runner run --json`` prints them; the name that ansible-runner has for its folder with a file for each event.
EVENTS = "job_events.jsonl"
_FOLDER = "job_events"


class KeptEvents:
    """Keeps the events of the run in ``directory``. What cannot be kept costs the run nothing but that, and is said once."""

    def __init__(self, directory: Path) -> None:
        self._artifacts = directory / ARTIFACTS
        self._path = self._artifacts / EVENTS
        self._is_broken = False

    def keep(self, event: Mapping[str, Any]) -> None:
        """Keep one more, such that it is there when this process is killed."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(event, separators=(",", ":")) + "\n")
        except OSError as error:
            self._complain(error)

    def close(self) -> None:
        """Compress what was kept."""
        with suppress(OSError):
            # Empty: nothing is written there but what ansible-runner removes again.
            (self._artifacts / _FOLDER).rmdir()
        compressed = self._path.with_name(f"{EVENTS}.gz")
        try:
            with self._path.open("rb") as plain, gzip.open(compressed, "wb") as file:
                shutil.copyfileobj(plain, file)
            self._path.unlink()
        except FileNotFoundError:
            pass
        except OSError as error:
            compressed.unlink(missing_ok=True)
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if not self._is_broken:
            print(f"ERROR: the events of the run cannot be kept: {error.strerror}", file=sys.stderr)  # noqa: T201
        self._is_broken = True


def read_events(directory: Path) -> str:
    """Return the events of the run in ``directory``, a line each, whether or not it is over; nothing where none were kept."""
    artifacts = directory / ARTIFACTS
    try:
        with gzip.open(artifacts / f"{EVENTS}.gz", "rt", encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        plain = artifacts / EVENTS
        return plain.read_text(encoding="utf-8") if plain.exists() else ""
