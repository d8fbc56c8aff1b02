"""What a YAML file says, and where in it each thing stands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]

# Aliases can have a short file hold more than any memory does; nobody writes so many settings.
_MOST_NODES = 100_000
_TAB = "found character '\\t' that cannot start any token"
_MERGE, _TEXT = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:str"


@dataclass(frozen=True, order=True)
class Place:
    """A place in a file; lines and columns begin with 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Content:
    """What a file says: its ``value``, and the ``places`` of all that is in it, by path: of an entry, where its name stands.

    ``problems`` are what is wrong with single names and values, in sentences; the others can be read all the same.
    """

    value: Any
    places: Mapping[Path, Place] = field(default_factory=dict)
    problems: Sequence[tuple[Place, str]] = ()


class NotReadable(Exception):
    """A file that cannot be read as YAML: a ``sentence`` that says why, and the ``place``, as far as that is known."""

    def __init__(self, place: Place | None, sentence: str) -> None:
        """Keep both."""
        super().__init__(sentence)
        self.place, self.sentence = place, sentence


def read(content: bytes) -> Content:
    """Return what ``content`` says: YAML 1.1 of one document, as PyYAML has it; raises :class:`NotReadable`.

    A name that stands twice in a section is a problem, for YAML forbids it (1.2, 3.2.1.1), and PyYAML forgets the first without a word.
    """
    try:
        text = content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotReadable(Place(line, 1), "is not UTF-8 from here on: save the file as UTF-8") from None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise NotReadable(None, "is empty: it is to have sections such as registries: and fleet:")
        value = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotReadable(_place(mark) if mark else None, _sentence(error)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        said = f"holds a character that YAML does not allow, U+{ord(text[error.position]):04X}"
        raise NotReadable(Place(line, 1), said) from None
    except RecursionError:
        raise NotReadable(None, "is not valid YAML: is nested too deep") from None
    places: dict[Path, Place] = {}
    for path, place in _places(node, (), ()):
        places[path] = place
        if len(places) > _MOST_NODES:
            raise NotReadable(None, "holds too much: aliases (*name) repeat what they stand for")
    return Content(value, places, loader.problems)


class _Loader(yaml.SafeLoader):
    """Notes what is wrong with single names and values, and goes on. Names are text, also those that look like numbers or switches."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.problems: list[tuple[Place, str]] = []

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # Before `<<` is resolved, which puts the names of other sections into this one.
        node = super().compose_mapping_node(anchor)
        node.value = [(_as_text(key), value) for key, value in node.value]
        seen = dict[str, Place]()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            place = _place(key.start_mark)
            first = seen.setdefault(key.value, place)
            if first is not place and key.tag != _MERGE:
                said = f"{key.value} stands twice in this section, before in line {first.line}"
                self.problems.append((place, said))
        return node

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        # As JSON writes what is beyond 16 bits: as two halves (RFC 8259, 7), of which neither is a character.
        node = super().compose_scalar_node(anchor)
        halves = node.value.encode("utf-16", "surrogatepass")
        node.value = halves.decode("utf-16", "replace")
        if node.value.encode("utf-16") != halves:
            self.problems.append((_place(node.start_mark), "holds half a character, such as \\ud800"))
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - as PyYAML has it
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError):
            # So PyYAML fails where a value is not of the type that it is tagged with, or that it looks like.
            kind = node.tag.rpartition(":")[2]
            said = f"is not valid YAML: this is no {kind}; put it in quotes where it is text"
            self.problems.append((_place(node.start_mark), said))
            return node.value


def _as_text(name: yaml.Node) -> yaml.Node:
    if not isinstance(name, yaml.ScalarNode) or name.tag == _MERGE:
        return name
    return yaml.ScalarNode(_TEXT, name.value, name.start_mark, name.end_mark, name.style)


def _places(node: yaml.Node, path: Path, within: tuple[yaml.Node, ...]) -> Iterator[tuple[Path, Place]]:
    if any(node is one for one in within):
        raise NotReadable(_place(node.start_mark), "holds itself, by an alias")
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
