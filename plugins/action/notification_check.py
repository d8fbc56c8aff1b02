# SPDX-License-Identifier: Apache-2.0
"""Look at how notifications are set: who is told on which channels, and what is wrong; nothing is sent."""

from __future__ import annotations

import json
import os
import re
from typing import Any, Iterator, Mapping

import yaml
from ansible import constants as C  # noqa: N812 - as Ansible calls it
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader
from ansible_collections.registry.docker_updater.plugins.filter.notification_words import notification_words
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.channels import (
    CHANNELS,
    PREFIX,
    TEMPLATES,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.problems import (
    asked_problems,
    problems,
    template_problems,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.receivers import (
    Receiver,
    receivers,
)
from ansible_collections.registry.docker_updater.plugins.plugin_utils.notification_settings import (
    Settings,
    plain,
    read_settings,
)


class ActionModule(ActionBase):  # type: ignore[misc]
    """All there is of the module of the same name: nothing happens on a host."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the channels of each receiver, and the problems."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        _, options = self.validate_argument_spec(
            argument_spec={
                "templates": {"type": "path", "required": True},
                "samples": {"type": "path", "required": True},
                "asked_receivers": {"type": "list", "elements": "str", "default": []},
            }
        )
        settings = read_settings(self._templar, variables)
        everybody = receivers(settings.variables, settings.handlers)
        found = [
            *problems(settings.variables, settings.handlers),
            *asked_problems(options["asked_receivers"], everybody),
            *_folders(settings, everybody),
            *_handlers(settings),
            *self._templates(settings, everybody, options, variables),
        ]
        return {
            "changed": False,
            "receivers": {name: one.channels for name, one in everybody.items()},
            "problems": list(dict.fromkeys(found)),
        }

    def _templates(
        self,
        settings: Settings,
        everybody: Mapping[str, Receiver],
        options: Mapping[str, Any],
        variables: Mapping[str, Any],
    ) -> Iterator[str]:
        """Render each template that somebody replaced, for each sample."""
        samples = self._loader.load_from_file(options["samples"])["__notification_samples"]
        paths = {
            path: name
            for one in everybody.values()
            for name in TEMPLATES
            for path in [settings.template(name, one.variables.get("templates"), options["templates"])]
            if os.path.dirname(path) != options["templates"]
        }
        for path, name in paths.items():
            for topic, sample in samples.items():
                why = self._rendering_fails(path, name, plain(sample), variables)
                if why:
                    yield f"{path}, for a message about {topic!r}: {why}"
                    break

    def _rendering_fails(
        self, path: str, name: str, sample: Mapping[str, Any], variables: Mapping[str, Any]
    ) -> str:
        lookup = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        words = notification_words(sample, "https://updater.example.com")
        try:
            (text,) = lookup.run([path], variables=variables, template_vars={"message": words})
        except Exception as error:
            return " ".join(str(error).split())[:300]
        return _is_no_json(text) if ".json." in name else "" if str(text).strip() else "it gives nothing"


def _is_no_json(text: Any) -> str:
    try:
        json.loads(text) if isinstance(text, str) else None
    except ValueError as error:
        where = f", line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
        return f"what it gives is no JSON{where}"
    return ""


def _folders(settings: Settings, everybody: Mapping[str, Receiver]) -> Iterator[str]:
    """Look at the folders of templates and handlers, and the names in them."""
    places = [("handlers", settings.variables.get(f"{PREFIX}handlers"), f"{PREFIX}handlers")]
    places += [
        ("templates", one.variables.get("templates"), one.named("templates")) for one in everybody.values()
    ]
    for what in ("handlers", "templates"):
        # The operator has them ignored.
        is_ignored = any(re.search(one, PREFIX + what) for one in C.INVENTORY_IGNORE_PATTERNS or ())
        for path in () if is_ignored else settings.misplaced(what):
            yield f"{path}: Ansible takes what is in an inventory's folder for hosts; put it beside that folder"
    for what, value, variable in places:
        folders = settings.folders(what, value)
        if isinstance(value, str) and value and not folders:
            yield f"{variable}: there is no folder {value}"
        for folder in folders:
            names = os.listdir(folder)
            if what == "templates":
                yield from template_problems(folder, names)
            else:
                yield from _names(folder, names, settings)


def _names(folder: str, names: list[str], settings: Settings) -> Iterator[str]:
    for name in sorted(names):
        path = os.path.join(folder, name)
        stem, extension = os.path.splitext(name)
        if extension in (".yml", ".yaml") and path not in settings.handlers.values():
            yield (
                f"{path} is not used: there is a channel {stem} already"
                if stem in {**CHANNELS, **settings.handlers}
                else f"{path} is not used: its name is to have small letters, digits and _ only"
            )


def _handlers(settings: Settings) -> Iterator[str]:
    """See that a shop's own files are lists of tasks; what they do is not looked at."""
    for path in settings.handlers.values():
        try:
            with open(path, encoding="utf-8") as file:
                found = yaml.compose(file)
        except (OSError, ValueError, yaml.YAMLError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            yield f"{path} cannot be read as YAML{where}"
            continue
        tasks = found.value if isinstance(found, yaml.SequenceNode) else []
        if not tasks or not all(isinstance(one, yaml.MappingNode) for one in tasks):
            yield f"{path} is no list of tasks"
        elif any(key.value == "hosts" for one in tasks for key, _ in one.value):
            yield f"{path} is a playbook; a channel is a list of tasks, as under `tasks`"
