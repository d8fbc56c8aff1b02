# SPDX-License-Identifier: Apache-2.0
"""Work out who is told what: one task instead of one a question, for each costs a process."""

from __future__ import annotations

from typing import Any, Mapping

from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars
from ansible_collections.registry.docker_updater.plugins.filter.notification_words import notification_words
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.channels import (
    CHANNELS,
    PREFIX,
    channel_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.given import (
    NOTHING,
    NotAMessage,
    NotAReceiver,
    of_message,
    of_rollout,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.plan import Plan, plan
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.problems import problems
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.receivers import broken
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.results import secrets_in
from ansible_collections.registry.docker_updater.plugins.plugin_utils.notification_settings import (
    Settings,
    plain,
    read_settings,
)

_SECRET = ("email_password",)


class ActionModule(ActionBase):  # type: ignore[misc]
    """All there is of the module of the same name: nothing happens on a host, and nothing is sent."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the plan; where there is none, ``refused_because`` says why, for a task without secrets to fail with."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        _, options = self.validate_argument_spec(
            argument_spec={
                "templates": {"type": "path", "required": True},
                "others_listen": {"type": "bool", "default": True},
            }
        )
        try:
            message = self._message(variables)
            settings = read_settings(self._templar, variables, message["receiver"])
            asked = settings.variables.get(f"{PREFIX}channels")
            is_asked = f"{PREFIX}channels" in load_extra_vars(self._loader)
            planned = plan(settings.variables, settings.handlers, message, asked if is_asked else None)
            return {"changed": False, **_result(message, planned, settings, options, variables)}
        except NotAReceiver as error:
            # All that the report of a run reads.
            nothing: dict[str, Any] = {"tried": [], "refused": {}, "secrets": [], "channels_set": []}
            return {
                "changed": False,
                "then": "refuse",
                "refused_because": str(error),
                "nobody": str(error),
                **nothing,
            }
        except NotAMessage as error:
            why = str(error)
        except Exception as error:
            # The task that asks is silent, for what it gets is secret: whatever goes wrong is told by the next one.
            why = f"the message cannot be read: {type(error).__name__} {error!s:.200}"
        return {"changed": False, "then": "refuse", "refused_because": why}

    def _message(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        for name, read in (("notification_message", of_message), ("notification_rollout", of_rollout)):
            if name in variables:
                try:
                    given = plain(self._templar.template(variables[name]))
                except Exception as error:
                    raise NotAMessage(f"{name}: {error}") from error
                return read(given)
        raise NotAMessage("give the variable notification_rollout, such as with -e @rollout.json")


def _result(
    message: dict[str, Any],
    planned: Plan,
    settings: Settings,
    options: Mapping[str, Any],
    variables: Mapping[str, Any],
) -> dict[str, Any]:
    receiver = planned.receiver
    known = {name: value for name, value in receiver.variables.items() if not broken(value)}
    link = str(known.get("link") or "")
    topics = [one for one in dict.fromkeys(item["topic"] for item in message["items"]) if one != NOTHING]
    used = [*planned.items, *planned.refused]
    has_work = bool(used) or (bool(topics) and options["others_listen"])
    is_shown = variables.get("ansible_check_mode") and variables.get("ansible_diff_mode")
    return {
        "then": "nobody" if not has_work else "show" if is_shown else "tell",
        "message": message,
        "subject": notification_words(message, link)["subject"] if topics else "",
        "topics": topics,
        "nobody": planned.nobody,
        "channels_set": receiver.channels,
        "tried": list(planned.items),
        "own": {one: settings.handlers[one] for one in planned.items if one not in CHANNELS},
        "refused": dict(planned.refused),
        "messages": {
            one: notification_words({**message, "items": list(items)}, link)
            for one, items in planned.items.items()
        },
        "templates": {
            name.rpartition(".j2")[0]: settings.template(name, known.get("templates"), options["templates"])
            for one in planned.items
            if one in CHANNELS
            for name in CHANNELS[one].templates
        },
        "variables": known,
        "secrets": secrets_in([value for name, value in known.items() if _is_secret(name, settings)]),
        "problems": problems(_of_one(settings.variables, receiver.name), settings.handlers),
    }


def _of_one(variables: Mapping[str, Any], receiver: str) -> dict[str, Any]:
    """Return the variables with one receiver only: those of the others were not read."""
    name = f"{PREFIX}receivers"
    others = variables.get(name)
    if not isinstance(others, Mapping):
        return dict(variables)
    return {**variables, name: {one: own for one, own in others.items() if one == receiver}}


def _is_secret(name: str, settings: Settings) -> bool:
    channel = channel_of(name, settings.handlers)
    if channel in CHANNELS:
        return name in _SECRET or (channel != "email" and name in CHANNELS[channel].own)
    return bool(channel) and not name.endswith("_topics")
