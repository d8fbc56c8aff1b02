"""``retry``: run a rollout again."""

import argparse

from registry_docker_updater.cli.command import (
    Command,
    force_and_wait_options,
    json_option,
    rollout_argument,
)
from registry_docker_updater.cli.following import Requested, answer
from registry_docker_updater.cli.judging import judged, overridable, person, still_desired
from registry_docker_updater.cli.output import Output
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.parts import Parts
from registry_docker_updater.storage.actions import retry_rollout
from registry_docker_updater.views.rollouts import rollout as view


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Run a rollout again now, and follow it when told to wait.

    It goes to the targets that failed or were left alone; with ``--force``, also to those that rolled the digest
    back, that a person changed since, or with which the push had come to its end.
    """
    row = view(parts.storage, given.number)
    desired, now = still_desired(parts, row), parts.clock()
    with parts.storage.transaction() as kept:
        found = judged(kept, parts, desired, kept.fleet.load(), again_at=now)
        forced = overridable(found) if given.force else frozenset[str]()
        if not retry_rollout(kept, given.number, forced, person(), now):
            raise UpdaterError(
                f"rollout {given.number} runs at this moment; `rollout {given.number}` shows how it goes"
            )
    requested = Requested(desired.push, row["image"], found, forced, row["runs"])
    return answer(parts, requested, output, as_json=given.json, wait=given.wait)


COMMAND = Command(
    "retry", "run a rollout again, now", (json_option, force_and_wait_options, rollout_argument), run
)
