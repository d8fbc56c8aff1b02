"""What a push means for every target that runs its name, as the planner sees it."""

import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.references import InvalidReference, Reference
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.core.rollouts.planner import judge
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.verdicts import BUSY, Verdict
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.parts import Parts
from registry_docker_updater.storage.storage import Storage

Judged = list[tuple[Target, Verdict]]


def pushed(parts: Parts, image: str) -> tuple[str, Reference]:
    """Return the registry, by its name in the settings, and the reference that ``image`` names."""
    try:
        reference = Reference.parse(image)
    except InvalidReference as error:
        raise UpdaterError(str(error)) from None
    for name, hosts in parts.registry_hosts.items():
        if reference.host.lower() in (host.lower() for host in hosts):
            return name, reference
    known = ", ".join(host for hosts in parts.registry_hosts.values() for host in hosts)
    raise UpdaterError(f"{reference.host} is no registry of the settings; known are {known}")


def desired_now(parts: Parts, registry: str, reference: Reference) -> DesiredImage:
    """Return ``reference`` as if it were pushed now."""
    return DesiredImage(
        push=0,
        registry=registry,
        hosts=tuple(parts.registry_hosts[registry]),
        repository=reference.repository,
        tag=reference.tag or "",
        digest=reference.digest or "",
        received_at=parts.clock(),
    )


def still_desired(parts: Parts, row: Mapping[str, Any]) -> DesiredImage:
    """Return the push of the rollout in ``row``; raises :class:`UpdaterError` when there is a newer one."""
    for desired in parts.storage.events.desired(parts.registry_hosts):
        if desired.push == row["push"]:
            return desired
    raise UpdaterError(
        f"rollout {row['id']} was of a push of {row['image']} after which came another, or its registry is"
        " no longer in the settings; `rollouts` lists the newest, and `push` by hand goes back to a digest"
    )


def judged(
    storage: Storage, parts: Parts, desired: DesiredImage, known: Fleet, again_at: datetime | None = None
) -> Judged:
    """Return every target that runs the name of ``desired``, and what the push means for it.

    ``again_at`` asks what it would mean if its rollout were due then.
    """
    targets = known.running(desired.image_names)
    history = storage.history(parts.registry_hosts, [target.key for target in targets])
    rollout = history.rollouts.get(desired.push)
    if rollout and again_at:
        due = replace(rollout, state=RolloutState.WAITING, due_at=again_at, is_stopped=False)
        history = replace(history, rollouts={**history.rollouts, desired.push: due})
    now = again_at or parts.clock()
    return [(target, judge(target, desired, history, known, now)) for target in targets]


def overridable(found: Judged) -> frozenset[str]:
    """Return the keys of the targets that a person's ``--force`` is for."""
    # One that is busy may have refused this digest, too.
    return frozenset(target.key for target, verdict in found if verdict.is_overridable or verdict is BUSY)


def person() -> Person:
    """Return who gives the command, and on which machine; and from where, as far as SSH says so."""
    # `SSH_CONNECTION` (ssh(1)) begins with the address of the client. What runs under sudo has none mostly.
    client = os.environ.get("SSH_CONNECTION", "").partition(" ")[0]
    place = f"command line on {socket.gethostname()}{', by SSH from ' + client if client else ''}"
    return Person(os.environ.get("SUDO_USER") or getpass.getuser(), place)
