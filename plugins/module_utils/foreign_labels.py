# SPDX-License-Identifier: Apache-2.0
"""Labels by which other tools are told how to update, and how the same is said here. Pure.

Only what matters is in the table: a wish of whoever wrote the label that nobody would fulfil. What only says that a tool is to
look after something, or how it shows that, is not.
"""

from __future__ import annotations

from typing import Callable, List, Mapping, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.labels import PREFIX, says_no, says_yes

# The label that says a value here, without our prefix, and its own value; None where the value wishes for nothing special.
_Here = Callable[[str], Optional[Tuple[str, str]]]
_WATCHTOWER = "com.centurylinklabs.watchtower."
_HOOKS = _WATCHTOWER + "lifecycle."
_NEVER = ("enable", "false")
_SEMVER = {"major": "*", "all": "*", "minor": "^VERSION", "patch": "~VERSION"}


def notes(labels: Mapping[str, str]) -> List[str]:
    """Say which of ``labels`` are other tools' and mean nothing here, and what would mean the same, a sentence each.

    Nothing is said of one beside which the label stands that means the same here.
    """
    found = []
    for name in sorted(labels):
        here = FOREIGN_LABELS[name](labels[name].strip()) if name in FOREIGN_LABELS else None
        if here and PREFIX + here[0] not in labels:
            found.append(_sentence(name, labels[name], f"say {PREFIX}{here[0]}: {here[1]:.100}"))
        elif name.startswith(_HOOKS):
            hooks = "name files of tasks in docker_update_before and docker_update_after of the inventory"
            found.append(_sentence(name, labels[name], hooks))
    return found


def _sentence(name: str, value: str, instead: str) -> str:
    return f"{name}={value:.100}, which means nothing here; {instead}"


def _where_no(value: str) -> Optional[Tuple[str, str]]:
    return _NEVER if value and says_no(value) else None


def _where_yes(option: str, text: str) -> _Here:
    return lambda value: (option, text) if says_yes(value) else None


def _where_any(option: str, text: str = "{}") -> _Here:
    return lambda value: (option, text.format(value)) if value.strip("0") else None


def _policy_of_keel(value: str) -> Optional[Tuple[str, str]]:
    kind, _, pattern = value.partition(":")
    if value == "never":
        return _NEVER
    if value in _SEMVER:
        return "follow", f"semver {_SEMVER[value]}"
    if pattern and kind in ("glob", "regexp"):
        return "follow", f"{'glob' if kind == 'glob' else 'regex'} {pattern}"
    return None


# How each is said here, by its name.
FOREIGN_LABELS: Mapping[str, _Here] = {
    _WATCHTOWER + "enable": _where_no,
    _WATCHTOWER + "monitor-only": _where_yes("monitor-only", "true"),
    _WATCHTOWER + "no-pull": _where_yes(*_NEVER),
    _WATCHTOWER + "cooldown-delay": _where_any("minimum-age"),
    "gantry.services.excluded": _where_yes(*_NEVER),
    "gantry.update.jobs": _where_yes("jobs", "true"),
    "shepherd.enable": _where_no,
    "shepherd.autodeploy": _where_no,
    "keel.sh/policy": _policy_of_keel,
    "keel.sh/approvals": _where_any("approval"),
    "keel.sh/approvalDeadline": _where_any("approval-deadline", "{}h"),
    "keel.sh/notify": _where_any("notify", "RECEIVER"),
    "wud.watch": _where_no,
    "wud.tag.include": _where_any("follow", "regex {}"),
}
