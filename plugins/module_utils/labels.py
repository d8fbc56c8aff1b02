# SPDX-License-Identifier: Apache-2.0
"""The labels by which services and containers opt in and say how they want to be treated. Pure."""

from __future__ import annotations

import difflib
import re
from typing import Dict, Iterable, List, Mapping

from ansible_collections.registry.docker_updater.plugins.module_utils.rolling import strategy

OPT_IN = "registry-docker-updater"
PREFIX = OPT_IN + "."
# A service that is a job is updated only with this label, because updating it runs it again.
JOBS = PREFIX + "jobs"
# Variables of a container's environment, separated by commas, that stay although they equal the old image's.
KEEP_ENV = PREFIX + "keep-env"
# A container that does its work once and ends with code 0 has proven itself.
ONE_SHOT = PREFIX + "one-shot"
# The receivers that are told what becomes of it, separated by commas.
NOTIFY = PREFIX + "notify"
MOST_RECEIVERS = 10
# What of the labels under the prefix is told to the operator: so many, each so long.
MOST_LABELS, LONGEST_LABEL = 64, 2000
# In place of those that are too many. No label is called so, and what is not known has its target wait.
TOO_MANY = "too-many-labels"
# False: it is never updated. True: people are told what would be updated, and nothing is.
ENABLE, MONITOR_ONLY = PREFIX + "enable", PREFIX + "monitor-only"
# When else, and whether, it is updated. Their values are the operator's to read, and not a module's.
_RULES = (
    "approval",
    "approvers",
    "four-eyes",
    "approval-deadline",
    "window",
    "minimum-age",
    "longest-wait",
    "soak",
    "follow",
)
RULES = (ENABLE, MONITOR_ONLY, *(PREFIX + rule for rule in _RULES))
# In which steps a push rolls across the hosts.
ROLLING = {PREFIX + option: option for option in strategy.STRATEGY}
# Every label beyond the opt-in that somebody reads; anything else under the prefix is reported.
KNOWN_OPTIONS = frozenset((JOBS, KEEP_ENV, ONE_SHOT, NOTIFY, *ROLLING, *RULES))

_RECEIVER = re.compile("[A-Za-z0-9_.-]{1,64}")
_YES = frozenset(("true", "yes", "on", "1"))
_NO = frozenset(("false", "no", "off", "0", ""))


def says_yes(value: str) -> bool:
    """Tell whether a label's value means yes: true, yes, on or 1, in any case."""
    return value.strip().lower() in _YES


def says_no(value: str) -> bool:
    """Tell whether a label's value means no: false, no, off, 0 or nothing, in any case."""
    return value.strip().lower() in _NO


def opted_in(labels: Mapping[str, str]) -> bool:
    """Tell whether ``labels`` ask for updates."""
    return says_yes(labels.get(OPT_IN, ""))


def under_prefix(labels: Mapping[str, str]) -> Dict[str, str]:
    """Return what the operator is told of ``labels``: those under the prefix, without it, within bounds."""
    return bounded({name[len(PREFIX) :]: labels[name] for name in labels if name.startswith(PREFIX)})


def bounded(said: Mapping[str, str]) -> Dict[str, str]:
    """Return ``said``, with what is too much of it put so that nobody can read it: then its target waits.

    What is too long is cut, with "…" at its end; of what is too many the last by name give way to :data:`TOO_MANY`.
    """
    names = sorted(said)
    if len(names) <= MOST_LABELS:
        return {_cut(name): _cut(said[name]) for name in names}
    return {**bounded({name: said[name] for name in names[: MOST_LABELS - 1]}), TOO_MANY: str(len(names))}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"


def rolling_options(labels: Mapping[str, str]) -> Dict[str, str]:
    """Return what ``labels`` say of the steps of a rollout, by :data:`strategy.STRATEGY`, readable or not."""
    return {option: labels[label] for label, option in ROLLING.items() if label in labels}


def is_receiver(name: str) -> bool:
    """Tell whether a receiver of messages can have this name."""
    return _RECEIVER.fullmatch(name) is not None


def receivers(labels: Mapping[str, str]) -> List[str]:
    """Return the receivers that ``labels`` name, each once; none where what they say of them cannot be read."""
    return [] if _problem_of_receivers(labels) else _named(labels)


def _named(labels: Mapping[str, str]) -> List[str]:
    names = [name.strip() for name in labels.get(NOTIFY, "").split(",")]
    return list(dict.fromkeys(filter(None, names)))


def _problem_of_receivers(labels: Mapping[str, str]) -> str:
    names = _named(labels)
    if NOTIFY not in labels:
        return ""
    if not 1 <= len(names) <= MOST_RECEIVERS:
        return f"it names {len(names)} receivers, and is to name 1 to {MOST_RECEIVERS}, separated by commas"
    wrong = [name for name in names if not is_receiver(name)]
    if wrong:
        return f"{wrong[0]!r:.100} is no name of a receiver: those have 1 to 64 letters, digits, _ . and -"
    return ""


def unknown(name: str, known: Iterable[str]) -> str:
    """Say that ``name`` is none of those ``known`` by which owners say something, as the end of a sentence."""
    close = difflib.get_close_matches(name, sorted(known), 1, 0.7)
    meant = f"did you mean {close[0]}? N" if close else "n"
    return f"is not known: {meant}othing is updated until it is right or gone"


def problems(labels: Mapping[str, str]) -> List[str]:
    """Say what in ``labels`` is under our prefix and means nothing, a sentence each."""
    known = [option[len(PREFIX) :] for option in KNOWN_OPTIONS]
    found = [
        f"label {name} {unknown(name[len(PREFIX) :], known)}"
        for name in sorted(labels)
        if name.startswith(PREFIX) and name not in KNOWN_OPTIONS
    ]
    for option, value in rolling_options(labels).items():
        problem = strategy.problem(option, value)
        if problem:
            found.append(f"label {PREFIX}{option}: {problem}")
    problem = _problem_of_receivers(labels)
    if problem:
        found.append(f"label {NOTIFY}: {problem}")
    value = labels.get(OPT_IN, "")
    if not says_yes(value) and not says_no(value):
        found.insert(0, f"label {OPT_IN}: {value!r} is neither true nor false, so it does not opt in")
    return found
