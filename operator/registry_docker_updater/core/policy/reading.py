"""Reading what owners say of when, and whether, targets are updated: each rule by its name, from text.

What nobody can read is a problem, and never left out: its owner meant something by it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils import labels
from ansible_collections.registry.docker_updater.plugins.module_utils.policy import POLICY
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling import strategy

from registry_docker_updater.core.policy.durations import read_duration
from registry_docker_updater.core.policy.following import read_follow
from registry_docker_updater.core.policy.rules import AgeRule, ApprovalRule, BadRule, Rules
from registry_docker_updater.core.policy.windows import read_windows

# What is said, by the names of the rules.
Said = tuple[tuple[str, str], ...]
MOST_PEOPLE = 20
MOST_APPROVERS = 50
_APPROVALS = frozenset(("approval", "approvers", "four-eyes", "approval-deadline"))
# By how much newer pushes can delay a push where nobody says for how long.
_LONGEST_WAIT = 10


def _switch(text: str) -> bool:
    # A label without a value could mean either.
    if labels.says_yes(text) or (text.strip() and labels.says_no(text)):
        return labels.says_yes(text)
    raise BadRule(f"{text!r:.100} is neither true nor false")


def _people(text: str) -> int:
    said = text.strip().lower()
    if said.isdecimal() and said.isascii() and len(said) < 5 and int(said) <= MOST_PEOPLE:
        return int(said)
    if said == "required" or labels.says_yes(said):
        return 1
    if said and labels.says_no(said):
        return 0
    raise BadRule(f"{text!r:.100} is neither `required` nor a number of people, at most {MOST_PEOPLE}")


def _approvers(text: str) -> frozenset[str]:
    names = frozenset(filter(None, (name.strip() for name in text.split(","))))
    if not 1 <= len(names) <= MOST_APPROVERS:
        raise BadRule(
            f"it names {len(names)} people, and is to name 1 to {MOST_APPROVERS}, or patterns of them, separated by commas"
        )
    return names


def _deadline(text: str) -> timedelta:
    deadline = read_duration(text)
    if not deadline:
        raise BadRule(f"{text!r:.100} leaves no time to approve anything")
    return deadline


READERS: Mapping[str, Callable[[str], Any]] = {
    "enable": _switch,
    "monitor-only": _switch,
    "approval": _people,
    "approvers": _approvers,
    "four-eyes": _switch,
    "approval-deadline": _deadline,
    "window": read_windows,
    "minimum-age": read_duration,
    "longest-wait": read_duration,
    "soak": read_duration,
    "follow": read_follow,
}


def read_rules(said: Said, where: str) -> Rules:
    """Return the rules that one place says, with a problem for all that nobody can read.

    ``where`` is put before each name, such as ``docker_update_policy of host web1: ``.
    """
    rules = _read(said)
    if not rules.problems:
        return rules
    return replace(rules, problems=tuple(f"{where}{problem}" for problem in rules.problems))


@lru_cache(maxsize=10_000)
def read_labels(said: Said) -> Rules:
    """Return the rules that the labels of a target say, by their names without the prefix.

    A label of another kind that nobody can read is a problem, too.
    """
    rules = read_rules(tuple(pair for pair in said if pair[0] in READERS), f"label {labels.PREFIX}")
    others = labels.problems({labels.PREFIX + name: text for name, text in said})
    return replace(rules, problems=(*rules.problems, *others)) if others else rules


@lru_cache(maxsize=10_000)
def _read(said: Said) -> Rules:
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, text in said:
        if name == POLICY:
            problems.append(f"it says {text!r:.300}, and is to be a mapping such as minimum_age: 2h")
        elif name == strategy.ORDER:
            # It is no rule, but what is to come first is told by it.
            if problem := strategy.problem(name, text):
                problems.append(f"{strategy.variable(name)}: {problem}")
        elif name not in READERS:
            problems.append(f"{name:.100} {labels.unknown(name, READERS)}")
        else:
            try:
                values[name] = READERS[name](text)
            except BadRule as error:
                problems.append(f"{name}: {error}")
    problems += _contradictions(values)
    return Rules(
        is_enabled=values.get("enable", True),
        is_watched=values.get("monitor-only", False),
        approval=_approval(values),
        windows=_any(values.get("window")),
        ages=_any(_age(values)),
        soak=values.get("soak", timedelta()),
        follows=_any(values.get("follow")),
        problems=tuple(problems),
    )


def _contradictions(values: Mapping[str, Any]) -> Iterator[str]:
    age, longest = values.get("minimum-age"), values.get("longest-wait")
    if age and longest is not None and longest < age:
        yield f"longest-wait: {longest} is shorter than minimum-age, {age}, which would never be waited for"


def _approval(values: Mapping[str, Any]) -> ApprovalRule | None:
    if not values.keys() & _APPROVALS:
        return None
    return ApprovalRule(
        values.get("approval", 0),
        _any(values.get("approvers")),
        values.get("four-eyes", False),
        values.get("approval-deadline"),
    )


def _age(values: Mapping[str, Any]) -> AgeRule | None:
    age = values.get("minimum-age")
    return AgeRule(age, values.get("longest-wait", age * _LONGEST_WAIT)) if age else None


def _any(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)
