"""Events of GitLab's container registry, a fork of Docker Distribution that sends the same envelope.

What differs is from ``docs/spec/gitlab/notifications.md`` of its source: an action ``rename``, and an actor with
more fields, of which ``user`` is a token that is nowhere to be kept. It gives an event up after ``maxretries``;
with ``threshold``, as before GitLab 17, never. Either way every later event waits meanwhile, so that refusing one
would cost more than keeping it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats import distribution
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.proofs import knows_secret
from registry_docker_updater.core.events.pushes import Event, Unreadable

_SNIPPET = """\
# /etc/gitlab/gitlab.rb, registry {name}; replace SECRET by the secret that the settings name.
# Before GitLab 17, 'threshold' => 5 stands in the place of maxretries.
registry['notifications'] = [
  {{
    'name' => 'registry-docker-updater',
    'url' => {address},
    'timeout' => '5s',
    'maxretries' => 10,
    'backoff' => '5s',
    'headers' => {{ 'Authorization' => ['Bearer SECRET'] }}
  }}
]
"""


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one envelope; raises :class:`Malformed` when it is none."""
    return [_without_token(event) for event in distribution.read(registry, delivery)]


def _without_token(event: Event) -> Event:
    return replace(event, content=_without_user(event.content)) if isinstance(event, Unreadable) else event


def _without_user(content: Any) -> Any:
    if not isinstance(content, dict) or not isinstance(content.get("actor"), dict):
        return content
    actor = {name: value for name, value in content["actor"].items() if name != "user"}
    return {**content, "actor": actor}


FORMAT = Format("gitlab", read, knows_secret, insists=True, snippet=_SNIPPET)
