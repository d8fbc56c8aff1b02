# SPDX-License-Identifier: Apache-2.0
"""What an inventory says about notifications: its variables, each worked out on its own, and a shop's own files."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from ansible_collections.registry.docker_updater.plugins.module_utils.notification.channels import (
    CHANNELS,
    GIVEN,
    PREFIX,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.receivers import Broken

_HANDLER = re.compile(r"([a-z][a-z0-9_]*)\.ya?ml")
_NOT_READ = "it was not read"
# What an error may tell: its other words can hold the template, and that a secret.
_CAUSES = (
    (re.compile(r"'([A-Za-z_]\w{0,99})' is undefined"), "{} is not defined"),
    (re.compile(r"has no attribute '([A-Za-z_]\w{0,99})'"), "{} is not defined"),
    (re.compile(r"environment variable '(\w{1,99})' is not set"), "the environment variable {} is not set"),
    (
        re.compile(
            r"(?:access(?:ing)? the file|find file|file matching|file in lookup:) ?['\"]?([\w./-]{1,200})"
        ),
        "file {} is not there",
    ),
    (
        re.compile(r"([Dd]ecrypt|[Vv]ault (?:secret|format))"),
        "it cannot be decrypted with the vault's password that is given",
    ),
)


class Settings(NamedTuple):
    """The variables by name, with :class:`Broken` for what cannot be worked out; the inventories; and a shop's own handlers.

    A shop's folders are best beside an inventory's file or folder, and not in such a folder: Ansible takes all files there, and in
    the folders in it, for inventories, and a line of a template for a host.
    """

    variables: Mapping[str, Any]
    inventories: List[str]
    handlers: Mapping[str, str]

    def folders(self, what: str, named: Any) -> List[str]:
        """Return the folders of ``what`` that are there: ``named``, seen from each inventory's folder, or the usual ones."""
        if isinstance(named, str) and named.strip():
            bases = [one if os.path.isdir(one) else os.path.dirname(one) for one in self.inventories]
            paths = [os.path.normpath(os.path.join(base, named)) for base in bases or ["."]]
        else:
            beside = [os.path.dirname(os.path.abspath(one)) for one in self.inventories]
            paths = [os.path.join(base, PREFIX + what) for base in (*beside, *self.inventories)]
        return [path for path in dict.fromkeys(paths) if os.path.isdir(path)]

    def misplaced(self, what: str) -> List[str]:
        """Return the usual folders that are in an inventory's folder, where Ansible reads them, too."""
        return [
            path
            for path in (os.path.join(one, PREFIX + what) for one in self.inventories)
            if os.path.isdir(path)
        ]

    def template(self, name: str, own: Any, ours: str) -> str:
        """Return the path of a template: that of the folder ``own``, which a receiver names, or else of ``ours``."""
        for folder in self.folders("templates", own):
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                return path
        return os.path.join(ours, name)


def read_settings(templar: Any, task_vars: Mapping[str, Any], receiver: Optional[str] = None) -> Settings:
    """Read all variables that look like ours; none keeps another from being read.

    With ``receiver``, those of other receivers are not worked out: what only they need, such as a vault on another
    machine, is asked only for them.
    """
    variables = {
        name: _worked_out(templar, _only(receiver, value) if name == f"{PREFIX}receivers" else value)
        for name, value in task_vars.items()
        if str(name).startswith("notif") and name not in {PREFIX + one for one in GIVEN}
    }
    sources = [str(one) for one in task_vars.get("ansible_inventory_sources") or () if os.path.exists(one)]
    settings = Settings(variables, list(dict.fromkeys(sources)), {})
    handlers: Dict[str, str] = {}
    for folder in settings.folders("handlers", variables.get(f"{PREFIX}handlers")):
        for file in sorted(os.listdir(folder)):
            named = _HANDLER.fullmatch(file)
            if named and named.group(1) not in CHANNELS:
                handlers.setdefault(named.group(1), os.path.join(folder, file))
    return settings._replace(handlers=handlers)


def _only(receiver: Optional[str], value: Any) -> Any:
    if receiver is None or not isinstance(value, Mapping):
        return value
    return {
        name: own if name == receiver else dict.fromkeys(own, _NOT_READ) if isinstance(own, Mapping) else {}
        for name, own in value.items()
    }


def _worked_out(templar: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _worked_out(templar, inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_worked_out(templar, inner) for inner in value]
    try:
        return plain(templar.template(value))
    except Exception as error:
        return Broken(_cause(str(error)))


def plain(value: Any) -> Any:
    """Return ``value`` as what JSON is made of, decrypted."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def _cause(text: str) -> str:
    for pattern, words in _CAUSES:
        found = pattern.search(text)
        if found:
            return words.format(found.group(1))
    return "its value cannot be worked out"
