"""Striking out: what is kept of a text are words of our own that are no names, short numbers, and times."""

import errno
import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import registry_docker_updater
from registry_docker_updater.edges.runs.inputs import COLLECTION_FOLDER

# What was given is shown so in our sentences, and in those of libraries.
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|<[^>\n]*>")
_AROUND = re.compile(r"^([(\[{`]*)(.*?)([)\]}`.,;:!?]*)$", re.DOTALL)
_HARMLESS = re.compile(
    r"\d{1,5}(ms|s|m|h|d|%|[KMGT]?i?B)?"
    r"|\d{1,3}\.\d{1,3}(\.\d{1,3})?"
    r"|\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?"
    r"|\d\d:\d\d(:\d\d)?"
    r"|#\d{1,5}|…|-|"
)
_WORD = re.compile(r"[A-Za-z]+(?:_[A-Za-z]+)*")
_MOST = 100_000
# What stands under these in rows of views and lines of the log is a name that people gave, whatever words it is made of.
_NAMED = frozenset(
    (
        *("actor", "approved_by", "approvers", "containers", "ended_by", "engine_name", "groups", "host", "hosts"),
        *("image", "key", "keys", "managers", "name", "named", "notify", "of", "operators", "place", "receiver", "reference"),
        *("refused_by", "registries", "registry", "repositories", "repository", "subject", "swarm", "swarms", "tag", "target"),
        *("targets", "username"),
    )
)  # fmt: skip


@cache
def own_words() -> frozenset[str]:
    """Return all words of our own code, and of what the system says of errors; some are names in many a shop, such as web."""
    folders = (Path(registry_docker_updater.__file__).parent, COLLECTION_FOLDER / "plugins")
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    said = " ".join(os.strerror(number) for number in errno.errorcode)
    return frozenset(_WORD.findall(said)).union(*(_WORD.findall(path.read_text()) for path in sources))


@dataclass(frozen=True)
class Redactor:
    """Strikes out all but the ``words`` and what is harmless; the same text has the same number each time, such as ``#3``.

    What it has learned to be a name is struck out also where it is one of the words.
    """

    words: Collection[str]
    _names: set[str] = field(default_factory=set)
    _struck: dict[str, int] = field(default_factory=dict)

    def learn(self, value: Any, *, is_named: bool = False) -> None:
        """Learn the names in what would be JSON; where it ``is_named`` itself, each text in it is one."""
        if isinstance(value, Mapping):
            for name, one in value.items():
                self.learn(one, is_named=name in _NAMED)
        elif isinstance(value, list | tuple):
            for one in value:
                self.learn(one, is_named=is_named)
        elif is_named and isinstance(value, str):
            self._names.add(value)

    def learned(self, text: str) -> str:
        """Learn each word of a ``text`` that people wrote, and return what stands for it."""
        self._names.update(text.split())
        return self.struck(text)

    def struck(self, text: str) -> str:
        """Return what stands for ``text``."""
        return f"#{self._struck.setdefault(text, len(self._struck) + 1)}"

    def text(self, text: str) -> str:
        """Return ``text`` with what is quoted, and each word that is not known, struck out."""
        shown = _QUOTED.sub(lambda quoted: self.struck(quoted[0][1:-1]), text)
        return "".join(self._word(part) for part in re.split(r"(\s+)", shown))

    def line(self, line: str) -> str:
        """Return a ``line`` of a log, of JSON or of text, with the same struck out."""
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            return self.text(line)
        return json.dumps(self.value(found), ensure_ascii=False)

    def value(self, value: Any, *, is_named: bool = False) -> Any:
        """Return what would be JSON with all in it struck out: its texts, its names, and numbers that are long."""
        if isinstance(value, Mapping):
            return {
                self._word(str(name)): self.value(one, is_named=name in _NAMED) for name, one in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(one, is_named=is_named) for one in value]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return value if abs(value) < _MOST else self.struck(str(value))
        return self.struck(value) if is_named and value else self.text(str(value))

    def _word(self, part: str) -> str:
        found = _AROUND.match(part)
        if not found or not part.strip():
            return part
        before, word, after = found.groups()
        is_kept = _HARMLESS.fullmatch(word) or (word in self.words and word not in self._names)
        return f"{before}{word if is_kept else self.struck(word)}{after}"
