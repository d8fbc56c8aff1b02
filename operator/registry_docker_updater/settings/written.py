"""How values are written: patterns that the loader holds them to, and of which editors are told.

They are regular expressions of JSON Schema, which are those of ECMAScript, and mean the same to Python with ``re.ASCII``.
"""

import re
from typing import Any

from pydantic import WithJsonSchema

# A year, as core/policy/durations.py has it.
_LONGEST = (("ms", 31_536_000_000), ("s", 31_536_000), ("m", 525_600), ("h", 8760), ("d", 365))
YES, NO = ("true", "yes", "on"), ("false", "no", "off")
_LABEL = "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"


def at_most(number: int) -> str:
    """Return the pattern of whole numbers up to ``number``, with any zeros before them."""
    digits = str(number)
    below = [
        f"{digits[:place]}[0-{int(digit) - 1}]{_any(len(digits) - place - 1)}"
        for place, digit in enumerate(digits)
        if digit != "0"
    ]
    shorter = [rf"\d{{1,{len(digits) - 1}}}"] if len(digits) > 1 else []
    return f"0*({'|'.join((*shorter, *below, digits))})"


def one_to(number: int) -> str:
    """Return the pattern of whole numbers from 1 to ``number``, with white space around them."""
    return rf"\s*(?!0+\s*$){at_most(number)}\s*"


def matches(pattern: str, text: Any) -> bool:
    """Tell whether ``text`` is one, and matches the ``pattern`` as a whole."""
    return isinstance(text, str) and re.fullmatch(pattern, text, re.ASCII) is not None


def written(*patterns: str, **also: Any) -> WithJsonSchema:
    """Return how a text is written that matches any of the ``patterns``, each whole; and what else, such as a number."""
    text = {"type": "string", "pattern": f"^({'|'.join(patterns)})$"}
    return WithJsonSchema({"anyOf": [text, also]} if also else text)


def _any(count: int) -> str:
    return rf"\d{{{count}}}" if count else ""


def _up_to_a_year() -> str:
    lengths = (
        rf"({at_most(most - 1)}(\.\d{{1,15}})?|0*{most}(\.0{{1,15}})?)\s*{unit}" for unit, most in _LONGEST
    )
    return rf"(?!\d{{16}})({'|'.join(lengths)})\s*"


# In any case of letters, which these regular expressions have no other way to say.
SWITCHES = tuple(
    rf"\s*{''.join(f'[{letter.upper()}{letter}]' for letter in word)}\s*" for word in (*YES, *NO)
)
PORT = at_most(65535)
DURATION_OR_NONE = rf"\s*{_up_to_a_year()}"
DURATION = rf"\s*(?!0+(\.0+)?\s*[a-z]){_up_to_a_year()}"
DAYS = r"\s*(?!0+\s*d)\d{1,5}\s*d\s*"
# Never less than a byte: of bytes there are no parts, and of all else hundredths.
SIZE = (
    r"\s*(0*[1-9]\d{0,14}\s*[bB]?"
    r"|(?!0+(\.0+)?\s*[a-zA-Z])\d{1,15}(\.\d{1,2})?\s*[kKmMgGtTpPeE]([iI]?[bB])?)\s*"
)
SHARE = r"\s*(?!0+(\.0+)?\s*%)(0*100(\.0+)?|0*\d{1,2}(\.\d+)?)\s*%\s*"
HOST = rf"({_LABEL}(\.{_LABEL})*|\[[0-9a-fA-F:]+\])(:[0-9]{{1,5}})?"
NETWORK = r"[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9.]+)?|[0-9a-fA-F]*:[0-9a-fA-F:.]*(/[0-9]{1,3})?"
TIME = "([01]?[0-9]|2[0-3]):[0-5][0-9]"
ADDRESS = rf".+:(?!0+$){PORT}"
_SERVER = rf"([^/@?#\s:\[\]]+|\[[0-9a-fA-F:.]+\])(:{PORT})?"
URL = rf"https?://{_SERVER}(/[^?#\s]*)?"
# Whoever can change what is fetched on its way could sign for anybody.
KEYS_URL = rf"https://{_SERVER}([/?]\S*)?|http://(localhost|127\.0\.0\.1)(:{PORT})?([/?]\S*)?"
