"""``retry``: run a rollout again."""

import argparse

from registry_docker_updater.cli.command import (
    Command,
    force_and_wait_options,
    json_option,
    rollout_argument,
)
from registry_docker_updater.cli.following import FOLLOWED, answer
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """Run a rollout again now, and follow it when told to wait.

    It goes to the targets that failed or were left alone; with ``--force``, also to those that rolled the digest
    back, that a person changed since, or with which the push had come to its end.
    """
    asked = source.retry(given.number, force=given.force)
    return answer(source, asked, asked["image"], output, as_json=given.json, wait=given.wait)


COMMAND = Command(
    "retry",
    "run a rollout again, now",
    (json_option, force_and_wait_options, rollout_argument),
    ask=ask,
    about="Runs a rollout again now, for the targets that failed or were left alone.",
    examples=("retry 17 --wait",),
    exits=FOLLOWED,
)
