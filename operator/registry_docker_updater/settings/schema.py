"""The settings as they are written: the JSON Schema of their file, for editors, and those that are in force.

The schema says what the file really takes, and not the types that become of it. What only a look elsewhere tells is not in it: whether files are there, and what sections say of one another. ``settings`` tells that.
"""

import re
from collections.abc import Callable, Iterator
from datetime import time, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from registry_docker_updater.settings.model import Settings
from registry_docker_updater.settings.places import NotReadable, read
from registry_docker_updater.settings.values import Address, Nothing

# What holds too little to be a secret: a port, a duration, a size, a share, a time of day.
_SHORT = re.compile(r"\d{1,5}(\.\d{1,2})?\s?(ms|s|m|h|d|%|[KMGT]?i?B)?|\d\d?:\d\d")
_UNITS = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("m", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
    ("ms", timedelta(milliseconds=1)),
)


def schema() -> dict[str, Any]:
    """Return the schema, of draft 2020-12 (https://json-schema.org/draft/2020-12/schema)."""
    made = Settings.model_json_schema(schema_generator=_AsWritten)
    for node in _nodes(made):
        # Names that people give have a pattern; others are refused.
        if "patternProperties" in node:
            node["additionalProperties"] = False
        if node.get("default", ...) is None:
            del node["default"]
    return {"$schema": _AsWritten.schema_dialect, **made, "title": "Settings of registry-docker-updater"}


def in_force(settings: Settings) -> dict[str, Any]:
    """Return all settings with their values, as they would stand in the file; secrets are named, as there."""
    found: dict[str, Any] = _as_written(settings)
    return found


def struck_out(path: Path, strike: Callable[[str], str]) -> Any:
    """Return what the file at ``path`` says, with all but names of settings and what no secret can be struck out.

    Kept are switches, short numbers, durations, sizes and the words that some settings take; what cannot be read is an error in a sentence.
    """
    try:
        content = read(path.read_bytes()).value
    except OSError as error:
        return {"error": f"cannot be read: {error.strerror}"}
    except NotReadable:
        return {"error": "is not valid YAML"}
    nodes = list(_nodes(schema()))
    names = {name for node in nodes for name in node.get("properties", ())}
    words = {word for node in nodes for word in (*node.get("enum", ()), node.get("const"))}

    def struck(value: Any) -> Any:
        if isinstance(value, dict):
            return {name if name in names else strike(str(name)): struck(one) for name, one in value.items()}
        if isinstance(value, list):
            return [struck(one) for one in value]
        is_kept = value is None or isinstance(value, bool) or value in words or _SHORT.fullmatch(str(value))
        return value if is_kept else strike(str(value))

    return struck(content)


def _as_written(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return dict(_settings_of(value))
    if isinstance(value, dict):
        return {str(name): _as_written(one) for name, one in value.items()}
    for kind, written in _TEXTS:
        if isinstance(value, kind):
            return written(value)
    if isinstance(value, list | tuple):
        return [_as_written(one) for one in value]
    return value if value is None or isinstance(value, bool | int) else str(value)


def _settings_of(section: BaseModel) -> Iterator[tuple[str, Any]]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        nothing = next((one for one in field.metadata if isinstance(one, Nothing)), None)
        if value is not None or nothing is None:
            yield name, _as_written(value)
        elif nothing.word:
            yield name, nothing.word


class _AsWritten(GenerateJsonSchema):
    """Says defaults as they would stand in the file."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        # What a section has when it is left out is said of each of its settings.
        if isinstance(schema.get("default"), BaseModel):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return _written(dft)
        if isinstance(dft, float):
            return _share(dft)
        return super().encode_default(dft)


def _written(duration: timedelta) -> str:
    unit, length = next((one for one in _UNITS if not duration % one[1]), _UNITS[-1])
    return f"{duration / length:.15g}{unit}"


def _share(value: float) -> str:
    return f"{value * 100:.15g}%"


# How values stand in the file that are neither text nor numbers there.
_TEXTS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (timedelta, _written),
    (float, _share),
    (time, "{:%H:%M}".format),
    (Address, str),
)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(inner)
