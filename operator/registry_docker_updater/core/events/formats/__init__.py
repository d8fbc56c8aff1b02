"""How registries write and deliver their events: one module a sender, one table of all."""

import json

from registry_docker_updater.core.events.formats import (
    acr,
    cloudevents,
    distribution,
    dockerhub,
    ecr,
    gar,
    generic,
    gitea,
    github,
    gitlab,
    harbor,
    jfrog,
    nexus,
    quay,
    zot,
)
from registry_docker_updater.core.events.formats.format import Format

_SENDERS = (
    *(distribution, harbor, gitlab, zot, quay, dockerhub, github, gitea),
    *(acr, ecr, gar, jfrog, nexus, cloudevents, generic),
)
FORMATS: dict[str, Format] = {known.FORMAT.name: known.FORMAT for known in _SENDERS}


def snippet(format_name: str, registry: str, url: str) -> str:
    """Return what ``registry`` must be told, so that it sends its events, where ``url`` is how it reaches the operator."""
    address = json.dumps(f"{url.rstrip('/')}/events/{registry}")
    return FORMATS[format_name].snippet.format(name=registry, address=address)
