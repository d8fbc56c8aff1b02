"""The JSON Schema of the settings file, for editors: what it really takes, and not the types that become of it.

What only a look elsewhere tells is not in it: whether files are there, and what sections say of one another. ``settings`` tells that.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from registry_docker_updater.settings.model import Settings

_UNITS = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("m", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
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
            return f"{dft:.0%}"
        return super().encode_default(dft)


def _written(duration: timedelta) -> str:
    unit, length = next((one for one in _UNITS if not duration % one[1]), _UNITS[-1])
    return f"{duration // length}{unit}"


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(inner)
