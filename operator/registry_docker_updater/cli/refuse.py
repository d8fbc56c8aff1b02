"""``refuse``: keep a push from targets that wait for approval."""

import argparse

from registry_docker_updater.cli.command import Command, json_option, rollout_argument
from registry_docker_updater.cli.decided import target_option, tell
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """Refuse the push of a rollout, for this digest and on these targets."""
    row = source.refuse(given.number, given.reason, only=given.target)
    tell(row, "refused", output, as_json=given.json)
    return 0


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why, for others")


COMMAND = Command(
    "refuse",
    "keep a push from targets that wait for approval",
    (json_option, rollout_argument, target_option, _arguments),
    ask=ask,
    about="Refuses the push of a rollout, for exactly its digest: no target that waits for approval is updated to it.",
    examples=("refuse 17 --reason 'breaks the login'",),
)
