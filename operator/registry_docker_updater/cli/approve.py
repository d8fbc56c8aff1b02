"""``approve``: let a push go to targets that wait for approval."""

import argparse

from registry_docker_updater.cli.command import Command, json_option, rollout_argument
from registry_docker_updater.cli.decided import target_option, tell
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """Approve the push of a rollout, for this digest and on these targets."""
    row = source.approve(given.number, only=given.target, reason=given.reason)
    tell(row, "approved", output, as_json=given.json)
    return 0


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", metavar="TEXT", help="why, for others")


COMMAND = Command(
    "approve",
    "let a push go to targets that wait for approval",
    (json_option, rollout_argument, target_option, _arguments),
    ask=ask,
    about="Approves the push of a rollout, for exactly its digest. It goes to its targets once all approvals that they need are there.",
    examples=("approve 17", "approve 17 --target service:web@swarm-1 --reason 'seen on test'"),
)
