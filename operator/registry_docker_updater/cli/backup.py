"""``backup``: all that is kept, in one file."""

import argparse
from pathlib import Path

from registry_docker_updater.activities.backup import Kept, back_up
from registry_docker_updater.cli.command import Command, even_if_broken_option, json_option, names_file
from registry_docker_updater.cli.exits import Exit
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.progress import progress_on
from registry_docker_updater.core.audit.backups import DATABASE
from registry_docker_updater.core.audit.heads import head_text
from registry_docker_updater.errors import NotAsKept, UpdaterError
from registry_docker_updater.parts import Parts


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Back everything up to a file, whether or not the operator works."""
    # Opening it would make one: a backup of nothing must not pass for one.
    if not (parts.state / DATABASE).exists():
        raise UpdaterError(f"there is no {DATABASE} in {parts.state}: nothing is kept yet")
    made = back_up(
        Kept(parts.database, parts.state),
        given.file,
        parts.clock,
        may_replace=given.force,
        even_if_broken=given.even_if_broken,
        progress=progress_on(output, parts.storage.trail.last_given()),
    )
    if made.flaws:
        output.remark(*NotAsKept("WRONG: this backup holds what is not as it was kept", made.flaws).lines)
    if given.json:
        output.json(
            {
                "file": str(given.file),
                "size": made.size,
                "entries": made.head.sequence,
                "runs": made.runs,
                "head": made.head.hash,
                "flaws": list(made.flaws),
            }
        )
    else:
        output.line(f"{given.file}: {made.size:,} bytes, {made.head.sequence:,} entries, {made.runs:,} runs")
        # As `audit verify --against` reads it.
        output.line(head_text(made.head))
    return 0


def _arguments(parser: argparse.ArgumentParser) -> None:
    names_file(
        parser.add_argument("file", type=Path, metavar="FILE", help="where to, such as nightly.tar.gz")
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


COMMAND = Command(
    "backup",
    "back up all that is kept to a file",
    (_arguments, even_if_broken_option, json_option),
    run,
    about="Backs up the database and the kept runs to one file, whether or not the operator works.",
    examples=("backup /backup/updater.tar.gz",),
    exits={Exit.WRONG: "not all is as it was kept, or it could not be written"},
)
