"""What is said of what is wrong, where the words of the library that finds it are those of its own types."""

from collections.abc import Mapping
from typing import Any

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
    "int_type": "is to be a whole number",
    "int_from_float": "is to be a whole number",
    "bool_type": "is to be true or false",
    "string_type": "is to be text: put it in quotes",
    "string_too_short": "is empty",
    "greater_than_equal": "is to be {ge} or more",
    "greater_than": "is to be more than {gt}",
    "less_than_equal": "is to be {le} or less",
    "string_too_long": "is longer than {max_length} characters",
    "literal_error": "is to be {expected}",
    "enum": "is to be {expected}",
}


def sentence(entry: Mapping[str, Any]) -> str:
    """Return what is said of an ``entry`` of pydantic's errors (https://docs.pydantic.dev/latest/errors/validation_errors/)."""
    said = _SAID.get(entry["type"])
    if said:
        return said.format(**entry.get("ctx", {}))
    return str(entry["msg"]).removeprefix("Value error, ")
