"""What a YAML file says, and where in it each thing stands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

Path = tuple[str | int, ...]

# Aliases can have a short file hold more than any memory does; nobody writes so many settings.
_MOST_NODES = 100_000
_TAB = "found character '\\t' that cannot start any token"
_MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, order=True)
class Place:
    """A place in a file; lines and columns begin with 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Content:
    """What a file says: its ``value``, and the ``places`` of all that is in it, by path: of an entry, where its name stands."""

    value: Any
    places: Mapping[Path, Place]


class NotReadable(Exception):
    """A file that cannot be read as YAML; ``problems`` says in sentences why, and where, as far as that is known."""

    def __init__(self, *problems: tuple[Place | None, str]) -> None:
        """Keep the problems."""
        super().__init__(*(sentence for _, sentence in problems))
        self.problems = problems


def read(content: bytes) -> Content:
    """Return what ``content`` says: YAML 1.1 of one document, as PyYAML has it; raises :class:`NotReadable`.

    A name that stands twice in a section is a problem, for YAML forbids it (1.2, 3.2.1.1), and PyYAML forgets the first without a word.
    """
    try:
        text = content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotReadable((Place(line, 1), "is not UTF-8 from here on: save the file as UTF-8")) from None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise NotReadable((None, "is empty: it is to have sections such as registries: and fleet:"))
        if loader.twice:
            raise NotReadable(*loader.twice)
        value = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotReadable((_place(mark) if mark else None, _sentence(error))) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        said = f"holds a character that YAML does not allow, U+{ord(text[error.position]):04X}"
        raise NotReadable((Place(line, 1), said)) from None
    except (ValueError, RecursionError) as error:
        # Such as a date that there is none of, which PyYAML makes a date of all the same.
        said = "is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise NotReadable((None, f"is not valid YAML: {said}")) from None
    places: dict[Path, Place] = {}
    for path, place in _places(node, (), ()):
        places[path] = place
        if len(places) > _MOST_NODES:
            raise NotReadable((None, "holds too much: aliases (*name) repeat what they stand for"))
    return Content(value, places)


class _Loader(yaml.SafeLoader):
    """Notes which names stand twice in a section."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.twice: list[tuple[Place | None, str]] = []

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # Before `<<` is resolved, which puts the names of other sections into this one.
        node = super().compose_mapping_node(anchor)
        seen = dict[str, Place]()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            place = _place(key.start_mark)
            first = seen.setdefault(key.value, place)
            if first is not place and key.tag != _MERGE:
                said = f"{key.value} stands twice in this section, before in line {first.line}"
                self.twice.append((place, said))
        return node


def _places(node: yaml.Node, path: Path, within: tuple[yaml.Node, ...]) -> Iterator[tuple[Path, Place]]:
    if any(node is one for one in within):
        raise NotReadable((_place(node.start_mark), "holds itself, by an alias"))
    inside = (*within, node)
    if isinstance(node, yaml.MappingNode):
        # What `<<` takes over stands before what the section says itself.
        for key, value in node.value:
            here = (*path, str(key.value))
            yield here, _place(key.start_mark)
            yield from _places(value, here, inside)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            here = (*path, number)
            yield here, _place(value.start_mark)
            yield from _places(value, here, inside)


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _sentence(error: yaml.MarkedYAMLError) -> str:
    if error.problem == _TAB:
        return "a tab stands where YAML takes spaces only"
    if (
        isinstance(error, yaml.composer.ComposerError)
        and error.context == "expected a single document in the stream"
    ):
        return "a second document begins (---): all settings are one"
    said = ", ".join(filter(None, (error.context, error.problem)))
    return f"is not valid YAML: {' '.join(said.split())}"
