"""Keeping the events of a run while it goes on: ansible-runner's own, a line of JSON each.

With ``outcomes`` they are kept without what others than our modules say (:func:`outcome_of_event`). ansible-runner hands each
event over in a file; it lies in memory then.
"""

import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from registry_docker_updater.core.runs.results import COLLECTION

Keep = Literal["everything", "outcomes"]

ARTIFACTS = Path("artifacts", "run")
# As ``ansible-runner run --json`` prints them.
EVENTS = "events.jsonl"
# What ran that is none of our collection: a line of JSON for each file.
FILES = "files.jsonl"
# Where ansible-runner's part in ansible-playbook leaves each event for its other part, which removes it.
HANDED_OVER = "job_events"
_MEMORY, _IN_MEMORY = Path("/dev/shm"), "rdu-events-"  # noqa: S108 - a folder of our own is made in it

_OURS = f"{COLLECTION}."
# What is kept of every event, and of what it is about.
_FRAME = (
    "uuid",
    "parent_uuid",
    "counter",
    "created",
    "event",
    "pid",
    "runner_ident",
    "start_line",
    "end_line",
)
_CONTEXT = (
    "playbook",
    "playbook_uuid",
    "play",
    "play_uuid",
    "play_pattern",
    "task",
    "task_uuid",
    "task_action",
    "task_path",
    "resolved_action",
    "role",
    "resolved_role",
    "host",
    "uuid",
    "name",
    "start",
    "end",
    "duration",
    "ignore_errors",
    # The counts of the end, by host.
    "changed",
    "dark",
    "failures",
    "ignored",
    "ok",
    "processed",
    "rescued",
    "skipped",
)
# What is printed of these are their names.
_PRINTS_NAMES = frozenset(("playbook_on_start", "playbook_on_play_start", "playbook_on_task_start"))
_FIRST_TASK = "playbook_on_task_start"
_RESULT = re.compile(r"^(?:\x1b\[[0-9;]*m)?(?:ok|changed|skipping|failed|fatal): \[", re.MULTILINE)
# What is printed outside of tasks: why Ansible cannot begin is among it.
_REMARKS = frozenset(("verbose", "warning", "error", "deprecated", "system_warning"))


class KeptEvents:
    """Keeps the events of the run in ``directory``. What cannot be kept costs the run nothing but that, and is said once."""

    def __init__(self, directory: Path, keep: Keep, collection: Path) -> None:
        """Keep ``everything``, or ``outcomes`` only, and digests of the files that run which are not of ``collection``."""
        self._directory, self._keep, self._collection = directory, keep, collection.resolve()
        self._files: set[str] = set()
        self._has_tasks = self._is_broken = False
        if keep == "outcomes":
            _hold_in_memory(directory)

    def keep(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep one more, such that it is there when this process is killed, and return what is kept of it.

        With it, the digest of the file that it names.
        """
        self._has_tasks |= event["event"] == _FIRST_TASK
        kept = without_what_is_hidden(event)
        if self._keep == "outcomes":
            kept = outcome_of_event(kept, has_tasks=self._has_tasks)
        try:
            self._write(EVENTS, kept)
            self._keep_file((event.get("event_data") or {}).get("task_path"))
        except OSError as error:
            if not self._is_broken:
                print(f"ERROR: the events of the run cannot be kept: {error.strerror}", file=sys.stderr)  # noqa: T201
            self._is_broken = True
        return kept

    def close(self) -> None:
        """Let go of what was held in memory."""
        forget_events_in_memory(self._directory)

    def _keep_file(self, place: Any) -> None:
        path = str(place or "").rpartition(":")[0]
        if path and path not in self._files:
            self._files.add(path)
            if not Path(path).resolve().is_relative_to(self._collection):
                self._write(FILES, {path: sha256_of(path)})

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        line = json.dumps(content, separators=(",", ":")) + "\n"
        with (self._directory / name).open("a", encoding="utf-8") as file:
            # After what was cut when the disk was full.
            file.write(f"\n{line}" if self._is_broken else line)


def sha256_of(path: str | Path) -> str | None:
    """Return the SHA-256 of a file's content in hexadecimal, or None where it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def without_what_is_hidden(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an event without what is printed, before its result, of a task with ``no_log``.

    ansible-core 2.19 hides such a result, and still prints why the task failed.
    """
    result = (event.get("event_data") or {}).get("res")
    if not isinstance(result, dict) or "censored" not in result:
        return event
    printed = str(event.get("stdout", ""))
    results = [found.start() for found in _RESULT.finditer(printed)]
    return {**event, "stdout": printed[results[-1] :] if results else ""}


def outcome_of_event(event: Mapping[str, Any], *, has_tasks: bool) -> Mapping[str, Any]:
    """Return what is kept of an event where only outcomes are: all of what our modules say.

    Of any other, that it was, when, and of which task and host; nothing that it printed, once the run ``has_tasks``, and nothing
    that it returned.
    """
    data, kind = event.get("event_data") or {}, event["event"]
    if data.get("res") and _action(data).startswith(_OURS):
        return {**event, "event_data": {name: one for name, one in data.items() if name != "task_args"}}
    is_printed = kind in _PRINTS_NAMES or (kind in _REMARKS and not has_tasks)
    return {
        **{name: event[name] for name in _FRAME if name in event},
        "stdout": event.get("stdout", "") if is_printed else "",
        "event_data": {name: data[name] for name in _CONTEXT if name in data},
    }


def _action(data: Mapping[str, Any]) -> str:
    return str(data.get("resolved_action") or data.get("task_action") or "")


def _hold_in_memory(directory: Path) -> None:
    """Have events of the run in ``directory`` handed over in memory, where the machine has a file system for that."""
    with suppress(OSError):
        memory = tempfile.mkdtemp(prefix=_IN_MEMORY, dir=_MEMORY)
        artifacts = directory / ARTIFACTS
        artifacts.mkdir(mode=0o700, parents=True, exist_ok=True)
        (artifacts / HANDED_OVER).symlink_to(memory)


def forget_events_in_memory(directory: Path) -> None:
    """Remove what was held in memory of the events of the run in ``directory``, where its process did not."""
    with suppress(OSError):
        memory = (directory / ARTIFACTS / HANDED_OVER).readlink()
        if memory.parent == _MEMORY and memory.name.startswith(_IN_MEMORY):
            shutil.rmtree(memory)
