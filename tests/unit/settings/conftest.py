"""A settings file that is right, and what is said of one that was changed."""

import copy
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.errors import BadSettings
from registry_docker_updater.settings.loading import parse
from registry_docker_updater.settings.model import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/production").write_text("s3cret\n")
    (tmp_path / "inventory").mkdir()
    return tmp_path


def content() -> dict[str, Any]:
    return copy.deepcopy(
        {
            "registries": {
                "production": {
                    "format": "harbor",
                    "hosts": ["registry.example.com"],
                    "secret": {"file": "secrets/production"},
                }
            },
            "fleet": {"inventory": "inventory"},
        }
    )


def problems(folder: Path, given: Any) -> tuple[str, ...]:
    with pytest.raises(BadSettings) as bad:
        parse(given, folder / "config.yml")
    return bad.value.problems


def changed(path: str, value: Any) -> dict[str, Any]:
    made = content()
    *before, last = path.split(".")
    holder = made
    for name in before:
        holder = holder.setdefault(name, {})
    holder[last] = value
    return made


def read(folder: Path, given: dict[str, Any]) -> Settings:
    return parse(given, folder / "config.yml")
