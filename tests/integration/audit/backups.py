"""What tests of backups have in common: something to back up, and looking at what became of it."""

from datetime import UTC, datetime
from pathlib import Path

from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.audit.kinds import RUN_KEPT
from registry_docker_updater.edges.runs.packing import ProcessEnd, pack
from registry_docker_updater.storage.storage import Storage

LINES = '{"stdout": "ok"}\n' * 30


def clock() -> datetime:
    return datetime.now(UTC)


def keep_run(storage: Storage, state: Path, where: str, lines: str = LINES) -> None:
    """Pack a run, and have an entry tell of it."""
    directory = state / "runs" / where
    directory.mkdir(mode=0o700, parents=True)
    (directory / "events.jsonl").write_text(lines)
    manifest = pack(directory, {"playbook": "update"}, ProcessEnd("successful", 0, clock()))
    storage.trail.append(Step(RUN_KEPT, {"kept_in": where, "manifest": manifest}), clock())


def move_away(state: Path) -> Path:
    """All that is kept, so that nothing is."""
    before = state.with_name("before")
    state.rename(before)
    return before


def content(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, by its path, but the lock and what SQLite makes of an open database."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("operator.lock", "updater.db-wal", "updater.db-shm")
    }


def packed(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in (folder / "runs").glob("*/*/*")}
