"""The role's templates, rendered as Ansible does, without Ansible: with Jinja and the collection's filters."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.registry.docker_updater.plugins.filter.notification_fitted import notification_fitted
from ansible_collections.registry.docker_updater.plugins.filter.notification_inert import notification_inert
from ansible_collections.registry.docker_updater.plugins.filter.notification_words import notification_words
from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROLE = Path(__file__).parents[3] / "roles" / "notification"
LINK = "https://updater.example.com"
TEMPLATES = (
    "slack.json.j2",
    "teams.json.j2",
    "email.subject.txt.j2",
    "email.txt.j2",
    "email.html.j2",
    "webhook.json.j2",
    "apprise.title.txt.j2",
    "apprise.txt.j2",
)

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(ROLE / "templates"),
    trim_blocks=True,
    keep_trailing_newline=True,
    undefined=StrictUndefined,
)
_ENVIRONMENT.filters["registry.docker_updater.notification_fitted"] = notification_fitted
_ENVIRONMENT.filters["registry.docker_updater.notification_inert"] = notification_inert
_ENVIRONMENT.filters["to_json"] = json.dumps


class _Loader(yaml.SafeLoader):
    """YAML as Ansible reads it, as far as texts that are no templates."""


def _text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("!unsafe", _text)


@functools.cache
def samples() -> dict[str, Any]:
    """The sample messages of the role, by topic."""
    read = yaml.load((ROLE / "vars" / "samples.yml").read_text(), _Loader)
    found: dict[str, Any] = read["__notification_samples"]
    return found


def bundle() -> dict[str, Any]:
    """All samples in one message."""
    items = [item for message in samples().values() for item in message["items"]]
    return {"id": "m7", "receiver": "default", "sent_for": "bundle", "items": items}


def words(message: dict[str, Any], link: str = LINK) -> dict[str, Any]:
    """The variable `message` that templates get."""
    return notification_words(message, link)


def rendered(template: str, said: dict[str, Any]) -> str:
    """What a template makes of words."""
    return _ENVIRONMENT.get_template(template).render(message=said)


def in_json(channel: str, said: dict[str, Any]) -> Any:
    """What a channel that takes JSON is sent."""
    return json.loads(rendered(f"{channel}.json.j2", said))


def render_text(template: str, said: dict[str, Any]) -> str:
    """What a template that stands in a text makes of words."""
    return _ENVIRONMENT.from_string(template).render(message=said)
