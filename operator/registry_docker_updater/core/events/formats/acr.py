"""Events of Azure Container Registry: those of Docker Distribution, one a request and without an envelope.

Field names and actions from Microsoft's "Azure Container Registry webhook reference". What is not of interest
comes without a target, or with one that lacks the tag. Only headers that are set for a webhook can carry a secret;
each event is sent once.
"""

from collections.abc import Sequence

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.distribution import event_of
from registry_docker_updater.core.events.formats.fields import text
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.proofs import knows_secret
from registry_docker_updater.core.events.pushes import Event, Ignored, Malformed

_SNIPPET = """\
# Azure Container Registry, {name}: in the portal under Webhooks, or with the Azure CLI; in a geo-replicated registry,
# for the region that is pushed to. Replace SECRET by the secret that the settings name.
az acr webhook create --registry REGISTRY --name registrydockerupdater --actions push \\
  --uri {address} --headers "Authorization=Bearer SECRET"
"""


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one event; raises :class:`Malformed` when it is none of Azure's."""
    body = delivery.content
    action = text(body, "action")
    if action is None:
        raise Malformed('expected an object with "action", as a webhook of Azure Container Registry sends it')
    return [event_of(registry, body) if action == "push" else Ignored(action)]


FORMAT = Format("acr", read, knows_secret, insists=False, snippet=_SNIPPET)
