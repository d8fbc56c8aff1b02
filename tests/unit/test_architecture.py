"""The house: what the core may import, and that its words are those of the glossary and no others."""

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPERATOR = ROOT / "operator/registry_docker_updater"
CORE = sorted((OPERATOR / "core").rglob("*.py"))
COLLECTION = "ansible_collections.registry.docker_updater.plugins.module_utils"
# All that the core may import: nothing of it does I/O, or knows the time or the environment.
ALLOWED = frozenset(
    (
        "base64", "binascii", "bisect", "collections.abc", "cronsim", "dataclasses", "datetime", "difflib", "enum", "fnmatch",
        "functools", "hashlib", "heapq", "hmac", "immutables", "itertools", "json", "math", "operator", "re", "re2", "semantic_version", "typing", "urllib.parse",
        # The zones are a table that is the same everywhere, though it is read from files.
        "zlib", "zoneinfo",
        *(f"{COLLECTION}.{pure}" for pure in (
            "labels", "log_lines", "oci", "outcomes", "policy", "references", "rolling", "stages", "targets",
        )),
    )
)  # fmt: skip
# Words of before the glossary, each of which had several meanings or was a dialect of ours.
RETIRED = frozenset(
    (
        "Allowance", "Sweep", "Swept", "Telling", "TellingState", "Tried", "Turns", "Wanted", "can_be_told", "carry_out",
        "complain", "complaints", "foresight", "fulfil", "fulfilled", "left_with", "look_since", "told", "wishes",
    )
)  # fmt: skip


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield from (f"{module}.{name.name}" if module == COLLECTION else module for name in node.names)


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.relative_to(OPERATOR).as_posix())
def test_the_core_imports_what_is_pure_and_nothing_else(path: Path) -> None:
    names = {name for name in _imports(ast.parse(path.read_text())) if not name.startswith("registry_docker")}
    assert names <= ALLOWED


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.relative_to(OPERATOR).as_posix())
def test_the_core_asks_no_clock(path: Path) -> None:
    """Of what it may import, only this could tell the time."""
    asked = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in ("now", "today", "utcnow")
        and isinstance(node.value, ast.Name)
        and node.value.id in ("date", "datetime")
    ]
    assert not asked


def _glossary() -> Iterator[str]:
    page = (ROOT / "docs/architecture.md").read_text()
    section = page.partition("## Glossary\n")[2].partition("\n## ")[0]
    for row in re.findall(r"^\| [^|]+ \| ([^|]+) \| [^|]+ \|$", section, re.MULTILINE):
        yield from re.findall(r"`(\w+)`", row)


def _classes() -> Iterator[str]:
    for path in CORE:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name


def test_the_glossary_has_every_thing_of_the_core_and_nothing_that_is_not_there() -> None:
    assert set(_glossary()) == set(_classes())


def test_no_two_things_of_the_core_have_one_name() -> None:
    names = list(_classes())
    assert len(names) == len(set(names))


@pytest.mark.parametrize("folder", ["operator", "plugins", "tests", "benchmarks"])
def test_no_word_of_before_the_glossary_is_a_name_again(folder: str) -> None:
    found = {
        f"{path.relative_to(ROOT)}:{token.start[0]}: {token.string}"
        for path in (ROOT / folder).rglob("*.py")
        for token in _tokens(path)
        if token.type == tokenize.NAME and token.string in RETIRED
    }
    assert not found


def _tokens(path: Path) -> Iterator[tokenize.TokenInfo]:
    with path.open("rb") as source:
        yield from tokenize.tokenize(source.readline)
