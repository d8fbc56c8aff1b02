"""Secrets: named in the settings, and never written there."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from registry_docker_updater.settings.values import RelativePath

_TEXT: JsonValue = {"type": "string"}
_NONE: JsonValue = {"type": "null"}
# One of them names the secret, and the other is left out.
_ONE_OF_BOTH: list[JsonValue] = [
    {"required": [one], "properties": {one: _TEXT, other: _NONE}}
    for one, other in (("file", "env"), ("env", "file"))
]


class Section(BaseModel):
    """A part of the settings, in which nothing else may stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def lacks(cls, given: Mapping[str, Any]) -> str | None:
        """Return in a sentence what is wrong with which settings are ``given``, whatever is wrong with each of them."""

    @model_validator(mode="wrap")
    @classmethod
    def _as_a_whole(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        lacking = cls.lacks(given) if isinstance(given, Mapping) else None
        try:
            made = handler(given)
        except ValidationError as error:
            if lacking is None:
                raise
            raise ValidationError.from_exception_data(
                cls.__name__, [*map(_again, error.errors()), _again({"type": "value_error", "msg": lacking})]
            ) from None
        if lacking is not None:
            raise ValueError(lacking)
        return made


def _again(entry: Mapping[str, Any]) -> InitErrorDetails:
    """Return an ``entry`` of pydantic's errors as it is raised once more."""
    context = {**entry.get("ctx", {}), "said": entry["msg"]}
    kind = PydanticCustomError(entry["type"], "{said}", context)
    return InitErrorDetails(type=kind, loc=entry.get("loc", ()), input=None)


class Secret(Section):
    """A secret, named and never written: in a file, or in a variable of the environment."""

    model_config = ConfigDict(json_schema_extra={"oneOf": _ONE_OF_BOTH})

    file: RelativePath | None = Field(
        None, description="The file that holds the secret; white space around it is left out."
    )
    env: str | None = Field(None, description="The variable of the environment that holds the secret.")

    @model_validator(mode="before")
    @classmethod
    def _named_not_written(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValueError(
                "write {file: PATH} or {env: NAME}; a secret itself never stands in the settings"
            )
        return value

    @classmethod
    def lacks(cls, given: Mapping[str, Any]) -> str | None:
        """Return what is wrong where not exactly one is given."""
        is_one = (given.get("file") is None) != (given.get("env") is None)
        return None if is_one else "give exactly one of file and env"

    @field_validator("file")
    @classmethod
    def _is_in_file(cls, value: Path | None) -> Path | None:
        if value is not None:
            _in_file(value)
        return value

    @field_validator("env")
    @classmethod
    def _is_in_environment(cls, value: str | None) -> str | None:
        if value is not None:
            _in_environment(value)
        return value

    def read(self) -> str:
        """Return the secret; raises :class:`ValueError` that names where it should have been."""
        return _in_file(self.file) if self.file else _in_environment(self.env or "")


def _in_file(path: Path) -> str:
    try:
        return _secret(path.read_text(), path)
    except OSError as error:
        raise ValueError(f"cannot read the secret in {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"the secret in {path} is not UTF-8") from None


def _in_environment(name: str) -> str:
    if name not in os.environ:
        raise ValueError(f"the variable {name} is not set")
    return _secret(os.environ[name], name)


def _secret(text: str, where: str | Path) -> str:
    found = text.strip()
    if any("\ud800" <= character <= "\udfff" for character in found):
        raise ValueError(f"the secret in {where} is not UTF-8")
    if not found:
        raise ValueError(f"the secret in {where} is empty, and an empty secret lets everybody in")
    return found


class Token(Secret):
    """A secret that is somebody's, or a program's: what they do is told under its name."""

    name: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="Who has the token: the trail tells of what is done with it under this name.",
    )
