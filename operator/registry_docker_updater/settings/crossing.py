"""What sections say of one another, as far as they can be read: a mistake in one of them hides none that is between two."""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

Path = tuple[str | int, ...]


def crossed(content: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield what is wrong between sections of the decoded file, each with its path."""
    registries = _section(content.get("registries"))
    receivers = _section(_section(content.get("notifications")).get("receivers"))
    yield from _hosts_of_two(registries)
    yield from _for_none(("policies",), content.get("policies"), registries)
    for name, receiver in receivers.items():
        path = ("notifications", "receivers", name, "gets")
        yield from _for_none(path, _section(receiver).get("gets"), registries)


def _hosts_of_two(registries: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    owners: dict[str, str] = {}
    for name, registry in registries.items():
        for number, host in _texts(_section(registry).get("hosts")):
            owner = owners.setdefault(host.lower(), name)
            if owner != name:
                yield ("registries", name, "hosts", number), f"{host} belongs to registries.{owner} already"


def _for_none(path: Path, rules: Any, registries: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """Yield the patterns of registries in the ``rules`` at ``path`` that match none of them."""
    names = sorted(registries)
    for place, rule in enumerate(rules if isinstance(rules, list) else ()):
        for number, pattern in _texts(_section(rule).get("registries")):
            if not any(fnmatchcase(name, pattern) for name in names):
                said = f"{pattern} is for none of the registries, which are {', '.join(names)}"
                yield (*path, place, "registries", number), said


def _section(value: Any) -> Mapping[str, Any]:
    return {str(name): one for name, one in value.items()} if isinstance(value, Mapping) else {}


def _texts(value: Any) -> Iterator[tuple[int, str]]:
    some = value if isinstance(value, list) else ()
    return ((number, one) for number, one in enumerate(some) if isinstance(one, str))
