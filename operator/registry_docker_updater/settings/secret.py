"""Secrets: named in the settings, and never written there."""

import os
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

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

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.file is None) == (self.env is None):
            raise ValueError("give exactly one of file and env")
        self.read()
        return self

    def read(self) -> str:
        """Return the secret; raises :class:`ValueError` that names where it should have been."""
        try:
            text = self.file.read_text().strip() if self.file else os.environ[self.env or ""].strip()
        except OSError as error:
            raise ValueError(f"cannot read the secret in {self.file}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"the secret in {self.file} is not UTF-8") from None
        except KeyError:
            raise ValueError(f"the variable {self.env} is not set") from None
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ValueError(f"the secret in {self.file or self.env} is not UTF-8")
        if not text:
            raise ValueError(
                f"the secret in {self.file or self.env} is empty, and an empty secret lets everybody in"
            )
        return text


class Token(Secret):
    """A secret that is somebody's, or a program's: what they do is told under its name."""

    name: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="Who has the token: the trail tells of what is done with it under this name.",
    )
