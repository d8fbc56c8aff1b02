"""``push``: record a push by hand."""

import argparse
import uuid

from registry_docker_updater.cli.command import Command, force_and_wait_options, json_option
from registry_docker_updater.cli.following import Requested, answer
from registry_docker_updater.cli.judging import desired_now, judged, overridable, person, pushed
from registry_docker_updater.cli.output import Output
from registry_docker_updater.core.events.pushes import BY_HAND, Push
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.parts import Parts
from registry_docker_updater.storage.actions import push_by_hand


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Record a push by hand, and follow its rollout when told to wait.

    With ``--force``, it also goes to targets that rolled this digest back before.
    """
    registry, reference = pushed(parts, given.image)
    if not reference.digest or not reference.tag:
        raise UpdaterError(
            f"{given.image} needs a tag and a digest, as in registry.example.com/test/app:1@sha256:…"
        )
    now, who = parts.clock(), person()
    made = Push(
        registry=registry,
        repository=reference.repository,
        tag=reference.tag,
        digest=reference.digest,
        occurred_at=now,
        key=f"{BY_HAND}{uuid.uuid4()}",
        actor=f"{who.name} (by hand)",
        by_hand=True,
    )
    with parts.storage.transaction() as kept:
        desired = desired_now(parts, registry, reference)
        found = judged(kept, parts, desired, kept.fleet.load())
        forced = overridable(found) if given.force else frozenset[str]()
        number = push_by_hand(kept, registry, made, forced, who)
    requested = Requested(number, str(reference), found, forced)
    return answer(parts, requested, output, as_json=given.json, wait=given.wait)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE@DIGEST")


COMMAND = Command("push", "record a push by hand", (json_option, force_and_wait_options, _arguments), run)
