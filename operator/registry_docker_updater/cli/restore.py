"""``restore``: all that a backup holds, where nothing is kept yet."""

import argparse
from pathlib import Path

from registry_docker_updater.activities.restore import restore
from registry_docker_updater.cli.command import Command, even_if_broken_option, json_option, names_file
from registry_docker_updater.cli.exits import Exit
from registry_docker_updater.cli.here import person
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.progress import progress_on
from registry_docker_updater.core.audit.canonical import moment_text
from registry_docker_updater.core.audit.heads import head_text
from registry_docker_updater.edges.lock import hold
from registry_docker_updater.errors import NotAsKept, UpdaterError
from registry_docker_updater.parts import Parts


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Restore a backup into a state directory without a database; no operator can start meanwhile."""
    if parts.has_operator:
        raise UpdaterError(f"an operator works with {parts.state}; stop it first")
    held = hold(parts.state)
    try:
        found = restore(
            given.file,
            parts.state,
            person(),
            parts.clock,
            even_if_broken=given.even_if_broken,
            progress=progress_on(output),
        )
    finally:
        held.release()
    backup = found.backup
    created_at, head = moment_text(backup.created_at), backup.head
    if found.flaws:
        output.remark(*NotAsKept("WRONG: what was restored is not as it was kept", found.flaws).lines)
    if given.json:
        output.json(
            {
                "file": str(given.file),
                "version": backup.version,
                "created_at": created_at,
                "entries": head.sequence,
                "runs": found.runs,
                "head": head.hash,
                "flaws": list(found.flaws),
            }
        )
    else:
        output.line(f"restored {given.file} of {created_at}: {head.sequence:,} entries, {found.runs:,} runs")
        output.line(head_text(head))
        output.line(
            "note: what was kept after that is not in it; `audit verify --against FILE` names what is lost"
        )
    return 0


def _arguments(parser: argparse.ArgumentParser) -> None:
    names_file(parser.add_argument("file", type=Path, metavar="FILE", help="what `backup` made"))


COMMAND = Command(
    "restore",
    "restore a backup where nothing is kept yet",
    (_arguments, even_if_broken_option, json_option),
    run,
    about="Restores a backup into a state directory where no operator works and nothing is kept yet.",
    examples=("restore /backup/updater.tar.gz",),
    exits={Exit.WRONG: "the backup is not as it was kept, or there is something already"},
)
