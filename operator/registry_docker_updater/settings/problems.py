"""What is wrong with settings: all of it at once, each with its path and its place in the file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel

from registry_docker_updater.settings.model import Settings
from registry_docker_updater.settings.places import Content, Path, Place
from registry_docker_updater.settings.sentences import sentence


@dataclass(frozen=True)
class Problem:
    """A sentence about what stands at a ``path``, and at a ``place``, where that is known."""

    path: Path
    sentence: str
    place: Place | None = None

    def __str__(self) -> str:
        """Return the line that tells of it."""
        where = f"line {self.place.line}, column {self.place.column}: " if self.place else ""
        path = ".".join(map(str, self.path))
        return f"{where}{path}: {self.sentence}" if path else f"{where}{self.sentence}"


def problems_of(
    entries: Sequence[Any], crossed: Iterable[tuple[Path, str]], content: Content
) -> list[Problem]:
    """Return a problem for each of pydantic's ``entries``, and for what is wrong between sections, and with the YAML itself.

    They are in the order of the file.
    """
    # A list of which every entry is wrong is called too short, besides.
    wrong = {entry["loc"][:-1] for entry in entries}
    ours = [one for one in entries if one["type"] != "too_short" or one["loc"] not in wrong]
    found = [*_said(ours), *crossed]
    made = [Problem((), said, place) for place, said in content.problems]
    made += [Problem(path, said, place_of(path, content.places)) for path, said in found]
    return sorted(made, key=lambda one: one.place or Place(0, 0))


def place_of(path: Path, places: Mapping[Path, Place]) -> Place | None:
    """Return where the thing at ``path`` stands; what is missing, where the section begins that is to have it."""
    for length in range(len(path), 0, -1):
        if found := places.get(path[:length]):
            return found
    return None


def _said(entries: Iterable[Any]) -> Iterator[tuple[Path, str]]:
    """Yield path and sentence of each; of what may be one of several things, what is said of the likeliest, or of all as one."""
    choices: dict[Path, list[tuple[Path, str]]] = {}
    for entry in entries:
        loc: Path = entry["loc"]
        tag = next((place for place, part in enumerate(loc) if _is_tag(part)), None)
        path = tuple(part for part in loc if not _is_tag(part))
        said = sentence(entry) + _meant(path, entry["type"])
        if tag is None or loc[tag] == _KEY:
            yield path, said
        else:
            choices.setdefault(loc[:tag], []).append((path, said))
    for path, some in choices.items():
        deeper = [one for one in some if len(one[0]) > len(path)]
        yield from deeper or [(path, ", or ".join(dict.fromkeys(said for _, said in some)))]


# With these parts of a path, pydantic names which of several types was tried, and that the name of an entry is meant.
_KEY = "[key]"


def _is_tag(part: str | int) -> bool:
    return isinstance(part, str) and (part == _KEY or part.startswith(("literal[", "tuple[")))


def _meant(path: Path, kind: str) -> str:
    if kind != "extra_forbidden":
        return ""
    close = get_close_matches(str(path[-1]), _names_in(path[:-1]), 1)
    return f"; did you mean {close[0]}?" if close else ""


def _names_in(path: Path) -> tuple[str, ...]:
    """Return the settings that the section at ``path`` has."""
    known: list[type[BaseModel]] = [Settings]
    for part in path:
        fields = [one.model_fields[str(part)].annotation for one in known if str(part) in one.model_fields]
        # Below names that people give, and numbers of entries, the sections are the same.
        known = [inner for field in fields for inner in _sections(field)] or known
    return tuple(name for one in known for name in one.model_fields)


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _sections(inner)
