"""Striking out: what is kept of a text is what could not be anybody's secret, whatever stands where."""

import errno
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


@cache
def own_words() -> frozenset[str]:
    """Return all words of our own code, and of what the system says of errors: no shop's secret is among them but by chance."""
    folders = (Path(registry_docker_updater.__file__).parent, COLLECTION_FOLDER / "plugins")
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    said = " ".join(os.strerror(number) for number in errno.errorcode)
    return frozenset(_WORD.findall(said)).union(*(_WORD.findall(path.read_text()) for path in sources))


@dataclass(frozen=True)
class Redactor:
    """Strikes out all but the ``words`` and what is harmless; the same text has the same number each time, such as ``#3``."""

    words: Collection[str]
    _struck: dict[str, int] = field(default_factory=dict)

    def struck(self, text: str) -> str:
        """Return what stands for ``text``."""
        return f"#{self._struck.setdefault(text, len(self._struck) + 1)}"

    def text(self, text: str) -> str:
        """Return ``text`` with what is quoted, and each word that is not known, struck out."""
        shown = _QUOTED.sub(lambda quoted: self.struck(quoted[0][1:-1]), text)
        return "".join(self._word(part) for part in re.split(r"(\s+)", shown))

    def value(self, value: Any) -> Any:
        """Return what would be JSON with all in it struck out: its texts, its names, and numbers that are long."""
        if isinstance(value, Mapping):
            return {self._word(str(name)): self.value(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one) for one in value]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return value if abs(value) < _MOST else self.struck(str(value))
        return self.text(str(value))

    def _word(self, part: str) -> str:
        found = _AROUND.match(part)
        if not found or not part.strip():
            return part
        before, word, after = found.groups()
        is_kept = word in self.words or _HARMLESS.fullmatch(word)
        return f"{before}{word if is_kept else self.struck(word)}{after}"
