"""What people decide of pushes, as commands ask for it and tell it."""

import argparse

from registry_docker_updater.cli.output import Output
from registry_docker_updater.views.approvals import DecidedRow, says
from registry_docker_updater.views.text import targets


def target_option(parser: argparse.ArgumentParser) -> None:
    """Let a person decide for some targets only."""
    parser.add_argument(
        "--target",
        action="append",
        metavar="KEY",
        help="only for the target with this key; may be given several times (default: all on which you may decide)",
    )


def tell(row: DecidedRow, word: str, output: Output, *, as_json: bool) -> None:
    """Say for how many targets it was decided, in a ``word``, and how the approvals stand now."""
    if as_json:
        output.json(row)
        return
    output.line(f"{word}: {row['image']}@{row['digest']} for {targets(len(row['decided']))}")
    for one in row["approvals"]:
        output.line(f"  {targets(len(one['keys']))}: {says(one)}")
