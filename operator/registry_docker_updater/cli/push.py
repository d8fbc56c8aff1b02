"""``push``: record a push by hand."""

import argparse

from registry_docker_updater.cli.command import Command, force_and_wait_options, json_option
from registry_docker_updater.cli.following import FOLLOWED, answer
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """Record a push by hand, and follow its rollout when told to wait.

    With ``--force``, it also goes to targets that rolled this digest back before.
    """
    asked = source.push(given.image, force=given.force)
    name = f"{asked['image']}@{asked['digest']}"
    return answer(source, asked, name, output, as_json=given.json, wait=given.wait)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE@DIGEST")


COMMAND = Command(
    "push",
    "record a push by hand",
    (json_option, force_and_wait_options, _arguments),
    ask=ask,
    about="Records a push by hand, as if the registry had told of it, and says which targets it is for, which it leaves alone and which wait.",
    examples=("push registry.example.com/test/app:1@sha256:0123… --wait",),
    exits=FOLLOWED,
)
