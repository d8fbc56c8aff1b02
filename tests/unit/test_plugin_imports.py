"""What the plugins import: what calls itself pure imports only what is pure, and managed hosts need nothing but Python."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
COLLECTION = "ansible_collections.registry.docker_updater.plugins."
MODULES = {
    path.relative_to(PLUGINS).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path
    for path in PLUGINS.rglob("*.py")
}

# The one list of what is pure, a room or a module a line: it decides, and neither acts nor looks at the world.
PURE = (
    "module_utils.foreign_labels",
    "module_utils.json_text",
    "module_utils.labels",
    "module_utils.log_lines",
    "module_utils.manual_changes",
    "module_utils.moves",
    "module_utils.notification",
    "module_utils.oci",
    "module_utils.outcomes",
    "module_utils.planned",
    "module_utils.policy",
    "module_utils.references",
    "module_utils.rolling",
    "module_utils.stages",
    "module_utils.targets",
    "module_utils.times",
    "module_utils.container.decisions",
    "module_utils.engine.proxies",
    "module_utils.scan.reading",
    "module_utils.swarm.decisions",
)
# What of the standard library does no I/O, and knows neither the time nor the environment.
PURE_LIBRARY = frozenset(
    (
        "__future__", "base64", "binascii", "collections", "copy", "dataclasses", "datetime", "difflib", "enum", "hashlib", "hmac",
        "ipaddress", "json", "math", "posixpath", "re", "typing", "urllib.parse",
    )
)  # fmt: skip


def _imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it; of ``from x import y`` also ``x.y``, where that is a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: Ansible wants the whole name"
            found = str(node.module)
            ours = found.removeprefix(COLLECTION.rstrip(".")).lstrip(".")
            inner = [f"{ours}.{alias.name}".lstrip(".") for alias in node.names]
            if found.startswith(COLLECTION.rstrip(".")) and any(one in MODULES for one in inner):
                yield from (COLLECTION + one for one in inner)
            else:
                yield found


def _is_pure(module: str) -> bool:
    return any(module == one or module.startswith(one + ".") for one in PURE)


def _named(*rooms: str) -> list[str]:
    found = sorted(name for name in MODULES if name.startswith(rooms))
    assert found, f"there is nothing in {rooms}"
    return found


@pytest.mark.parametrize("module", [name for name in _named("module_utils") if _is_pure(name)])
def test_what_is_pure_imports_only_what_is_pure(module: str) -> None:
    for imported in _imports(MODULES[module]):
        is_ours = imported.startswith(COLLECTION)
        assert _is_pure(imported.removeprefix(COLLECTION)) if is_ours else imported in PURE_LIBRARY, imported


@pytest.mark.parametrize("module", _named("module_utils"))
def test_what_runs_on_hosts_imports_the_standard_library_and_its_own(module: str) -> None:
    for imported in _imports(MODULES[module]):
        is_standard = imported.partition(".")[0] in sys.stdlib_module_names
        assert is_standard or imported.startswith(f"{COLLECTION}module_utils"), imported


@pytest.mark.parametrize("module", _named("filter", "lookup", "test"))
def test_what_templates_call_is_decided_by_what_is_pure(module: str) -> None:
    for imported in _imports(MODULES[module]):
        if imported.startswith(COLLECTION):
            ours = imported.removeprefix(COLLECTION)
            assert _is_pure(ours) or ours.startswith(("filter.", "test.")), imported
        elif not imported.startswith("ansible."):
            assert imported in PURE_LIBRARY, imported


@pytest.mark.parametrize("module", _named("module_utils"))
def test_what_calls_itself_pure_is_on_the_list(module: str) -> None:
    says_so = "Pure" in (ast.get_docstring(ast.parse(MODULES[module].read_text())) or "")
    assert says_so == _is_pure(module)


def test_every_line_of_the_list_is_about_something() -> None:
    assert [one for one in PURE if one not in MODULES] == []


def test_the_figure_of_coverage_leaves_out_nothing_that_is_pure() -> None:
    omitted = tomllib.loads((PLUGINS.parent / "pyproject.toml").read_text())["tool"]["coverage"]["run"][
        "omit"
    ]
    for name, path in MODULES.items():
        if _is_pure(name):
            where = path.relative_to(PLUGINS.parent)
            assert not [pattern for pattern in omitted if where.match(pattern)], name
