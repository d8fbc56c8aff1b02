"""Finding and reading the settings file: everything that is wrong in it is said together."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from registry_docker_updater.errors import BadSettings
from registry_docker_updater.settings import places
from registry_docker_updater.settings.crossing import crossed
from registry_docker_updater.settings.model import Settings
from registry_docker_updater.settings.problems import Problem, problems_of

DEFAULT_PATH = Path("/etc/registry-docker-updater/config.yml")
PATH_VARIABLE = "REGISTRY_DOCKER_UPDATER_CONFIG"


def find(given: str | None, environment: Mapping[str, str]) -> Path:
    """Return the settings file's path: what was given, else the environment's, else the default."""
    return Path(given or environment.get(PATH_VARIABLE) or DEFAULT_PATH)


def load(path: Path) -> Settings:
    """Read and check the settings; paths in them are relative to the file's folder.

    Raises :class:`BadSettings` with everything that is wrong, unreadable secrets included, each with its place in the file.
    """
    try:
        content = places.read(path.read_bytes())
    except OSError as error:
        hint = f"; give --config, or set {PATH_VARIABLE}" if isinstance(error, FileNotFoundError) else ""
        raise BadSettings(str(path), [f"cannot be read: {error.strerror}{hint}"]) from None
    except places.NotReadable as error:
        raise BadSettings(str(path), [str(Problem((), error.sentence, error.place))]) from None
    return _checked(content, path)


def parse(value: Any, path: Path) -> Settings:
    """Check the ``value`` of the decoded file at ``path``; raises :class:`BadSettings`."""
    return _checked(places.Content(value), path)


def _checked(content: places.Content, path: Path) -> Settings:
    if not isinstance(content.value, dict):
        raise BadSettings(str(path), ["expected sections such as registries: and fleet:"])
    entries: Sequence[Any] = ()
    try:
        settings = Settings.model_validate(content.value, context={"folder": path.absolute().parent})
    except ValidationError as error:
        entries = error.errors()
    found = problems_of(entries, crossed(content.value), content)
    if found:
        raise BadSettings(str(path), [str(one) for one in found])
    return settings
