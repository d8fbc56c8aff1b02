# SPDX-License-Identifier: Apache-2.0
"""Labels by which other tools are told how to update, and how the same is said here. Pure.

Only what matters is in the table: a wish of whoever wrote the label that nobody would fulfil. What only says that a tool is to
look after something, or how it shows that, is not.
"""

from __future__ import annotations

import re
from typing import Callable, List, Mapping, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.labels import PREFIX, says_no, says_yes

# The label that says a value here, without our prefix, and its own value; None where the value wishes for nothing special.
_Here = Callable[[str], Optional[Tuple[str, str]]]
_WATCHTOWER = "com.centurylinklabs.watchtower."
# No longer value is proposed, for it would be long to read.
_LONGEST = 80
_HOOKS = _WATCHTOWER + "lifecycle."
_NEVER = ("enable", "false")
_SEMVER = {"major": "*", "all": "*", "minor": "^VERSION", "patch": "~VERSION"}
# What the operator can surely read of durations, people, globs and expressions: a part of what it reads, which others may write otherwise.
_DURATION = "[0-9]{1,4}[sm]|[0-9]{1,3}h|[0-9]{1,2}d"
_HOURS = "[0-9]{1,3}"
_PEOPLE = "[1-9]|1[0-9]|20"
_GLOB = r"[A-Za-z0-9._*?-]{1,80}"
_ATOM = r"(?:[A-Za-z0-9._^$-]|\\[dw.-]|\[\^?(?:0-9|a-z|A-Z|[A-Za-z0-9._])+-?\])"
_TERM = _ATOM + r"(?:(?:[*+?]|\{[0-9]{1,2}\})\??)?"
_REGEX = r"(?:" + _TERM + r"|\||\((?:\?:)?(?:" + _TERM + r"|\|)*\)[*+?]?)+"
# Where it could not.
_SOME_DURATION = "DURATION, such as 90m, 12h or 3d"
_SOME_REGEX = "regex EXPRESSION, one that RE2 can read and that is not long"


def notes(labels: Mapping[str, str]) -> List[str]:
    """Say which of ``labels`` are other tools' and mean nothing here, and what would mean the same, a sentence each.

    Nothing is said of one beside which the label stands that means the same here.
    """
    found = []
    for name in sorted(labels):
        here = FOREIGN_LABELS[name](labels[name].strip()) if name in FOREIGN_LABELS else None
        if here and PREFIX + here[0] not in labels:
            found.append(_sentence(name, labels[name], f"say {PREFIX}{here[0]}: {here[1]}"))
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


def _where_any(option: str, text: str, readable: str, otherwise: str) -> _Here:
    """Say ``text`` with the value in it, where that is of the ``readable`` form, and ``otherwise`` what is to be said; nothing of zero."""

    def here(value: str) -> Optional[Tuple[str, str]]:
        if re.fullmatch("(?:0[0smhd]*)?", value):
            return None
        return option, text.format(value) if _is_of(readable, value) else otherwise

    return here


def _is_of(readable: str, value: str) -> bool:
    return len(value) <= _LONGEST and re.fullmatch(readable, value) is not None


def _policy_of_keel(value: str) -> Optional[Tuple[str, str]]:
    kind, _, pattern = value.partition(":")
    if value == "never":
        return _NEVER
    if value in _SEMVER:
        return "follow", f"semver {_SEMVER[value]}"
    if pattern and kind == "glob":
        return "follow", f"glob {pattern}" if _is_of(_GLOB, pattern) else "glob PATTERN, such as 22.04-*"
    if pattern and kind == "regexp":
        return "follow", f"regex {pattern}" if _is_of(_REGEX, pattern) else _SOME_REGEX
    return None


# How each is said here, by its name.
FOREIGN_LABELS: Mapping[str, _Here] = {
    _WATCHTOWER + "enable": _where_no,
    _WATCHTOWER + "monitor-only": _where_yes("monitor-only", "true"),
    _WATCHTOWER + "no-pull": _where_yes(*_NEVER),
    _WATCHTOWER + "cooldown-delay": _where_any("minimum-age", "{}", _DURATION, _SOME_DURATION),
    "gantry.services.excluded": _where_yes(*_NEVER),
    "gantry.update.jobs": _where_yes("jobs", "true"),
    "shepherd.enable": _where_no,
    "shepherd.autodeploy": _where_no,
    "keel.sh/policy": _policy_of_keel,
    "keel.sh/approvals": _where_any("approval", "{}", _PEOPLE, "PEOPLE, how many are to approve, at most 20"),
    "keel.sh/approvalDeadline": _where_any("approval-deadline", "{}h", _HOURS, _SOME_DURATION),
    "keel.sh/notify": _where_any("notify", "RECEIVER", ".*", "RECEIVER"),
    "wud.watch": _where_no,
    "wud.tag.include": _where_any("follow", "regex {}", _REGEX, _SOME_REGEX),
}
