# SPDX-License-Identifier: Apache-2.0
"""What of a container's configuration its user set, and what came from its image. Pure.

At create the engine lays the user's configuration over the image's, field by field, and keeps only the result.
:func:`without_image_defaults` takes the image's part away again, and :func:`with_image_defaults` lays it over
another image as the engine will. The rules are those of moby's ``daemon/commit.go`` (merge) and
``daemon/create.go`` (mergeAndVerifyConfig), alike from 20.10 to 29.
"""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.labels import OPT_IN

Config = Dict[str, Any]

# Compose-built images carry the labels of the project that built them; an equal label of the container is
# still the project's own. So is the consent to be updated.
PROTECTED_LABELS = (
    "com.docker.compose.",
    "com.docker.stack.",
    "com.docker.swarm.",
    OPT_IN,
)

_WORDS = ("User", "WorkingDir", "StopSignal")
_SETS = ("ExposedPorts", "Volumes")
_COMMANDS = ("Entrypoint", "Cmd")


def without_image_defaults(
    config: Mapping[str, Any], image: Mapping[str, Any], keep_env: Collection[str] = ()
) -> Config:
    """Return what the user set of ``config`` (a container's) when ``image`` (config of its image) gave the rest.

    A value that equals the image's default is taken for the default: nothing tells the two apart. ``keep_env``
    names variables that are the user's all the same. Fields that no image has are returned as they are.
    """
    user = dict(config)
    for field in _WORDS:
        if user.get(field) == image.get(field):
            user[field] = ""
    for field in _SETS:
        defaults = image.get(field) or {}
        user[field] = {key: value for key, value in (user.get(field) or {}).items() if key not in defaults}
    defaults = set(image.get("Env") or ())
    user["Env"] = [
        entry
        for entry in user.get("Env") or ()
        if entry not in defaults or entry.partition("=")[0] in keep_env
    ]
    user["Labels"] = _own_labels(user.get("Labels") or {}, image.get("Labels") or {})
    user.update(_own_command(config, image))
    user["Healthcheck"] = _own_healthcheck(user.get("Healthcheck"), image.get("Healthcheck"))
    if user["Cmd"] is None:
        user.pop("ArgsEscaped", None)  # describes the command it was inherited with
    user.pop("OnBuild", None)
    return user


def with_image_defaults(user: Mapping[str, Any], image: Mapping[str, Any]) -> Config:
    """Return the configuration that the engine will make of ``user`` at a create from ``image``."""
    config = dict(user)
    for field in _WORDS:
        config[field] = user.get(field) or image.get(field) or ""
    for field in _SETS:
        config[field] = {**(image.get(field) or {}), **(user.get(field) or {})}
    named = {entry.partition("=")[0] for entry in user.get("Env") or ()}
    config["Env"] = list(user.get("Env") or ()) + [
        entry for entry in image.get("Env") or () if entry.partition("=")[0] not in named
    ]
    config["Labels"] = {**(image.get("Labels") or {}), **(user.get("Labels") or {})}
    entrypoint, command = user.get("Entrypoint"), user.get("Cmd")
    if not entrypoint:
        command = command or image.get("Cmd")
        entrypoint = image.get("Entrypoint") if entrypoint is None else entrypoint
    config["Entrypoint"], config["Cmd"] = None if entrypoint == [""] else entrypoint, command
    config["Healthcheck"] = _merged_healthcheck(user.get("Healthcheck"), image.get("Healthcheck"))
    return config


def explain(before: Mapping[str, Any], after: Mapping[str, Any]) -> Tuple[Config, Config]:
    """Return what differs between two configurations of one container, as it is before and after.

    Only what an image sets is looked at, and of lists and maps only the entries that differ, so that what the
    user set (which stays the same, and may be secret) is never part of it.
    """
    old: Config = {}
    new: Config = {}
    for field in (*_WORDS, *_COMMANDS, "Healthcheck"):
        if (before.get(field) or None) != (after.get(field) or None):
            old[field], new[field] = before.get(field) or None, after.get(field) or None
    for field in (*_SETS, "Labels"):
        one, other = before.get(field) or {}, after.get(field) or {}
        keys = sorted(key for key in {*one, *other} if one.get(key, _absent) != other.get(key, _absent))
        if keys:
            old[field] = {key: one[key] for key in keys if key in one}
            new[field] = {key: other[key] for key in keys if key in other}
    one_env, other_env = before.get("Env") or [], after.get("Env") or []
    if set(one_env) != set(other_env):
        old["Env"] = sorted(set(one_env) - set(other_env))
        new["Env"] = sorted(set(other_env) - set(one_env))
    return old, new


_absent = object()


def _own_labels(labels: Mapping[str, str], defaults: Mapping[str, str]) -> Dict[str, str]:
    return {
        key: value
        for key, value in labels.items()
        if key.startswith(PROTECTED_LABELS) or defaults.get(key, _absent) != value
    }


def _own_command(config: Mapping[str, Any], image: Mapping[str, Any]) -> Config:
    """Entrypoint and Cmd to send, so that the engine's merge gives the user's part back.

    The engine inherits Cmd only under an empty entrypoint, and Entrypoint only where null is sent; ``[""]`` is
    how a client says "no entrypoint at all".
    """
    entrypoint, command = config.get("Entrypoint"), config.get("Cmd")
    default_entrypoint, default_command = image.get("Entrypoint"), image.get("Cmd")
    if entrypoint and entrypoint != default_entrypoint:
        return {"Entrypoint": entrypoint, "Cmd": command}
    if entrypoint and not command and default_command:
        # Named by the user although equal to the default: only that keeps the image's command out.
        return {"Entrypoint": entrypoint, "Cmd": command}
    own_command = None if (command or None) == (default_command or None) else command
    if entrypoint or entrypoint == default_entrypoint or (not default_entrypoint and entrypoint is None):
        return {"Entrypoint": None, "Cmd": own_command}
    if default_entrypoint:
        return {"Entrypoint": [""], "Cmd": command}
    return {"Entrypoint": entrypoint, "Cmd": own_command}


def _own_healthcheck(check: Any, default: Any) -> Any:
    if not check or check == (default or {}):
        return None
    return {key: value for key, value in check.items() if value and value != (default or {}).get(key)} or None


def _merged_healthcheck(check: Any, default: Any) -> Any:
    if not check:
        return default
    merged = dict(default or {})
    merged.update({key: value for key, value in check.items() if value})
    return merged


def lists_of_names(text: str) -> List[str]:
    """Return the names in a label's value such as ``A, B``."""
    return [name for name in text.replace(",", " ").split() if name]
