"""Finding and reading the settings file: everything that is wrong in it is said together."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from registry_docker_updater.errors import BadSettings
from registry_docker_updater.settings.model import Settings

DEFAULT_PATH = Path("/etc/registry-docker-updater/config.yml")
PATH_VARIABLE = "REGISTRY_DOCKER_UPDATER_CONFIG"

# What is wrong, where the library's words for it are those of its own types.
_SAID = {
    "extra_forbidden": "is not a setting",
    "missing": "is missing",
    "tuple_type": "is to be a list, such as [one, two]",
    "dict_type": "is to be a section, with names of yours in it",
    "model_type": "is to be a section, with settings in it",
    "path_type": "is to be a path",
    "byte_size": "is not a size such as 8 MiB",
    "byte_size_unit": "is not a size such as 8 MiB",
    "too_short": "is empty, and is to have one entry at least",
}


def find(given: str | None, environment: Mapping[str, str]) -> Path:
    """Return the settings file's path: what was given, else the environment's, else the default."""
    return Path(given or environment.get(PATH_VARIABLE) or DEFAULT_PATH)


def load(path: Path) -> Settings:
    """Read and check the settings; paths in them are relative to the file's folder.

    Raises :class:`BadSettings` with everything that is wrong, unreadable secrets included.
    """
    try:
        with path.open() as stream:
            content = yaml.load(stream, _Careful)  # noqa: S506 - it is a safe loader
    except OSError as error:
        hint = f"; give --config, or set {PATH_VARIABLE}" if isinstance(error, FileNotFoundError) else ""
        raise BadSettings(str(path), [f"cannot be read: {error.strerror}{hint}"]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadSettings(str(path), [f"is not valid YAML: {' '.join(str(error).split())}"]) from None
    return parse(content, path)


def parse(content: Any, path: Path) -> Settings:
    """Check ``content``, the decoded file at ``path``; raises :class:`BadSettings`."""
    if not isinstance(content, dict):
        raise BadSettings(str(path), ["expected sections such as registries: and fleet:"])
    try:
        return Settings.model_validate(content, context={"folder": path.absolute().parent})
    except ValidationError as error:
        raise BadSettings(str(path), _problems(error.errors())) from None


class _Careful(yaml.SafeLoader):
    """Refuses a name that stands twice in a section: the first would be forgotten without a word."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # Before `<<` is resolved, which puts the names of other sections into this one.
        node = super().compose_mapping_node(anchor)
        seen = set[str]()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    None, None, f"{key.value} stands twice in this section", key.start_mark
                )
            seen.add(key.value)
        return node


def _problems(entries: Sequence[Any]) -> list[str]:
    # A list of which every entry is wrong is called too short, besides.
    wrong = {entry["loc"][:-1] for entry in entries}
    return [_problem(one) for one in entries if one["type"] != "too_short" or one["loc"] not in wrong]


def _problem(entry: Any) -> str:
    where = ".".join(str(part) for part in entry["loc"])
    said = _SAID.get(entry["type"])
    message = said or entry["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
