"""The live view: which events of an engine are worth a look at its host."""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils.labels import OPT_IN

_SWARM_TASK = "com.docker.swarm.task.id"

# How the live view of a host is, when it is as it should be.
FOLLOWED = "followed"

# What an engine is asked to tell: that a container or service came, went, or got another name or image.
EVENTS: Mapping[str, Sequence[str]] = {
    "type": ("container", "service"),
    "event": ("create", "destroy", "rename", "update", "remove"),
}


def is_worth_a_look(event: Mapping[str, Any]) -> bool:
    """Tell whether an event of an engine can be about a target.

    Containers come and go without end on some hosts: of those, only such as carry the label count, and no tasks
    of services. An event says nothing of a service's labels.
    """
    if event.get("Type") == "service":
        return True
    attributes = (event.get("Actor") or {}).get("Attributes") or {}
    return OPT_IN in attributes and _SWARM_TASK not in attributes
