"""What sections say of one another, as far as they can be read: a mistake in one of them hides none that is between two."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

Path = tuple[str | int, ...]


def crossed(content: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield what is wrong between sections of the decoded file, each with its path."""
    registries = _section(content.get("registries"))
    yield from _hosts_of_two(registries)
    yield from _policies_for_none(content.get("policies"), sorted(registries))


def _hosts_of_two(registries: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    owners: dict[str, str] = {}
    for name, registry in registries.items():
        for number, host in _texts(_section(registry).get("hosts")):
            owner = owners.setdefault(host.lower(), name)
            if owner != name:
                yield ("registries", name, "hosts", number), f"{host} belongs to registries.{owner} already"


def _policies_for_none(policies: Any, names: list[str]) -> Iterator[tuple[Path, str]]:
    for place, policy in enumerate(policies if isinstance(policies, list) else ()):
        for number, pattern in _texts(_section(policy).get("registries")):
            if not any(fnmatchcase(name, pattern) for name in names):
                said = f"{pattern} is for none of the registries, which are {', '.join(names)}"
                yield ("policies", place, "registries", number), said


def _section(value: Any) -> Mapping[str, Any]:
    return {str(name): one for name, one in value.items()} if isinstance(value, Mapping) else {}


def _texts(value: Any) -> Iterator[tuple[int, str]]:
    some = value if isinstance(value, list) else ()
    return ((number, one) for number, one in enumerate(some) if isinstance(one, str))
